//! Normalizes the text that people type.
//!
//! Texts that look the same become equal: «й» has one composition, and there are no fullwidth letters and no invisible
//! characters. Invisible are those that Unicode calls default-ignorable: zero-width and bidirectional characters, soft
//! hyphens, variation selectors. A side effect is that a family emoji is split into its members.

use icu_normalizer::ComposingNormalizerBorrowed;
use icu_properties::{
    CodePointMapData, CodePointSetData,
    props::{DefaultIgnorableCodePoint, GeneralCategory},
};

/// Returns the form in which names are compared, searched and sorted: lower case, `ё` as `е`, single spaces, NFKC.
///
/// Not left to the databases, because they fold case differently (SQLite only ASCII).
pub fn fold(text: &str) -> String {
    let nfkc = ComposingNormalizerBorrowed::new_nfkc();
    let lower = nfkc.normalize(&visible(text)).to_lowercase();
    let folded = nfkc.normalize(&lower).replace('ё', "е");
    single_spaces(&folded)
}

/// Returns a line of text as it is stored: NFKC (except for symbols and numerals), without invisible and control
/// characters, repeated spaces, and spaces at the ends.
pub fn tidy(text: &str) -> String {
    let visible = visible(text).replace(char::is_control, " ");
    single_spaces(&compatible(&visible))
}

/// Returns a text of several lines as it is stored: NFC, without invisible and control characters, and without
/// whitespace at the ends.
pub fn tidy_lines(text: &str) -> String {
    let lines = visible(text)
        .replace("\r\n", "\n")
        .replace(|c: char| c.is_control() && c != '\n', "");
    ComposingNormalizerBorrowed::new_nfc()
        .normalize(lines.trim())
        .into_owned()
}

/// Returns the letters and digits of a typed code, in lower case: spaces and dashes only separate its groups.
pub fn tidy_code(code: &str) -> String {
    let signs = code.chars().filter(char::is_ascii_alphanumeric);
    signs.collect::<String>().to_ascii_lowercase()
}

fn visible(text: &str) -> String {
    let invisible = CodePointSetData::new::<DefaultIgnorableCodePoint>();
    text.chars().filter(|c| !invisible.contains(*c)).collect()
}

/// Applies NFKC, but keeps symbols and numerals: «№ 5» would become «No 5», and «10½» would become «101⁄2». Both forms
/// are equal after [`fold`].
fn compatible(text: &str) -> String {
    let categories = CodePointMapData::<GeneralCategory>::new();
    let stays = |c: char| {
        matches!(
            categories.get(c),
            GeneralCategory::OtherSymbol | GeneralCategory::OtherNumber
        )
    };
    let nfkc = ComposingNormalizerBorrowed::new_nfkc();
    let mut kept = String::with_capacity(text.len());
    for part in text.split_inclusive(stays) {
        let plain = part.strip_suffix(stays).unwrap_or(part);
        kept.push_str(&nfkc.normalize(plain));
        kept.push_str(part.get(plain.len()..).unwrap_or_default());
    }
    kept
}

fn single_spaces(text: &str) -> String {
    let text = text.replace(char::is_control, " ");
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_look_the_same_fold_to_the_same_key() {
        assert_eq!(fold("  Чай   ЗЕЛЁНЫЙ\n"), "чай зеленый");
        assert_eq!(fold("Žižkov"), "žižkov");
        for alike in [
            "Чаи\u{306}ник",
            "Чай\u{200b}ник",
            "\u{feff}Чаи\u{200d}\u{306}ник\u{200f}",
            "Чай\u{ad}ник",
            "\u{202e}ЧАЙНИК\u{202c}",
        ] {
            assert_eq!(tidy(alike).to_lowercase(), "чайник", "{alike:?}");
            assert_eq!(fold(alike), "чайник", "{alike:?}");
        }
        assert_eq!(fold("Е\u{308}лка"), "елка");
        assert_eq!(tidy("ＡＢＣ\u{a0}１２ ﬁ\u{3000}é"), "ABC 12 fi é");
    }

    #[test]
    fn signs_and_numerals_are_kept_as_typed_and_match_plain_text() {
        assert_eq!(tidy("Краска № 5, 10½, 2 м²"), "Краска № 5, 10½, 2 м²");
        assert_eq!(fold("Краска № 5, 2 м²"), fold("краска No 5, 2 м2"));
    }

    #[test]
    fn a_description_keeps_its_line_breaks_and_characters() {
        assert_eq!(
            tidy_lines(" Чаи\u{306}\u{200b}\r\n\r\nＡ м²\u{7}\n"),
            "Чай\n\nＡ м²"
        );
    }

    #[test]
    fn normalisation_is_idempotent() {
        for c in ('\0'..='\u{1ffff}').chain('\u{e0000}'..='\u{e0fff}') {
            let text = format!("а{c}\u{306}б {c}");
            let (line, lines) = (tidy(&text), tidy_lines(&text));
            assert_eq!(tidy(&line), line, "{:x}", u32::from(c));
            assert_eq!(tidy_lines(&lines), lines, "{:x}", u32::from(c));
            assert_eq!(fold(&line), fold(&text), "{:x}", u32::from(c));
        }
    }
}
