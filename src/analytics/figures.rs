//! The figures of a report, and the values derived from them. Pure functions.

use crate::{
    i18n::Locale,
    money::{Eur, Rub},
};
use serde::{Deserialize, Serialize};

/// The number of exact units (ten-thousandths of a kopeck) in a kopeck.
#[cfg(feature = "ssr")]
const EXACT: i64 = 10_000;

/// The sales figures of a range, a period or a product.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Figures {
    /// Orders issued.
    pub orders: i64,
    /// Orders denied.
    pub denied: i64,
    /// Pieces issued, less those that were returned.
    pub qty: i64,
    pub revenue_rub: Rub,
    /// Revenue that the same pieces would have brought at list price.
    pub list_rub: Rub,
    /// Cost of the pieces that have a purchase price.
    pub cost_eur: Eur,
    /// The same cost in roubles, at the exchange rate on each day of issue; `None` if no rate has been entered.
    pub cost_rub: Option<Rub>,
    /// Pieces issued without a purchase price. Their cost is unknown, not zero.
    pub uncosted_qty: i64,
    /// Revenue from these pieces. It is included in `revenue_rub`, but not in profit and margin.
    pub uncosted_rub: Rub,
    /// Pieces that customers returned. They are subtracted from `qty` and the sums on the day of the return.
    pub returned_qty: i64,
    /// What the customers got back. It is subtracted from `revenue_rub`.
    pub returned_rub: Rub,
    /// Pieces written off.
    pub written_off_qty: i64,
    /// Cost of those that have a purchase price. It is not part of the cost of sales.
    pub written_off_eur: Eur,
    /// The same cost in roubles, at the exchange rate on each day; `None` if no rate has been entered.
    pub written_off_rub: Option<Rub>,
}

impl Figures {
    /// Revenue from the pieces that have a purchase price.
    fn costed_rub(&self) -> Rub {
        Rub(self.revenue_rub.0.saturating_sub(self.uncosted_rub.0))
    }

    /// Revenue less cost of the pieces that have a purchase price. `None` if no piece has one, or if there is no rate.
    pub fn profit_rub(&self) -> Option<Rub> {
        if self.qty > 0 && self.qty == self.uncosted_qty {
            return None;
        }
        self.cost_rub
            .map(|cost| Rub(self.costed_rub().0.saturating_sub(cost.0)))
    }

    /// Profit as a share of the revenue from the pieces that have a purchase price.
    pub fn margin(&self) -> Option<Share> {
        Share::of(self.profit_rub()?.0, self.costed_rub().0)
    }

    /// The average sale price of a piece.
    pub fn average_rub(&self) -> Option<Rub> {
        (self.qty > 0).then(|| Rub(div_round(self.revenue_rub.0.into(), self.qty.into())))
    }

    /// Revenue at list price less actual revenue; negative if pieces were sold above list price.
    pub fn discount_rub(&self) -> Rub {
        Rub(self.list_rub.0.saturating_sub(self.revenue_rub.0))
    }

    /// The discount as a share of the revenue at list price.
    pub fn discount(&self) -> Option<Share> {
        Share::of(self.discount_rub().0, self.list_rub.0)
    }
}

/// A share of a whole, in hundredths of a percent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Share(pub i64);

impl Share {
    /// Returns the share, rounded half away from zero, or `None` if the whole is zero.
    pub fn of(part: i64, whole: i64) -> Option<Self> {
        (whole != 0).then(|| Self(div_round(i128::from(part) * 10_000, whole.into())))
    }

    /// Formats the share for people: `23,4 %` in Russian, `23.4%` in English.
    pub fn display(self, locale: Locale) -> String {
        let tenths = div_round(self.0.into(), 10);
        let sign = if tenths < 0 { "−" } else { "" };
        let (whole, rest) = (tenths.unsigned_abs() / 10, tenths.unsigned_abs() % 10);
        match locale {
            Locale::ru => format!("{sign}{whole},{rest}\u{a0}%"),
            Locale::en => format!("{sign}{whole}.{rest}%"),
        }
    }
}

