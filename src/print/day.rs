//! The day's end: what each person sold, what came back, and what waits and is low now.

use super::{Choice, Printout};
use crate::{
    analytics::{sales::Sales, sums::Sums},
    auth::Permission,
    error::Error,
    i18n::Locale,
    moment::{Moment, day_shown},
    money::Rub,
    number::pieces,
    orders::{self, Order, counts::MenuCounts, returns::OrderReturn},
    products::{self, Product},
    schema::{order_returns, orders as sold, stock_movements},
    stock::MovementKind,
    transaction::Tx,
};
use chrono::{Days, NaiveDate};
use diesel::{
    dsl::{count_star, sql},
    prelude::*,
    sql_types::BigInt,
};
use leptos_i18n::td_string;
use maud::{Markup, html};
use std::collections::BTreeMap;

/// The most rows of each list.
const MOST: i64 = 50;

/// What a person did on a day.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Done {
    /// Orders issued, their pieces, and what customers paid for them.
    pub orders: i64,
    pub qty: i64,
    pub paid_rub: Rub,
    /// What customers got back.
    pub refunded_rub: Rub,
}

/// The figures of a day.
pub struct DayEnd {
    pub day: NaiveDate,
    /// By user name; `None` is the program itself.
    pub people: BTreeMap<Option<String>, Done>,
    /// The sums that the analytics have of the day.
    pub sums: Sums,
    returns: Vec<(OrderReturn, String)>,
    waiting: Vec<Order>,
    waiting_count: i64,
    low: Vec<Product>,
    now: Moment,
}

impl DayEnd {
    /// Reads the figures of a day, by default of today.
    pub fn read(tx: &mut Tx<'_>, day: Option<NaiveDate>) -> Result<Self, Error> {
        tx.actor.may(Permission::Supplies)?;
        let day = day.unwrap_or_else(|| tx.now.day());
        let sums = Sales::open(tx.conn)?.by_day((day, day))?;
        Ok(Self {
            day,
            people: people(tx, day)?,
            sums: sums.get(&day).copied().unwrap_or_default(),
            returns: returns(tx, day)?,
            waiting: orders::search::waiting(tx, MOST + 1)?,
            waiting_count: MenuCounts::read(tx)?.orders.waiting,
            low: products::search::below_minimum(tx, MOST + 1)?,
            now: tx.now,
        })
    }

    /// Draws the document.
    pub fn draw(&self, locale: Locale) -> Printout {
        let day = day_shown(self.day, locale);
        let title = td_string!(locale, print.day_of, day = day).to_string();
        let made_at = self.now.display(locale);
        let waiting = pieces(self.waiting_count, locale);
        let contents = html! {
            h1 { (title) }
            p { (td_string!(locale, print.made_at, moment = made_at).to_string()) }
            h2 { (td_string!(locale, print.by_person)) }
            (self.people_table(locale))
            p { (td_string!(locale, print.denied_count, count = pieces(self.sums.denied, locale)).to_string()) }
            h2 { (td_string!(locale, print.returns)) }
            (self.returns_table(locale))
            h2 { (td_string!(locale, print.waiting_now, count = waiting).to_string()) }
            (self.waiting_table(locale))
            h2 { (td_string!(locale, print.low_now)) }
            (self.low_table(locale))
        };
        let link = |day: Option<NaiveDate>, label| {
            let day = day.filter(|day| *day <= self.now.day())?;
            Some(Choice {
                label,
                href: format!("/print/day?date={day}"),
                is_current: false,
            })
        };
        let before = self.day.checked_sub_days(Days::new(1));
        let after = self.day.checked_add_days(Days::new(1));
        let days = [
            link(before, td_string!(locale, print.day_before)),
            link(after, td_string!(locale, print.day_after)),
        ];
        let days = days.into_iter().flatten().collect();
        Printout::on_a4(title, contents, days, "/")
    }

    fn people_table(&self, locale: Locale) -> Markup {
        if self.people.is_empty() {
            return html! { p { (td_string!(locale, print.nothing_sold)) } };
        }
        let all = self.people.values().fold(Done::default(), |all, one| Done {
            orders: all.orders + one.orders,
            qty: all.qty + one.qty,
            paid_rub: Rub(all.paid_rub.0.saturating_add(one.paid_rub.0)),
            refunded_rub: Rub(all.refunded_rub.0.saturating_add(one.refunded_rub.0)),
        });
        let cells = |done: &Done| {
            html! {
                td class="num" { (pieces(done.orders, locale)) }
                td class="num" { (pieces(done.qty, locale)) }
                td class="num" { (done.paid_rub.display(locale)) }
                td class="num" { (done.refunded_rub.display(locale)) }
                td class="num" { strong { (Rub(done.paid_rub.0 - done.refunded_rub.0).display(locale)) } }
            }
        };
        html! {
            table class="print-table" {
                thead {
                    tr {
                        th scope="col" { (td_string!(locale, fields.user)) }
                        th scope="col" class="num" { (td_string!(locale, print.issued)) }
                        th scope="col" class="num" { (td_string!(locale, fields.qty)) }
                        th scope="col" class="num" { (td_string!(locale, print.paid)) }
                        th scope="col" class="num" { (td_string!(locale, print.refunded)) }
                        th scope="col" class="num" { (td_string!(locale, print.revenue)) }
                    }
                }
                tbody {
                    @for (user, done) in &self.people {
                        tr {
                            td { (user.as_deref().unwrap_or(td_string!(locale, ui.system))) }
                            (cells(done))
                        }
                    }
                }
                tfoot {
                    tr {
                        th scope="row" { (td_string!(locale, print.all)) }
                        (cells(&all))
                    }
                }
            }
        }
    }

