//! Files on their way in: UTF-8, UTF-16 or Windows-1251, separated by `;`, `,` or tabs, heads in words or codes.

use super::cells::meant;
use crate::{
    error::{Error, Problem},
    i18n::Locale,
    text::fold,
    ui::words::field_label,
};
use encoding_rs::{Encoding, UTF_8, WINDOWS_1251};

/// Rows of a file at most.
pub const ROWS: usize = 50_000;

/// A file as a table whose columns are known.
#[derive(Debug, PartialEq, Eq)]
pub struct Table {
    /// The field of each column; `None` for one that we do not know.
    fields: Vec<Option<&'static str>>,
    pub rows: Vec<Row>,
}

/// A row of a file.
#[derive(Debug, PartialEq, Eq)]
pub struct Row {
    /// Its line in the file.
    pub line: u64,
    cells: Vec<String>,
}

impl Table {
    /// Reads a file. `fields` are the columns that it may have, `needed` those that it must have.
    pub fn read(text: &str, fields: &[&'static str], needed: &[&str]) -> Result<Self, Error> {
        let wrong = |problem| Error::field("file", problem);
        let text = text.strip_prefix("sep=").map_or(text, |rest| {
            rest.split_once('\n').map_or("", |(_, rows)| rows)
        });
        let mut records = csv::ReaderBuilder::new()
            .delimiter(separator(text))
            .flexible(true)
            .has_headers(false)
            .from_reader(text.as_bytes())
            .into_records();
        let head = match records.next() {
            Some(Ok(head)) => head,
            _ => return Err(wrong(Problem::NotTable)),
        };
        let columns: Vec<_> = head.iter().map(|name| field_named(name, fields)).collect();
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
            let record = record.map_err(|_| wrong(Problem::NotTable))?;
            if record.iter().all(|cell| cell.trim().is_empty()) {
                continue;
            }
            if rows.len() == ROWS {
                return Err(wrong(Problem::TooManyRows(ROWS)));
            }
            rows.push(Row {
                line: record
                    .position()
                    .map_or(0, |position| line_of(text, position)),
                cells: record.iter().map(|cell| meant(cell).to_owned()).collect(),
            });
        }
        Ok(Self {
            fields: columns,
            rows,
        })
    }

    /// Whether the file has a column.
    pub fn has(&self, field: &str) -> bool {
        self.fields.contains(&Some(field))
    }

    /// The cell of a row; empty when there is none.
    pub fn cell<'r>(&self, row: &'r Row, field: &str) -> &'r str {
        let column = self.fields.iter().position(|known| *known == Some(field));
        column
            .and_then(|column| row.cells.get(column))
            .map_or("", String::as_str)
    }
}

/// The text of a file: by its byte order mark, else UTF-8 when it is that, else Windows-1251.
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

/// The line of a row: it begins behind the line ends that the reader has yet to skip.
fn line_of(text: &str, position: &csv::Position) -> u64 {
    let begin = usize::try_from(position.byte()).unwrap_or(usize::MAX);
    let ends = text
        .bytes()
        .skip(begin)
        .take_while(|byte| matches!(byte, b'\r' | b'\n'));
    let skipped = ends.filter(|byte| *byte == b'\n').count();
    position.line() + u64::try_from(skipped).unwrap_or(0)
}

/// What separates the names in the head.
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
    let name = fold(meant(name));
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
    fn heads_are_words_or_codes_and_any_separator_will_do() {
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
    fn a_file_of_windows_is_read_too() {
        assert_eq!(decode(b"\xd7\xe0\xe9"), "Чай");
        assert_eq!(decode("\u{feff}Чай".as_bytes()), "Чай");
        assert_eq!(decode(b"\xff\xfe\x27\x04"), "Ч");
    }

    #[test]
    fn what_is_no_table_of_ours_is_refused() {
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
