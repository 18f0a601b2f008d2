//! Patterns of `LIKE`.

/// The pattern of `LIKE … ESCAPE '\\'` for texts that contain this one.
pub fn containing(part: &str) -> String {
    let escaped = part
        .replace('\\', "\\\\")
        .replace('%', "\\%")
        .replace('_', "\\_");
    format!("%{escaped}%")
}
