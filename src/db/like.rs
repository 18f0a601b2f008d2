//! Patterns for `LIKE`.

/// Returns the pattern for `LIKE … ESCAPE '\\'` that matches every text with `part` in it.
pub fn containing(part: &str) -> String {
    format!("%{}%", escaped(part))
}

/// Returns the pattern for `LIKE … ESCAPE '\\'` that matches every text that begins with `start`.
pub fn beginning(start: &str) -> String {
    format!("{}%", escaped(start))
}

fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\")
        .replace('%', "\\%")
        .replace('_', "\\_")
}
