//! Keeps an open list of orders up to date with what others do, without moving a row under the pointer.
//!
//! A row that changed is drawn again in its place, with the name of whoever settled the order. New orders are only
//! announced by a button above the list.

use super::Query;
use crate::{
    error::Error,
    ui::{
        Announcer, Refresh,
        live::{Changes, Live},
        pager::{parameter, query_of},
    },
};
use leptos::{
    html::Div,
    prelude::*,
    server_fn::codec::GetUrl,
    task::spawn_local,
    wasm_bindgen::JsCast,
    wasm_split::{SplitLoaderError, wasm_split},
    web_sys::{Element, HtmlElement, HtmlInputElement},
};
use leptos_router::{hooks::use_query_map, params::ParamsMap};
use serde::{Deserialize, Serialize};
use std::mem;
#[cfg(feature = "ssr")]
use {
    crate::{
        i18n::Locale,
        number::{Plural, plural},
    },
    leptos_i18n::td_string,
};

/// The link in a row that names its order.
const ROW_LINK: &str = "td:first-child a[href^='/orders/']";
/// The cell of a row with the buttons, or with what takes their place.
const ACTIONS: &str = "td:last-child";
/// Marks a row whose order someone settled while the row was on the screen.
const SETTLED: &str = "settled-elsewhere";

/// A row that changed.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ChangedRow {
    pub id: i64,
    /// The cells of the row.
    pub html: String,
    pub waits: bool,
    /// What to announce.
    pub words: String,
}

/// What changed on a page of the list.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct ChangedOrders {
    pub rows: Vec<ChangedRow>,
    /// How many orders of the list are newer than its first row, in words. Empty if there are none.
    pub new: String,
}

/// Reads the orders `ids` again, which are separated by commas, and counts the orders of the list after `newest`. A
/// negative `newest` counts nothing.
#[server(endpoint = "read_changed_orders", input = GetUrl)]
pub async fn read_changed_orders(
    #[server(default)] query: Query,
    #[server(default)] ids: String,
    newest: i64,
) -> Result<ChangedOrders, Error> {
    use super::{row, search};
    use crate::server_context;
    let ids: Vec<i64> = ids.split(',').filter_map(|id| id.parse().ok()).collect();
    let me = server_context::me()?.username;
    let (orders, new) = server_context::read(move |tx| {
        let orders = search::by_number(tx, &ids)?;
        let new = if newest < 0 {
            0
        } else {
            let page = search::list(tx, &query)?.items;
            page.iter().filter(|order| order.id > newest).count()
        };
        Ok((orders, new))
    })
    .await?;
    let locale = server_context::locale();
    let row = |order: &super::Order| ChangedRow {
        id: order.id,
        html: row::changed_cells(order, &me, locale).into_string(),
        waits: order.waits(),
        words: row::announcement(order, locale),
    };
    Ok(ChangedOrders {
        rows: orders.iter().map(row).collect(),
        new: new_orders(new, locale),
    })
}

/// An open list.
#[derive(Clone, Copy)]
struct List {
    place: NodeRef<Div>,
    params: Memo<ParamsMap>,
    new: RwSignal<String>,
    announcer: Announcer,
    /// What changed while an answer is awaited. `None` if none is.
    collected: StoredValue<Option<Changes>>,
}

/// Follows what others do with the orders of the list in `place`. Returns how many new orders there are that it does
/// not show, in words.
pub fn follow(place: NodeRef<Div>) -> RwSignal<String> {
    let new = RwSignal::new(String::new());
    let params = use_query_map();
    let (Some(live), Some(announcer)) = (use_context::<Live>(), use_context::<Announcer>()) else {
        return new;
    };
    let list = List {
        place,
        params,
        new,
        announcer,
        collected: StoredValue::new(None),
    };
    Effect::new(move || {
        params.track();
        new.set(String::new());
    });
    Effect::new(move |before: Option<()>| {
        let changes = live.changes.get();
        let has_orders = changes.all || changes.entities.iter().any(|(kind, ..)| kind == "order");
        if before.is_some() && has_orders {
            spawn_local(async move {
                // If the code cannot be loaded, the rows stay as they are.
                let _ = update(list, changes).await;
            });
        }
    });
    new
}

/// Reads again what changed. One request is sent at a time, so that answers cannot overtake each other.
#[wasm_split(live, wasm_split_path = leptos::wasm_split, fallible)]
fn update(list: List, changes: Changes) -> Result<(), SplitLoaderError> {
    // Fails if the page was left.
    let is_first = list.collected.try_update_value(|collected| {
        let is_first = collected.is_none();
        let collected = collected.get_or_insert_default();
        collected.all |= changes.all;
        collected.entities.extend(changes.entities);
        is_first
    });
    if is_first == Some(true) {
        spawn_local(async move {
            while let Some(changes) = list.next_changes() {
                if let Some(request) = list.request(&changes) {
                    list.ask(request).await;
                }
            }
        });
    }
    Ok(())
}

/// What a list reads again.
struct Request {
    place: Element,
    params: ParamsMap,
    /// The rows that changed, by number.
    rows: Vec<(i64, Element)>,
    newest: i64,
}

impl List {
    /// Takes what was collected. If that is nothing, no answer is awaited any more.
    fn next_changes(self) -> Option<Changes> {
        let next = self.collected.try_update_value(|collected| {
            let next = mem::take(collected.as_mut()?);
            if next == Changes::default() {
                *collected = None;
                return None;
            }
            Some(next)
        });
        next.flatten()
    }

