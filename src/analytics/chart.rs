//! A bar chart as SVG. It fills the width of its container, and its text keeps the font size of the page.
//!
//! Horizontal positions are percentages of the width and vertical ones are pixels, so the chart needs no script.

use crate::{money::Rub, ui};
use leptos::prelude::*;
use leptos_i18n::td_string;

/// Space above the bars for the text that appears on hover and focus, in pixels.
const TOP: i64 = 52;
/// Height of the area for the bars, in pixels.
const HEIGHT: i64 = 200;
/// Space below the bars for the labels, in pixels.
const BELOW: i64 = 24;
/// Number of labels that fit below the chart on a phone.
const LABELS: usize = 4;
/// Number of steps between the marks on the vertical axis.
const MARKS: i64 = 4;

/// A bar, optionally with a second bar drawn over it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bar {
    /// The label on the axis.
    pub label: String,
    /// First line of the text that appears on hover and focus: what the bar stands for.
    pub title: String,
    /// Second line of that text: the exact amounts.
    pub amounts: String,
    /// In kopecks.
    pub first: i64,
    /// In kopecks; drawn over the first bar, below the axis if negative.
    pub second: Option<i64>,
}

/// The vertical scale: the amounts at the bottom and at the top of the chart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Scale {
    lowest: i64,
    highest: i64,
}

impl Scale {
    fn of(bars: &[Bar]) -> Self {
        let amounts = || {
            bars.iter()
                .flat_map(|bar| [Some(bar.first), bar.second])
                .flatten()
        };
        let highest = round_up(amounts().max().unwrap_or(0).max(0));
        let lowest = -round_up(-amounts().min().unwrap_or(0).min(0));
        Self {
            lowest,
            highest: if highest == 0 && lowest == 0 {
                100
            } else {
                highest
            },
        }
    }

    /// Returns the vertical position of an amount, in pixels from the top.
    fn y(self, amount: i64) -> i64 {
        let span = i128::from(self.highest) - i128::from(self.lowest);
        let down =
            (i128::from(self.highest) - i128::from(amount)) * i128::from(HEIGHT) / span.max(1);
        TOP + i64::try_from(down).unwrap_or(HEIGHT)
    }

    /// Returns the top and the height of a bar, in pixels.
    fn bar(self, amount: i64) -> (i64, i64) {
        let (zero, end) = (self.y(0), self.y(amount));
        (zero.min(end), (zero - end).abs())
    }

    fn marks(self) -> Vec<i64> {
        let step = self.highest / MARKS - self.lowest / MARKS;
        (0..=MARKS).map(|mark| self.lowest + step * mark).collect()
    }
}

/// Rounds an amount up to a suitable end of the axis: 1, 2, 4 or 6 followed by zeros.
fn round_up(amount: i64) -> i64 {
    if amount <= 0 {
        return 0;
    }
    let mut unit = 100_i64;
    loop {
        for step in [1, 2, 4, 6] {
            if let Some(end) = unit.checked_mul(step)
                && end >= amount
            {
                return end;
            }
        }
        let Some(next) = unit.checked_mul(10) else {
            return i64::MAX;
        };
        unit = next;
    }
}

/// Formats a fraction of the width as an SVG percentage, with three decimals.
fn percent(part: usize, of: usize) -> String {
    let thousandths = part * 100_000 / of.max(1);
    format!("{}.{:03}%", thousandths / 1_000, thousandths % 1_000)
}

