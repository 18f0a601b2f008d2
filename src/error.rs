//! What can go wrong, and the HTTP status of each. `ui/messages.rs` has the words.

pub use crate::problem::{FieldError, Problem};

use crate::{
    codes::Code,
    log::{Change, Entity},
    orders::status::Status,
};
use http::StatusCode;
use leptos::{prelude::*, server_fn::codec::JsonEncoding};
use serde::{Deserialize, Serialize};

/// Why an act was refused or failed. Nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum Error {
    #[error("not signed in")]
    SignedOut,
    #[error("no right")]
    Forbidden,
    #[error("not found")]
    NotFound,
    #[error("invalid: {0:?}")]
    Invalid(Vec<FieldError>),
    /// Somebody else changed it since it was read.
    #[error("edited meanwhile")]
    Stale(Stale),
    #[error("{stock} available, {qty} asked")]
    OutOfStock { stock: i64, qty: i64 },
    #[error("{on_hand} on hand, {reserved} of them reserved")]
    Reserved { on_hand: i64, reserved: i64 },
    /// The order is in a state that does not allow the act.
    #[error("the order is {0}")]
    OrderIs(Code<Status>),
    #[error("the product is archived")]
    Archived,
    /// Counting an order would make a sum of the reports larger than a number holds.
    #[error("a sum of the reports would be too large")]
    SumTooLarge,
    #[error("wrong user name or password")]
    BadCredentials,
    #[error("account waits for approval")]
    AccountPending,
    #[error("account is blocked")]
    AccountBlocked,
    /// The password is a one-time one.
    #[error("the password must be changed first")]
    MustChangePassword,
    #[error("registration is closed")]
    RegistrationClosed,
    /// It was used, revoked, or is too old.
    #[error("the invitation does not hold")]
    InvitationOver,
    #[error("the last administrator")]
    LastAdmin,
    /// What an admin does to others only.
    #[error("one's own account")]
    Yourself,
    /// The idempotency key came before with other content.
    #[error("the form was sent before with other content")]
    KeyReused(Recorded),
    #[error("unreadable page cursor")]
    BadCursor,
    /// Too many tries or requests; the next one may come after so many seconds.
    #[error("too often, {seconds} s to wait")]
    TooOften { seconds: u64 },
    /// A browser was made to send it by another site.
    #[error("sent from another site")]
    OtherSite,
    #[error("the body is too large")]
    TooLarge,
    /// The request took too long to arrive.
    #[error("the request was too slow")]
    SlowRequest,
    /// The answer took too long. What was asked may have been done.
    #[error("the answer took too long")]
    TookTooLong,
    /// More to do than the server takes on.
    #[error("busy")]
    Busy,
    /// Somebody else holds what the act needs, and has held it for too long.
    #[error("locked by others")]
    Locked,
    /// The database cannot be reached.
    #[error("unavailable")]
    Unavailable,
    /// The disk of the database is full.
    #[error("no space")]
    NoSpace,
    /// The server cannot be reached from the browser.
    #[error("offline")]
    Offline,
    /// A fault of the program; its cause is in the log.
    #[error("internal error")]
    Internal,
}

/// What was recorded under an idempotency key, and the key by which something else can be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recorded {
    pub entity: Code<Entity>,
    pub id: i64,
    pub next_key: String,
}

/// What a person must know to decide about a conflicting edit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stale {
    /// The version to send when the edit shall win after all.
    pub version: i64,
    /// Fields whose present value is not what was typed.
    pub differences: Vec<Difference>,
}

impl Stale {
    /// A conflict with `version`, where typing would change the fields so.
    pub fn new(version: i64, changes: Vec<Change>) -> Self {
        let difference = |change: Change| Difference {
            field: change.field,
            now: change.before.unwrap_or_default(),
        };
        Self {
            version,
            differences: changes.into_iter().map(difference).collect(),
        }
    }
}

/// A field with another value than the one that was typed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    pub field: String,
    pub now: String,
}

impl Error {
    /// One wrong field.
    pub fn field(field: &str, problem: Problem) -> Self {
        Self::Invalid(vec![FieldError {
            field: field.to_owned(),
            problem,
        }])
    }

    /// The fields that it is about, each with its problem: it is shown there.
    pub fn fields(&self) -> Vec<FieldError> {
        match self {
            Self::Invalid(fields) => fields.clone(),
            &Self::OutOfStock { stock, qty } => vec![FieldError {
                field: "qty".to_owned(),
                problem: Problem::OutOfStock { stock, qty },
            }],
            _ => Vec::new(),
        }
    }

    /// The problem of a field, if it has one.
    pub fn problem(&self, field: &str) -> Option<&Problem> {
        match self {
            Self::Invalid(fields) => fields
                .iter()
                .find(|wrong| wrong.field == field)
                .map(|wrong| &wrong.problem),
            _ => None,
        }
    }

    /// The HTTP status that says the same.
    pub const fn status(&self) -> StatusCode {
        match self {
            Self::BadCursor => StatusCode::BAD_REQUEST,
            Self::SignedOut | Self::BadCredentials => StatusCode::UNAUTHORIZED,
            Self::Forbidden
            | Self::OtherSite
            | Self::AccountPending
            | Self::AccountBlocked
            | Self::MustChangePassword
            | Self::InvitationOver
            | Self::RegistrationClosed => StatusCode::FORBIDDEN,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::Stale(_)
            | Self::OutOfStock { .. }
            | Self::Reserved { .. }
            | Self::OrderIs(_)
            | Self::Archived
            | Self::SumTooLarge
            | Self::LastAdmin
            | Self::Yourself => StatusCode::CONFLICT,
            Self::Invalid(_) | Self::KeyReused(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::TooOften { .. } => StatusCode::TOO_MANY_REQUESTS,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::SlowRequest => StatusCode::REQUEST_TIMEOUT,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
            Self::Unavailable
            | Self::NoSpace
            | Self::Offline
            | Self::Busy
            | Self::Locked
            | Self::TookTooLong => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// Seconds after which it is worth trying again, where that is known.
    pub const fn wait(&self) -> Option<u64> {
        match self {
            Self::TooOften { seconds } => Some(*seconds),
            Self::Busy | Self::Locked | Self::Unavailable => Some(5),
            _ => None,
        }
    }

    /// What was too much, where something was.
    pub const fn overload(&self) -> Option<&'static str> {
        match self {
            Self::TooOften { .. } => Some("too_often"),
            Self::SlowRequest => Some("slow_request"),
            Self::TookTooLong => Some("took_too_long"),
            Self::Busy => Some("busy"),
            _ => None,
        }
    }

    /// Whether somebody who keeps the server can tell its cause by the number of the request.
    pub const fn is_fault(&self) -> bool {
        matches!(
            self,
            Self::Internal | Self::Unavailable | Self::TookTooLong | Self::Busy
        )
    }
}

impl FromServerFnError for Error {
    type Encoder = JsonEncoding;

    fn from_server_fn_error(error: ServerFnErrorErr) -> Self {
        match error {
            ServerFnErrorErr::Request(_) => Self::Offline,
            ServerFnErrorErr::Args(_) | ServerFnErrorErr::MissingArg(_) => {
                Self::Invalid(Vec::new())
            }
            _ => Self::Internal,
        }
    }
}
