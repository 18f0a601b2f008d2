//! The buttons below an order in a Telegram message.

use crate::{i18n::Locale, ui::undo};
use frankenstein::types::{InlineKeyboardButton, InlineKeyboardMarkup};
use leptos_i18n::td_string;

/// The prefixes of the callback data.
const ISSUE: &str = "issue:";
const UNDO: &str = "undo:";
/// The most bytes that Telegram allows as callback data.
const MAX_DATA: usize = 64;

/// A button that was pressed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Press {
    /// Issue the order with this number, and the others of its basket.
    Issue(i64),
    /// Take back the operations by which this order and the others of its basket were issued.
    Undo { order: i64, operations: Vec<i64> },
}

/// Returns the button that issues an order.
pub fn issue_button(order: i64, locale: Locale) -> InlineKeyboardMarkup {
    markup(td_string!(locale, bot.issue), format!("{ISSUE}{order}"))
}

/// Returns the button that takes an issue back; `None` if there were too many orders for one button.
pub fn undo_button(order: i64, operations: &[i64], locale: Locale) -> Option<InlineKeyboardMarkup> {
    let data = format!("{UNDO}{order}:{}", undo::join(operations));
    let fits = !operations.is_empty() && data.len() <= MAX_DATA;
    fits.then(|| markup(td_string!(locale, bot.undo), data))
}

fn markup(words: &str, data: String) -> InlineKeyboardMarkup {
    let button = InlineKeyboardButton::builder()
        .text(words)
        .callback_data(data)
        .build();
    InlineKeyboardMarkup::builder()
        .inline_keyboard(vec![vec![button]])
        .build()
}

/// Reads which button was pressed from its callback data.
pub fn pressed(data: &str) -> Option<Press> {
    if let Some(order) = data.strip_prefix(ISSUE) {
        return order.parse().ok().map(Press::Issue);
    }
    let (order, operations) = data.strip_prefix(UNDO)?.split_once(':')?;
    Some(Press::Undo {
        order: order.parse().ok()?,
        operations: undo::split(operations)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_data_of_a_button_says_what_it_does() {
        assert_eq!(pressed("issue:42"), Some(Press::Issue(42)));
        let undo = Press::Undo {
            order: 42,
            operations: vec![7, 8],
        };
        assert_eq!(pressed("undo:42:7.8"), Some(undo));
        for wrong in ["issue:", "undo:42", "undo:42:", "deny:42"] {
            assert_eq!(pressed(wrong), None, "{wrong}");
        }
        let many: Vec<i64> = (1_000_000..1_000_020).collect();
        assert!(undo_button(42, &many, Locale::ru).is_none());
        assert!(undo_button(42, &[7], Locale::ru).is_some());
    }
}
