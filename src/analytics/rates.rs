//! The rules for exchange rates.

use super::{Rate, figures::RubPerEur, rollup, sums::Rates};
use crate::{
    audit::{self, Action, Entity, service::record},
    auth::Permission,
    db::{Conn, Dialect},
    error::{Error, Problem},
    page::Page,
    schema::exchange_rates,
    transaction::Tx,
    validation::{Input, Request, day},
};
use chrono::NaiveDate;
use diesel::prelude::*;
use std::borrow::Cow;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        RefOr, Type,
        schema::{AnyOfBuilder, ObjectBuilder, Schema},
    },
};

/// Number of rates on a page: more than two months of daily rates.
pub const PAGE: i64 = 70;
/// A new rate is due when the newest is older than this many days.
const OLD_DAYS: i64 = 7;
/// The highest accepted rate, in roubles per euro.
pub const HIGHEST: i64 = 10_000;

/// The exchange rate for a day
#[derive(Debug, ToSchema)]
pub struct NewRate {
    /// The day from which the rate is valid.
    #[schema(ignore)]
    pub day: NaiveDate,
    /// Roubles per euro, with up to four decimals
    #[schema(value_type = RateAmount)]
    pub rub_per_eur: RubPerEur,
}

/// A rate in a request: an exact string or number with at most four decimals.
pub struct RateAmount;

impl PartialSchema for RateAmount {
    fn schema() -> RefOr<Schema> {
        let text = ObjectBuilder::new()
            .schema_type(Type::String)
            .pattern(Some(r"^([0-9]{1,4}(\.[0-9]{1,4})?|10000(\.0{1,4})?)$"));
        let number = ObjectBuilder::new()
            .schema_type(Type::Number)
            .exclusive_minimum(Some(0))
            .maximum(Some(HIGHEST));
        AnyOfBuilder::new()
            .item(text)
            .item(number)
            .description(Some(
                "Roubles per euro: an exact string or number greater than zero and at most ten thousand, \
                 with at most four decimals",
            ))
            .examples([serde_json::json!("98.1234")])
            .into()
    }
}

impl ToSchema for RateAmount {
    fn name() -> Cow<'static, str> {
        "RateAmount".into()
    }
}

impl Request for NewRate {
    const PERMISSION: Permission = Permission::AdminArea;

    fn read(input: &mut Input) -> Self {
        Self {
            day: input.read("day", day),
            rub_per_eur: input.read_or("rub_per_eur", RubPerEur(0), parse),
        }
    }
}

/// Enters or corrects the rate for a day, and recalculates the cost of orders issued while it is in force.
pub fn set(tx: &mut Tx<'_>, new: &NewRate) -> Result<Rate, Error> {
    tx.actor.may(Permission::AdminArea)?;
    let (day, RubPerEur(rate)) = (new.day, new.rub_per_eur);
    if day > tx.now.day() {
        return Err(Error::field("day", Problem::InFuture));
    }
    rollup::rates::lock_rates(tx.conn)?;
    let before = exchange_rates::table
        .find(day)
        .select(exchange_rates::rub_per_eur)
        .first::<i64>(tx.conn)
        .optional()?;
    if before != Some(rate) {
        let reach = Rates::load(tx.conn)?.affected_days(day);
        write(tx, day, rate)?;
        rollup::rates::apply_rate(tx.conn, reach, rate)?;
        let shown = |rate: i64| RubPerEur(rate).to_string();
        let changes = audit::changes([("rub_per_eur", before.map(shown), Some(shown(rate)))]);
        let action = before.map_or(Action::Create, |_| Action::Edit);
        record(tx, action, Entity::Rate, day, &changes)?;
    }
    exchange_rates::table
        .find(day)
        .select(Rate::as_select())
        .first(tx.conn)
        .map_err(Error::from)
}

/// Deletes the rate for a day, and recalculates the cost of orders issued while it was in force: the rate before it
/// holds on these days, or else the one after it.
pub fn delete(tx: &mut Tx<'_>, day: NaiveDate) -> Result<(), Error> {
    tx.actor.may(Permission::AdminArea)?;
    rollup::rates::lock_rates(tx.conn)?;
    let rates = Rates::load(tx.conn)?;
    let deleted = diesel::delete(exchange_rates::table.find(day))
        .returning(exchange_rates::rub_per_eur)
        .get_result::<i64>(tx.conn)?;
    let (from, until, _) = rates.affected_days(day);
    let now = Rates::load(tx.conn)?.on(day);
    rollup::rates::apply_rate(tx.conn, (from, until, deleted), now)?;
    let before = Some(RubPerEur(deleted).to_string());
    let changes = audit::changes([("rub_per_eur", before, None)]);
    record(tx, Action::Delete, Entity::Rate, day, &changes)
}

