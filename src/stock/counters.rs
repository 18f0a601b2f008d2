//! The arithmetic of stock and its cost, free of I/O so that every rule can be tested without a database.

use crate::{
    error::{Error, Problem},
    money::Eur,
    number::Qty,
    schema::products,
};
use diesel::prelude::*;

/// The counters of one product: numbers of pieces, and the euro value of those on hand that have a purchase price.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, AsChangeset, Queryable, Selectable)]
#[diesel(table_name = products)]
pub struct Counters {
    pub quantity: i64,
    pub issued: i64,
    pub reserved: i64,
    pub value_eur: Eur,
    pub uncosted: i64,
    pub written_off: i64,
}

/// The cost of pieces that left the stock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cost {
    /// The cost of the pieces that have a purchase price, at their weighted average.
    pub eur: Eur,
    /// The number of pieces without a purchase price.
    pub uncosted: i64,
}

impl Cost {
    /// Returns the cost of `part` of `qty` pieces, which have this cost. Pieces with a price leave first, at their
    /// average cost rounded to the cent. The last of them takes the remaining value, so that no cent is lost.
    pub fn of_part(self, qty: i64, part: i64) -> Self {
        let costed = qty - self.uncosted;
        let taken = part.min(costed);
        let eur = if taken == costed {
            self.eur
        } else {
            let share = (i128::from(self.eur.0) * i128::from(taken) * 2 + i128::from(costed))
                / (i128::from(costed) * 2);
            Eur(i64::try_from(share).unwrap_or(self.eur.0))
        };
        Self {
            eur,
            uncosted: part - taken,
        }
    }
}

impl Counters {
    /// Returns the number of pieces on hand.
    pub const fn on_hand(&self) -> i64 {
        self.quantity - self.issued
    }

    /// Returns the number of pieces available for sale.
    pub const fn stock(&self) -> i64 {
        self.on_hand() - self.reserved
    }

    /// Adds `qty` pieces, with or without a price per piece. The number of pieces on hand and their value are limited,
    /// so that the cost of an order never overflows the sums that it is added to.
    pub fn receive(&mut self, qty: Qty, price: Option<Eur>) -> Result<(), Error> {
        let room = Qty::MAX.0 - self.on_hand();
        let quantity = self.quantity.checked_add(qty.0).filter(|_| qty.0 <= room);
        let Some(quantity) = quantity else {
            return Err(Error::field("qty", Problem::TooLarge(room.max(0))));
        };
        match price {
            Some(price) => {
                let value = price
                    .total_within(self.room_for_value(), qty)
                    .map_err(|error| Error::field("buy_price_eur", error.into()))?;
                self.value_eur.0 += value.0;
            }
            None => self.uncosted += qty.0,
        }
        self.quantity = quantity;
        Ok(())
    }

    /// Adds the opening stock, which may be empty.
    pub fn receive_opening(&mut self, qty: i64, price: Option<Eur>) -> Result<(), Error> {
        if qty == 0 {
            return Ok(());
        }
        self.receive(Qty(qty), price)
    }

    /// Returns how much value may still be added to the stock on hand.
    fn room_for_value(&self) -> Eur {
        Eur((Eur::MAX_TOTAL.0 - self.value_eur.0).max(0))
    }

    /// Reserves pieces for an order; refused if fewer are available.
    pub const fn reserve(&mut self, Qty(qty): Qty) -> Result<(), Error> {
        if self.stock() < qty {
            return Err(Error::OutOfStock {
                stock: self.stock(),
                qty,
            });
        }
        self.reserved += qty;
        Ok(())
    }

    /// Makes reserved pieces available again.
    pub const fn release(&mut self, Qty(qty): Qty) {
        self.reserved -= qty;
    }

    /// Issues reserved pieces and returns their cost.
    pub fn issue(&mut self, Qty(qty): Qty) -> Cost {
        let cost = self.take_cost(qty);
        self.reserved -= qty;
        self.issued += qty;
        cost
    }

    /// Takes an issue back: the pieces are on hand and reserved again, at the cost that they left with.
    pub fn reopen(&mut self, Qty(qty): Qty, cost: Cost) -> Result<(), Error> {
        self.issued -= qty;
        self.reserved += qty;
        self.add_cost(cost)
    }

    /// Takes issued pieces back from the customer, at the cost that they left with.
    pub fn take_back(&mut self, Qty(qty): Qty, cost: Cost) -> Result<(), Error> {
        self.issued -= qty;
        self.add_cost(cost)
    }

