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
#[cfg_attr(
    feature = "ssr",
    derive(utoipa::IntoParams),
    into_params(parameter_in = Query)
)]
#[serde(default)]
pub struct Query {
    /// A part of the name
    #[cfg_attr(feature = "ssr", param(value_type = Option<String>, example = "ann"))]
    pub search: String,
    #[cfg_attr(feature = "ssr", param(value_type = Option<Role>, inline, example = "user"))]
    pub role: String,
    #[cfg_attr(feature = "ssr", param(value_type = Option<UserState>, inline, example = "active"))]
    pub state: String,
    /// `-username` for descending.
    #[cfg_attr(feature = "ssr", param(ignore))]
    pub sort: String,
    /// Rows of the page
    #[cfg_attr(feature = "ssr", param(value_type = Option<i64>, minimum = 1, maximum = 500, default = 50, example = 50))]
    pub limit: String,
    /// `next` of the page before
    #[serde(alias = "cursor")]
    #[cfg_attr(feature = "ssr", param(rename = "cursor", value_type = Option<String>, example = "W3siVGV4dCI6ImFubmEifV0"))]
    pub after: String,
    #[cfg_attr(feature = "ssr", param(ignore))]
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
