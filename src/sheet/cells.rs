//! Cells: written so that a spreadsheet shows what is meant and runs nothing; read back to the same.

use super::Format;
use crate::{error::Error, i18n::Locale, moment::Moment, ui::words::field_label};
use chrono::{Datelike, NaiveDate, Timelike};
use csv::{Terminator, Writer, WriterBuilder};
use std::fmt::{Display, Write};

/// A part of a file under way: rows of cells.
pub struct Sheet {
    pub format: Format,
    pub locale: Locale,
    out: Writer<Vec<u8>>,
    /// The cell that is being made: one for all, because a file has millions.
    cell: String,
}

impl Sheet {
    /// The beginning of a file, or any later part of it.
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

    /// The head of the file: the names of its columns.
    pub fn head(&mut self, fields: &[&str]) -> Result<(), Error> {
        for field in fields {
            match self.format {
                Format::Excel => self.write(&field_label(self.locale, field))?,
                Format::Plain => self.write(field)?,
            }
        }
        self.end_row()
    }

    /// Text that people typed, made harmless.
    pub fn text(&mut self, text: &str) -> Result<(), Error> {
        if is_risky(text) {
            self.plain(format_args!("'{text}"))
        } else {
            self.write(text)
        }
    }

    /// Something of our own making: a code, a telephone number, a count.
    pub fn plain(&mut self, value: impl Display) -> Result<(), Error> {
        self.make(value)?;
        self.end_cell()
    }

    /// An amount or part, by its plain decimal.
    pub fn decimal(&mut self, value: impl Display) -> Result<(), Error> {
        self.make(value)?;
        if self.format == Format::Excel
            && let Some(point) = self.cell.find('.')
        {
            self.cell.replace_range(point..=point, ",");
        }
        self.end_cell()
    }

    /// An amount or part that may be missing.
    pub fn optional(&mut self, value: Option<impl Display>) -> Result<(), Error> {
        match value {
            Some(value) => self.decimal(value),
            None => self.write(""),
        }
    }

    /// An instant: as the shop's clock shows it, or ISO 8601 in UTC.
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

    /// An instant that may be missing.
    pub fn optional_moment(&mut self, moment: Option<Moment>) -> Result<(), Error> {
        match moment {
            Some(moment) => self.moment(moment),
            None => self.write(""),
        }
    }

    /// A day.
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
            .map_err(|error| fault(&error))
    }

    /// What was written.
    pub fn into_bytes(self) -> Result<Vec<u8>, Error> {
        self.out.into_inner().map_err(|error| fault(&error))
    }

    /// A cell that is text already.
    fn write(&mut self, text: &str) -> Result<(), Error> {
        self.out.write_field(text).map_err(|error| fault(&error))
    }

    fn make(&mut self, value: impl Display) -> Result<(), Error> {
        self.cell.clear();
        write!(self.cell, "{value}").map_err(|error| fault(&error))
    }

    fn end_cell(&mut self) -> Result<(), Error> {
        self.out
            .write_field(&self.cell)
            .map_err(|error| fault(&error))
    }
}

/// A day as Russians write it: `23.11.2026`.
struct Dotted(NaiveDate);

impl Display for Dotted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self(day) = self;
        write!(f, "{:02}.{:02}.{}", day.day(), day.month(), day.year())
    }
}

/// The text that a cell stands for.
pub fn meant(cell: &str) -> &str {
    match cell.strip_prefix('\'') {
        Some(text) if is_risky(text) => text,
        _ => cell,
    }
}

/// Whether a spreadsheet would run the text as a formula, or take an apostrophe of its own for our guard.
fn is_risky(text: &str) -> bool {
    text.trim_start_matches('\'')
        .starts_with(['=', '+', '-', '@', '\t', '\r'])
}

fn fault(error: &dyn Display) -> Error {
    tracing::error!(%error, "writing CSV failed");
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
    fn a_formula_is_made_harmless_and_read_back_as_it_was() {
        for text in ["=1+1", "+7", "-5", "@SUM(A1)", "\tx", "\rx", "'=1", "''-1"] {
            let written = row(Format::Plain, |sheet| sheet.text(text));
            let mut reader = csv::ReaderBuilder::new()
                .has_headers(false)
                .from_reader(written.as_bytes());
            let cell = reader.records().next().unwrap().unwrap()[0].to_owned();
            assert!(cell.starts_with('\''), "{text}");
            assert_eq!(meant(&cell), text);
        }
        for text in ["чай", "'кавычка", "1-2", "a=b", ""] {
            assert_eq!(meant(text), text);
        }
        assert_eq!(
            row(Format::Plain, |sheet| sheet.plain("+79161234567")),
            "+79161234567\r\n"
        );
    }

    #[test]
    fn each_format_writes_numbers_and_times_as_its_readers_do() {
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