    /// Writes off available pieces and returns their cost. Reserved pieces cannot be written off.
    pub fn write_off(&mut self, Qty(qty): Qty) -> Result<Cost, Error> {
        if self.stock() < qty {
            return Err(Error::OutOfStock {
                stock: self.stock(),
                qty,
            });
        }
        let cost = self.take_cost(qty);
        self.quantity -= qty;
        self.written_off += qty;
        Ok(cost)
    }

    /// Writes off available pieces that came in at `cost`, and returns the cost that left.
    pub fn write_off_at(&mut self, qty: Qty, cost: Cost) -> Result<Cost, Error> {
        let cost = self.remove(qty, cost)?;
        self.written_off += qty.0;
        Ok(cost)
    }

    /// Takes a write-off back.
    pub fn undo_write_off(&mut self, qty: Qty, cost: Cost) -> Result<(), Error> {
        self.written_off -= qty.0;
        self.restore(qty, cost)
    }

    /// Adds pieces that had left the stock, at the cost that they left with.
    pub fn restore(&mut self, Qty(qty): Qty, cost: Cost) -> Result<(), Error> {
        self.quantity += qty;
        self.add_cost(cost)
    }

    /// Removes pieces that came in at `cost`, because they never came or went back, and returns the cost that left.
    /// Refused if reserved pieces would be missing. Pieces that were sold meanwhile have kept their cost, so less may
    /// be left than the pieces cost: the stock is never worth less than nothing. The last pieces with a price take the
    /// remaining value.
    pub fn remove(&mut self, Qty(qty): Qty, cost: Cost) -> Result<Cost, Error> {
        if self.stock() < qty {
            return Err(Error::Reserved {
                on_hand: self.on_hand() - qty,
                reserved: self.reserved,
            });
        }
        let costed = self.on_hand() - self.uncosted;
        let taken = (qty - cost.uncosted.min(self.uncosted)).min(costed);
        let eur = if taken == costed {
            self.value_eur
        } else {
            cost.eur.min(self.value_eur)
        };
        let removed = Cost {
            eur,
            uncosted: qty - taken,
        };
        self.quantity -= qty;
        self.value_eur.0 -= removed.eur.0;
        self.uncosted -= removed.uncosted;
        Ok(removed)
    }

    /// Changes the value of the pieces on hand by `change`, in cents, because they were bought at another price than
    /// recorded. The stock is never worth less than nothing, and pieces without a price have no value.
    pub fn revalue(&mut self, change: i64) -> Result<(), Error> {
        if self.on_hand() == self.uncosted {
            return Ok(());
        }
        if change > self.room_for_value().0 {
            return Err(Error::field("buy_price_eur", Problem::StockWorthTooMuch));
        }
        self.value_eur.0 = self.value_eur.0.saturating_add(change).max(0);
        Ok(())
    }

    /// Adds the cost of pieces that came back. The limits are those of [`Self::receive`].
    fn add_cost(&mut self, cost: Cost) -> Result<(), Error> {
        if self.on_hand() > Qty::MAX.0 {
            return Err(Error::field("qty", Problem::TooLarge(Qty::MAX.0)));
        }
        if cost.eur > self.room_for_value() {
            return Err(Error::field("qty", Problem::StockWorthTooMuch));
        }
        self.value_eur.0 += cost.eur.0;
        self.uncosted += cost.uncosted;
        Ok(())
    }

    /// Sets the pieces on hand to a counted number. Surplus pieces are added at `price`; missing pieces are removed
    /// together with their cost.
    pub fn correct(&mut self, on_hand: i64, price: Option<Eur>) -> Result<(), Error> {
        if on_hand < self.reserved {
            return Err(Error::Reserved {
                on_hand,
                reserved: self.reserved,
            });
        }
        let found = on_hand - self.on_hand();
        if found > 0 {
            let room = self.room_for_value();
            if let Some(price) = price
                && price.total_within(room, Qty(found)).is_err()
            {
                let most = self.on_hand() + room.0 / price.0;
                return Err(Error::field("on_hand", Problem::WorthTooMuch(most)));
            }
            return self.receive(Qty(found), price);
        }
        self.take_cost(-found);
        self.quantity += found;
        Ok(())
    }

