//! Reads uploaded CSV files: UTF-8, UTF-16 or Windows-1251, separated by `;`, `,` or tabs, with labels or field codes
//! as column names.

use super::cells::unguarded;
use crate::{
    error::{Error, FieldError, Problem},
    fields::Fields,
    i18n::Locale,
    text::fold,
    ui::labels::field_label,
};
use encoding_rs::{Encoding, UTF_8, WINDOWS_1251};

/// The most rows of a file.
pub const MAX_ROWS: usize = 50_000;
/// The most columns of a file. Cells beyond them are not even kept, so that a row of separators needs little memory.
const MAX_COLUMNS: usize = 64;
/// The only column whose cells may have several lines.
const MULTILINE: &str = "description";

/// A file as a table with the columns that are matched to fields.
#[derive(Debug, PartialEq, Eq)]
pub struct Table {
    columns: Vec<Column>,
    pub rows: Vec<Row>,
}

/// A column that is matched to a field.
#[derive(Debug, PartialEq, Eq)]
struct Column {
    field: &'static str,
    /// Its index in the file, where other columns may stand before it.
    index: usize,
}

/// A row of a file.
#[derive(Debug, PartialEq, Eq)]
pub struct Row {
    /// The line number of the row in the file.
    pub line: u64,
    /// Why the row cannot be read; `None` if it can.
    pub problem: Option<FieldError>,
    /// The cells of the matched columns, in their order.
    cells: Vec<String>,
}

impl Table {
    /// Reads the text of a file. `fields` are the columns that it may have, `needed` those that it must have.
    pub fn read(text: &str, fields: &[&'static str], needed: &[&str]) -> Result<Self, Error> {
        let wrong = |problem| Error::field("file", problem);
        let (skipped, text) = match text.strip_prefix("sep=") {
            Some(rest) => (1, rest.split_once('\n').map_or("", |(_, rows)| rows)),
            None => (0, text),
        };
        let mut records = records(text, skipped)?.into_iter();
        let head = records.next().ok_or_else(|| wrong(Problem::NotTable))?;
        if head.unclosed.is_some() {
            return Err(wrong(Problem::UnclosedQuote));
        }
        if head.is_too_wide {
            return Err(wrong(Problem::TooManyColumns(MAX_COLUMNS)));
        }
        let columns = matched_columns(&head.cells, fields);
        if columns.is_empty() {
            return Err(wrong(Problem::NotTable));
        }
        if let Some(missing) = needed
            .iter()
            .find(|field| !columns.iter().any(|column| column.field == **field))
        {
            return Err(wrong(Problem::NoColumn((*missing).to_owned())));
        }
        let rows = records
            .map(|record| record.into_row(&columns))
            .collect::<Vec<_>>();
        if rows.len() > MAX_ROWS {
            return Err(wrong(Problem::TooManyRows(MAX_ROWS)));
        }
        Ok(Self { columns, rows })
    }

    /// Returns the cells of a row by field, for the columns that the file has.
    pub fn fields(&self, row: &Row) -> Fields {
        let cell = |column: &Column| {
            let field = column.field;
            (field.to_owned(), self.cell(row, field).to_owned())
        };
        Fields(self.columns.iter().map(cell).collect())
    }

    /// Returns a cell of a row; empty if there is none.
    pub fn cell<'r>(&self, row: &'r Row, field: &str) -> &'r str {
        let column = self.columns.iter().position(|known| known.field == field);
        column
            .and_then(|column| row.cells.get(column))
            .map_or("", String::as_str)
    }
}

