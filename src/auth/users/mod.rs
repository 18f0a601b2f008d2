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
#[cfg(feature = "ssr")]
pub mod username;

use crate::{
    auth::{Role, UserState},
    codes::Code,
    moment::Moment,
    page::list_query,
};
use serde::{Deserialize, Serialize};

/// An account, as an admin sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(
    feature = "ssr",
    derive(diesel::Queryable, diesel::Selectable),
    diesel(table_name = crate::schema::users)
)]
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

list_query! {
    /// What the list of accounts shows: the state of its URL, as it was typed.
    pub struct Query {
        /// A part of the name
        search: String { example = "ann" },
        role: Role { inline, example = "user" },
        state: UserState { inline, example = "active" },
        /// `-username` for descending.
        sort: String { ignore },
    }
}

/// A link that makes one account, and was not used yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(
    feature = "ssr",
    derive(diesel::Queryable, diesel::Selectable),
    diesel(table_name = crate::schema::invitations)
)]
pub struct Invitation {
    pub id: i64,
    pub role: Code<Role>,
    /// Who invited.
    pub user_id: Option<String>,
    pub created_at: Moment,
    pub expires_at: Moment,
}
