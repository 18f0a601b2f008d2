//! The operation log: every act, written in the transaction of the act.

pub mod history;

#[cfg(feature = "ssr")]
pub mod service;

use crate::{codes::codes, moment::Moment};
use serde::{Deserialize, Serialize};

codes! {
    /// What was done.
    pub enum Action {
        Create = "create",
        Edit = "edit",
        Correct = "correct",
        Archive = "archive",
        Restore = "restore",
        Delete = "delete",
        Supply = "supply",
        Issue = "issue",
        Deny = "deny",
        Register = "register",
        SignIn = "sign_in",
        SignInFailed = "sign_in_failed",
        SignOut = "sign_out",
        ChangePassword = "change_password",
        ChangeRole = "change_role",
        Activate = "activate",
        Export = "export",
        Import = "import",
    }
}

codes! {
    /// What it was done to.
    pub enum Entity {
        Product = "product",
        Supply = "supply",
        Order = "order",
        User = "user",
        Rate = "rate",
        Report = "report",
    }
}

/// A field that an act set: its value before and after, as plain text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    pub field: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
}

/// One row of the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Operation {
    pub id: i64,
    pub timestamp: Moment,
    pub user_id: Option<String>,
    pub action: Action,
    pub changes: Vec<Change>,
}

/// A field that was empty before.
pub fn set(field: &str, after: impl ToString) -> Change {
    Change {
        field: field.to_owned(),
        before: None,
        after: Some(after.to_string()),
    }
}

/// The fields that differ, of pairs of a name and the values before and after.
pub fn changes<const N: usize>(fields: [(&str, Option<String>, Option<String>); N]) -> Vec<Change> {
    fields
        .into_iter()
        .filter(|(_, before, after)| before != after)
        .map(|(field, before, after)| Change {
            field: field.to_owned(),
            before,
            after,
        })
        .collect()
}
