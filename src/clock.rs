//! The only wall clock of the program, and the shop's time zone. No other code and no SQL query reads the current time.

use crate::moment::Moment;
use chrono::{
    DateTime, Days, NaiveDate, NaiveDateTime, NaiveTime, Offset, TimeZone, Timelike, Utc,
};
use chrono_tz::Tz;
use std::sync::OnceLock;

static ZONE: OnceLock<Tz> = OnceLock::new();

/// Sets the shop's time zone at start. Later calls have no effect.
pub fn set_zone(zone: Tz) {
    let _ = ZONE.set(zone);
}

/// Returns the current instant, truncated to microseconds, the precision of PostgreSQL.
pub fn now() -> Moment {
    let now = Utc::now();
    at(now
        .with_nanosecond(now.nanosecond() / 1_000 * 1_000)
        .unwrap_or(now))
}

/// Adds the offset of the shop's time zone to an instant.
pub fn at(instant: DateTime<Utc>) -> Moment {
    let offset = zone().offset_from_utc_datetime(&instant.naive_utc()).fix();
    Moment::new(instant.naive_utc(), offset.local_minus_utc() / 60)
}

/// Returns the instant in UTC at which a day begins in the shop's time zone.
///
/// If the clock skips midnight on that day, returns the first instant after the gap.
pub fn start_of(day: NaiveDate) -> NaiveDateTime {
    let midnight = day.and_time(NaiveTime::MIN);
    let zone = zone();
    (0..=3)
        .find_map(|hours| {
            zone.from_local_datetime(&(midnight + chrono::TimeDelta::hours(hours)))
                .earliest()
        })
        .map_or(midnight, |instant| instant.naive_utc())
}

/// Returns the instant in UTC at which a day ends in the shop's time zone.
pub fn end_of(day: NaiveDate) -> NaiveDateTime {
    start_of(day.checked_add_days(Days::new(1)).unwrap_or(day))
}

fn zone() -> Tz {
    *ZONE.get_or_init(|| chrono_tz::Europe::Moscow)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_begins_at_midnight_in_the_time_zone_of_the_shop() {
        let day = NaiveDate::from_ymd_opt(2026, 11, 23).unwrap();
        assert_eq!(start_of(day).to_string(), "2026-11-22 21:00:00");
        assert_eq!(end_of(day).to_string(), "2026-11-23 21:00:00");
        assert_eq!(at(start_of(day).and_utc()).day(), day);
    }
}
