//! The error type of the program, with the HTTP status of each error. The messages for people are in `ui/messages.rs`.

pub use crate::problem::{FieldError, Problem};

use crate::{
    audit::{Change, Entity},
    codes::Code,
    moment::Moment,
    orders::status::Status,
};
use http::StatusCode;
use leptos::{prelude::*, server_fn::codec::JsonEncoding};
use serde::{Deserialize, Serialize};

/// Why an operation was refused or failed.
///
/// Nothing was changed, except possibly after [`Self::TookTooLong`], [`Self::Unavailable`] and [`Self::NoSpace`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum Error {
    #[error("not signed in")]
    SignedOut,
    #[error("permission denied")]
    Forbidden,
    #[error("not found")]
    NotFound,
    #[error("invalid: {0:?}")]
    Invalid(Vec<FieldError>),
    /// The entity was changed by another user since it was read.
    #[error("edited in the meantime")]
    Stale(Stale),
    #[error("{stock} available, {qty} requested")]
    OutOfStock { stock: i64, qty: i64 },
    #[error("{on_hand} on hand, {reserved} of them reserved")]
    Reserved { on_hand: i64, reserved: i64 },
    /// The status of the order does not allow the operation.
    #[error("the order is {0}")]
    OrderIs(Code<Status>),
    #[error("the product is archived")]
    Archived,
    /// Lines of a basket ask for more than is available, each with its field.
    #[error("lines exceed the stock: {0:?}")]
    LinesOutOfStock(Vec<FieldError>),
    /// The form asked for one more line, and was not sent.
    #[error("one more line is wanted")]
    AnotherLine,
    /// The order was issued on an earlier day, so only a return can take it back.
    #[error("the order was issued on an earlier day")]
    IssuedEarlier,
    /// Pieces of the order were returned.
    #[error("pieces of the order were returned")]
    HasReturns,
    #[error("the customer was erased")]
    CustomerErased,
    /// The user may take back only their own recent operations, and this one is not.
    #[error("not one's own operation of the last 15 minutes")]
    NotYoursToTakeBack,
    /// Operations of this kind cannot be taken back, or something newer depends on this one.
    #[error("the operation cannot be taken back")]
    NotUndoable,
    /// The supply was taken back as a whole.
    #[error("the supply was taken back")]
    SupplyUndone,
    /// This many orders of the customer wait to be issued or denied.
    #[error("{orders} orders of the customer wait")]
    OrdersWait { orders: i64 },
    /// The order would make a sum of the reports overflow.
    #[error("a sum of the reports would be too large")]
    SumTooLarge,
    #[error("wrong user name or password")]
    BadCredentials,
    #[error("account is awaiting approval")]
    AccountPending,
    #[error("account is blocked")]
    AccountBlocked,
    /// The current password is a one-time password.
    #[error("the password must be changed first")]
    MustChangePassword,
    /// The one-time password was used before or has expired.
    #[error("the one-time password is not valid any more")]
    OneTimePasswordOver,
    #[error("the API token has expired")]
    TokenExpired,
    /// The operation is not possible with an API token.
    #[error("not possible with an API token")]
    NeedsSession,
    /// Signing in needs a code of the second factor: it is missing or wrong.
    #[error("second factor: {0:?}")]
    SecondFactor(Problem),
    /// `REQUIRE_2FA` names the role of the user.
    #[error("two-factor authentication must be set up first")]
    MustSetUpTotp,
    #[error("two-factor authentication is already on")]
    SecondFactorOn,
    #[error("two-factor authentication is off")]
    SecondFactorOff,
    #[error("registration is closed")]
    RegistrationClosed,
    /// Too many accounts wait for approval.
    #[error("too many accounts await approval")]
    TooManyPending,
    /// The invitation was used, was revoked or has expired.
    #[error("the invitation is not valid")]
    InvitationOver,
    #[error("not possible for the last administrator")]
    LastAdmin,
    /// An admin tried to do to their own account what is possible only with the accounts of others.
    #[error("not possible with one's own account")]
    Yourself,
    /// The idempotency key was used before with other content.
    #[error("the idempotency key was used before with other content")]
    KeyReused(Recorded),
    #[error("unreadable page cursor")]
    BadCursor,
    /// Too many attempts or requests; the next one is allowed after this many seconds.
    #[error("too many attempts or requests, {seconds} s to wait")]
    TooOften { seconds: u64 },
    /// Another site made the browser send the request.
    #[error("sent from another site")]
    OtherSite,
    /// The request names a host under which the shop is not served.
    #[error("the shop is not served under this host")]
    UnknownHost,
    #[error("the body is too large")]
    TooLarge,
    /// The request took too long to arrive.
    #[error("the request was too slow")]
    SlowRequest,
    /// The response took too long.
    #[error("the response took too long")]
    TookTooLong,
    /// The server has no capacity left for the request.
    #[error("busy")]
    Busy,
    /// Another transaction holds a lock that the operation needs, and did not release it in time.
    #[error("locked by another transaction")]
    Locked,
    /// The database cannot be reached.
    #[error("unavailable")]
    Unavailable,
    /// The disk of the database is full.
    #[error("no disk space")]
    NoSpace,
    /// The server cannot be reached from the browser.
    #[error("offline")]
    Offline,
    /// A fault of the program. The cause is in the log.
    #[error("internal error")]
    Internal,
}