    /// Removes the cost of `qty` pieces on hand.
    fn take_cost(&mut self, qty: i64) -> Cost {
        let all = Cost {
            eur: self.value_eur,
            uncosted: self.uncosted,
        };
        let taken = all.of_part(self.on_hand(), qty);
        self.value_eur.0 -= taken.eur.0;
        self.uncosted -= taken.uncosted;
        taken
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::{RngExt, SeedableRng, rngs::StdRng};

    #[test]
    fn more_than_the_available_stock_cannot_be_reserved() {
        let mut counters = Counters {
            quantity: 5,
            reserved: 3,
            ..Counters::default()
        };
        assert_eq!(
            counters.reserve(Qty(3)),
            Err(Error::OutOfStock { stock: 2, qty: 3 })
        );
        assert_eq!(counters.reserve(Qty(2)), Ok(()));
        assert_eq!(counters.stock(), 0);
    }

    #[test]
    fn a_count_cannot_go_below_the_reserved_quantity() {
        let mut counters = Counters {
            quantity: 5,
            reserved: 3,
            uncosted: 5,
            ..Counters::default()
        };
        assert_eq!(
            counters.correct(2, None),
            Err(Error::Reserved {
                on_hand: 2,
                reserved: 3
            })
        );
        assert_eq!(counters.correct(3, None), Ok(()));
        assert_eq!(
            (counters.on_hand(), counters.stock(), counters.uncosted),
            (3, 0, 3)
        );
    }

    #[test]
    fn goods_are_issued_at_their_average_cost() {
        let mut counters = Counters::default();
        counters.receive(Qty(1), Some(Eur(100))).unwrap();
        counters.receive(Qty(2), Some(Eur(200))).unwrap();
        counters.reserve(Qty(2)).unwrap();
        assert_eq!(
            counters.issue(Qty(2)),
            Cost {
                eur: Eur(333),
                uncosted: 0
            }
        );
        assert_eq!(counters.value_eur, Eur(167));
    }

    #[test]
    fn goods_without_a_price_are_issued_last_and_counted() {
        let mut counters = Counters::default();
        counters.receive(Qty(3), None).unwrap();
        counters.receive(Qty(2), Some(Eur(150))).unwrap();
        counters.reserve(Qty(4)).unwrap();
        assert_eq!(
            counters.issue(Qty(4)),
            Cost {
                eur: Eur(300),
                uncosted: 2
            }
        );
        assert_eq!((counters.value_eur, counters.uncosted), (Eur(0), 1));
    }

    #[test]
    fn the_value_of_stock_on_hand_is_limited() {
        let mut counters = Counters::default();
        let refused = |problem| Err(Error::field("buy_price_eur", problem));
        let highest = Some(Eur(999_999_999));
        assert_eq!(
            counters.receive(Qty(1_000_000), highest),
            refused(Problem::TotalTooLarge(10_000))
        );
        assert_eq!(counters, Counters::default());
        counters.receive(Qty(10), highest).unwrap();
        assert_eq!(
            counters.receive(Qty(1), highest),
            refused(Problem::TotalTooLarge(10))
        );
        counters.receive(Qty(1), Some(Eur(10))).unwrap();
        assert_eq!(counters.value_eur, Eur::MAX_TOTAL);
        counters.receive(Qty(1), Some(Eur(0))).unwrap();
        counters.receive(Qty(1), None).unwrap();
        assert_eq!(
            counters.correct(14, Some(Eur(1))),
            Err(Error::field("on_hand", Problem::WorthTooMuch(13)))
        );
        counters.correct(3, Some(Eur(1))).unwrap();
        assert_eq!(
            counters.correct(20, highest),
            Err(Error::field("on_hand", Problem::WorthTooMuch(11)))
        );
        assert_eq!(
            counters.receive(Qty::MAX, None),
            Err(Error::field("qty", Problem::TooLarge(Qty::MAX.0 - 3)))
        );
    }

    #[test]
    fn random_operations_lose_no_cents_and_no_pieces() {
        let mut random = StdRng::seed_from_u64(7);
        for _ in 0..500 {
            let (mut counters, mut paid, mut issued) = (Counters::default(), 0, 0);
            for _ in 0..60 {
                let qty = random.random_range(1..20);
                match random.random_range(0..4) {
                    0 | 1 => {
                        let price = Eur(random.random_range(0..10_000));
                        counters.receive(Qty(qty), Some(price)).unwrap();
                        paid += price.0 * qty;
                    }
                    2 if counters.stock() > 0 => {
                        let qty = qty.min(counters.stock());
                        counters.reserve(Qty(qty)).unwrap();
                        issued += counters.issue(Qty(qty)).eur.0;
                    }
                    _ => counters.receive(Qty(qty), None).unwrap(),
                }
                assert!(counters.stock() >= 0 && counters.value_eur.0 >= 0);
                assert!((0..=counters.on_hand()).contains(&counters.uncosted));
                assert_eq!(counters.value_eur.0, paid - issued);
            }
        }
    }
}
