//! Error messages for users.

use super::labels::field_label;
use crate::{
    codes::Code,
    error::{Error, Problem},
    i18n::Locale,
    money::amount,
    number::pieces,
    orders::status::Status,
};
use leptos_i18n::td_string;

impl Error {
    /// Returns what happened and what to do, in one or two sentences.
    pub fn message(&self, locale: Locale) -> String {
        match self {
            Self::SignedOut => td_string!(locale, errors.signed_out).to_string(),
            Self::Forbidden => td_string!(locale, errors.forbidden).to_string(),
            Self::NotFound => td_string!(locale, errors.not_found).to_string(),
            Self::Invalid(_) => td_string!(locale, errors.invalid).to_string(),
            Self::Stale(_) => td_string!(locale, errors.stale).to_string(),
            &Self::OutOfStock { stock, qty } => Problem::OutOfStock { stock, qty }.message(locale),
            Self::Reserved { on_hand, reserved } => td_string!(
                locale,
                errors.reserved,
                on_hand = on_hand,
                reserved = reserved
            )
            .to_string(),
            Self::OrderIs(Code::Known(status)) => match status {
                Status::PaidNotIssued => td_string!(locale, errors.order_waits).to_string(),
                Status::PaidIssued => td_string!(locale, errors.order_issued).to_string(),
                Status::PaidDenied => td_string!(locale, errors.order_denied).to_string(),
            },
            Self::OrderIs(Code::Unknown(code)) => {
                td_string!(locale, errors.order_is_unknown, code = code.as_str()).to_string()
            }
            Self::Archived => td_string!(locale, errors.archived).to_string(),
            Self::SumTooLarge => td_string!(locale, errors.sum_too_large).to_string(),
            Self::BadCredentials => td_string!(locale, errors.bad_credentials).to_string(),
            Self::AccountPending => td_string!(locale, errors.account_pending).to_string(),
            Self::AccountBlocked => td_string!(locale, errors.account_blocked).to_string(),
            Self::MustChangePassword => td_string!(locale, errors.must_change_password).to_string(),
            Self::RegistrationClosed => td_string!(locale, errors.registration_closed).to_string(),
            Self::InvitationOver => td_string!(locale, errors.invitation_over).to_string(),
            Self::LastAdmin => td_string!(locale, errors.last_admin).to_string(),
            Self::Yourself => td_string!(locale, errors.yourself).to_string(),
            Self::KeyReused(_) => td_string!(locale, errors.key_reused).to_string(),
            Self::BadCursor => td_string!(locale, errors.bad_cursor).to_string(),
            Self::TooOften { seconds } => {
                td_string!(locale, errors.too_often, seconds = seconds).to_string()
            }
            Self::OtherSite => td_string!(locale, errors.other_site).to_string(),
            Self::TooLarge => td_string!(locale, errors.body_too_large).to_string(),
            Self::SlowRequest => td_string!(locale, errors.slow_request).to_string(),
            Self::TookTooLong => td_string!(locale, errors.took_too_long).to_string(),
            Self::Busy => td_string!(locale, errors.busy).to_string(),
            Self::Locked => td_string!(locale, errors.locked).to_string(),
            Self::Unavailable => td_string!(locale, errors.unavailable).to_string(),
            Self::NoSpace => td_string!(locale, errors.no_space).to_string(),
            Self::Offline => td_string!(locale, errors.offline).to_string(),
            Self::Internal => td_string!(locale, errors.internal).to_string(),
        }
    }
}

