//! Account management for admins: accounts, their roles and states, and invitations.

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

/// The list of the accounts that wait for approval.
pub const PENDING_ACCOUNTS: &str = "/admin/users?state=pending";

/// An account as shown to an admin.
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
    /// Accurate to a few minutes.
    pub last_seen_at: Option<Moment>,
    /// Whether the password is a one-time password.
    pub must_change_password: bool,
}

list_query! {
    /// The filters, sort order and page of the list of accounts, as in its URL.
    pub struct Query {
        /// Part of the user name
        search: String { example = "ann" },
        role: Role { inline, example = "user" },
        state: UserState { inline, example = "active" },
        /// `-username` sorts in descending order.
        sort: String { ignore },
    }
}

/// A link with which one account can be registered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(
    feature = "ssr",
    derive(diesel::Queryable, diesel::Selectable),
    diesel(table_name = crate::schema::invitations)
)]
pub struct Invitation {
    pub id: i64,
    pub role: Code<Role>,
    /// Name of the user who created the invitation; `None` for the system.
    pub user_id: Option<String>,
    pub created_at: Moment,
    pub expires_at: Moment,
}
