//! Calendar arithmetic for reports: the range of a preset, the range to compare with, and the periods of a range. Pure
//! functions.

use super::By;
use chrono::{Datelike, Days, Months, NaiveDate};

/// A range of days, both ends inclusive.
pub type Range = (NaiveDate, NaiveDate);

impl By {
    /// Returns the period length that keeps a report over this range readable.
    pub fn fitting((from, to): Range) -> Self {
        match (to - from).num_days() + 1 {
            ..=62 => Self::Day,
            63..=190 => Self::Week,
            _ => Self::Month,
        }
    }

    /// Returns the first day of the period that contains `day`.
    pub fn start(self, day: NaiveDate) -> NaiveDate {
        match self {
            Self::Day => day,
            Self::Week => day - Days::new(day.weekday().num_days_from_monday().into()),
            Self::Month => month_of(day),
        }
    }

    /// Returns the first day of the period after the one that begins on `start`.
    pub fn next(self, start: NaiveDate) -> NaiveDate {
        match self {
            Self::Day => start + Days::new(1),
            Self::Week => start + Days::new(7),
            Self::Month => start + Months::new(1),
        }
    }

    /// Iterates over the first days of all periods that a range touches.
    pub fn starts(self, (from, to): Range) -> impl Iterator<Item = NaiveDate> {
        std::iter::successors(Some(self.start(from)), move |start| Some(self.next(*start)))
            .take_while(move |start| *start <= to)
    }
}

/// Returns the earlier range with which a report compares a range:
///
/// - From January 1 to a later month of the same year: the same days of the previous year.
/// - One to twelve whole months: as many whole months right before them.
/// - From the first day of a month to a day in the same month: the same days of the previous month.
/// - Any other range: as many days right before it.
pub fn before((from, to): Range) -> Range {
    let is_whole = to + Days::new(1) == month_of(to + Days::new(1));
    let months = (to.year() - from.year()) * 12 + to.month() as i32 - from.month() as i32 + 1;
    if from.day() == 1
        && (1..=12).contains(&months)
        && (is_whole || from.ordinal() == 1 || months == 1)
    {
        let is_in_year = from.ordinal() == 1 && months > 1;
        let back = Months::new(if is_in_year {
            12
        } else {
            months.unsigned_abs()
        });
        let end = if is_whole {
            month_of(to + Days::new(1)) - back - Days::new(1)
        } else {
            to - back
        };
        return (from - back, end);
    }
    let days = Days::new((to - from).num_days().unsigned_abs() + 1);
    (from - days, to - days)
}

/// A range split into whole months, read from rollups, and partial months at its edges, read from orders.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Split {
    /// The first days of the first and the last whole month.
    pub months: Option<Range>,
    pub edges: Vec<Range>,
}

/// Splits a range, given that all sales of the shop lie between `first` and `last`. A month counts as whole if the
/// range contains all its days between these two.
pub fn split(from: NaiveDate, to: NaiveDate, first: NaiveDate, last: NaiveDate) -> Split {
    let day = Days::new(1);
    let month_end = |day: NaiveDate| month_of(day) + Months::new(1) - Days::new(1);
    let from = if from <= first { month_of(first) } else { from };
    let to = if to >= last { month_end(last) } else { to };
    if from > to {
        return Split::default();
    }
    let first_whole = if from.day() == 1 {
        from
    } else {
        month_end(from) + day
    };
    let after_whole = if to == month_end(to) {
        to + day
    } else {
        month_of(to)
    };
    if first_whole >= after_whole {
        return Split {
            months: None,
            edges: vec![(from, to)],
        };
    }
    let mut edges = Vec::new();
    if from < first_whole {
        edges.push((from, first_whole - day));
    }
    if to >= after_whole {
        edges.push((after_whole, to));
    }
    Split {
        months: Some((first_whole, after_whole - Months::new(1))),
        edges,
    }
}

