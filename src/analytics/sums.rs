//! The sums that rollups and reports consist of, and the exchange rates that convert their cost into roubles.

use super::figures::{Figures, div_round, rounded};
use crate::{
    db::Conn,
    error::{Error, Problem},
    money::{Eur, Rub},
    number::Qty,
    schema::exchange_rates,
};
use chrono::NaiveDate;
use diesel::prelude::*;
use std::collections::BTreeMap;

/// The sums over a set of entries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Queryable)]
pub struct Sums {
    pub orders: i64,
    /// Without the pieces that were returned, like the four sums after it.
    pub qty: i64,
    pub revenue_rub: i64,
    pub list_rub: i64,
    pub cost_eur: i64,
    /// In ten-thousandths of a kopeck, so that nothing is rounded.
    pub cost_rub_exact: i64,
    pub uncosted_qty: i64,
    /// Revenue from pieces without a purchase price; included in `revenue_rub`.
    pub uncosted_rub: i64,
    pub denied: i64,
    pub returned_qty: i64,
    /// What customers got back.
    pub returned_rub: i64,
    pub written_off_qty: i64,
    pub written_off_eur: i64,
    /// In ten-thousandths of a kopeck.
    pub written_off_rub_exact: i64,
}

/// What changes the sums of a product on a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entry {
    Issued(Sold),
    Denied,
    Returned(Returned),
    WrittenOff(WrittenOff),
    WriteOffUndone(WrittenOff),
}

/// The fields of an issued order from which the sums are computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sold {
    pub qty: Qty,
    pub unit_price_rub: Rub,
    pub list_price_rub: Option<Rub>,
    pub cost_eur: Eur,
    pub uncosted_qty: i64,
}

/// The fields of a return from which the sums are computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Returned {
    pub qty: Qty,
    pub refund_rub: Rub,
    /// The amount of the pieces at the list price.
    pub list_rub: Rub,
    pub cost_eur: Eur,
    pub uncosted_qty: i64,
}

/// The fields of a write-off from which the sums are computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WrittenOff {
    pub qty: Qty,
    pub cost_eur: Eur,
}

impl Entry {
    /// Returns the sums of one entry, or `None` on overflow. `rate` is the exchange rate on its day, or 0 if there is
    /// none.
    pub fn sums(self, rate: i64) -> Option<Sums> {
        match self {
            Self::Issued(order) => Sums::issued(order, rate),
            Self::Denied => Some(Sums {
                denied: 1,
                ..Sums::default()
            }),
            Self::Returned(returned) => Sums::returned(returned, rate),
            Self::WrittenOff(write_off) => Sums::written_off(write_off, rate),
            Self::WriteOffUndone(write_off) => {
                Sums::written_off(write_off, rate).map(Sums::negated)
            }
        }
    }
}

impl Sums {
    fn issued(order: Sold, rate: i64) -> Option<Self> {
        let list_price = order.list_price_rub.unwrap_or(order.unit_price_rub);
        Some(Self {
            orders: 1,
            qty: order.qty.0,
            revenue_rub: order.unit_price_rub.times(order.qty)?.0,
            list_rub: list_price.times(order.qty)?.0,
            cost_eur: order.cost_eur.0,
            cost_rub_exact: order.cost_eur.0.checked_mul(rate)?,
            uncosted_qty: order.uncosted_qty,
            uncosted_rub: order.unit_price_rub.times(Qty(order.uncosted_qty))?.0,
            ..Self::default()
        })
    }

    /// A return is subtracted from the sales of its own day.
    fn returned(returned: Returned, rate: i64) -> Option<Self> {
        let (qty, refund) = (returned.qty.0, returned.refund_rub.0);
        let uncosted_rub = i128::from(refund) * i128::from(returned.uncosted_qty);
        Some(Self {
            qty: -qty,
            revenue_rub: -refund,
            list_rub: -returned.list_rub.0,
            cost_eur: -returned.cost_eur.0,
            cost_rub_exact: -returned.cost_eur.0.checked_mul(rate)?,
            uncosted_qty: -returned.uncosted_qty,
            uncosted_rub: -div_round(uncosted_rub, qty.into()),
            returned_qty: qty,
            returned_rub: refund,
            ..Self::default()
        })
    }

