//! The button under an order in Telegram.

use crate::i18n::Locale;
use frankenstein::types::{InlineKeyboardButton, InlineKeyboardMarkup};
use leptos_i18n::td_string;

/// What the data of the button begins with.
const ISSUE: &str = "issue:";

/// The button that issues an order.
pub fn issue_button(order: i64, l: Locale) -> InlineKeyboardMarkup {
    let button = InlineKeyboardButton::builder()
        .text(td_string!(l, bot.issue))
        .callback_data(format!("{ISSUE}{order}"))
        .build();
    InlineKeyboardMarkup::builder()
        .inline_keyboard(vec![vec![button]])
        .build()
}

/// The order that a button stands for.
pub fn pressed(data: &str) -> Option<i64> {
    data.strip_prefix(ISSUE)?.parse().ok()
}