impl Problem {
    /// Returns what is wrong with the value and what to enter instead.
    pub fn message(&self, locale: Locale) -> String {
        match self {
            Self::Required => td_string!(locale, problems.required).to_string(),
            Self::TooShort(min) => td_string!(locale, problems.too_short, min = min).to_string(),
            Self::TooLong(max) => td_string!(locale, problems.too_long, max = max).to_string(),
            Self::PasswordTooLong => td_string!(locale, problems.password_too_long).to_string(),
            Self::NotUsername => td_string!(locale, problems.not_username).to_string(),
            Self::MixedAlphabets => td_string!(locale, problems.mixed_alphabets).to_string(),
            Self::NotNumber => td_string!(locale, problems.not_number).to_string(),
            Self::NotAmount => td_string!(locale, problems.not_amount).to_string(),
            Self::TooManyDecimals => td_string!(locale, problems.too_many_decimals).to_string(),
            Self::Negative => td_string!(locale, problems.negative).to_string(),
            Self::TooLarge(max) => td_string!(locale, problems.too_large, max = max).to_string(),
            Self::TooSmall(min) => td_string!(locale, problems.too_small, min = min).to_string(),
            Self::NotPhone => td_string!(locale, problems.not_phone).to_string(),
            Self::NotOnePhone => td_string!(locale, problems.not_one_phone).to_string(),
            Self::TooFewDigits(min) => {
                td_string!(locale, problems.too_few_digits, min = min).to_string()
            }
            Self::NotDate => td_string!(locale, problems.not_date).to_string(),
            Self::NotOffered => td_string!(locale, problems.not_offered).to_string(),
            Self::Taken => td_string!(locale, problems.taken).to_string(),
            Self::UnknownProduct => td_string!(locale, problems.unknown_product).to_string(),
            Self::Ambiguous(names) => {
                td_string!(locale, problems.ambiguous, names = names.join(", ")).to_string()
            }
            Self::NotLookedUp => td_string!(locale, problems.not_looked_up).to_string(),
            Self::WrongPassword => td_string!(locale, problems.wrong_password).to_string(),
            Self::PasswordsDiffer => td_string!(locale, problems.passwords_differ).to_string(),
            Self::SamePassword => td_string!(locale, problems.same_password).to_string(),
            Self::NoPrice => td_string!(locale, problems.no_price).to_string(),
            Self::OutOfStock { stock: 0, .. } => td_string!(locale, problems.sold_out).to_string(),
            Self::OutOfStock { stock, qty } => {
                let (stock, qty) = (pieces(*stock, locale), pieces(*qty, locale));
                td_string!(locale, problems.out_of_stock, stock = stock, qty = qty).to_string()
            }
            Self::TotalTooLarge(highest) => {
                let highest = amount(*highest, locale);
                td_string!(locale, problems.total_too_large, highest = highest).to_string()
            }
            Self::WorthTooMuch(max) => {
                td_string!(locale, problems.worth_too_much, max = pieces(*max, locale)).to_string()
            }
            Self::SumTooLarge => td_string!(locale, problems.sum_too_large).to_string(),
            Self::RateTooHigh => td_string!(locale, problems.rate_too_high).to_string(),
            Self::NotRate => td_string!(locale, problems.not_rate).to_string(),
            Self::InFuture => td_string!(locale, problems.in_future).to_string(),
            Self::BeforeStart => td_string!(locale, problems.before_start).to_string(),
            Self::RangeTooLong => td_string!(locale, problems.range_too_long).to_string(),
            Self::Repeated(line) => td_string!(locale, problems.repeated, line = line).to_string(),
            Self::Archived => td_string!(locale, errors.archived).to_string(),
            Self::OnlyFewer => td_string!(locale, problems.only_fewer).to_string(),
            Self::OnRecord => td_string!(locale, problems.on_record).to_string(),
            Self::NotOnRecord => td_string!(locale, problems.not_on_record).to_string(),
            Self::NoColumn(field) => {
                let column = field_label(locale, field);
                td_string!(locale, problems.no_column, column = column).to_string()
            }
            Self::NotTable => td_string!(locale, problems.not_table).to_string(),
            Self::UnclosedQuote => td_string!(locale, problems.unclosed_quote).to_string(),
            Self::LineBreak => td_string!(locale, problems.line_break).to_string(),
            Self::ImportedAlready => td_string!(locale, problems.imported_already).to_string(),
            Self::TooManyRows(max) => {
                td_string!(locale, problems.too_many_rows, max = max).to_string()
            }
            Self::NotText => td_string!(locale, problems.not_text).to_string(),
            Self::NotFlag => td_string!(locale, problems.not_flag).to_string(),
            Self::UnknownField => td_string!(locale, problems.unknown_field).to_string(),
            Self::NotObject => td_string!(locale, problems.not_object).to_string(),
            Self::TooMany(max) => td_string!(locale, problems.too_many, max = max).to_string(),
            Self::NobodyToTell => td_string!(locale, problems.nobody_to_tell).to_string(),
        }
    }
}
