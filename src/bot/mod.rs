//! The bot: answers people of the shop in Telegram, each with the rights of the account that his chat is linked to.

pub mod answers;
pub mod conversation;
pub mod inbox;
pub mod poll;
pub mod webhook;
