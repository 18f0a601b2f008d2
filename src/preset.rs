//! Named ranges of days, which reports and filters offer as links.

use crate::codes::codes;
use chrono::{Datelike, Days, Months, NaiveDate};

codes! {
    /// A named range of days.
    pub enum Preset labelled by presets {
        Today = "today" => today,
        Yesterday = "yesterday" => yesterday,
        /// Today and the six days before it.
        Week = "7days" => week,
        /// From the first day of this month until today.
        ThisMonth = "month" => this_month,
        LastMonth = "last_month" => last_month,
        /// From January 1 until today.
        Year = "year" => year,
    }
}

impl Preset {
    /// Those that lists offer.
    pub const RECENT: [Self; 4] = [Self::Today, Self::Yesterday, Self::Week, Self::ThisMonth];

    /// Returns the first and the last day of the range on the day `today`.
    pub fn range(self, today: NaiveDate) -> (NaiveDate, NaiveDate) {
        let month = today - Days::new(today.day0().into());
        match self {
            Self::Today => (today, today),
            Self::Yesterday => (today - Days::new(1), today - Days::new(1)),
            Self::Week => (today - Days::new(6), today),
            Self::ThisMonth => (month, today),
            Self::LastMonth => (month - Months::new(1), month - Days::new(1)),
            Self::Year => (today - Days::new(today.ordinal0().into()), today),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn presets_are_correct_at_the_ends_of_months_and_years() {
        for (today, preset, expected) in [
            ("2026-11-30", Preset::Today, ("2026-11-30", "2026-11-30")),
            (
                "2026-11-30",
                Preset::Yesterday,
                ("2026-11-29", "2026-11-29"),
            ),
            ("2026-11-30", Preset::Week, ("2026-11-24", "2026-11-30")),
            (
                "2026-11-30",
                Preset::ThisMonth,
                ("2026-11-01", "2026-11-30"),
            ),
            (
                "2026-11-30",
                Preset::LastMonth,
                ("2026-10-01", "2026-10-31"),
            ),
            ("2026-11-30", Preset::Year, ("2026-01-01", "2026-11-30")),
            ("2026-12-31", Preset::Today, ("2026-12-31", "2026-12-31")),
            ("2026-12-31", Preset::Week, ("2026-12-25", "2026-12-31")),
            (
                "2026-12-31",
                Preset::ThisMonth,
                ("2026-12-01", "2026-12-31"),
            ),
            (
                "2026-12-31",
                Preset::LastMonth,
                ("2026-11-01", "2026-11-30"),
            ),
            ("2026-12-31", Preset::Year, ("2026-01-01", "2026-12-31")),
            (
                "2027-01-01",
                Preset::Yesterday,
                ("2026-12-31", "2026-12-31"),
            ),
            ("2027-01-01", Preset::Week, ("2026-12-26", "2027-01-01")),
            (
                "2027-01-01",
                Preset::ThisMonth,
                ("2027-01-01", "2027-01-01"),
            ),
            (
                "2027-01-01",
                Preset::LastMonth,
                ("2026-12-01", "2026-12-31"),
            ),
            ("2027-01-01", Preset::Year, ("2027-01-01", "2027-01-01")),
            (
                "2028-03-01",
                Preset::LastMonth,
                ("2028-02-01", "2028-02-29"),
            ),
        ] {
            let expected = (day(expected.0), day(expected.1));
            assert_eq!(preset.range(day(today)), expected, "{preset} on {today}");
        }
    }
}
