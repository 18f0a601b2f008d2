//! Instants, stored in UTC and shown in the shop's time zone.

use crate::i18n::Locale;
use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime, TimeDelta, Timelike};
use serde::{Deserialize, Serialize};

/// An instant, with the UTC offset of the shop's time zone at that instant.
///
/// The offset is included so that a browser can show the shop's time without a time zone database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "(i64, i32)", into = "(i64, i32)")]
#[cfg_attr(feature = "ssr", derive(diesel::AsExpression, diesel::FromSqlRow))]
#[cfg_attr(feature = "ssr", diesel(sql_type = diesel::sql_types::Timestamp))]
pub struct Moment {
    utc: NaiveDateTime,
    offset_minutes: i32,
}

impl Moment {
    /// Creates the instant `utc`, at which the shop's clock is `offset_minutes` ahead of UTC.
    pub const fn new(utc: NaiveDateTime, offset_minutes: i32) -> Self {
        Self {
            utc,
            offset_minutes,
        }
    }

    /// Returns the instant in UTC by reference, for the database layer.
    pub const fn utc_ref(&self) -> &NaiveDateTime {
        &self.utc
    }

    /// Returns the instant in UTC.
    pub const fn utc(self) -> NaiveDateTime {
        self.utc
    }

    /// Returns by how many minutes the shop's clock is ahead of UTC.
    pub const fn offset_minutes(self) -> i32 {
        self.offset_minutes
    }

    /// Returns the day in the shop's time zone.
    pub fn day(self) -> NaiveDate {
        self.local().date()
    }

    /// Formats the instant for people: `23.11.2026 14:05`, in English `23 Nov 2026 14:05`.
    pub fn display(self, locale: Locale) -> String {
        format!("{} {}", day_shown(self.day(), locale), self.time())
    }

    /// Formats the instant for lists: `сегодня, 14:05`, `вчера, 14:05`, `21 ноя`, or `21 ноя 2025` if the year is not
    /// that of `today`.
    pub fn display_near(self, today: NaiveDate, locale: Locale) -> String {
        let day = self.day();
        let [is_today, is_yesterday] =
            [Some(today), today.pred_opt()].map(|near| near == Some(day));
        let word = match locale {
            Locale::ru if is_today => "сегодня",
            Locale::ru if is_yesterday => "вчера",
            Locale::en if is_today => "today",
            Locale::en if is_yesterday => "yesterday",
            Locale::ru | Locale::en => {
                let short = format!("{} {}", day.day(), short_month(day, locale));
                return if day.year() == today.year() {
                    short
                } else {
                    format!("{short} {}", day.year())
                };
            }
        };
        format!("{word}, {}", self.time())
    }

    /// Formats the instant for the attribute `datetime`, in the shop's time zone: `2026-11-23T14:05`.
    pub fn datetime(self) -> String {
        format!("{}T{}", self.day(), self.time())
    }

    /// Formats the time of day in the shop's time zone: `14:05`.
    pub fn time(self) -> String {
        let local = self.local();
        format!("{:02}:{:02}", local.hour(), local.minute())
    }

    /// Formats the instant for machines, as RFC 3339 in UTC: `2026-11-23T11:05:00.000000Z`.
    ///
    /// Always includes the microseconds, the precision of both databases, so that the strings sort by time.
    pub fn rfc3339(self) -> String {
        self.utc
            .and_utc()
            .to_rfc3339_opts(chrono::SecondsFormat::Micros, true)
    }

    /// Returns the date and time in the shop's time zone. A moment that a client made up may be out of range: then it
    /// stays in UTC.
    pub fn local(self) -> NaiveDateTime {
        let offset = TimeDelta::minutes(self.offset_minutes.into());
        self.utc.checked_add_signed(offset).unwrap_or(self.utc)
    }
}

