//! Patterns for `LIKE`.

/// Returns the pattern for `LIKE … ESCAPE '\\'` that matches every text with `part` in it.
pub fn containing(part: &str) -> String {
    let escaped = part
        .replace('\\', "\\\\")
        .replace('%', "\\%")
        .replace('_', "\\_");
    format!("%{escaped}%")
}
