//! What identifies a customer, and whether a text has it.

use crate::phone::Phone;
use std::collections::BTreeSet;
use url::form_urlencoded;

/// A customer to erase: the number, and the names that their orders have or had.
pub struct Person {
    pub phone: Phone,
    pub names: BTreeSet<String>,
}

impl Person {
    /// Returns whether a free text has the number in any notation, or a name of several words. A single word, such as a
    /// first name, identifies nobody.
    pub fn is_in(&self, text: &str) -> bool {
        self.phone.is_in(text) || self.has_name(text, 2)
    }

    /// Returns whether a text has the number or any name.
    pub fn is_named_in(&self, text: &str) -> bool {
        self.phone.is_in(text) || self.has_name(text, 1)
    }

    /// Returns whether the filters of a list, in the form of a URL, have the number or any name.
    pub fn is_in_filters(&self, filters: &str) -> bool {
        form_urlencoded::parse(filters.as_bytes()).any(|(_, value)| self.is_named_in(&value))
    }

    /// Returns whether a text has the words, one after another, of a name with at least so many words.
    fn has_name(&self, text: &str, least: usize) -> bool {
        let names = self.names.iter().map(|name| words(name));
        let names: Vec<String> = names
            .filter(|name| name.matches(' ').count() > least)
            .collect();
        if names.is_empty() {
            return false;
        }
        // Once for all names, because an uploaded file may be large.
        let text = words(text);
        names.iter().any(|name| text.contains(name.as_str()))
    }
}

/// Returns the folded words of a text, with a space before, between and after them.
fn words(text: &str) -> String {
    let folded = crate::text::fold(text);
    let mut words = " ".to_owned();
    for word in folded.split(|sign: char| !sign.is_alphanumeric()) {
        if !word.is_empty() {
            words.push_str(word);
            words.push(' ');
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_customer_is_recognised_in_texts() {
        let person = Person {
            phone: Phone::parse("+79161234567").unwrap(),
            names: BTreeSet::from(["Мария".to_owned(), "Алёна Петрова".to_owned()]),
        };
        for text in [
            "звонила с 8 (916) 123-45-67, брак",
            "+79161234567",
            "тел.9161234567",
            "вернула АЛЕНА  Петрова.",
        ] {
            assert!(person.is_in(text), "{text}");
        }
        for text in ["", "Мария", "8 916 123-45-66", "Петрова Алёна", "123-45-67"]
        {
            assert!(!person.is_in(text), "{text}");
        }
        assert!(person.is_named_in("просила Мария"));
        assert!(!person.is_named_in("Мариям"));
        let filters = form_urlencoded::Serializer::new(String::new())
            .append_pair("customer", "мария")
            .finish();
        assert!(person.is_in_filters(&filters), "{filters}");
        assert!(!person.is_in_filters("phone=4567&status=paid_issued"));
        assert!(person.is_in_filters("phone=8+916+1234567"));
    }
}
