//! What is wrong with a field.

use crate::money::AmountError;
use serde::{Deserialize, Serialize};

/// A field with a value that cannot be taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldError {
    pub field: String,
    pub problem: Problem,
}

/// What is wrong with a field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Problem {
    Required,
    /// Fewer characters than this.
    TooShort(usize),
    /// More characters than this.
    TooLong(usize),
    /// More than 71 bytes: bcrypt reads no more.
    PasswordTooLong,
    NotUsername,
    /// A word with letters of two alphabets.
    MixedAlphabets,
    NotNumber,
    NotAmount,
    TooManyDecimals,
    Negative,
    /// Above this.
    TooLarge(i64),
    /// Below this.
    TooSmall(i64),
    NotPhone,
    /// A telephone number and an extension, or another number, after it.
    NotOnePhone,
    /// Fewer digits than this to search by.
    TooFewDigits(usize),
    NotDate,
    NotOffered,
    Taken,
    UnknownProduct,
    /// The text fits several products.
    Ambiguous(Vec<String>),
    /// The browser could not find out which product the text means.
    NotLookedUp,
    WrongPassword,
    PasswordsDiffer,
    /// The new password is the present one.
    SamePassword,
    NoPrice,
    /// Fewer pieces may be sold than were asked for.
    OutOfStock {
        stock: i64,
        qty: i64,
    },
    /// So many pieces come to too much; the highest price of one that goes with them, in minor units.
    TotalTooLarge(i64),
    /// At its purchase price, more pieces than this are worth too much.
    WorthTooMuch(i64),
    /// A sum of a report would be larger than a number holds.
    SumTooLarge,
    /// The same, of the cost in roubles at this rate.
    RateTooHigh,
    /// Not a rate of the euro.
    NotRate,
    /// A day that has not come yet.
    InFuture,
    /// The last day comes before the first.
    BeforeStart,
    /// More periods than a report shows.
    RangeTooLong,
    /// The same as on this line of the file.
    Repeated(usize),
    /// The product is archived.
    Archived,
    /// The same, of an order that is there: it may only become smaller.
    OnlyFewer,
    /// A row that is on record and may not be changed.
    OnRecord,
    /// A number that names no row on record.
    NotOnRecord,
    /// A file without this column.
    NoColumn(String),
    /// A file that is no table, or has none of ours.
    NotTable,
    /// A quote in a file that is opened and not closed.
    UnclosedQuote,
    /// More than one line where one is meant.
    LineBreak,
    /// The same content was imported within a day.
    ImportedAlready,
    /// More rows than this in a file.
    TooManyRows(usize),
    NotText,
    NotFlag,
    /// There is no such field.
    UnknownField,
    /// The body is no JSON object.
    NotObject,
    /// As many as this are there already.
    TooMany(usize),
    /// No channel is configured, or not this recipient.
    NobodyToTell,
}

impl From<AmountError> for Problem {
    fn from(error: AmountError) -> Self {
        match error {
            AmountError::NotNumber => Self::NotAmount,
            AmountError::TooFine => Self::TooManyDecimals,
            AmountError::Negative => Self::Negative,
            AmountError::TooLarge => Self::TooLarge(crate::money::MAX_PRICE / 100),
            AmountError::TotalTooLarge(highest) => Self::TotalTooLarge(highest),
        }
    }
}