/// Formats the share as a plain decimal for machines: `23.40`.
impl std::fmt::Display for Share {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let part = self.0.unsigned_abs();
        write!(f, "{sign}{}.{:02}", part / 100, part % 100)
    }
}

/// Roubles per euro, in ten-thousandths of a rouble.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct RubPerEur(pub i64);

impl From<i64> for RubPerEur {
    fn from(rate: i64) -> Self {
        Self(rate)
    }
}

impl RubPerEur {
    /// Formats the rate for people, with two to four decimals: `98,50 ₽`.
    pub fn display(self, locale: Locale) -> String {
        let plain = self.to_string();
        let number = match locale {
            Locale::ru => plain.replace('.', ","),
            Locale::en => plain,
        };
        format!("{number}\u{a0}₽")
    }
}

/// Formats the rate as a plain decimal with two to four decimals: `98.50`, `98.1234`.
impl std::fmt::Display for RubPerEur {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let places = format!("{:04}", self.0 % 10_000);
        let (kept, rest) = places.split_at(2);
        write!(
            f,
            "{}.{kept}{}",
            self.0 / 10_000,
            rest.trim_end_matches('0')
        )
    }
}

/// Rounds ten-thousandths of a kopeck to kopecks.
#[cfg(feature = "ssr")]
pub fn rounded(exact: i128) -> Rub {
    Rub(div_round(exact, EXACT.into()))
}

/// Divides, rounding half away from zero.
pub(super) fn div_round(part: i128, whole: i128) -> i64 {
    let (part, whole) = if whole < 0 {
        (-part, -whole)
    } else {
        (part, whole)
    };
    let half = if part < 0 { -whole } else { whole };
    let rounded = (part * 2 + half) / (whole * 2);
    i64::try_from(rounded).unwrap_or(if rounded < 0 { i64::MIN } else { i64::MAX })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_half_is_rounded_away_from_zero() {
        assert_eq!(
            [5, 4, -5, -4, 15].map(|tenths| div_round(tenths, 10)),
            [1, 0, -1, 0, 2]
        );
        assert_eq!(Share::of(1, 3), Some(Share(3_333)));
        assert_eq!(Share::of(2, -3), Some(Share(-6_667)));
        assert_eq!(Share::of(0, 0), None);
    }

    #[test]
    fn profit_and_margin_need_a_rate() {
        let mut figures = Figures {
            orders: 1,
            qty: 3,
            revenue_rub: Rub(30_000),
            list_rub: Rub(33_000),
            cost_eur: Eur(150),
            ..Figures::default()
        };
        assert_eq!((figures.profit_rub(), figures.margin()), (None, None));
        figures.cost_rub = Some(Rub(15_000));
        assert_eq!(
            (figures.profit_rub(), figures.margin()),
            (Some(Rub(15_000)), Some(Share(5_000)))
        );
        // One of the three pieces had no purchase price: its revenue counts towards neither profit nor margin.
        figures.uncosted_rub = Rub(10_000);
        assert_eq!(
            (figures.profit_rub(), figures.margin()),
            (Some(Rub(5_000)), Some(Share(2_500)))
        );
        figures.uncosted_rub = figures.revenue_rub;
        figures.cost_rub = Some(Rub(0));
        assert_eq!(
            (figures.profit_rub(), figures.margin()),
            (Some(Rub(0)), None)
        );
        assert_eq!(figures.average_rub(), Some(Rub(10_000)));
        assert_eq!(
            (figures.discount_rub(), figures.discount()),
            (Rub(3_000), Some(Share(909)))
        );
    }

    #[test]
    fn shares_and_rates_are_formatted_for_the_locale() {
        assert_eq!(Share(-12_345).display(Locale::ru), "−123,5\u{a0}%");
        assert_eq!(
            (Share(905).to_string(), Share(-5).to_string()),
            ("9.05".to_owned(), "-0.05".to_owned())
        );
        assert_eq!(RubPerEur(985_000).to_string(), "98.50");
        assert_eq!(RubPerEur(981_230).display(Locale::ru), "98,123\u{a0}₽");
    }
}