fn write(tx: &mut Tx<'_>, day: NaiveDate, rate: i64) -> Result<(), Error> {
    let values = (
        exchange_rates::rub_per_eur.eq(rate),
        exchange_rates::user_id.eq(tx.actor.username()),
        exchange_rates::created_at.eq(tx.now),
    );
    let updated = diesel::update(exchange_rates::table.find(day))
        .set(values)
        .execute(tx.conn)?;
    if updated == 0 {
        diesel::insert_into(exchange_rates::table)
            .values((exchange_rates::day.eq(day), values))
            .execute(tx.conn)?;
    }
    Ok(())
}

/// Returns a page of rates, newest first; `after` is the day of the last rate on the previous page.
pub fn list(tx: &mut Tx<'_>, after: &str) -> Result<Page<Rate>, Error> {
    tx.actor.may(Permission::AdminArea)?;
    let mut rows = exchange_rates::table
        .select(Rate::as_select())
        .order(exchange_rates::day.desc())
        .limit(PAGE + 1)
        .into_boxed::<Dialect>();
    if !after.is_empty() {
        let after: NaiveDate = after.parse().map_err(|_| Error::BadCursor)?;
        rows = rows.filter(exchange_rates::day.lt(after));
    }
    let mut items: Vec<Rate> = rows.load(tx.conn)?;
    let page = usize::try_from(PAGE).unwrap_or(usize::MAX);
    let has_more = items.len() > page;
    items.truncate(page);
    Ok(Page {
        before: None,
        after: items
            .last()
            .filter(|_| has_more)
            .map(|rate| rate.day.to_string()),
        items,
    })
}

/// Returns the newest rate. The caller must have checked the permission.
pub fn newest(conn: &mut Conn) -> Result<Option<Rate>, Error> {
    exchange_rates::table
        .select(Rate::as_select())
        .order(exchange_rates::day.desc())
        .first(conn)
        .optional()
        .map_err(Error::from)
}

/// Whether the newest rate is more than a week old.
pub fn is_old(newest: Option<&Rate>, today: NaiveDate) -> bool {
    newest.is_some_and(|rate| (today - rate.day).num_days() > OLD_DAYS)
}

/// Parses a rate such as `98.5` or `98,1234`: greater than zero, with at most four decimals.
fn parse(text: &str) -> Result<RubPerEur, Problem> {
    let compact: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    if compact.is_empty() {
        return Err(Problem::Required);
    }
    let (whole, fraction) = compact.split_once(['.', ',']).unwrap_or((&compact, ""));
    let is_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || whole.len() > 15 || !is_digits(whole) || !is_digits(fraction) {
        return Err(Problem::NotRate);
    }
    let fraction = fraction.trim_end_matches('0');
    if fraction.len() > 4 {
        return Err(Problem::NotRate);
    }
    let whole: i64 = whole.parse().map_err(|_| Problem::NotRate)?;
    let fraction: i64 = format!("{fraction:0<4}")
        .parse()
        .map_err(|_| Problem::NotRate)?;
    match whole * 10_000 + fraction {
        0 => Err(Problem::NotRate),
        rate if rate > HIGHEST * 10_000 => Err(Problem::TooLarge(HIGHEST)),
        rate => Ok(RubPerEur(rate)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_parsed_as_people_type_them() {
        for (text, rate) in [
            ("98.5", 985_000),
            ("98,1234", 981_234),
            (" 100 ", 1_000_000),
            ("98.50000", 985_000),
        ] {
            assert_eq!(parse(text), Ok(RubPerEur(rate)), "{text}");
        }
        for (text, why) in [
            ("", Problem::Required),
            ("0", Problem::NotRate),
            ("-1", Problem::NotRate),
            ("98.12345", Problem::NotRate),
            ("сто", Problem::NotRate),
            ("10000.0001", Problem::TooLarge(10_000)),
            ("99999999999999999999", Problem::NotRate),
        ] {
            assert_eq!(parse(text), Err(why), "{text}");
        }
    }
}