/// Returns the columns of a header row that are fields; the first one if a field has several.
fn matched_columns(head: &[String], fields: &[&'static str]) -> Vec<Column> {
    let mut columns: Vec<Column> = Vec::new();
    for (index, name) in head.iter().enumerate() {
        if let Some(field) = field_named(name, fields)
            && !columns.iter().any(|column| column.field == field)
        {
            columns.push(Column { field, index });
        }
    }
    columns
}

/// Decodes a file: by its byte order mark, else as UTF-8 if it is valid, else as Windows-1251.
pub fn decode(bytes: &[u8]) -> String {
    let encoding = Encoding::for_bom(bytes).map_or_else(
        || {
            if std::str::from_utf8(bytes).is_ok() {
                UTF_8
            } else {
                WINDOWS_1251
            }
        },
        |(encoding, _)| encoding,
    );
    encoding.decode(bytes).0.into_owned()
}

/// A row as it was read from the file.
struct Record {
    line: u64,
    /// At most [`MAX_COLUMNS`] cells.
    cells: Vec<String>,
    /// There are more cells, and not all of them are empty.
    is_too_wide: bool,
    /// The index of the column with an unclosed quote.
    unclosed: Option<usize>,
}

impl Record {
    fn new<'a>(
        line: u64,
        mut cells: impl Iterator<Item = &'a str>,
        unclosed: Option<usize>,
    ) -> Self {
        let kept = cells
            .by_ref()
            .take(MAX_COLUMNS)
            .map(str::to_owned)
            .collect();
        Self {
            line,
            cells: kept,
            is_too_wide: cells.any(|cell| !cell.trim().is_empty()),
            unclosed,
        }
    }

    fn is_blank(&self) -> bool {
        self.cells.iter().all(|cell| cell.trim().is_empty())
    }

    fn into_row(self, columns: &[Column]) -> Row {
        let cell = |column: &Column| {
            self.cells
                .get(column.index)
                .map(|cell| unguarded(cell).into_owned())
        };
        Row {
            line: self.line,
            problem: self.problem(columns),
            cells: columns
                .iter()
                .map(|column| cell(column).unwrap_or_default())
                .collect(),
        }
    }

    fn problem(&self, columns: &[Column]) -> Option<FieldError> {
        if let Some(index) = self.unclosed {
            let column = columns.iter().find(|column| column.index == index);
            return Some(FieldError {
                field: column.map_or("file", |column| column.field).to_owned(),
                problem: Problem::UnclosedQuote,
            });
        }
        let is_broken = |column: &&Column| {
            let cell = self.cells.get(column.index);
            column.field != MULTILINE && cell.is_some_and(|cell| cell.trim().contains(['\n', '\r']))
        };
        columns.iter().find(is_broken).map(|column| FieldError {
            field: column.field.to_owned(),
            problem: Problem::LineBreak,
        })
    }
}

/// Splits a text into rows; `skipped` is the number of lines before it in the file. A line with an unclosed quote is a
/// row of its own, so that it does not swallow the rows after it. Blank rows after the first row are left out, and more
/// rows than a file may have are not all read.
fn records(text: &str, skipped: u64) -> Result<Vec<Record>, Error> {
    let delimiter = separator(text);
    let (mut rest, mut before) = (text, skipped);
    let mut records = Vec::new();
    loop {
        let unclosed = find_unclosed(rest, delimiter);
        let whole = unclosed
            .as_ref()
            .map_or(rest, |unclosed| &rest[..unclosed.row]);
        let reader = csv::ReaderBuilder::new()
            .delimiter(delimiter)
            .flexible(true)
            .has_headers(false)
            .from_reader(whole.as_bytes());
        for record in reader.into_records() {
            let record = record.map_err(|_| Error::field("file", Problem::NotTable))?;
            let line = record
                .position()
                .map_or(0, |position| line_of(whole, position));
            let record = Record::new(before + line, record.iter(), None);
            if records.is_empty() || !record.is_blank() {
                records.push(record);
            }
            // The header row is one of them.
            if records.len() > MAX_ROWS + 1 {
                return Ok(records);
            }
        }
        let Some(Unclosed { row, quote, column }) = unclosed else {
            return Ok(records);
        };
        let end = rest[quote..]
            .find(['\n', '\r'])
            .map_or(rest.len(), |length| quote + length + 1);
        let cells = rest[row..end].trim_end().split(char::from(delimiter));
        let line = before + line_ends(&rest[..quote]) + 1;
        records.push(Record::new(line, cells, Some(column)));
        before += line_ends(&rest[..end]);
        rest = &rest[end..];
    }
}

/// An unclosed quote at the start of a cell.
struct Unclosed {
    /// The byte offset of the start of its row.
    row: usize,
    /// The byte offset of the quote.
    quote: usize,
    column: usize,
}