/// The form sent to the browser: microseconds since 1970 in UTC, and the offset in minutes.
impl From<Moment> for (i64, i32) {
    fn from(moment: Moment) -> Self {
        (
            moment.utc.and_utc().timestamp_micros(),
            moment.offset_minutes,
        )
    }
}

impl From<(i64, i32)> for Moment {
    fn from((micros, offset_minutes): (i64, i32)) -> Self {
        let utc = DateTime::from_timestamp_micros(micros)
            .unwrap_or_default()
            .naive_utc();
        Self {
            utc,
            offset_minutes,
        }
    }
}

/// Formats a day for people: `23.11.2026`, in English `23 Nov 2026`.
pub fn day_shown(day: NaiveDate, locale: Locale) -> String {
    match locale {
        Locale::ru => format!("{:02}.{:02}.{}", day.day(), day.month(), day.year()),
        Locale::en => format!("{} {}", day.day(), month_shown(day, locale)),
    }
}

/// Reads a day as date inputs send it, `2026-11-23`, or as people write it, `23.11.2026`. The year must be from 2000 to
/// 2999.
pub fn day_read(text: &str) -> Option<NaiveDate> {
    // The parser of chrono would be a fiftieth of the client.
    let numbers = |sign: char| -> Option<Vec<u32>> {
        let is_number = |part: &&str| part.bytes().all(|digit| digit.is_ascii_digit());
        let parts = text.trim().split(sign);
        parts
            .map(|part| Some(part).filter(is_number)?.parse().ok())
            .collect()
    };
    let [year, month, day] = match (numbers('-').as_deref(), numbers('.').as_deref()) {
        (Some(&[year, month, day]), _) | (_, Some(&[day, month, year])) => [year, month, day],
        _ => return None,
    };
    let year = i32::try_from(year).ok()?;
    NaiveDate::from_ymd_opt(year, month, day).filter(|day| (2000..3000).contains(&day.year()))
}

/// Formats a day without its year: `23.11`, in English `23 Nov`.
pub fn day_short(day: NaiveDate, locale: Locale) -> String {
    match locale {
        Locale::ru => format!("{:02}.{:02}", day.day(), day.month()),
        Locale::en => format!("{} {}", day.day(), short_month(day, locale)),
    }
}

/// Formats the month of a day for people: `11.2026`, in English `Nov 2026`.
pub fn month_shown(day: NaiveDate, locale: Locale) -> String {
    match locale {
        Locale::ru => format!("{:02}.{}", day.month(), day.year()),
        Locale::en => format!("{} {}", short_month(day, locale), day.year()),
    }
}

const ENGLISH_MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// The months in the genitive.
const RUSSIAN_MONTHS: [&str; 12] = [
    "января",
    "февраля",
    "марта",
    "апреля",
    "мая",
    "июня",
    "июля",
    "августа",
    "сентября",
    "октября",
    "ноября",
    "декабря",
];

const RUSSIAN_SHORT_MONTHS: [&str; 12] = [
    "янв", "фев", "мар", "апр", "мая", "июн", "июл", "авг", "сен", "окт", "ноя", "дек",
];

/// The month of a day in three letters.
fn short_month(day: NaiveDate, locale: Locale) -> &'static str {
    let month = day.month0() as usize;
    match locale {
        Locale::ru => RUSSIAN_SHORT_MONTHS[month],
        Locale::en => &ENGLISH_MONTHS[month][..3],
    }
}

/// Formats a range of days, both ends inclusive, for a sentence: `1–26 октября`, in English `1–26 October`. The year is
/// left out if both days are in `year`.
pub fn range_shown(from: NaiveDate, to: NaiveDate, year: i32, locale: Locale) -> String {
    let last = if from.year() == year && to.year() == year {
        day_and_month(to, locale)
    } else {
        day_month_and_year(to, locale)
    };
    if from == to {
        last
    } else if from.year() != to.year() {
        format!("{} – {last}", day_month_and_year(from, locale))
    } else if from.month() != to.month() {
        format!("{} – {last}", day_and_month(from, locale))
    } else {
        format!("{}–{last}", from.day())
    }
}