/// What was created earlier with an idempotency key, and a new key with which something else can be created.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recorded {
    pub entity: Code<Entity>,
    pub id: i64,
    pub next_key: String,
}

/// What a user needs to know to resolve a conflicting edit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stale {
    /// The version to send to overwrite the current values.
    pub version: i64,
    /// The fields whose current value differs from the submitted one.
    pub differences: Vec<Difference>,
    /// The change that made the current version, if it is known.
    pub last_change: Option<LastChange>,
}

/// Who changed an entity last, and when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastChange {
    pub entity: Entity,
    /// `None` if it was not a user.
    pub user: Option<String>,
    pub at: Moment,
    /// Whether the change was made on the day of the conflicting edit.
    pub is_today: bool,
}

impl Stale {
    /// Creates a conflict with the current `version`, which the edit would change by `changes`.
    pub fn new(version: i64, changes: Vec<Change>, last_change: Option<LastChange>) -> Self {
        let difference = |change: Change| Difference {
            field: change.field,
            now: change.before.unwrap_or_default(),
        };
        Self {
            version,
            differences: changes.into_iter().map(difference).collect(),
            last_change,
        }
    }
}

/// A field whose current value differs from the submitted one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    pub field: String,
    pub now: String,
}

impl Error {
    /// Creates the error for a single invalid field.
    pub fn field(field: &str, problem: Problem) -> Self {
        Self::Invalid(vec![FieldError {
            field: field.to_owned(),
            problem,
        }])
    }

    /// Returns the fields at which the error is shown, each with its problem.
    pub fn fields(&self) -> Vec<FieldError> {
        match self {
            Self::Invalid(fields) | Self::LinesOutOfStock(fields) => fields.clone(),
            &Self::OutOfStock { stock, qty } => vec![FieldError {
                field: "qty".to_owned(),
                problem: Problem::OutOfStock { stock, qty },
            }],
            Self::SecondFactor(problem) => vec![FieldError {
                field: "code".to_owned(),
                problem: problem.clone(),
            }],
            _ => Vec::new(),
        }
    }

    /// Returns the problem of an invalid field.
    pub fn problem(&self, field: &str) -> Option<&Problem> {
        match self {
            Self::Invalid(fields) | Self::LinesOutOfStock(fields) => fields
                .iter()
                .find(|wrong| wrong.field == field)
                .map(|wrong| &wrong.problem),
            _ => None,
        }
    }

    /// Returns the HTTP status of the error.
    pub const fn status(&self) -> StatusCode {
        match self {
            Self::BadCursor => StatusCode::BAD_REQUEST,
            Self::SignedOut | Self::BadCredentials | Self::SecondFactor(_) | Self::TokenExpired => {
                StatusCode::UNAUTHORIZED
            }
            Self::Forbidden
            | Self::OtherSite
            | Self::AccountPending
            | Self::AccountBlocked
            | Self::MustChangePassword
            | Self::OneTimePasswordOver
            | Self::NeedsSession
            | Self::MustSetUpTotp
            | Self::InvitationOver
            | Self::TooManyPending
            | Self::RegistrationClosed
            | Self::NotYoursToTakeBack => StatusCode::FORBIDDEN,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::UnknownHost => StatusCode::MISDIRECTED_REQUEST,
            Self::Stale(_)
            | Self::OutOfStock { .. }
            | Self::Reserved { .. }
            | Self::OrderIs(_)
            | Self::Archived
            | Self::LinesOutOfStock(_)
            | Self::IssuedEarlier
            | Self::HasReturns
            | Self::CustomerErased
            | Self::NotUndoable
            | Self::SupplyUndone
            | Self::OrdersWait { .. }
            | Self::SumTooLarge
            | Self::SecondFactorOn
            | Self::SecondFactorOff
            | Self::LastAdmin
            | Self::Yourself => StatusCode::CONFLICT,
            Self::Invalid(_) | Self::KeyReused(_) | Self::AnotherLine => {
                StatusCode::UNPROCESSABLE_ENTITY
            }
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

    /// Returns the number of seconds after which to retry, if known.
    pub const fn retry_after(&self) -> Option<u64> {
        match self {
            Self::TooOften { seconds } => Some(*seconds),
            Self::Busy | Self::Locked | Self::Unavailable => Some(5),
            _ => None,
        }
    }

    /// Returns the kind of overload, for the metrics; `None` for other errors.
    pub const fn overload_label(&self) -> Option<&'static str> {
        match self {
            Self::TooOften { .. } => Some("too_often"),
            Self::SlowRequest => Some("slow_request"),
            Self::TookTooLong => Some("took_too_long"),
            Self::Busy => Some("busy"),
            _ => None,
        }
    }

    /// Returns whether to show the request id, by which the operator of the server can find the cause in the log.
    pub const fn shows_request_id(&self) -> bool {
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