/// Finds the first unclosed quote. A quote is unclosed if the text ends before it is closed, or if the next quote is on
/// a later line and does not end a cell, so that it must belong to another cell.
fn find_unclosed(text: &str, delimiter: u8) -> Option<Unclosed> {
    #[derive(PartialEq)]
    enum At {
        Start,
        Plain,
        Quoted,
        /// After a quote inside a quoted cell: the end of the cell, or the first half of a doubled quote.
        Quote,
    }
    let (mut row, mut quote, mut column, mut spans_lines) = (0, 0, 0, false);
    let mut at = At::Start;
    for (place, byte) in text.bytes().enumerate() {
        at = match (at, byte) {
            (At::Start, b'"') => {
                (quote, spans_lines) = (place, false);
                At::Quoted
            }
            (At::Quoted, b'"') => At::Quote,
            (At::Quote, b'"') => At::Quoted,
            (At::Quoted, byte) => {
                spans_lines |= matches!(byte, b'\n' | b'\r');
                At::Quoted
            }
            (_, b'\n' | b'\r') => {
                (row, column) = (place + 1, 0);
                At::Start
            }
            (_, byte) if byte == delimiter => {
                column += 1;
                At::Start
            }
            (At::Quote, _) if spans_lines => return Some(Unclosed { row, quote, column }),
            (At::Start | At::Plain | At::Quote, _) => At::Plain,
        };
    }
    (at == At::Quoted).then_some(Unclosed { row, quote, column })
}

/// Returns the line number of a row. The reader's position is before any line ends that it skips to get to the row.
fn line_of(text: &str, position: &csv::Position) -> u64 {
    let begin = usize::try_from(position.byte()).unwrap_or(usize::MAX);
    let ends = text
        .bytes()
        .skip(begin)
        .take_while(|byte| matches!(byte, b'\r' | b'\n'));
    let skipped = ends.filter(|byte| *byte == b'\n').count();
    position.line() + u64::try_from(skipped).unwrap_or(0)
}

fn line_ends(text: &str) -> u64 {
    let ends = text.bytes().filter(|byte| *byte == b'\n').count();
    u64::try_from(ends).unwrap_or(u64::MAX)
}

/// Returns the separator of the column names in the header row.
fn separator(text: &str) -> u8 {
    let head = text.lines().next().unwrap_or_default();
    let mut quoted = false;
    let mut counts = [(b';', 0), (b',', 0), (b'\t', 0)];
    for byte in head.bytes() {
        quoted ^= byte == b'"';
        if let Some((_, count)) = counts.iter_mut().find(|(sign, _)| *sign == byte)
            && !quoted
        {
            *count += 1;
        }
    }
    counts
        .into_iter()
        .rev()
        .max_by_key(|(_, count)| *count)
        .map_or(b';', |(sign, _)| sign)
}

