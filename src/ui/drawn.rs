//! Lists that the server draws as plain HTML.
//!
//! The client needs no code to draw them, and none to read the data that they show.

use serde::{Deserialize, Serialize};

/// The items of a list as HTML.
///
/// When a page is rendered, its HTML contains the list already. So the list is left out of the data from which the
/// client hydrates the page, and `html` is empty there.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Drawn {
    #[serde(default, skip_serializing_if = "Html::is_in_page")]
    html: Html,
    /// Whether the list has no items.
    pub is_empty: bool,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
struct Html {
    text: String,
    #[serde(skip)]
    is_in_page: bool,
}

impl Html {
    const fn is_in_page(&self) -> bool {
        self.is_in_page
    }
}

impl Drawn {
    /// Takes the HTML of a list. `is_in_page` tells whether it is drawn for the HTML of a page.
    pub const fn new(html: String, is_empty: bool, is_in_page: bool) -> Self {
        Self {
            html: Html {
                text: html,
                is_in_page,
            },
            is_empty,
        }
    }

    /// Returns the HTML, for the attribute `inner_html`. While the client hydrates a page, the attribute keeps what the
    /// element has.
    pub fn html(self) -> String {
        self.html.text
    }
}

/// A page of a list, and the cursors of its neighbours.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DrawnPage {
    pub items: Drawn,
    pub before: Option<String>,
    pub after: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_travels_once() {
        let html = "<tr></tr>".to_owned();
        let of = |drawn: &Drawn| serde_json::to_string(drawn).unwrap_or_default();
        let in_page = of(&Drawn::new(html.clone(), false, true));
        assert_eq!(in_page, r#"{"is_empty":false}"#);
        let answer = of(&Drawn::new(html.clone(), false, false));
        assert_eq!(answer, r#"{"html":"<tr></tr>","is_empty":false}"#);
        let read: Drawn = serde_json::from_str(&in_page).unwrap_or_default();
        assert_eq!(read.html(), "");
        let read: Drawn = serde_json::from_str(&answer).unwrap_or_default();
        assert_eq!(read.html(), html);
    }
}