    fn returns_table(&self, locale: Locale) -> Markup {
        if self.returns.is_empty() {
            return html! { p { (td_string!(locale, print.no_returns)) } };
        }
        let (rows, more) = first(&self.returns, locale);
        html! {
            table class="print-table" {
                thead {
                    tr {
                        th scope="col" { (td_string!(locale, fields.id)) }
                        th scope="col" { (td_string!(locale, fields.product)) }
                        th scope="col" class="num" { (td_string!(locale, fields.qty)) }
                        th scope="col" class="num" { (td_string!(locale, fields.total)) }
                        th scope="col" { (td_string!(locale, fields.reason)) }
                        th scope="col" { (td_string!(locale, fields.user)) }
                    }
                }
                tbody {
                    @for (back, product) in rows {
                        tr {
                            td { (back.order_id) }
                            td { (product) }
                            td class="num" { (back.qty.display(locale)) }
                            td class="num" { (back.refund_rub.display(locale)) }
                            td { (back.reason.display(|reason| reason.label(locale))) }
                            td { (back.user_id.as_deref().unwrap_or(td_string!(locale, ui.system))) }
                        }
                    }
                }
            }
            (more)
        }
    }

    fn waiting_table(&self, locale: Locale) -> Markup {
        if self.waiting.is_empty() {
            return html! { p { (td_string!(locale, print.picking_empty)) } };
        }
        let (rows, more) = first(&self.waiting, locale);
        html! {
            table class="print-table" {
                thead {
                    tr {
                        th scope="col" { (td_string!(locale, fields.id)) }
                        th scope="col" { (td_string!(locale, fields.date)) }
                        th scope="col" { (td_string!(locale, fields.product)) }
                        th scope="col" class="num" { (td_string!(locale, fields.qty)) }
                        th scope="col" class="num" { (td_string!(locale, fields.total)) }
                    }
                }
                tbody {
                    @for order in rows {
                        tr {
                            td { (order.id) }
                            td { (order.created_at.display(locale)) }
                            td { (order.product_name) }
                            td class="num" { (order.qty.display(locale)) }
                            td class="num" { (order.total_rub().display(locale)) }
                        }
                    }
                }
            }
            (more)
        }
    }

    fn low_table(&self, locale: Locale) -> Markup {
        if self.low.is_empty() {
            return html! { p { (td_string!(locale, print.nothing_low)) } };
        }
        let (rows, more) = first(&self.low, locale);
        html! {
            table class="print-table" {
                thead {
                    tr {
                        th scope="col" { (td_string!(locale, fields.product)) }
                        th scope="col" class="num" { (td_string!(locale, fields.stock)) }
                        th scope="col" class="num" { (td_string!(locale, fields.min_stock)) }
                        th scope="col" { (td_string!(locale, fields.supplier_name)) }
                    }
                }
                tbody {
                    @for product in rows {
                        tr {
                            td { (product.name) }
                            td class="num" { (pieces(product.stock, locale)) }
                            td class="num" { (pieces(product.min_stock, locale)) }
                            td { (product.supplier_name.as_deref().unwrap_or_default()) }
                        }
                    }
                }
            }
            (more)
        }
    }
}

/// Returns the rows of a list that are shown, and the words that say so if there are more.
fn first<T>(rows: &[T], locale: Locale) -> (&[T], Markup) {
    let most = usize::try_from(MOST).unwrap_or(usize::MAX);
    let more = html! {
        @if rows.len() > most { p { (td_string!(locale, print.only_first, count = MOST).to_string()) } }
    };
    (&rows[..rows.len().min(most)], more)
}

/// Returns what each person did on a day.
///
/// The ledger knows who issued an order. The order itself has only who changed it last, such as by a return.
fn people(tx: &mut Tx<'_>, day: NaiveDate) -> Result<BTreeMap<Option<String>, Done>, Error> {
    let sum = |what| sql::<BigInt>(&format!("CAST(COALESCE(SUM({what}), 0) AS BIGINT)"));
    let issue = stock_movements::order_id
        .eq(sold::id.nullable())
        .and(stock_movements::kind.eq(MovementKind::Issue))
        .and(stock_movements::created_at.nullable().eq(sold::issued_at));
    let issued = sold::table
        .inner_join(stock_movements::table.on(issue))
        .filter(sold::issued_on.eq(day))
        .group_by(stock_movements::user_id)
        .select((
            stock_movements::user_id,
            count_star(),
            sum("orders.qty"),
            sum("orders.unit_price_rub * orders.qty"),
        ))
        .load::<(Option<String>, i64, i64, i64)>(tx.conn)?;
    let refunded = order_returns::table
        .filter(order_returns::returned_on.eq(day))
        .group_by(order_returns::user_id)
        .select((order_returns::user_id, sum("refund_rub")))
        .load::<(Option<String>, i64)>(tx.conn)?;
    let mut people: BTreeMap<_, Done> = BTreeMap::new();
    for (user, orders, qty, paid) in issued {
        let done = people.entry(user).or_default();
        (done.orders, done.qty, done.paid_rub) = (orders, qty, Rub(paid));
    }
    for (user, refunded) in refunded {
        people.entry(user).or_default().refunded_rub = Rub(refunded);
    }
    Ok(people)
}

/// Returns the returns of a day, each with the name of its product.
fn returns(tx: &mut Tx<'_>, day: NaiveDate) -> Result<Vec<(OrderReturn, String)>, Error> {
    order_returns::table
        .inner_join(sold::table.on(sold::id.eq(order_returns::order_id)))
        .filter(order_returns::returned_on.eq(day))
        .order(order_returns::id)
        .limit(MOST + 1)
        .select((OrderReturn::as_select(), sold::product_name))
        .load(tx.conn)
        .map_err(Error::from)
}
