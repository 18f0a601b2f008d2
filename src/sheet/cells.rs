//! Writes cells so that a spreadsheet shows the intended text and runs no formulas, and so that they can be read back
//! unchanged.

use super::Format;
use crate::{error::Error, i18n::Locale, moment::Moment, ui::labels::field_label};
use chrono::{Datelike, NaiveDate, Timelike};
use csv::{Terminator, Writer, WriterBuilder};
use std::{
    borrow::Cow,
    fmt::{Display, Write},
};

/// The characters with which a spreadsheet may begin a formula, in both widths. A leading tab or carriage return may be
/// dropped together with what guards the text behind it.
const FORMULA_SIGNS: [char; 10] = ['=', '+', '-', '@', '＝', '＋', '－', '＠', '\t', '\r'];
/// The characters at which a spreadsheet may split a text into cells or rows, whatever the separator of the file is.
const SEPARATORS: [char; 5] = [';', ',', '\t', '\n', '\r'];

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
        self.write(&guarded(text))
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

/// Puts an apostrophe before each formula sign at which a cell could begin: at the start of the text, and after each
/// character at which a spreadsheet may split it.
///
/// The separator of the file is not enough to know, because a spreadsheet may use another one, and then neither does a
/// quote protect the text.
fn guarded(text: &str) -> Cow<'_, str> {
    if !text.contains(FORMULA_SIGNS) {
        return Cow::Borrowed(text);
    }
    let mut guarded = String::with_capacity(text.len() + 8);
    let mut is_start = true;
    for c in text.chars() {
        if is_start && FORMULA_SIGNS.contains(&c) {
            guarded.push('\'');
        }
        guarded.push(c);
        is_start = is_start_after(is_start, c);
    }
    Cow::Owned(guarded)
}

/// Returns the text of a cell without the apostrophes that [`Sheet::text`] may have added.
pub fn unguarded(cell: &str) -> Cow<'_, str> {
    if !cell.contains('\'') {
        return Cow::Borrowed(cell);
    }
    let mut text = String::with_capacity(cell.len());
    let mut is_start = true;
    let mut rest = cell.chars();
    while let Some(c) = rest.next() {
        let is_guard = is_start && c == '\'' && rest.as_str().starts_with(FORMULA_SIGNS);
        if !is_guard {
            text.push(c);
            is_start = is_start_after(is_start, c);
        }
    }
    Cow::Owned(text)
}

/// Returns whether a cell could begin after `c`. Quotes, apostrophes, whitespace and control characters at the start of
/// a cell may be dropped when it is read.
fn is_start_after(is_start: bool, c: char) -> bool {
    let may_be_dropped = matches!(c, '"' | '\'') || c.is_whitespace() || c.is_control();
    SEPARATORS.contains(&c) || (is_start && may_be_dropped)
}

