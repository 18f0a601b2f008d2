//! The business rules for acting on several orders at once.
//!
//! Each order has a transaction of its own. So an order that is refused leaves the others alone, and no transaction
//! holds the locks of more than one order: it cannot be part of a deadlock that issuing or denying a single order could
//! not be part of.

use crate::{
    auth::{Actor, Permission},
    codes::{Code, UnknownCode, codes},
    error::{Error, Problem},
    fields::Fields,
    i18n::Locale,
    orders::{
        Order, Status,
        service::{lock, settled_by},
    },
    transaction::{AppState, Tx},
    validation::{Input, Request},
};
use leptos_i18n::td_string;
use std::{fmt, str::FromStr, time::Instant};

/// The most orders of one request: a page of the list.
pub const MOST: usize = 50;

/// The numbers of the chosen orders, in ascending order and each once.
#[derive(Clone, Debug, Default)]
pub struct Chosen(Vec<i64>);

impl Request for Chosen {
    const PERMISSION: Permission = Permission::Orders;

    fn read(input: &mut Input) -> Self {
        if !input.has_items("orders") {
            input.add_error("orders", Problem::NothingChosen);
        }
        let number = |number, _: &mut Input| i64::try_from(number).unwrap_or(i64::MAX);
        Self(input.list("orders", MOST, number))
    }
}

impl Chosen {
    /// Reads the fields of the form, which are named `orders.600.id`.
    pub fn read(fields: Fields, actor: &Actor) -> Result<Self, Error> {
        Input::new(fields).request(actor)
    }
}

/// What became of the chosen orders.
#[derive(Debug, Default)]
pub struct Settled {
    /// The orders that succeeded.
    pub orders: Vec<i64>,
    /// The operations of the log that settled them.
    pub operations: Vec<i64>,
    pub refused: Vec<Refused>,
}

/// An order that was not settled, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refused {
    pub order: i64,
    pub reason: Reason,
}

codes! {
    /// Why an order was not settled.
    pub enum Reason {
        Issued = "issued",
        Denied = "denied",
        Missing = "missing",
        SumTooLarge = "sum_too_large",
        Locked = "locked",
        Busy = "busy",
        Unavailable = "unavailable",
        NoSpace = "no_space",
        Failed = "failed",
    }
}

/// Issues or denies each of the chosen orders that still waits. `page` is the open page that asked for it.
///
/// After half the time of a request, the rest is refused without being tried, so that the answer is in time. Only many
/// waits for a lock, or for a database that does not answer, take that long.
pub async fn settle_each(
    state: &AppState,
    actor: &Actor,
    page: &str,
    chosen: &Chosen,
    act: fn(&mut Tx<'_>, i64) -> Result<Order, Error>,
) -> Settled {
    let (started, patience) = (Instant::now(), state.config.request_timeout / 2);
    let mut settled = Settled::default();
    for &order in &chosen.0 {
        let done = if started.elapsed() < patience {
            let page = page.to_owned();
            let settle = move |tx: &mut Tx<'_>| {
                tx.page = page;
                settle(tx, order, act)
            };
            state.write(actor.clone(), settle).await
        } else {
            Err(Error::Busy)
        };
        match done {
            Ok(operation) => {
                settled.orders.push(order);
                settled.operations.push(operation);
            }
            Err(error) => settled.refused.push(Refused {
                order,
                reason: Reason::of(&error),
            }),
        }
    }
    settled
}

/// Issues or denies an order, and returns the operation that did so. Unlike a repeat of `act`, this is refused if the
/// order was settled before, so that the undo never takes back what somebody else did.
fn settle(
    tx: &mut Tx<'_>,
    id: i64,
    act: fn(&mut Tx<'_>, i64) -> Result<Order, Error>,
) -> Result<i64, Error> {
    tx.actor.may(Permission::Orders)?;
    let before = lock(tx, id)?;
    if !before.waits() {
        return Err(Error::OrderIs(before.status));
    }
    let order = act(tx, id)?;
    let operations = settled_by(tx, &[order])?;
    operations.first().copied().ok_or(Error::Internal)
}

impl Reason {
    fn of(error: &Error) -> Self {
        match error {
            Error::OrderIs(Code::Known(Status::PaidIssued)) => Self::Issued,
            Error::OrderIs(Code::Known(Status::PaidDenied)) => Self::Denied,
            Error::NotFound => Self::Missing,
            Error::SumTooLarge => Self::SumTooLarge,
            Error::Locked => Self::Locked,
            Error::Busy => Self::Busy,
            Error::Unavailable => Self::Unavailable,
            Error::NoSpace => Self::NoSpace,
            _ => Self::Failed,
        }
    }
}

impl Refused {
    /// Returns a sentence with the number of the order and the reason.
    pub fn message(self, locale: Locale) -> String {
        let id = self.order;
        let error = match self.reason {
            Reason::Issued => return td_string!(locale, orders.was_issued, id = id).to_string(),
            Reason::Denied => return td_string!(locale, orders.was_denied, id = id).to_string(),
            Reason::Missing => return td_string!(locale, orders.is_missing, id = id).to_string(),
            Reason::SumTooLarge => Error::SumTooLarge,
            Reason::Locked => Error::Locked,
            Reason::Busy => Error::Busy,
            Reason::Unavailable => Error::Unavailable,
            Reason::NoSpace => Error::NoSpace,
            Reason::Failed => Error::Internal,
        };
        let number = td_string!(locale, orders.number, id = id).to_string();
        format!("{number}: {}", error.message(locale))
    }
}

/// Formats the order and the reason for a URL: `7-denied`.
impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.order, self.reason)
    }
}

impl FromStr for Refused {
    type Err = UnknownCode;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (order, reason) = text.split_once('-').ok_or(UnknownCode)?;
        Ok(Self {
            order: order.parse().map_err(|_| UnknownCode)?,
            reason: reason.parse()?,
        })
    }
}
