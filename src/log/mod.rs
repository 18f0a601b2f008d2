//! The operation log: every act, written in the transaction of the act.

pub mod history;
pub mod list;

#[cfg(feature = "ssr")]
pub mod api;
#[cfg(feature = "ssr")]
pub mod csv;
#[cfg(feature = "ssr")]
pub mod search;
#[cfg(feature = "ssr")]
pub mod service;

use crate::{
    codes::{Code, codes},
    moment::Moment,
};
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
        /// The present password was wrong.
        ChangePasswordFailed = "change_password_failed",
        ChangeRole = "change_role",
        Activate = "activate",
        Block = "block",
        Unblock = "unblock",
        ResetPassword = "reset_password",
        Invite = "invite",
        RevokeInvitation = "revoke_invitation",
        EndSession = "end_session",
        Export = "export",
        Import = "import",
        CreateToken = "create_token",
        RevokeToken = "revoke_token",
        /// A product fell below its minimum: the program noticed.
        LowStock = "low_stock",
        SendTest = "send_test",
        Resend = "resend",
        /// A code that links a chat with the bot.
        MakeChatCode = "make_chat_code",
        LinkChat = "link_chat",
        UnlinkChat = "unlink_chat",
        /// Sums were made anew by `sirius check --repair`.
        Repair = "repair",
    }
}

codes! {
    /// What it was done to.
    pub enum Entity {
        Product = "product",
        Supply = "supply",
        Order = "order",
        User = "user",
        Invitation = "invitation",
        /// A rate of the euro, by its day.
        Rate = "rate",
        /// Analytics.
        Report = "report",
        /// The log itself, when it is taken away as a file.
        Log = "log",
        Notification = "notification",
    }
}

/// A field that an act set: its value before and after, as plain text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
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
    pub action: Code<Action>,
    /// What it was done to, and its id: a number, or the name of a user.
    pub entity_type: Code<Entity>,
    pub entity_id: String,
    pub changes: Vec<Change>,
}

/// What the log shows: the state of its URL, as it was typed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Query {
    /// First day, `2026-11-23`.
    pub from: String,
    /// Last day.
    pub to: String,
    /// Name of who did it; `system` for the program itself and for whoever was not signed in.
    pub user: String,
    /// A code of [`Action`].
    pub action: String,
    /// A code of [`Entity`].
    pub entity_type: String,
    /// Of one thing of that kind: its number, or name of a user.
    pub entity_id: String,
    /// A part of a value before or after.
    pub text: String,
    /// Rows on a page; empty: 50.
    pub limit: String,
    pub after: String,
    pub before: String,
}

/// The name by which the log finds what nobody in particular did.
pub const SYSTEM: &str = "system";

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
