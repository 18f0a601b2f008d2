//! The problems that the value of a field can have.

use crate::money::{AmountError, Rub};
use serde::{Deserialize, Serialize};

/// A field whose value was rejected, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldError {
    pub field: String,
    pub problem: Problem,
}

/// Why the value of a field was rejected.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Problem {
    Required,
    /// Fewer characters than this.
    TooShort(usize),
    /// More characters than this.
    TooLong(usize),
    /// One of the commonest passwords.
    CommonPassword,
    /// The password contains the user name.
    NameInPassword,
    /// The password contains the name of the shop.
    ShopInPassword,
    NotUsername,
    /// The name has letters of several alphabets.
    MixedAlphabets,
    /// The name has no letter.
    NoLetter,
    /// The name looks like one that is taken.
    LooksTaken,
    NotNumber,
    NotAmount,
    TooManyDecimals,
    Negative,
    /// Above this maximum.
    TooLarge(i64),
    /// Below this minimum.
    TooSmall(i64),
    NotPhone,
    /// A phone number is followed by an extension or another number.
    NotOnePhone,
    /// Fewer digits than this, which a search needs.
    TooFewDigits(usize),
    NotDate,
    NotOffered,
    Taken,
    UnknownProduct,
    /// The text matches several products, which are listed here.
    Ambiguous(Vec<String>),
    /// The browser could not look up the product.
    NotLookedUp,
    WrongPassword,
    /// Not the code that the server printed at its start.
    WrongSetupCode,
    /// The code of a second factor is wrong or was used before.
    WrongCode,
    PasswordsDiffer,
    /// The new password is the current one.
    SamePassword,
    NoPrice,
    /// Not the last four digits of the number.
    NotLastDigits,
    /// The reason has the number or the name of the customer in it.
    NamesCustomer,
    /// Neither an order nor the operation log has this number.
    UnknownCustomer,
    /// Fewer pieces are available than were requested.
    OutOfStock {
        stock: i64,
        qty: i64,
    },
    /// The total of the pieces is too large. Contains the highest allowed price per piece, in minor units.
    TotalTooLarge(i64),
    /// The stock would be worth too much at its purchase price. Contains the largest allowed number of pieces on hand.
    WorthTooMuch(i64),
    /// More than the customer paid.
    MoreThanPaid(Rub),
    /// The stock on hand would be worth more than can be recorded.
    StockWorthTooMuch,
    /// The order was denied on an earlier day, so its product is part of the report of that day.
    DeniedBefore,
    /// A sum of the report would overflow.
    SumTooLarge,
    /// With this exchange rate, a cost in roubles would overflow.
    RateTooHigh,
    /// Not a valid exchange rate of the euro.
    NotRate,
    /// The day is in the future.
    InFuture,
    /// The last day is before the first.
    BeforeStart,
    /// The range has more periods than a report can show.
    RangeTooLong,
    /// The same value as on this line of the file.
    Repeated(usize),
    /// The product is archived.
    Archived,
    /// The product of the order is archived, so the quantity can only be reduced.
    OnlyFewer,
    /// The product exists, so its stock cannot be set by a file.
    OnlyOpening,
    /// The row was recorded with other values and cannot be changed.
    OnRecord,
    /// No recorded row has this id.
    NotOnRecord,
    /// The file does not have this column.
    NoColumn(String),
    /// The file is not a table, or it has no known column.
    NotTable,
    /// A quote in the file is not closed.
    UnclosedQuote,
    /// The value must be a single line.
    LineBreak,
    /// The same content was imported within 24 hours.
    ImportedAlready,
    /// The file is too large, or has more rows than this.
    TooManyRows(usize),
    /// The file has more columns than this.
    TooManyColumns(usize),
    /// The uploaded files that wait for their confirmation take up all the room that there is for them.
    NoRoomForFile,
    /// Not a picture of a kind that can be read.
    NotPhoto,
    /// The photo has more bytes or pixels than are decoded.
    PhotoTooLarge,
    /// Looking for codes in the photo took too long.
    PhotoTookTooLong,
    /// No code was found in the photo.
    NoCode,
    /// These codes were read, but belong to nothing in the shop.
    UnknownCodes(Vec<String>),
    NotText,
    NotFlag,
    /// There is no such field.
    UnknownField,
    /// The value is not a JSON object.
    NotObject,
    /// The value is not a JSON array.
    NotList,
    /// This maximum number has already been reached.
    TooMany(usize),
    /// A list has more items than this.
    TooManyItems(usize),
    /// The text on this line cannot be the code of a product.
    NotCode(usize),
    /// A spreadsheet has rounded the code on this line to a number such as `4.6E+12`.
    RoundedCode(usize),
    /// The code on this line is one of those that the shop prints itself.
    OwnCode(usize),
    /// Another product has this code.
    CodeTaken {
        code: String,
        product: String,
    },
    /// No order was chosen.
    NothingChosen,
    /// No notification channel is configured, or the settings do not list this recipient.
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
