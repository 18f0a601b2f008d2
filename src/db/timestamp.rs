//! How instants are stored: as `TIMESTAMP` in UTC, which is text in SQLite.

use super::Dialect;
use crate::{clock, moment::Moment};
use chrono::{NaiveDate, NaiveDateTime};
use diesel::{
    backend::Backend,
    deserialize::{self, FromSql},
    pg::Pg,
    serialize::{self, Output, ToSql},
    sql_types::Timestamp,
    sqlite::Sqlite,
};

impl<DB> ToSql<Timestamp, DB> for Moment
where
    DB: Backend,
    NaiveDateTime: ToSql<Timestamp, DB>,
{
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, DB>) -> serialize::Result {
        self.utc_ref().to_sql(out)
    }
}

impl FromSql<Timestamp, Dialect> for Moment {
    fn from_sql(bytes: <Dialect as Backend>::RawValue<'_>) -> deserialize::Result<Self> {
        bytes.from_sql::<Self, Timestamp>()
    }
}

impl FromSql<Timestamp, Pg> for Moment {
    fn from_sql(bytes: <Pg as Backend>::RawValue<'_>) -> deserialize::Result<Self> {
        let utc = <NaiveDateTime as FromSql<Timestamp, Pg>>::from_sql(bytes)?;
        Ok(clock::at(utc.and_utc()))
    }
}

impl FromSql<Timestamp, Sqlite> for Moment {
    fn from_sql(mut bytes: <Sqlite as Backend>::RawValue<'_>) -> deserialize::Result<Self> {
        let utc = match read(bytes.read_text()) {
            Some(utc) => utc,
            None => <NaiveDateTime as FromSql<Timestamp, Sqlite>>::from_sql(bytes)?,
        };
        Ok(clock::at(utc.and_utc()))
    }
}

/// Parses an instant in the one form that we write to SQLite, `2026-11-23 11:05:00.123456`; returns `None` for any
/// other form. It does not try several patterns, because each row of a list or file has up to three instants.
fn read(text: &str) -> Option<NaiveDateTime> {
    let signs = text.as_bytes();
    let is_ours = [(4, b'-'), (7, b'-'), (10, b' '), (13, b':'), (16, b':')]
        .iter()
        .all(|(place, sign)| signs.get(*place) == Some(sign));
    let number = |from: usize, to: usize| text.get(from..to)?.parse::<u32>().ok();
    let nanos = match text.get(19..)? {
        "" => 0,
        fraction => {
            let digits = fraction
                .strip_prefix('.')
                .filter(|digits| digits.len() <= 9)?;
            digits.parse::<u32>().ok()? * 10_u32.pow(9 - u32::try_from(digits.len()).ok()?)
        }
    };
    let day = NaiveDate::from_ymd_opt(
        i32::try_from(number(0, 4)?).ok()?,
        number(5, 7)?,
        number(8, 10)?,
    )?;
    day.and_hms_nano_opt(number(11, 13)?, number(14, 16)?, number(17, 19)?, nanos)
        .filter(|_| is_ours)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timestamps_are_parsed_in_the_format_written_to_sqlite() {
        for text in [
            "2026-11-23 11:05:00",
            "2026-11-23 11:05:00.500",
            "2026-02-28 23:59:59.123456",
            "1999-12-31 00:00:00.123456789",
        ] {
            let utc = read(text).unwrap();
            assert_eq!(utc.format("%F %T%.f").to_string(), text);
        }
        for text in [
            "",
            "2026-11-23",
            "2026-11-23T11:05:00",
            "2026-11-23 11:05:00Z",
            "2026-11-23 11:05:00.",
            "2026-13-23 11:05:00",
            "2026-11-23 11:05:00.1234567890",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
