//! The operation log. Every operation is recorded in the transaction that performs it.

pub mod found;
pub mod history;
pub mod list;

#[cfg(feature = "ssr")]
pub mod api;
#[cfg(feature = "ssr")]
pub mod csv;
#[cfg(feature = "ssr")]
pub mod personal;
#[cfg(feature = "ssr")]
pub mod search;
#[cfg(feature = "ssr")]
pub mod service;
#[cfg(feature = "ssr")]
pub mod undo;

use crate::{
    codes::{Code, codes},
    moment::Moment,
    page::list_query,
};
use serde::{Deserialize, Serialize};

codes! {
    /// The action of an operation.
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
        /// An issued or denied order waits again.
        Reopen = "reopen" => reopen,
        /// A customer brought pieces back, or pieces went back to the supplier.
        Return = "return" => return_,
        WriteOff = "write_off" => write_off,
        /// A supply, a count or a write-off was taken back.
        Undo = "undo" => undo,
        Register = "register" => register,
        SignIn = "sign_in" => sign_in,
        SignInFailed = "sign_in_failed" => sign_in_failed,
        SignOut = "sign_out" => sign_out,
        /// A signed-in user lacked a permission.
        Refuse = "refuse" => refuse,
        ChangePassword = "change_password" => change_password,
        /// The current password was wrong.
        ChangePasswordFailed = "change_password_failed" => change_password_failed,
        /// The password with which a user confirms an operation was wrong.
        ConfirmFailed = "confirm_failed" => confirm_failed,
        /// The code of the second factor was wrong, after a right password.
        CodeFailed = "code_failed" => code_failed,
        /// A recovery code was entered instead of a code of the authenticator app.
        UseRecoveryCode = "use_recovery_code" => use_recovery_code,
        EnableTotp = "enable_totp" => enable_totp,
        DisableTotp = "disable_totp" => disable_totp,
        /// An admin removed the second factor of another user.
        ResetTotp = "reset_totp" => reset_totp,
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
        /// The stock of a product fell below its minimum. Recorded by the program itself.
        LowStock = "low_stock" => low_stock,
        SendTest = "send_test" => send_test,
        Resend = "resend" => resend,
        /// A code was created that links a chat with the bot.
        MakeChatCode = "make_chat_code" => make_chat_code,
        LinkChat = "link_chat" => link_chat,
        UnlinkChat = "unlink_chat" => unlink_chat,
        /// `sirius check --repair` rebuilt the rollups.
        Repair = "repair" => repair,
        /// A customer was erased.
        Erase = "erase" => erase,
    }
}

codes! {
    /// The kind of entity that an operation was performed on.
    pub enum Entity labelled by entity {
        Product = "product" => product,
        Supply = "supply" => supply,
        Order = "order" => order,
        User = "user" => user,
        Invitation = "invitation" => invitation,
        /// The exchange rate of the euro; its id is the day.
        Rate = "rate" => rate,
        /// Analytics.
        Report = "report" => report,
        /// The log itself, when it is exported.
        Log = "log" => log,
        Notification = "notification" => notification,
        /// A customer who was erased; its id is that of the erasure.
        Customer = "customer" => customer,
        /// What one customer takes in one call.
        Basket = "basket" => basket,
        /// Pieces that a customer brought back.
        OrderReturn = "order_return" => order_return,
        /// Pieces that went back to the supplier.
        SupplyReturn = "supply_return" => supply_return,
        WriteOff = "write_off" => write_off,
    }
}

/// A field that an operation set or changed, with its value before and after as plain text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct Change {
    pub field: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
}

/// An entry of the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Operation {
    pub id: i64,
    pub timestamp: Moment,
    pub user_id: Option<String>,
    pub action: Code<Action>,
    /// The kind of entity that the operation was performed on.
    pub entity_type: Code<Entity>,
    /// Id of the entity: usually a number; for a user the name, for an exchange rate the day.
    pub entity_id: String,
    pub changes: Vec<Change>,
    /// The operation that this one took back.
    #[serde(default)]
    pub undoes_id: Option<i64>,
}

#[cfg(feature = "ssr")]
impl Operation {
    /// Returns the facts from which the permission to take the operation back follows.
    pub fn undoable(&self) -> undo::Undoable {
        undo::Undoable {
            id: self.id,
            user_id: self.user_id.clone(),
            timestamp: self.timestamp,
        }
    }
}

list_query! {
    /// The filters and the page of the log, as in its URL.
    pub struct Query {
        /// User name; `system` finds operations of the program and of visitors who were not signed in
        user: String { example = "anna" },
        action: Action { inline, example = "issue" },
        entity_type: Entity { inline, example = "order" },
        entity_id: String { example = "42" },
        /// Part of an old or new value or of the entity id, ignoring case
        text: String { example = "чай" },
        /// First day
        from: String { format = Date, example = "2026-11-01" },
        /// Last day
        to: String { format = Date, example = "2026-11-30" },
    }
}

/// The user name that finds operations without a user.
pub const SYSTEM: &str = "system";

/// Returns whether a name stands for the program itself: [`SYSTEM`], or the word that pages show for it in any
/// language.
#[cfg(feature = "ssr")]
pub fn is_system(name: &str) -> bool {
    use crate::{i18n::Locale, text::fold};
    let name = fold(name);
    let shown = [Locale::ru, Locale::en].map(|locale| leptos_i18n::td_string!(locale, ui.system));
    name == SYSTEM || shown.into_iter().any(|shown| fold(shown) == name)
}

/// Returns a change of a field that was empty before.
pub fn set(field: &str, after: impl ToString) -> Change {
    Change {
        field: field.to_owned(),
        before: None,
        after: Some(after.to_string()),
    }
}

/// Returns the changes for a new entity: all fields that have a value.
pub fn all<'a>(fields: impl IntoIterator<Item = (&'a str, Option<String>)>) -> Vec<Change> {
    changes(
        fields
            .into_iter()
            .map(|(field, after)| (field, None, after)),
    )
}

/// Returns the changes among fields, each given as its name, its value before and its value after.
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
