//! The Telegram bot. It answers the people of the shop, each with the permissions of the account linked to their chat.

pub mod answers;
pub mod conversation;
pub mod inbox;
pub mod poll;
pub mod webhook;
