//! The button below an order in a Telegram message.

use crate::i18n::Locale;
use frankenstein::types::{InlineKeyboardButton, InlineKeyboardMarkup};
use leptos_i18n::td_string;

/// The prefix of the button's callback data.
const ISSUE: &str = "issue:";

/// Returns the button that issues an order.
pub fn issue_button(order: i64, locale: Locale) -> InlineKeyboardMarkup {
    let button = InlineKeyboardButton::builder()
        .text(td_string!(locale, bot.issue))
        .callback_data(format!("{ISSUE}{order}"))
        .build();
    InlineKeyboardMarkup::builder()
        .inline_keyboard(vec![vec![button]])
        .build()
}

/// Returns the number of the order that a button issues, from its callback data.
pub fn pressed(data: &str) -> Option<i64> {
    data.strip_prefix(ISSUE)?.parse().ok()
}