    /// Returns what to read again after these changes, if anything.
    fn request(self, changes: &Changes) -> Option<Request> {
        let place = self.place.try_get_untracked().flatten()?;
        let place: Element = (*place).clone().unchecked_into();
        let params = self.params.try_get_untracked()?;
        let shown = shown_rows(&place);
        // On other pages and in another order, a new order is not expected on top.
        let is_on_top = ["after", "before", "sort"]
            .iter()
            .all(|name| parameter(&params, name).is_empty());
        let last = shown.iter().map(|(id, _)| *id).max().unwrap_or_default();
        let is_new = changes.all
            || changes.entities.iter().any(|(kind, id, _)| {
                kind == "order" && id.parse::<i64>().is_ok_and(|id| id > last)
            });
        let rows: Vec<_> = shown
            .into_iter()
            .filter(|(id, _)| changes.has("order", &id.to_string()))
            .collect();
        let newest = if is_on_top && is_new { last } else { -1 };
        (!rows.is_empty() || newest >= 0).then_some(Request {
            place,
            params,
            rows,
            newest,
        })
    }

    /// Reads the rows again and draws them.
    async fn ask(self, request: Request) {
        let Request {
            place,
            params,
            rows,
            newest,
        } = request;
        let ids: Vec<String> = rows.iter().map(|(id, _)| id.to_string()).collect();
        let query = query_of::<Query>(&params);
        let Ok(changed) = read_changed_orders(query, ids.join(","), newest).await else {
            return;
        };
        // Another list may be open by now.
        if newest >= 0 && self.params.try_get_untracked() == Some(params) {
            let _ = self.new.try_set(changed.new);
        }
        for row in changed.rows {
            let found = rows.iter().find(|(id, _)| *id == row.id);
            if let Some((_, element)) = found.filter(|(_, element)| place.contains(Some(element))) {
                redraw(element, &row, self.announcer);
            }
        }
    }
}

/// Returns the rows of a list, by the number of the order.
fn shown_rows(place: &Element) -> Vec<(i64, Element)> {
    let Ok(links) = place.query_selector_all(ROW_LINK) else {
        return Vec::new();
    };
    (0..links.length())
        .filter_map(|index| {
            let link: Element = links.item(index)?.dyn_into().ok()?;
            let id = link
                .get_attribute("href")?
                .rsplit('/')
                .next()?
                .parse()
                .ok()?;
            Some((id, link.closest("tr").ok()??))
        })
        .collect()
}

/// Draws a row again, unless its order is being settled here.
fn redraw(element: &Element, row: &ChangedRow, announcer: Announcer) {
    let find = |selector: &str| element.query_selector(selector).ok().flatten();
    if find("button:disabled").is_some() {
        return;
    }
    let checkbox = || {
        find("input[type='checkbox']").and_then(|found| found.dyn_into::<HtmlInputElement>().ok())
    };
    let was_checked = checkbox().is_some_and(|checkbox| checkbox.checked());
    let had_focus = document()
        .active_element()
        .is_some_and(|focused| element.contains(Some(&focused)));
    let waited = find(".order-status.waits").is_some();
    let classes = element.class_list();
    let is_settled = !row.waits && (waited || classes.contains(SETTLED));
    let actions = find(ACTIONS).map(|actions| actions.inner_html());
    let words = element.text_content();
    element.set_inner_html(&row.html);
    let _ = classes.toggle_with_force(SETTLED, is_settled);
    // A row that waited no more, because of its own button or since long ago, keeps its size.
    if !row.waits
        && !is_settled
        && let (Some(before), Some(actions)) = (actions, find(ACTIONS))
    {
        actions.set_inner_html(&before);
    }
    if let Some(checkbox) = checkbox() {
        checkbox.set_checked(was_checked);
    }
    if had_focus
        && let Some(status) =
            find(".order-status").and_then(|found| found.dyn_into::<HtmlElement>().ok())
    {
        status.set_tab_index(-1);
        let _ = status.focus();
    }
    // All rows are read again if nobody knows which orders changed.
    if element.text_content() != words {
        announcer.say(row.words.clone());
    }
}

/// The button that shows the new orders. It covers the head of the list, so that no row moves when it appears.
#[component]
pub fn NewOrders(words: RwSignal<String>) -> impl IntoView {
    let refresh = expect_context::<Refresh>();
    let show = move |_| {
        words.set(String::new());
        refresh.0.update(|times| *times += 1);
        window().scroll_to_with_x_and_y(0.0, 0.0);
    };
    view! {
        <div class="new-orders" role="status">
            {move || {
                let words = words.get();
                (!words.is_empty())
                    .then(|| {
                        view! {
                            <button class="btn btn-primary btn-sm" type="button" on:click=show>
                                {words}
                            </button>
                        }
                    })
            }}
        </div>
    }
}

/// Says how many new orders there are: `2 новых заказа`.
#[cfg(feature = "ssr")]
fn new_orders(count: usize, locale: Locale) -> String {
    let words = match plural(count, locale) {
        Plural::One => td_string!(locale, live.new_orders_one),
        Plural::Few => td_string!(locale, live.new_orders_few),
        Plural::Many => td_string!(locale, live.new_orders_many),
    };
    if count == 0 {
        String::new()
    } else {
        format!("{count} {words}")
    }
}
