//! Writes cells so that a spreadsheet shows the intended text and runs no formulas, and so that they can be read back
//! unchanged.

use super::Format;
use crate::{error::Error, i18n::Locale, moment::Moment, ui::labels::field_label};
use chrono::{Datelike, NaiveDate, Timelike};
use csv::{Terminator, Writer, WriterBuilder};
use std::fmt::{Display, Write};

/// A part of a CSV file that is being written.
pub struct Sheet {
    pub format: Format,
    pub locale: Locale,
    out: Writer<Vec<u8>>,
    /// Buffer for the current cell, reused because a file may have millions of cells.
    cell: String,
}

impl Sheet {
    /// Starts the first part of a file, or a later one.
    pub fn new(format: Format, locale: Locale) -> Self {
        let delimiter = match format {
            Format::Excel => b';',
            Format::Plain => b',',
        };
        Self {
            format,
            locale,
            out: WriterBuilder::new()
                .delimiter(delimiter)
                .terminator(Terminator::CRLF)
                .flexible(true)
                .from_writer(Vec::with_capacity(1 << 20)),
            cell: String::new(),
        }
    }

    /// Writes the header row: the names of the columns.
    pub fn head(&mut self, fields: &[&str]) -> Result<(), Error> {
        for field in fields {
            match self.format {
                Format::Excel => self.write(&field_label(self.locale, field))?,
                Format::Plain => self.write(field)?,
            }
        }
        self.end_row()
    }

    /// Writes text that a user typed, guarded so that a spreadsheet does not run it as a formula.
    pub fn text(&mut self, text: &str) -> Result<(), Error> {
        if needs_guard(text) {
            self.plain(format_args!("'{text}"))
        } else {
            self.write(text)
        }
    }

    /// Writes a value that the program produced, such as a code, a phone number or a count.
    pub fn plain(&mut self, value: impl Display) -> Result<(), Error> {
        self.make(value)?;
        self.end_cell()
    }

    /// Writes a decimal number, with a decimal comma for Excel.
    pub fn decimal(&mut self, value: impl Display) -> Result<(), Error> {
        self.make(value)?;
        if self.format == Format::Excel
            && let Some(point) = self.cell.find('.')
        {
            self.cell.replace_range(point..=point, ",");
        }
        self.end_cell()
    }

    /// Writes a decimal number that may be missing.
    pub fn optional(&mut self, value: Option<impl Display>) -> Result<(), Error> {
        match value {
            Some(value) => self.decimal(value),
            None => self.write(""),
        }
    }

    /// Writes an instant: in the shop's local time for Excel, else as ISO 8601 in UTC.
    pub fn moment(&mut self, moment: Moment) -> Result<(), Error> {
        match self.format {
            Format::Excel => {
                let local = moment.local();
                let (hour, minute) = (local.hour(), local.minute());
                self.plain(format_args!(
                    "{} {hour:02}:{minute:02}",
                    Dotted(local.date())
                ))
            }
            Format::Plain => self.write(&moment.rfc3339()),
        }
    }

    /// Writes an instant that may be missing.
    pub fn optional_moment(&mut self, moment: Option<Moment>) -> Result<(), Error> {
        match moment {
            Some(moment) => self.moment(moment),
            None => self.write(""),
        }
    }

    /// Writes a day.
    pub fn day(&mut self, day: NaiveDate) -> Result<(), Error> {
        match self.format {
            Format::Excel => self.plain(Dotted(day)),
            Format::Plain => self.plain(day),
        }
    }

    /// Ends a row.
    pub fn end_row(&mut self) -> Result<(), Error> {
        self.out
            .write_record(None::<&[u8]>)
            .map_err(|error| csv_error(&error))
    }

    /// Returns the bytes of this part.
    pub fn into_bytes(self) -> Result<Vec<u8>, Error> {
        self.out.into_inner().map_err(|error| csv_error(&error))
    }

    /// Writes a cell without a guard.
    fn write(&mut self, text: &str) -> Result<(), Error> {
        self.out
            .write_field(text)
            .map_err(|error| csv_error(&error))
    }

    fn make(&mut self, value: impl Display) -> Result<(), Error> {
        self.cell.clear();
        write!(self.cell, "{value}").map_err(|error| csv_error(&error))
    }

    fn end_cell(&mut self) -> Result<(), Error> {
        self.out
            .write_field(&self.cell)
            .map_err(|error| csv_error(&error))
    }
}

/// A day as it is written in Russia: `23.11.2026`.
struct Dotted(NaiveDate);

impl Display for Dotted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self(day) = self;
        write!(f, "{:02}.{:02}.{}", day.day(), day.month(), day.year())
    }
}

/// Returns the text of a cell without the guard that [`Sheet::text`] may have added.
pub fn unguarded(cell: &str) -> &str {
    match cell.strip_prefix('\'') {
        Some(text) if needs_guard(text) => text,
        _ => cell,
    }
}

/// Returns whether a spreadsheet would run the text as a formula, or whether an apostrophe at its start could be taken
/// for the guard.
fn needs_guard(text: &str) -> bool {
    text.trim_start_matches('\'')
        .starts_with(['=', '+', '-', '@', '\t', '\r'])
}

fn csv_error(error: &dyn Display) -> Error {
    tracing::error!(%error, "could not write CSV");
    Error::Internal
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{clock, money::Rub};

    fn row(format: Format, write: impl Fn(&mut Sheet) -> Result<(), Error>) -> String {
        let mut sheet = Sheet::new(format, Locale::ru);
        write(&mut sheet).unwrap();
        sheet.end_row().unwrap();
        String::from_utf8(sheet.into_bytes().unwrap()).unwrap()
    }

    #[test]
    fn formulas_are_escaped_and_read_back_unchanged() {
        for text in ["=1+1", "+7", "-5", "@SUM(A1)", "\tx", "\rx", "'=1", "''-1"] {
            let written = row(Format::Plain, |sheet| sheet.text(text));
            let mut reader = csv::ReaderBuilder::new()
                .has_headers(false)
                .from_reader(written.as_bytes());
            let cell = reader.records().next().unwrap().unwrap()[0].to_owned();
            assert!(cell.starts_with('\''), "{text}");
            assert_eq!(unguarded(&cell), text);
        }
        for text in ["чай", "'кавычка", "1-2", "a=b", ""] {
            assert_eq!(unguarded(text), text);
        }
        assert_eq!(
            row(Format::Plain, |sheet| sheet.plain("+79161234567")),
            "+79161234567\r\n"
        );
    }

    #[test]
    fn each_format_writes_numbers_and_times_in_its_own_notation() {
        let at = clock::at("2026-11-23T11:05:00Z".parse().unwrap());
        let write = |sheet: &mut Sheet| {
            sheet.decimal(Rub(129_990))?;
            sheet.moment(at)?;
            sheet.day(at.day())?;
            sheet.text("а;б,\"в\"")
        };
        assert_eq!(
            row(Format::Excel, write),
            "1299,90;23.11.2026 14:05;23.11.2026;\"а;б,\"\"в\"\"\"\r\n"
        );
        assert_eq!(
            row(Format::Plain, write),
            "1299.90,2026-11-23T11:05:00.000000Z,2026-11-23,\"а;б,\"\"в\"\"\"\r\n"
        );
    }
}
