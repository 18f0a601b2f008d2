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
/// The only column whose cells may have several lines.
const MULTILINE: &str = "description";

/// A file as a table whose columns are matched to fields.
#[derive(Debug, PartialEq, Eq)]
pub struct Table {
    /// The field of each column; `None` for an unknown column.
    fields: Vec<Option<&'static str>>,
    pub rows: Vec<Row>,
}

/// A row of a file.
#[derive(Debug, PartialEq, Eq)]
pub struct Row {
    /// The line number of the row in the file.
    pub line: u64,
    /// Why the row cannot be read; `None` if it can.
    pub problem: Option<FieldError>,
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
        let columns: Vec<_> = head
            .cells
            .iter()
            .map(|name| field_named(name, fields))
            .collect();
        if columns.iter().all(Option::is_none) {
            return Err(wrong(Problem::NotTable));
        }
        if let Some(missing) = needed
            .iter()
            .find(|field| !columns.contains(&fields.iter().find(|known| known == field).copied()))
        {
            return Err(wrong(Problem::NoColumn((*missing).to_owned())));
        }
        let mut rows = Vec::new();
        for record in records {
            if record.cells.iter().all(|cell| cell.trim().is_empty()) {
                continue;
            }
            if rows.len() == MAX_ROWS {
                return Err(wrong(Problem::TooManyRows(MAX_ROWS)));
            }
            rows.push(Row {
                line: record.line,
                problem: record.problem(&columns),
                cells: record
                    .cells
                    .iter()
                    .map(|cell| unguarded(cell).to_owned())
                    .collect(),
            });
        }
        Ok(Self {
            fields: columns,
            rows,
        })
    }

    /// Returns the cells of a row by field, for the columns that the file has.
    pub fn fields(&self, row: &Row) -> Fields {
        let known = self.fields.iter().flatten();
        let cell = |field: &&str| ((*field).to_owned(), self.cell(row, field).to_owned());
        Fields(known.map(cell).collect())
    }

    /// Returns a cell of a row; empty if there is none.
    pub fn cell<'r>(&self, row: &'r Row, field: &str) -> &'r str {
        let column = self.fields.iter().position(|known| *known == Some(field));
        column
            .and_then(|column| row.cells.get(column))
            .map_or("", String::as_str)
    }
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
    cells: Vec<String>,
    /// The index of the column with an unclosed quote.
    unclosed: Option<usize>,
}

impl Record {
    fn problem(&self, columns: &[Option<&'static str>]) -> Option<FieldError> {
        let field = |column: usize| columns.get(column).copied().flatten();
        if let Some(column) = self.unclosed {
            return Some(FieldError {
                field: field(column).unwrap_or("file").to_owned(),
                problem: Problem::UnclosedQuote,
            });
        }
        let is_broken = |cell: &str| cell.trim().contains(['\n', '\r']);
        let broken = self
            .cells
            .iter()
            .enumerate()
            .filter(|(_, cell)| is_broken(cell))
            .find_map(|(column, _)| field(column).filter(|field| *field != MULTILINE));
        broken.map(|field| FieldError {
            field: field.to_owned(),
            problem: Problem::LineBreak,
        })
    }
}

/// Splits a text into rows; `skipped` is the number of lines before it in the file. A line with an unclosed quote is a
/// row of its own, so that it does not swallow the rows after it.
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
            records.push(Record {
                line: before + line,
                cells: record.iter().map(str::to_owned).collect(),
                unclosed: None,
            });
        }
        let Some(Unclosed { row, quote, column }) = unclosed else {
            return Ok(records);
        };
        let end = rest[quote..]
            .find(['\n', '\r'])
            .map_or(rest.len(), |length| quote + length + 1);
        let cells = rest[row..end].trim_end().split(char::from(delimiter));
        records.push(Record {
            line: before + line_ends(&rest[..quote]) + 1,
            cells: cells.map(str::to_owned).collect(),
            unclosed: Some(column),
        });
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
    let name = fold(unguarded(name));
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
}
