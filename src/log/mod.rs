//! The operation log: every act, written in the transaction of the act.

pub mod found;
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
    page::list_query,
};
use serde::{Deserialize, Serialize};

codes! {
    /// What was done.
    pub enum Action labelled by action {
        Create = "create" => create,
        Edit = "edit" => edit,
        Correct = "correct" => correct,
        Archive = "archive" => archive,
        Restore = "restore" => restore,
        Delete = "delete" => delete,
        Supply = "supply" => supply,
        Issue = "issue" => issue,
        Deny = "deny" => deny,
        Register = "register" => register,
        SignIn = "sign_in" => sign_in,
        SignInFailed = "sign_in_failed" => sign_in_failed,
        SignOut = "sign_out" => sign_out,
        ChangePassword = "change_password" => change_password,
        /// The present password was wrong.
        ChangePasswordFailed = "change_password_failed" => change_password_failed,
        ChangeRole = "change_role" => change_role,
        Activate = "activate" => activate,
        Block = "block" => block,
        Unblock = "unblock" => unblock,
        ResetPassword = "reset_password" => reset_password,
        Invite = "invite" => invite,
        RevokeInvitation = "revoke_invitation" => revoke_invitation,
        EndSession = "end_session" => end_session,
        Export = "export" => export,
        Import = "import" => import,
        CreateToken = "create_token" => create_token,
        RevokeToken = "revoke_token" => revoke_token,
        /// A product fell below its minimum: the program noticed.
        LowStock = "low_stock" => low_stock,
        SendTest = "send_test" => send_test,
        Resend = "resend" => resend,
        /// A code that links a chat with the bot.
        MakeChatCode = "make_chat_code" => make_chat_code,
        LinkChat = "link_chat" => link_chat,
        UnlinkChat = "unlink_chat" => unlink_chat,
        /// Sums were made anew by `sirius check --repair`.
        Repair = "repair" => repair,
    }
}

codes! {
    /// What it was done to.
    pub enum Entity labelled by entity {
        Product = "product" => product,
        Supply = "supply" => supply,
        Order = "order" => order,
        User = "user" => user,
        Invitation = "invitation" => invitation,
        /// A rate of the euro, by its day.
        Rate = "rate" => rate,
        /// Analytics.
        Report = "report" => report,
        /// The log itself, when it is taken away as a file.
        Log = "log" => log,
        Notification = "notification" => notification,
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

list_query! {
    /// What the log shows: the state of its URL, as it was typed.
    pub struct Query {
        /// Name of whoever acted
        user: String { example = "anna" },
        action: Action { inline, example = "issue" },
        entity_type: Entity { inline, example = "order" },
        entity_id: String { example = "42" },
        /// A part of a value before or after, in any case
        text: String { example = "чай" },
        /// First day
        from: String { format = Date, example = "2026-11-01" },
        /// Last day
        to: String { format = Date, example = "2026-11-30" },
    }
}

/// The name by which the log finds what nobody in particular did.
pub const SYSTEM: &str = "system";

/// Whether a name is the one of the program itself: as the log keeps it, or as a page shows it.
#[cfg(feature = "ssr")]
pub fn is_system(name: &str) -> bool {
    use crate::{i18n::Locale, text::fold};
    let name = fold(name);
    let shown = [Locale::ru, Locale::en].map(|l| leptos_i18n::td_string!(l, ui.system));
    name == SYSTEM || shown.into_iter().any(|shown| fold(shown) == name)
}

/// A field that was empty before.
pub fn set(field: &str, after: impl ToString) -> Change {
    Change {
        field: field.to_owned(),
        before: None,
        after: Some(after.to_string()),
    }
}

/// The fields of something new that have a value.
pub fn all<'a>(fields: impl IntoIterator<Item = (&'a str, Option<String>)>) -> Vec<Change> {
    changes(
        fields
            .into_iter()
            .map(|(field, after)| (field, None, after)),
    )
}

/// The fields that differ, of pairs of a name and the values before and after.
pub fn changes<'a>(
    fields: impl IntoIterator<Item = (&'a str, Option<String>, Option<String>)>,
) -> Vec<Change> {
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