fn field_named(name: &str, fields: &[&'static str]) -> Option<&'static str> {
    let name = fold(&unguarded(name));
    fields.iter().copied().find(|field| {
        name == *field
            || [Locale::ru, Locale::en]
                .iter()
                .any(|locale| name == fold(&field_label(*locale, field)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIELDS: [&str; 3] = ["name", "min_stock", "sell_price_rub"];

    fn cells(text: &str) -> Vec<(u64, String, String)> {
        let table = Table::read(text, &FIELDS, &["name"]).unwrap();
        let cell = |row, field| table.cell(row, field).to_owned();
        table
            .rows
            .iter()
            .map(|row| (row.line, cell(row, "name"), cell(row, "sell_price_rub")))
            .collect()
    }

    #[test]
    fn headings_are_labels_or_codes_with_any_separator() {
        let expected = vec![(2, "Чай".to_owned(), "12,50".to_owned())];
        for text in [
            "Название;Цена, ₽\r\nЧай;12,50\r\n",
            "name,sell_price_rub\nЧай,\"12,50\"\n",
            "Name\tPrice, ₽\tчто-то\nЧай\t12,50\tx\n",
            "\"Цена, ₽\";НАЗВАНИЕ\n12,50;Чай\n;\n  ;\n",
        ] {
            assert_eq!(cells(text), expected, "{text}");
        }
    }

    #[test]
    fn windows_1251_and_unicode_encodings_are_decoded() {
        assert_eq!(decode(b"\xd7\xe0\xe9"), "Чай");
        assert_eq!(decode("\u{feff}Чай".as_bytes()), "Чай");
        assert_eq!(decode(b"\xff\xfe\x27\x04"), "Ч");
    }

    #[test]
    fn an_unclosed_quote_spoils_only_its_own_row() {
        let name = "name".to_owned();
        for (text, expected) in [
            // The quote runs to the end of the file.
            (
                "name;min_stock\n\"Чай;1\nКофе;2\nКакао;3\n",
                vec![(2, true), (3, false), (4, false)],
            ),
            // The quote runs to a quote that opens another cell, or stands inside one.
            (
                "name;min_stock\n\"Чай;1\n\"Кофе\";2\nКакао;3\n",
                vec![(2, true), (3, false), (4, false)],
            ),
            (
                "name;min_stock\r\nЧай;1\r\n\"Кофе;2\r\nКакао \"тёртый\";3\r\n",
                vec![(2, false), (3, true), (4, false)],
            ),
            // Several unclosed quotes, one of them on the last line.
            (
                "name;min_stock\n\"Чай;1\n\"Кофе;2\n\"Какао;3",
                vec![(2, true), (3, true), (4, true)],
            ),
            // Closed quotes, doubled quotes and quotes inside a cell spoil nothing.
            (
                "name;min_stock\n\"Чай \"\"А\"\"\";1\n\"Кофе \"Б\"\";2\nТруба 5\";3\n",
                vec![(2, false), (3, false), (4, false)],
            ),
        ] {
            let table = Table::read(text, &FIELDS, &["name"]).unwrap();
            let found: Vec<_> = table
                .rows
                .iter()
                .map(|row| (row.line, row.problem.is_some()))
                .collect();
            assert_eq!(found, expected, "{text}");
            let problems = table.rows.iter().filter_map(|row| row.problem.as_ref());
            assert!(problems.clone().all(|wrong| (&wrong.field, &wrong.problem) == (&name, &Problem::UnclosedQuote)));
        }
        let refused = Table::read("\"name;min_stock\nЧай;1\n", &FIELDS, &["name"]).unwrap_err();
        assert_eq!(refused, Error::field("file", Problem::UnclosedQuote));
    }

    #[test]
    fn line_breaks_are_allowed_only_in_descriptions() {
        let fields = ["name", "description"];
        let text = "sep=,\nname,description\nЧай,\"одна\nдве \"\"строки\"\"\"\n\"Ко\nфе\",x\n\"Какао\n\",\n";
        let table = Table::read(text, &fields, &["name"]).unwrap();
        let found: Vec<_> = table
            .rows
            .iter()
            .map(|row| {
                (
                    row.line,
                    row.problem.as_ref().map(|wrong| wrong.problem.clone()),
                )
            })
            .collect();
        assert_eq!(found, [(3, None), (5, Some(Problem::LineBreak)), (7, None)]);
        assert_eq!(
            table.cell(&table.rows[0], "description"),
            "одна\nдве \"строки\""
        );
    }

    #[test]
    fn files_without_the_expected_columns_are_rejected() {
        let refused = |text| Table::read(text, &FIELDS, &["name"]).unwrap_err();
        assert_eq!(refused(""), Error::field("file", Problem::NotTable));
        assert_eq!(
            refused("раз;два\n1;2\n"),
            Error::field("file", Problem::NotTable)
        );
        assert_eq!(
            refused("Минимум\n1\n"),
            Error::field("file", Problem::NoColumn("name".to_owned()))
        );
    }

    #[test]
    fn columns_and_rows_are_bounded() {
        let refused = |text: &str| Table::read(text, &FIELDS, &["name"]).unwrap_err();
        let head = |count: usize| format!("{};name", vec!["x"; count].join(";"));
        let row = format!("{}Чай\n", ";".repeat(63));
        assert_eq!(
            cells(&format!("{}\n{row}", head(63))),
            [(2, "Чай".to_owned(), String::new())]
        );
        assert_eq!(
            refused(&format!("{}\n{row}", head(64))),
            Error::field("file", Problem::TooManyColumns(64))
        );
        // A spreadsheet may write separators far beyond the last column.
        let blank = ";".repeat(500_000);
        assert_eq!(
            cells(&format!("name{blank}\nЧай{blank}\n{blank}\nКофе\n")).len(),
            2
        );
        assert_eq!(
            refused(&format!("name\n{}", "Чай\n".repeat(MAX_ROWS + 1))),
            Error::field("file", Problem::TooManyRows(MAX_ROWS))
        );
        let most = format!("name\n{}", "Чай\n\n".repeat(MAX_ROWS));
        assert_eq!(
            Table::read(&most, &FIELDS, &["name"]).unwrap().rows.len(),
            MAX_ROWS
        );
    }
}
