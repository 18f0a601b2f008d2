//! The totals of a report, next to those of the range it is compared with.

use super::figures::{Figures, Share};
use crate::{i18n::Locale, money::Rub, number::pieces, ui};
use leptos::prelude::*;
use leptos_i18n::td_string;

/// The figures of the whole range, each with its earlier value.
#[component]
pub fn Totals(now: Figures, before: Figures) -> impl IntoView {
    let locale = ui::locale();
    let rub =
        move |amount: Option<Rub>| amount.map_or_else(ui::dash, |amount| amount.display(locale));
    let share = move |part: Option<Share>| part.map_or_else(ui::dash, |part| part.display(locale));
    let tile = move |label: &'static str, value: String, before: String, change: Option<Share>| {
        let change = change.map(|change| {
            let class = match change.0.signum() {
                1 => "change up",
                -1 => "change down",
                _ => "change",
            };
            view! {
                <span class=class>{change_shown(change, locale)}</span>
                " · "
            }
        });
        view! {
            <div class="stat-tile">
                <dt>{label}</dt>
                <dd>{value}</dd>
                <dd class="stat-before">{change} {td_string!(locale, analytics.was, value = before).to_string()}</dd>
            </div>
        }
    };
    let of_rub = move |label, now: Option<Rub>, before: Option<Rub>| {
        let change = now
            .zip(before)
            .and_then(|(now, before)| change(now.0, before.0));
        tile(label, rub(now), rub(before), change)
    };
    let of_count = move |label, now: i64, before: i64| {
        tile(
            label,
            pieces(now, locale),
            pieces(before, locale),
            change(now, before),
        )
    };
    let uncosted = (now.uncosted_qty > 0).then(|| {
        let words = td_string!(
            locale,
            analytics.uncosted,
            qty = pieces(now.uncosted_qty, locale),
            revenue = now.uncosted_rub.display(locale)
        )
        .to_string();
        view! { <p class="alert alert-warning alert-soft mt-4">{words}</p> }
    });
    view! {
        <dl class="main-tiles">
            {of_rub(td_string!(locale, analytics.revenue), Some(now.revenue_rub), Some(before.revenue_rub))}
            {of_rub(td_string!(locale, analytics.profit), now.profit_rub(), before.profit_rub())}
            {of_count(td_string!(locale, analytics.orders), now.orders, before.orders)}
            {of_rub(td_string!(locale, analytics.average), now.average_rub(), before.average_rub())}
        </dl>
        <dl class="stat-list">
            {tile(td_string!(locale, analytics.margin), share(now.margin()), share(before.margin()), None)}
            {of_count(td_string!(locale, analytics.qty), now.qty, before.qty)}
            {of_count(td_string!(locale, analytics.denied), now.denied, before.denied)}
            {of_rub(td_string!(locale, analytics.cost_rub), now.cost_rub, before.cost_rub)}
            {tile(
                td_string!(locale, analytics.cost_eur),
                now.cost_eur.display(locale),
                before.cost_eur.display(locale),
                change(now.cost_eur.0, before.cost_eur.0),
            )}
            {of_rub(td_string!(locale, analytics.discount), Some(now.discount_rub()), Some(before.discount_rub()))}
            {tile(td_string!(locale, analytics.discount_share), share(now.discount()), share(before.discount()), None)}
            {of_rub(td_string!(locale, analytics.uncosted_rub), Some(now.uncosted_rub), Some(before.uncosted_rub))}
            {of_rub(td_string!(locale, analytics.returned), Some(now.returned_rub), Some(before.returned_rub))}
            {tile(
                td_string!(locale, analytics.written_off),
                now.written_off_eur.display(locale),
                before.written_off_eur.display(locale),
                change(now.written_off_eur.0, before.written_off_eur.0),
            )}
        </dl>
        {uncosted}
    }
}

/// From this change on, in hundredths of a percent, a factor says more than percents.
const FACTOR: i64 = 100_000;

/// Formats a relative change: `▲ 12,5 %`, `▼ 3 %`, or `×96` if it is very large.
fn change_shown(change: Share, locale: Locale) -> String {
    match change.0 {
        large @ FACTOR.. => format!("×{}", pieces(large / 10_000 + 1, locale)),
        1.. => format!("▲ {}", change.display(locale)),
        0 => change.display(locale),
        _ => format!("▼ {}", Share(-change.0).display(locale)),
    }
}

/// Returns the relative change, or `None` if the earlier value is not positive.
fn change(now: i64, before: i64) -> Option<Share> {
    (before > 0)
        .then(|| Share::of(now - before, before))
        .flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_has_a_direction_and_a_very_large_one_is_a_factor() {
        for (now, before, shown) in [
            (110, 100, "▲ 10,0\u{a0}%"),
            (90, 100, "▼ 10,0\u{a0}%"),
            (100, 100, "0,0\u{a0}%"),
            (1_099, 100, "▲ 999,0\u{a0}%"),
            (9_671, 100, "×96"),
        ] {
            let change = change(now, before).unwrap();
            assert_eq!(change_shown(change, Locale::ru), shown);
        }
    }
}
