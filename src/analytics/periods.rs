//! The periods of a report, as rows of a table and as bars of a chart.

use super::{By, Summary, chart::Bar, figures::Figures};
use crate::{
    i18n::Locale,
    moment::{day_short, day_shown, month_shown},
    number::pieces,
    ui,
};
use chrono::NaiveDate;
use leptos::prelude::*;
use leptos_i18n::td_string;

/// The periods as table rows, with the exact values behind the chart.
#[component]
pub fn PeriodTable(summary: Summary) -> impl IntoView {
    let locale = ui::locale();
    let by = summary.by;
    let has_uncosted = summary.totals.uncosted_qty > 0;
    let has_returns = summary.totals.returned_qty > 0;
    let has_write_offs = summary.totals.written_off_qty != 0;
    let row = move |start: NaiveDate, figures: Figures| {
        view! {
            <tr role="row">
                <td role="cell" class="row-title">
                    {period_name(start, by, locale)}
                </td>
                <td role="cell" class="num" data-label=td_string!(locale, analytics.revenue)>
                    {figures.revenue_rub.display(locale)}
                </td>
                <td role="cell" class="num" data-label=td_string!(locale, analytics.profit)>
                    {figures.profit_rub().map_or_else(ui::dash, |profit| profit.display(locale))}
                </td>
                <td role="cell" class="num" data-label=td_string!(locale, analytics.margin)>
                    {figures.margin().map_or_else(ui::dash, |margin| margin.display(locale))}
                </td>
                {has_uncosted
                    .then(|| {
                        view! {
                            <td role="cell" class="num" data-label=td_string!(locale, analytics.uncosted_rub)>
                                {figures.uncosted_rub.display(locale)}
                            </td>
                        }
                    })}
                <td role="cell" class="num" data-label=td_string!(locale, analytics.qty)>
                    {pieces(figures.qty, locale)}
                </td>
                <td role="cell" class="num" data-label=td_string!(locale, analytics.orders)>
                    {pieces(figures.orders, locale)}
                </td>
                <td role="cell" class="num" data-label=td_string!(locale, analytics.denied)>
                    {pieces(figures.denied, locale)}
                </td>
                {has_returns
                    .then(|| {
                        view! {
                            <td role="cell" class="num" data-label=td_string!(locale, analytics.returned)>
                                {figures.returned_rub.display(locale)}
                            </td>
                        }
                    })}
                {has_write_offs
                    .then(|| {
                        view! {
                            <td role="cell" class="num" data-label=td_string!(locale, analytics.written_off)>
                                {figures.written_off_eur.display(locale)}
                            </td>
                        }
                    })}
            </tr>
        }
    };
    let rows = summary
        .periods
        .into_iter()
        .map(|period| row(period.start, period.figures))
        .collect_view();
    view! {
        <div class="table-scroll" tabindex="0" role="region" aria-labelledby="periods">
            <table class="table cards" role="table">
                <thead role="rowgroup">
                    <tr role="row">
                        <th scope="col" role="columnheader">
                            {td_string!(locale, analytics.period)}
                        </th>
                        <th scope="col" role="columnheader" class="num">
                            {td_string!(locale, analytics.revenue)}
                        </th>
                        <th scope="col" role="columnheader" class="num">
                            {td_string!(locale, analytics.profit)}
                        </th>
                        <th scope="col" role="columnheader" class="num">
                            {td_string!(locale, analytics.margin)}
                        </th>
                        {has_uncosted
                            .then(|| {
                                view! {
                                    <th scope="col" role="columnheader" class="num">
                                        {td_string!(locale, analytics.uncosted_rub)}
                                    </th>
                                }
                            })}
                        <th scope="col" role="columnheader" class="num">
                            {td_string!(locale, analytics.qty)}
                        </th>
                        <th scope="col" role="columnheader" class="num">
                            {td_string!(locale, analytics.orders)}
                        </th>
                        <th scope="col" role="columnheader" class="num">
                            {td_string!(locale, analytics.denied)}
                        </th>
                        {has_returns
                            .then(|| {
                                view! {
                                    <th scope="col" role="columnheader" class="num">
                                        {td_string!(locale, analytics.returned)}
                                    </th>
                                }
                            })}
                        {has_write_offs
                            .then(|| {
                                view! {
                                    <th scope="col" role="columnheader" class="num">
                                        {td_string!(locale, analytics.written_off)}
                                    </th>
                                }
                            })}
                    </tr>
                </thead>
                <tbody role="rowgroup">{rows}</tbody>
            </table>
        </div>
    }
}

/// Returns the bar that shows a period in the chart.
pub fn bar(start: NaiveDate, figures: &Figures, by: By, locale: Locale) -> Bar {
    let profit = figures.profit_rub();
    let mut amounts = format!(
        "{}: {}",
        td_string!(locale, analytics.revenue),
        figures.revenue_rub.display(locale)
    );
    if let Some(profit) = profit {
        let words = td_string!(locale, analytics.profit).to_lowercase();
        amounts = format!("{amounts}; {words}: {}", profit.display(locale));
    }
    Bar {
        label: period_label(start, by, locale),
        title: td_string!(
            locale,
            analytics.bar,
            period = period_name(start, by, locale),
            qty = pieces(figures.qty, locale),
            orders = pieces(figures.orders, locale)
        )
        .to_string(),
        amounts,
        first: figures.revenue_rub.0,
        second: profit.map(|profit| profit.0),
    }
}

/// Returns the display name of a period.
pub fn period_name(start: NaiveDate, by: By, locale: Locale) -> String {
    match by {
        By::Day => day_shown(start, locale),
        By::Week => {
            td_string!(locale, analytics.week_of, day = day_shown(start, locale)).to_string()
        }
        By::Month => month_shown(start, locale),
    }
}

/// Returns a period name that is short enough for the axis of the chart.
fn period_label(start: NaiveDate, by: By, locale: Locale) -> String {
    match by {
        By::Day | By::Week => day_short(start, locale),
        By::Month => month_shown(start, locale),
    }
}
