//! Text as people type it, brought to one form.

/// The form by which names are compared, searched and ordered: lower case, `ё` as `е`, single spaces.
///
/// Done here because the databases fold case differently (SQLite only ASCII).
pub fn fold(text: &str) -> String {
    tidy(text).to_lowercase().replace('ё', "е")
}

/// The text without spaces at its ends, doubled spaces and control characters.
pub fn tidy(text: &str) -> String {
    let visible: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    visible.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The pattern of `LIKE … ESCAPE '\\'` for texts that contain this one.
pub fn containing(part: &str) -> String {
    let escaped = part
        .replace('\\', "\\\\")
        .replace('%', "\\%")
        .replace('_', "\\_");
    format!("%{escaped}%")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_look_alike_fold_alike() {
        assert_eq!(fold("  Чай   ЗЕЛЁНЫЙ\n"), "чай зеленый");
        assert_eq!(fold("Žižkov"), "žižkov");
    }
}