fn day_and_month(day: NaiveDate, locale: Locale) -> String {
    let months = match locale {
        Locale::ru => &RUSSIAN_MONTHS,
        Locale::en => &ENGLISH_MONTHS,
    };
    format!("{} {}", day.day(), months[day.month0() as usize])
}

fn day_month_and_year(day: NaiveDate, locale: Locale) -> String {
    let year = day.year();
    match locale {
        Locale::ru => format!("{} {year}\u{a0}г.", day_and_month(day, locale)),
        Locale::en => format!("{} {year}", day_and_month(day, locale)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_out_of_range_is_displayed_without_an_overflow() {
        let moment = Moment {
            utc: NaiveDateTime::MAX,
            offset_minutes: i32::MAX,
        };
        assert_eq!(moment.local(), NaiveDateTime::MAX);
    }

    #[test]
    fn a_list_shows_a_day_by_its_distance_in_the_time_zone_of_the_shop() {
        // 00:10 on 1 January in the shop, still 31 December in UTC
        let now = Moment::new("2025-12-31T21:10:00".parse().unwrap(), 180);
        for (utc, ru, en) in [
            ("2025-12-31T21:05:00", "сегодня, 00:05", "today, 00:05"),
            ("2025-12-31T20:59:00", "вчера, 23:59", "yesterday, 23:59"),
            ("2025-12-30T20:59:00", "30 дек 2025", "30 Dec 2025"),
            ("2026-05-09T09:00:00", "9 мая", "9 May"),
        ] {
            let moment = Moment::new(utc.parse().unwrap(), 180);
            assert_eq!(moment.display_near(now.day(), Locale::ru), ru);
            assert_eq!(moment.display_near(now.day(), Locale::en), en);
        }
    }

    #[test]
    fn a_range_of_days_names_what_its_ends_share_once() {
        for (from, to, ru, en) in [
            ("2026-10-01", "2026-10-26", "1–26 октября", "1–26 October"),
            ("2026-10-26", "2026-10-26", "26 октября", "26 October"),
            (
                "2026-09-28",
                "2026-10-04",
                "28 сентября – 4 октября",
                "28 September – 4 October",
            ),
            (
                "2025-12-01",
                "2025-12-31",
                "1–31 декабря 2025\u{a0}г.",
                "1–31 December 2025",
            ),
            (
                "2025-01-01",
                "2025-11-26",
                "1 января – 26 ноября 2025\u{a0}г.",
                "1 January – 26 November 2025",
            ),
            (
                "2025-12-29",
                "2026-01-04",
                "29 декабря 2025\u{a0}г. – 4 января 2026\u{a0}г.",
                "29 December 2025 – 4 January 2026",
            ),
        ] {
            let (from, to) = (from.parse().unwrap(), to.parse().unwrap());
            assert_eq!(range_shown(from, to, 2026, Locale::ru), ru);
            assert_eq!(range_shown(from, to, 2026, Locale::en), en);
        }
    }

    #[test]
    fn rfc3339_timestamps_sort_as_text() {
        let micros = [0, 1, 10, 500_000, 515_000, 515_326, 999_999, 1_000_000];
        let texts = micros.map(|micros| {
            let utc = DateTime::from_timestamp_micros(micros).unwrap();
            Moment::new(utc.naive_utc(), 180).rfc3339()
        });
        assert!(texts.is_sorted(), "{texts:?}");
        assert!(texts.iter().all(|text| text.len() == texts[0].len()));
        assert_eq!(texts[4], "1970-01-01T00:00:00.515000Z");
        for (text, micros) in texts.iter().zip(micros) {
            let read: DateTime<chrono::Utc> = text.parse().unwrap();
            assert_eq!(read.timestamp_micros(), micros);
        }
    }
}