fn csv_error(error: &dyn Display) -> Error {
    tracing::error!(%error, "could not write CSV");
    Error::Internal
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{clock, money::Rub, sheet::read::Table};
    use rand::{RngExt, SeedableRng, rngs::StdRng};

    fn row(format: Format, write: impl Fn(&mut Sheet) -> Result<(), Error>) -> String {
        let mut sheet = Sheet::new(format, Locale::ru);
        write(&mut sheet).unwrap();
        sheet.end_row().unwrap();
        String::from_utf8(sheet.into_bytes().unwrap()).unwrap()
    }

    #[test]
    fn formulas_are_guarded_and_read_back_unchanged() {
        for (text, written) in [
            ("=1+1", "'=1+1"),
            ("+7", "'+7"),
            ("-5", "'-5"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("\tx", "'\tx"),
            ("\rx", "'\rx"),
            ("'=1", "''=1"),
            ("''-1", "'''-1"),
            ("  =1", "  '=1"),
            ("＝1", "'＝1"),
            ("\"=1", "\"'=1"),
            ("Пётр;=1+1;", "Пётр;'=1+1;"),
            ("Пётр, \u{a0}-1", "Пётр, \u{a0}'-1"),
            ("а\t@x\t'+1", "а\t'@x\t''+1"),
            ("состав:\n- чай\r\n=1", "состав:\n'- чай\r\n'=1"),
            ("а;\"=1\"", "а;\"'=1\""),
        ] {
            assert_eq!(guarded(text), written);
            assert_eq!(unguarded(written), text);
        }
        for text in [
            "чай",
            "'кавычка",
            "1-2",
            "a=b",
            "",
            "д'Артаньян, 'чай'",
            "чай - 5 шт; кофе = 2",
            "a; b-c",
        ] {
            assert_eq!(guarded(text), text);
            assert_eq!(unguarded(text), text);
        }
        assert_eq!(
            row(Format::Plain, |sheet| sheet.plain("+79161234567")),
            "+79161234567\r\n"
        );
    }

    /// Returns texts of the characters that matter to a spreadsheet.
    fn hostile_texts(count: usize) -> Vec<String> {
        const SIGNS: &[char] = &[
            '=', '+', '-', '@', '＝', '＋', '－', '＠', ';', ',', '\t', '\n', '\r', '"', '\'', ' ',
            '\u{a0}', '\u{3000}', '\u{7}', '|', '1', 'я', 'x',
        ];
        let mut random = StdRng::seed_from_u64(11);
        let mut text = || {
            let length = random.random_range(0..12);
            (0..length)
                .map(|_| SIGNS[random.random_range(0..SIGNS.len())])
                .collect()
        };
        (0..count).map(|_| text()).collect()
    }

    /// Returns a file whose rows each have a number, a text, a negative number and another text.
    fn file_of(texts: &[String], format: Format) -> String {
        let mut sheet = Sheet::new(format, Locale::ru);
        sheet.head(&["id", "description", "qty", "name"]).unwrap();
        for (number, pair) in texts.chunks_exact(2).enumerate() {
            sheet.plain(number).unwrap();
            sheet.text(&pair[0]).unwrap();
            sheet.decimal("-5.25").unwrap();
            sheet.text(&pair[1]).unwrap();
            sheet.end_row().unwrap();
        }
        String::from_utf8(sheet.into_bytes().unwrap()).unwrap()
    }

    #[test]
    fn any_text_is_read_back_unchanged_from_both_formats() {
        let texts = hostile_texts(20_000);
        for format in [Format::Excel, Format::Plain] {
            let file = file_of(&texts, format);
            let table = Table::read(&file, &["id", "description", "qty", "name"], &["id"]).unwrap();
            let read: Vec<_> = table
                .rows
                .iter()
                .flat_map(|row| ["description", "name"].map(|field| table.cell(row, field)))
                .collect();
            assert_eq!(read, texts);
        }
    }

    /// Splits a file at these characters into cells, as a program does that knows quotes, or one that does not.
    fn split(file: &str, separators: &[char], knows_quotes: bool) -> Vec<String> {
        let mut cells = vec![String::new()];
        let mut is_quoted = false;
        for c in file.chars() {
            let is_empty = cells.last().is_none_or(String::is_empty);
            if knows_quotes && c == '"' && (is_quoted || is_empty) {
                is_quoted = !is_quoted;
            } else if !is_quoted && (separators.contains(&c) || matches!(c, '\n' | '\r')) {
                cells.push(String::new());
            } else if let Some(cell) = cells.last_mut() {
                cell.push(c);
            }
        }
        cells
    }

    #[test]
    fn no_text_becomes_a_formula_with_another_separator() {
        let texts = hostile_texts(20_000);
        for format in [Format::Excel, Format::Plain] {
            let file = file_of(&texts, format);
            for separators in [
                [';'].as_slice(),
                &[','],
                &['\t'],
                &[';', ','],
                &[';', ',', '\t'],
            ] {
                for knows_quotes in [true, false] {
                    let formula = split(&file, separators, knows_quotes)
                        .into_iter()
                        .find(|cell| {
                            let bare = cell.trim_start_matches(|c: char| {
                                c == '"' || c.is_whitespace() || c.is_control()
                            });
                            // The numbers of the file begin with a sign, and stay numbers.
                            bare.starts_with(FORMULA_SIGNS) && !bare.starts_with("-5")
                        });
                    assert_eq!(formula, None, "{separators:?}, quotes: {knows_quotes}");
                }
            }
        }
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