/// Returns the first day of the month that contains `day`.
pub fn month_of(day: NaiveDate) -> NaiveDate {
    day.with_day(1).unwrap_or(day)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn range(from: &str, to: &str) -> Range {
        (day(from), day(to))
    }

    #[test]
    fn a_range_is_compared_with_the_preceding_range() {
        for (current, expected) in [
            // The same number of days immediately before.
            (("2026-11-23", "2026-11-23"), ("2026-11-22", "2026-11-22")),
            (("2026-11-17", "2026-11-23"), ("2026-11-10", "2026-11-16")),
            (("2026-11-05", "2026-11-30"), ("2026-10-10", "2026-11-04")),
            (("2026-10-01", "2026-11-05"), ("2026-08-26", "2026-09-30")),
            // The same days of the previous month.
            (("2026-11-01", "2026-11-23"), ("2026-10-01", "2026-10-23")),
            (("2026-03-01", "2026-03-30"), ("2026-02-01", "2026-02-28")),
            // Whole months.
            (("2026-11-01", "2026-11-30"), ("2026-10-01", "2026-10-31")),
            (("2026-01-01", "2026-01-31"), ("2025-12-01", "2025-12-31")),
            (("2026-04-01", "2026-06-30"), ("2026-01-01", "2026-03-31")),
            // The same days of the previous year.
            (("2026-01-01", "2026-11-23"), ("2025-01-01", "2025-11-23")),
            (("2026-01-01", "2026-12-31"), ("2025-01-01", "2025-12-31")),
            (("2028-01-01", "2028-02-29"), ("2027-01-01", "2027-02-28")),
        ] {
            assert_eq!(
                before(range(current.0, current.1)),
                range(expected.0, expected.1),
                "{current:?}"
            );
        }
    }

    #[test]
    fn every_period_of_a_range_is_listed_and_weeks_begin_on_monday() {
        let starts = |by: By, from, to| {
            by.starts(range(from, to))
                .map(|day| day.to_string())
                .collect::<Vec<_>>()
        };
        assert_eq!(
            starts(By::Day, "2026-02-27", "2026-03-01"),
            ["2026-02-27", "2026-02-28", "2026-03-01"]
        );
        assert_eq!(
            starts(By::Week, "2026-12-27", "2027-01-04"),
            ["2026-12-21", "2026-12-28", "2027-01-04"]
        );
        assert_eq!(
            starts(By::Month, "2026-11-30", "2027-01-01"),
            ["2026-11-01", "2026-12-01", "2027-01-01"]
        );
    }

    #[test]
    fn a_range_is_split_into_whole_months_and_edges() {
        let split =
            |from, to| super::split(day(from), day(to), day("2026-01-10"), day("2026-11-23"));
        let months = |first, last| Some(range(first, last));
        assert_eq!(
            split("2026-01-01", "2026-12-31"),
            Split {
                months: months("2026-01-01", "2026-11-01"),
                edges: vec![]
            }
        );
        assert_eq!(
            split("2020-01-01", "2026-11-23"),
            Split {
                months: months("2026-01-01", "2026-11-01"),
                edges: vec![]
            }
        );
        assert_eq!(
            split("2026-03-15", "2026-06-10"),
            Split {
                months: months("2026-04-01", "2026-05-01"),
                edges: vec![
                    range("2026-03-15", "2026-03-31"),
                    range("2026-06-01", "2026-06-10")
                ]
            }
        );
        assert_eq!(
            split("2026-03-15", "2026-04-10"),
            Split {
                months: None,
                edges: vec![range("2026-03-15", "2026-04-10")]
            }
        );
        assert_eq!(
            split("2026-03-01", "2026-03-31"),
            Split {
                months: months("2026-03-01", "2026-03-01"),
                edges: vec![]
            }
        );
        assert_eq!(
            split("2026-02-02", "2026-02-28"),
            Split {
                months: None,
                edges: vec![range("2026-02-02", "2026-02-28")]
            }
        );
        assert_eq!(split("2027-02-02", "2027-02-28"), Split::default());
    }
}
