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
    i18n::Locale,
    moment::Moment,
};
use leptos_i18n::td_string;
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

impl Action {
    /// Its name for people.
    pub fn label(self, l: Locale) -> &'static str {
        match self {
            Self::Create => td_string!(l, action.create),
            Self::Edit => td_string!(l, action.edit),
            Self::Correct => td_string!(l, action.correct),
            Self::Archive => td_string!(l, action.archive),
            Self::Restore => td_string!(l, action.restore),
            Self::Delete => td_string!(l, action.delete),
            Self::Supply => td_string!(l, action.supply),
            Self::Issue => td_string!(l, action.issue),
            Self::Deny => td_string!(l, action.deny),
            Self::Register => td_string!(l, action.register),
            Self::SignIn => td_string!(l, action.sign_in),
            Self::SignInFailed => td_string!(l, action.sign_in_failed),
            Self::SignOut => td_string!(l, action.sign_out),
            Self::ChangePassword => td_string!(l, action.change_password),
            Self::ChangePasswordFailed => td_string!(l, action.change_password_failed),
            Self::ChangeRole => td_string!(l, action.change_role),
            Self::Activate => td_string!(l, action.activate),
            Self::Block => td_string!(l, action.block),
            Self::Unblock => td_string!(l, action.unblock),
            Self::ResetPassword => td_string!(l, action.reset_password),
            Self::Invite => td_string!(l, action.invite),
            Self::RevokeInvitation => td_string!(l, action.revoke_invitation),
            Self::EndSession => td_string!(l, action.end_session),
            Self::Export => td_string!(l, action.export),
            Self::Import => td_string!(l, action.import),
            Self::CreateToken => td_string!(l, action.create_token),
            Self::RevokeToken => td_string!(l, action.revoke_token),
            Self::LowStock => td_string!(l, action.low_stock),
            Self::SendTest => td_string!(l, action.send_test),
            Self::Resend => td_string!(l, action.resend),
            Self::MakeChatCode => td_string!(l, action.make_chat_code),
            Self::LinkChat => td_string!(l, action.link_chat),
            Self::UnlinkChat => td_string!(l, action.unlink_chat),
            Self::Repair => td_string!(l, action.repair),
        }
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

impl Entity {
    /// Its name for people.
    pub fn label(self, l: Locale) -> &'static str {
        match self {
            Self::Product => td_string!(l, entity.product),
            Self::Supply => td_string!(l, entity.supply),
            Self::Order => td_string!(l, entity.order),
            Self::User => td_string!(l, entity.user),
            Self::Invitation => td_string!(l, entity.invitation),
            Self::Rate => td_string!(l, entity.rate),
            Self::Report => td_string!(l, entity.report),
            Self::Log => td_string!(l, entity.log),
            Self::Notification => td_string!(l, entity.notification),
        }
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
#[cfg_attr(
    feature = "ssr",
    derive(utoipa::IntoParams),
    into_params(parameter_in = Query)
)]
#[serde(default)]
pub struct Query {
    /// Name of whoever acted
    #[cfg_attr(feature = "ssr", param(value_type = Option<String>, example = "anna"))]
    pub user: String,
    #[cfg_attr(feature = "ssr", param(value_type = Option<Action>, inline, example = "issue"))]
    pub action: String,
    #[cfg_attr(feature = "ssr", param(value_type = Option<Entity>, inline, example = "order"))]
    pub entity_type: String,
    #[cfg_attr(feature = "ssr", param(value_type = Option<String>, example = "42"))]
    pub entity_id: String,
    /// A part of a value before or after, in any case
    #[cfg_attr(feature = "ssr", param(value_type = Option<String>, example = "чай"))]
    pub text: String,
    /// First day
    #[cfg_attr(feature = "ssr", param(value_type = Option<String>, format = Date, example = "2026-11-01"))]
    pub from: String,
    /// Last day
    #[cfg_attr(feature = "ssr", param(value_type = Option<String>, format = Date, example = "2026-11-30"))]
    pub to: String,
    /// Rows of the page
    #[cfg_attr(feature = "ssr", param(value_type = Option<i64>, minimum = 1, maximum = 500, default = 50, example = 50))]
    pub limit: String,
    /// `next` of the page before
    #[serde(alias = "cursor")]
    #[cfg_attr(feature = "ssr", param(rename = "cursor", value_type = Option<String>, example = "W3siSW50Ijo0Mn1d"))]
    pub after: String,
    #[cfg_attr(feature = "ssr", param(ignore))]
    pub before: String,
}

/// The name by which the log finds what nobody in particular did.
pub const SYSTEM: &str = "system";

/// Whether a name is the one of the program itself: as the log keeps it, or as a page shows it.
#[cfg(feature = "ssr")]
pub fn is_system(name: &str) -> bool {
    let shown = [Locale::ru, Locale::en].map(|l| td_string!(l, ui.system));
    let name = crate::text::fold(name);
    name == SYSTEM
        || shown
            .into_iter()
            .any(|shown| crate::text::fold(shown) == name)
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