    fn written_off(write_off: WrittenOff, rate: i64) -> Option<Self> {
        Some(Self {
            written_off_qty: write_off.qty.0,
            written_off_eur: write_off.cost_eur.0,
            written_off_rub_exact: write_off.cost_eur.0.checked_mul(rate)?,
            ..Self::default()
        })
    }

    /// Returns the sums that take these back.
    pub fn negated(self) -> Self {
        Self {
            orders: -self.orders,
            qty: -self.qty,
            revenue_rub: -self.revenue_rub,
            list_rub: -self.list_rub,
            cost_eur: -self.cost_eur,
            cost_rub_exact: -self.cost_rub_exact,
            uncosted_qty: -self.uncosted_qty,
            uncosted_rub: -self.uncosted_rub,
            denied: -self.denied,
            returned_qty: -self.returned_qty,
            returned_rub: -self.returned_rub,
            written_off_qty: -self.written_off_qty,
            written_off_eur: -self.written_off_eur,
            written_off_rub_exact: -self.written_off_rub_exact,
        }
    }

    /// Adds two sums; returns `None` on overflow.
    pub fn plus(self, other: Self) -> Option<Self> {
        Some(Self {
            orders: self.orders.checked_add(other.orders)?,
            qty: self.qty.checked_add(other.qty)?,
            revenue_rub: self.revenue_rub.checked_add(other.revenue_rub)?,
            list_rub: self.list_rub.checked_add(other.list_rub)?,
            cost_eur: self.cost_eur.checked_add(other.cost_eur)?,
            cost_rub_exact: self.cost_rub_exact.checked_add(other.cost_rub_exact)?,
            uncosted_qty: self.uncosted_qty.checked_add(other.uncosted_qty)?,
            uncosted_rub: self.uncosted_rub.checked_add(other.uncosted_rub)?,
            denied: self.denied.checked_add(other.denied)?,
            returned_qty: self.returned_qty.checked_add(other.returned_qty)?,
            returned_rub: self.returned_rub.checked_add(other.returned_rub)?,
            written_off_qty: self.written_off_qty.checked_add(other.written_off_qty)?,
            written_off_eur: self.written_off_eur.checked_add(other.written_off_eur)?,
            written_off_rub_exact: self
                .written_off_rub_exact
                .checked_add(other.written_off_rub_exact)?,
        })
    }

    /// Converts the sums to figures. Without an exchange rate they have no cost in roubles.
    pub fn figures(&self, has_rate: bool) -> Figures {
        Figures {
            orders: self.orders,
            denied: self.denied,
            qty: self.qty,
            revenue_rub: Rub(self.revenue_rub),
            list_rub: Rub(self.list_rub),
            cost_eur: Eur(self.cost_eur),
            cost_rub: has_rate.then(|| rounded(self.cost_rub_exact.into())),
            uncosted_qty: self.uncosted_qty,
            uncosted_rub: Rub(self.uncosted_rub),
            returned_qty: self.returned_qty,
            returned_rub: Rub(self.returned_rub),
            written_off_qty: self.written_off_qty,
            written_off_eur: Eur(self.written_off_eur),
            written_off_rub: has_rate.then(|| rounded(self.written_off_rub_exact.into())),
        }
    }
}

/// Adds to the sums that a report holds under a key.
pub fn add<K: Ord>(report: &mut BTreeMap<K, Sums>, key: K, more: Sums) -> Result<(), Error> {
    let sums = report.entry(key).or_default();
    *sums = sums.plus(more).ok_or_else(too_large)?;
    Ok(())
}

