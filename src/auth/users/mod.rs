//! The admin's desk of accounts: who works here, in which role, and who may come in.

pub mod invite;
pub mod list;
pub mod page;

#[cfg(feature = "ssr")]
pub mod api;
#[cfg(feature = "ssr")]
pub mod invitations;
#[cfg(feature = "ssr")]
pub mod service;

use crate::{
    auth::{Role, UserState},
    codes::Code,
    moment::Moment,
};
use serde::{Deserialize, Serialize};

/// An account, as an admin sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(diesel::Queryable))]
pub struct Account {
    pub username: String,
    pub role: Code<Role>,
    pub state: Code<UserState>,
    pub created_at: Moment,
    /// To a few minutes.
    pub last_seen_at: Option<Moment>,
    /// Has a one-time password.
    pub must_change_password: bool,
}

/// What the list of accounts shows: the state of its URL, as it was typed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Query {
    /// A part of the name.
    pub search: String,
    /// A code of [`Role`].
    pub role: String,
    /// A code of [`UserState`].
    pub state: String,
    /// `-username` for descending.
    pub sort: String,
    /// Rows on a page; empty: 50.
    pub limit: String,
    pub after: String,
    pub before: String,
}

/// A link that makes one account, and was not used yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(diesel::Queryable))]
pub struct Invitation {
    pub id: i64,
    pub role: Code<Role>,
    /// Who invited.
    pub user_id: Option<String>,
    pub created_at: Moment,
    pub expires_at: Moment,
}