/// Bars over time. The exact amounts of a bar appear above the chart on hover and focus.
#[component]
pub fn BarChart(
    bars: Vec<Bar>,
    label: &'static str,
    /// Whether the bars have a second amount.
    has_second: bool,
) -> impl IntoView {
    let locale = ui::locale();
    let scale = Scale::of(&bars);
    let count = bars.len();
    let every = count.div_ceil(LABELS).max(1);
    let lines = scale
        .marks()
        .into_iter()
        .map(|amount| {
            let y = scale.y(amount).to_string();
            view! { <line class="chart-line" x1="0" x2="100%" y1=y.clone() y2=y /> }
        })
        .collect_view();
    // Drawn after the bars, which would hide them otherwise.
    let marks = scale
        .marks()
        .into_iter()
        .map(|amount| {
            let y = scale.y(amount).to_string();
            view! {
                <text class="chart-mark" x="0" y=y dy="-3">
                    {Rub(amount).short(locale)}
                </text>
            }
        })
        .collect_view();
    let labels = bars
        .iter()
        .enumerate()
        .filter(|(index, _)| index % every == 0)
        .map(|(index, bar)| {
            let middle = percent(index * 2 + 1, count * 2);
            let (x, anchor) = match index {
                0 if count > LABELS => (percent(0, 1), "start"),
                index if index + 1 == count && count > LABELS => (percent(1, 1), "end"),
                _ => (middle, "middle"),
            };
            let y = (TOP + HEIGHT + BELOW - 6).to_string();
            view! {
                <text class="chart-label" x=x y=y text-anchor=anchor>
                    {bar.label.clone()}
                </text>
            }
        })
        .collect_view();
    let drawn = bars
        .into_iter()
        .enumerate()
        .map(|(index, bar)| view! { <OneBar bar index count scale /> })
        .collect_view();
    view! {
        <figure class="chart-figure">
            <svg class="chart" width="100%" height=(TOP + HEIGHT + BELOW).to_string() role="group" aria-label=label>
                {lines}
                {drawn}
                {marks}
                {labels}
            </svg>
            <figcaption class="chart-legend">
                <span class="legend-first">{td_string!(locale, analytics.revenue)}</span>
                {has_second
                    .then(|| view! { <span class="legend-second">{td_string!(locale, analytics.profit)}</span> })}
                <span>{td_string!(locale, analytics.chart_hint)}</span>
            </figcaption>
        </figure>
    }
}

#[component]
fn OneBar(bar: Bar, index: usize, count: usize, scale: Scale) -> impl IntoView {
    // A tenth of the bar's slot stays free on either side.
    let (x, width) = (percent(index * 10 + 1, count * 10), percent(8, count * 10));
    let (inner_x, inner_width) = (percent(index * 10 + 3, count * 10), percent(4, count * 10));
    let (y, height) = scale.bar(bar.first);
    let second = bar.second.map(|amount| {
        let (y, height) = scale.bar(amount);
        let class = if amount < 0 { "bar-loss" } else { "bar-second" };
        view! { <rect class=class x=inner_x width=inner_width y=y.to_string() height=height.to_string() /> }
    });
    let words = format!("{}. {}", bar.title, bar.amounts);
    view! {
        <g class="bar" tabindex="0" role="img" aria-label=words>
            <rect
                class="bar-place"
                x=percent(index, count)
                width=percent(1, count)
                y=TOP.to_string()
                height=HEIGHT.to_string()
            />
            <rect class="bar-first" x=x width=width y=y.to_string() height=height.to_string() />
            {second}
            <text class="bar-words" x="0" y="16">
                {bar.title}
            </text>
            <text class="bar-words" x="0" y="34">
                {bar.amounts}
            </text>
        </g>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bar(first: i64, second: i64) -> Bar {
        Bar {
            label: String::new(),
            title: String::new(),
            amounts: String::new(),
            first,
            second: Some(second),
        }
    }

    #[test]
    fn an_axis_ends_at_a_round_amount_and_goes_below_zero_for_a_loss() {
        assert_eq!(
            [0, 1, 100, 101, 4_500, 61_000].map(round_up),
            [0, 100, 100, 200, 6_000, 100_000]
        );
        let scale = Scale::of(&[bar(4_000, 1_000), bar(0, -1_000)]);
        assert_eq!(
            scale,
            Scale {
                lowest: -1_000,
                highest: 4_000
            }
        );
        assert_eq!(
            (scale.y(4_000), scale.y(-1_000), scale.y(0)),
            (TOP, TOP + HEIGHT, TOP + 160)
        );
        assert_eq!(scale.bar(-500), (TOP + 160, 20));
    }

    #[test]
    fn a_chart_without_sales_has_empty_bars() {
        let scale = Scale::of(&[bar(0, 0)]);
        assert_eq!(scale.bar(0), (TOP + HEIGHT, 0));
        assert_eq!(percent(1, 3), "33.333%");
    }
}