/// The error for a report whose sums overflow.
pub fn too_large() -> Error {
    Error::field("to", Problem::SumTooLarge)
}

/// All exchange rates, ordered by day.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rates(Vec<(NaiveDate, i64)>);

impl Rates {
    /// Wraps rates that are already sorted by day.
    pub const fn new(by_day: Vec<(NaiveDate, i64)>) -> Self {
        Self(by_day)
    }

    /// Reads all rates from the database.
    pub fn load(conn: &mut Conn) -> Result<Self, Error> {
        exchange_rates::table
            .order(exchange_rates::day)
            .select((exchange_rates::day, exchange_rates::rub_per_eur))
            .load(conn)
            .map(Self)
            .map_err(Error::from)
    }

    /// Returns the rate in force on a day: the latest one entered for that day or an earlier one. Days before the first
    /// rate use the first rate. Returns 0 if there are no rates.
    pub fn on(&self, day: NaiveDate) -> i64 {
        let later = self.0.partition_point(|(from, _)| *from <= day);
        self.0
            .get(later.saturating_sub(1))
            .map_or(0, |(_, rate)| *rate)
    }

    /// Whether there are no rates.
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns which days a rate entered for `day` would affect, and the rate in force on them now.
    ///
    /// The days run from the first value (inclusive) to the second (exclusive); `None` means no bound.
    pub fn affected_days(&self, day: NaiveDate) -> (Option<NaiveDate>, Option<NaiveDate>, i64) {
        let is_first = self.0.first().is_none_or(|(first, _)| *first >= day);
        let next = self
            .0
            .iter()
            .map(|(from, _)| *from)
            .find(|from| *from > day);
        ((!is_first).then_some(day), next, self.on(day))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(day: u32) -> NaiveDate {
        NaiveDate::from_ymd_opt(2026, 11, day).unwrap()
    }

    #[test]
    fn a_rate_applies_until_the_next_and_the_first_also_to_earlier_days() {
        let rates = Rates::new(vec![(day(5), 980_000), (day(10), 1_000_000)]);
        assert_eq!(
            [1, 5, 9, 10, 30].map(|n| rates.on(day(n))),
            [980_000, 980_000, 980_000, 1_000_000, 1_000_000]
        );
        assert_eq!(Rates::default().on(day(1)), 0);
    }

    #[test]
    fn sums_that_overflow_are_rejected() {
        let order = Sold {
            qty: Qty::MAX,
            unit_price_rub: Rub(1),
            list_price_rub: None,
            cost_eur: Eur::MAX_TOTAL,
            uncosted_qty: 0,
        };
        let highest_rate = 100_000_000;
        let sums = Sums::issued(order, highest_rate).unwrap();
        assert_eq!(sums.cost_rub_exact, 1_000_000_000_000_000_000);
        assert_eq!(Sums::issued(order, i64::MAX), None);
        let nine = (1..9).try_fold(sums, |total, _| total.plus(sums)).unwrap();
        assert_eq!(nine.plus(sums), None);
        let mut report = BTreeMap::from([(1, nine)]);
        assert_eq!(add(&mut report, 1, sums), Err(too_large()));
    }

    #[test]
    fn a_new_rate_affects_days_until_the_next_and_the_first_all_earlier_days() {
        let rates = Rates::new(vec![(day(5), 980_000), (day(10), 1_000_000)]);
        assert_eq!(
            rates.affected_days(day(7)),
            (Some(day(7)), Some(day(10)), 980_000)
        );
        assert_eq!(
            rates.affected_days(day(10)),
            (Some(day(10)), None, 1_000_000)
        );
        assert_eq!(rates.affected_days(day(5)), (None, Some(day(10)), 980_000));
        assert_eq!(rates.affected_days(day(1)), (None, Some(day(5)), 980_000));
        assert_eq!(Rates::default().affected_days(day(1)), (None, None, 0));
    }
}
