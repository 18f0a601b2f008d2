//! The two keyboard layouts of a Russian keyboard: the same keys, typed while the other one was on.

const ENGLISH: &str = "qwertyuiop[]asdfghjkl;'zxcvbnm,.`";
const RUSSIAN: &str = "йцукенгшщзхъфывапролджэячсмитьбюё";

/// Returns what the same keys type in the other layout; `None` if that is the same text.
pub fn other_layout(text: &str) -> Option<String> {
    let lower = text.to_lowercase();
    let is_russian = lower.chars().any(|letter| RUSSIAN.contains(letter));
    let (from, to) = if is_russian {
        (RUSSIAN, ENGLISH)
    } else {
        (ENGLISH, RUSSIAN)
    };
    let swap = |letter: char| {
        let place = from.chars().position(|known| known == letter);
        place
            .and_then(|place| to.chars().nth(place))
            .unwrap_or(letter)
    };
    let swapped: String = lower.chars().map(swap).collect();
    (swapped != lower).then_some(swapped)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_keys_in_the_other_layout() {
        assert_eq!(other_layout("xfq").as_deref(), Some("чай"));
        assert_eq!(other_layout("XFQ 250").as_deref(), Some("чай 250"));
        assert_eq!(other_layout("куфвн").as_deref(), Some("ready"));
        assert_eq!(other_layout("4567"), None);
    }
}
