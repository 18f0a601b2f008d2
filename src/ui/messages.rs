//! Error messages for users.

use super::labels::column_label;
use crate::{
    audit::Entity,
    codes::Code,
    error::{Error, LastChange, Problem, Stale},
    i18n::Locale,
    moment::day_shown,
    money::amount,
    number::{pieces, thousands},
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
            Self::Stale(stale) => stale.message(locale),
            &Self::OutOfStock { stock, qty } => Problem::OutOfStock { stock, qty }.message(locale),
            Self::Reserved { on_hand, reserved } => td_string!(
                locale,
                errors.reserved,
                on_hand = pieces(*on_hand, locale),
                reserved = pieces(*reserved, locale)
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
            Self::LinesOutOfStock(_) => td_string!(locale, errors.lines_out_of_stock).to_string(),
            Self::AnotherLine => td_string!(locale, errors.another_line).to_string(),
            Self::IssuedEarlier => td_string!(locale, errors.issued_earlier).to_string(),
            Self::HasReturns => td_string!(locale, errors.has_returns).to_string(),
            Self::CustomerErased => td_string!(locale, errors.customer_erased).to_string(),
            Self::NotYoursToTakeBack => {
                td_string!(locale, errors.not_yours_to_take_back).to_string()
            }
            Self::NotUndoable => td_string!(locale, errors.not_undoable).to_string(),
            Self::SupplyUndone => td_string!(locale, errors.supply_undone).to_string(),
            Self::OrdersWait { orders } => {
                let orders = thousands(orders.unsigned_abs(), locale);
                td_string!(locale, errors.orders_wait, orders = orders).to_string()
            }
            Self::SumTooLarge => td_string!(locale, errors.sum_too_large).to_string(),
            Self::BadCredentials => td_string!(locale, errors.bad_credentials).to_string(),
            Self::AccountPending => td_string!(locale, errors.account_pending).to_string(),
            Self::AccountBlocked => td_string!(locale, errors.account_blocked).to_string(),
            Self::MustChangePassword => td_string!(locale, errors.must_change_password).to_string(),
            Self::OneTimePasswordOver => {
                td_string!(locale, errors.one_time_password_over).to_string()
            }
            Self::TokenExpired => td_string!(locale, errors.token_expired).to_string(),
            Self::NeedsSession => td_string!(locale, errors.needs_session).to_string(),
            Self::TooManyPending => td_string!(locale, errors.too_many_pending).to_string(),
            Self::SecondFactor(Problem::Required) => {
                td_string!(locale, totp.code_needed).to_string()
            }
            Self::SecondFactor(problem) => problem.message(locale),
            Self::MustSetUpTotp => td_string!(locale, errors.must_set_up_totp).to_string(),
            Self::SecondFactorOn => td_string!(locale, errors.second_factor_on).to_string(),
            Self::SecondFactorOff => td_string!(locale, errors.second_factor_off).to_string(),
            Self::RegistrationClosed => td_string!(locale, errors.registration_closed).to_string(),
            Self::InvitationOver => td_string!(locale, errors.invitation_over).to_string(),
            Self::LastAdmin => td_string!(locale, errors.last_admin).to_string(),
            Self::Yourself => td_string!(locale, errors.yourself).to_string(),
            Self::KeyReused(_) => td_string!(locale, errors.key_reused).to_string(),
            Self::BadCursor => td_string!(locale, errors.bad_cursor).to_string(),
            Self::TooOften { seconds } => {
                let seconds = thousands(*seconds, locale);
                td_string!(locale, errors.too_often, seconds = seconds).to_string()
            }
            Self::OtherSite => td_string!(locale, errors.other_site).to_string(),
            Self::UnknownHost => td_string!(locale, errors.unknown_host).to_string(),
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

impl Stale {
    /// Returns who changed what and when, as far as it is known, and what to do.
    fn message(&self, locale: Locale) -> String {
        let last = self.last_change.as_ref();
        let changed = match last.map(|last| (last.entity, last.user.as_deref(), last.when(locale)))
        {
            Some((Entity::Order, Some(name), when)) => {
                td_string!(locale, errors.stale_order_by, name = name, when = when).to_string()
            }
            Some((Entity::Order, None, when)) => {
                td_string!(locale, errors.stale_order, when = when).to_string()
            }
            Some((Entity::Product, Some(name), when)) => {
                td_string!(locale, errors.stale_product_by, name = name, when = when).to_string()
            }
            Some((Entity::Product, None, when)) => {
                td_string!(locale, errors.stale_product, when = when).to_string()
            }
            _ => td_string!(locale, errors.stale).to_string(),
        };
        format!("{changed} {}", td_string!(locale, errors.stale_kept))
    }
}

impl LastChange {
    /// Returns the time of the change, as in `в 17:28`, with the day if that is not today.
    fn when(&self, locale: Locale) -> String {
        let time = self.at.time();
        if self.is_today {
            return td_string!(locale, errors.at_time, time = time).to_string();
        }
        let day = day_shown(self.at.day(), locale);
        td_string!(locale, errors.at_day_and_time, day = day, time = time).to_string()
    }
}

impl Problem {
    /// Returns what is wrong with the value and what to enter instead.
    pub fn message(&self, locale: Locale) -> String {
        let count = |count: usize| pieces(i64::try_from(count).unwrap_or(i64::MAX), locale);
        match self {
            Self::Required => td_string!(locale, problems.required).to_string(),
            Self::TooShort(min) => {
                td_string!(locale, problems.too_short, min = count(*min)).to_string()
            }
            Self::TooLong(max) => {
                td_string!(locale, problems.too_long, max = count(*max)).to_string()
            }
            Self::CommonPassword => td_string!(locale, problems.common_password).to_string(),
            Self::NameInPassword => td_string!(locale, problems.name_in_password).to_string(),
            Self::ShopInPassword => td_string!(locale, problems.shop_in_password).to_string(),
            Self::NotUsername => td_string!(locale, problems.not_username).to_string(),
            Self::MixedAlphabets => td_string!(locale, problems.mixed_alphabets).to_string(),
            Self::NoLetter => td_string!(locale, problems.no_letter).to_string(),
            Self::LooksTaken => td_string!(locale, problems.looks_taken).to_string(),
            Self::NotNumber => td_string!(locale, problems.not_number).to_string(),
            Self::NotAmount => td_string!(locale, problems.not_amount).to_string(),
            Self::TooManyDecimals => td_string!(locale, problems.too_many_decimals).to_string(),
            Self::Negative => td_string!(locale, problems.negative).to_string(),
            Self::TooLarge(max) => {
                td_string!(locale, problems.too_large, max = pieces(*max, locale)).to_string()
            }
            Self::TooSmall(min) => {
                td_string!(locale, problems.too_small, min = pieces(*min, locale)).to_string()
            }
            Self::NotPhone => td_string!(locale, problems.not_phone).to_string(),
            Self::NotOnePhone => td_string!(locale, problems.not_one_phone).to_string(),
            Self::TooFewDigits(min) => {
                td_string!(locale, problems.too_few_digits, min = count(*min)).to_string()
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
            Self::WrongSetupCode => td_string!(locale, problems.wrong_setup_code).to_string(),
            Self::WrongCode => td_string!(locale, problems.wrong_code).to_string(),
            Self::PasswordsDiffer => td_string!(locale, problems.passwords_differ).to_string(),
            Self::SamePassword => td_string!(locale, problems.same_password).to_string(),
            Self::NoPrice => td_string!(locale, problems.no_price).to_string(),
            Self::NotLastDigits => td_string!(locale, problems.not_last_digits).to_string(),
            Self::NamesCustomer => td_string!(locale, problems.names_customer).to_string(),
            Self::UnknownCustomer => td_string!(locale, problems.unknown_customer).to_string(),
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
            Self::MoreThanPaid(paid) => {
                let paid = paid.display(locale);
                td_string!(locale, problems.more_than_paid, paid = paid).to_string()
            }
            Self::StockWorthTooMuch => {
                td_string!(locale, problems.stock_worth_too_much).to_string()
            }
            Self::DeniedBefore => td_string!(locale, problems.denied_before).to_string(),
            Self::OnlyOpening => td_string!(locale, problems.only_opening).to_string(),
            Self::NotList => td_string!(locale, problems.not_list).to_string(),
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
                let column = column_label(locale, field).unwrap_or(field);
                td_string!(locale, problems.no_column, column = column).to_string()
            }
            Self::NotTable => td_string!(locale, problems.not_table).to_string(),
            Self::UnclosedQuote => td_string!(locale, problems.unclosed_quote).to_string(),
            Self::LineBreak => td_string!(locale, problems.line_break).to_string(),
            Self::ImportedAlready => td_string!(locale, problems.imported_already).to_string(),
            Self::TooManyRows(max) => {
                td_string!(locale, problems.too_many_rows, max = count(*max)).to_string()
            }
            Self::TooManyColumns(max) => {
                td_string!(locale, problems.too_many_columns, max = count(*max)).to_string()
            }
            Self::NoRoomForFile => td_string!(locale, problems.no_room_for_file).to_string(),
            Self::NotPhoto => td_string!(locale, problems.not_photo).to_string(),
            Self::PhotoTooLarge => td_string!(locale, problems.photo_too_large).to_string(),
            Self::PhotoTookTooLong => td_string!(locale, problems.photo_took_too_long).to_string(),
            Self::NoCode => td_string!(locale, problems.no_code).to_string(),
            Self::UnknownCodes(codes) => {
                td_string!(locale, problems.unknown_codes, codes = codes.join(", ")).to_string()
            }
            Self::NotText => td_string!(locale, problems.not_text).to_string(),
            Self::NotFlag => td_string!(locale, problems.not_flag).to_string(),
            Self::UnknownField => td_string!(locale, problems.unknown_field).to_string(),
            Self::NotObject => td_string!(locale, problems.not_object).to_string(),
            Self::TooMany(max) => {
                td_string!(locale, problems.too_many, max = count(*max)).to_string()
            }
            Self::TooManyItems(max) => {
                td_string!(locale, problems.too_many_items, max = count(*max)).to_string()
            }
            Self::NotCode(line) => td_string!(locale, problems.not_code, line = line).to_string(),
            Self::RoundedCode(line) => {
                td_string!(locale, problems.rounded_code, line = line).to_string()
            }
            Self::OwnCode(line) => td_string!(locale, problems.own_code, line = line).to_string(),
            Self::CodeTaken { code, product } => {
                let (code, product) = (code.as_str(), product.as_str());
                td_string!(locale, problems.code_taken, code = code, product = product).to_string()
            }
            Self::NothingChosen => td_string!(locale, problems.nothing_chosen).to_string(),
            Self::NobodyToTell => td_string!(locale, problems.nobody_to_tell).to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::moment::Moment;
    use chrono::NaiveDate;

    #[test]
    fn numbers_in_messages_are_grouped() {
        for (problem, ru, en) in [
            (
                Problem::TooLarge(1_000_000),
                "Не больше 1\u{a0}000\u{a0}000",
                "At most 1,000,000",
            ),
            (
                Problem::TooLong(2_000),
                "Не более 2\u{a0}000 символов",
                "At most 2,000 characters",
            ),
            (
                Problem::TooManyRows(10_000),
                "В файле больше 10\u{a0}000 строк. Разделите его",
                "The file has more than 10,000 rows. Split it",
            ),
        ] {
            assert_eq!(problem.message(Locale::ru), ru);
            assert_eq!(problem.message(Locale::en), en);
        }
        let reserved = Error::Reserved {
            on_hand: 99_000,
            reserved: 99_999,
        };
        assert!(
            reserved
                .message(Locale::ru)
                .starts_with("В резерве 99\u{a0}999 шт., а на складе осталось бы 99\u{a0}000.")
        );
    }

    #[test]
    fn a_conflict_says_who_changed_what_and_when() {
        let utc = NaiveDate::from_ymd_opt(2026, 11, 23)
            .and_then(|day| day.and_hms_opt(14, 28, 0))
            .unwrap();
        let message = |entity, user: Option<&str>, is_today, locale| {
            let last_change = LastChange {
                entity,
                user: user.map(str::to_owned),
                at: Moment::new(utc, 180),
                is_today,
            };
            let stale = Stale::new(2, Vec::new(), Some(last_change));
            let message = Error::Stale(stale).message(locale);
            let (changed, _) = message.split_once(". ").unwrap();
            changed.to_owned()
        };
        for (entity, user, is_today, ru, en) in [
            (
                Entity::Order,
                Some("анна"),
                true,
                "Пока вы редактировали, заказ изменил анна в 17:28",
                "While you were editing, анна changed the order at 17:28",
            ),
            (
                Entity::Order,
                None,
                true,
                "Пока вы редактировали, заказ изменили в 17:28",
                "While you were editing, the order was changed at 17:28",
            ),
            (
                Entity::Product,
                Some("анна"),
                false,
                "Пока вы редактировали, товар изменил анна 23.11.2026 в 17:28",
                "While you were editing, анна changed the product on 23 Nov 2026 at 17:28",
            ),
            (
                Entity::Product,
                None,
                true,
                "Пока вы редактировали, товар изменили в 17:28",
                "While you were editing, the product was changed at 17:28",
            ),
        ] {
            assert_eq!(message(entity, user, is_today, Locale::ru), ru);
            assert_eq!(message(entity, user, is_today, Locale::en), en);
        }
        let unknown = Error::Stale(Stale::new(2, Vec::new(), None));
        assert_eq!(
            unknown.message(Locale::ru),
            "Пока вы редактировали, данные изменил кто-то другой. Ваши значения остались в форме: сравните и отправьте \
             ещё раз, чтобы сохранить их."
        );
    }
}
