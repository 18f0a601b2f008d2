//! The slip of an order: what the customer took in one call, for the parcel or for the customer.

use super::{
    Choice, Printout,
    symbols::{Microns, Symbol},
};
use crate::{
    auth::Permission,
    baskets::{self, Basket},
    codes::codes,
    error::Error,
    i18n::Locale,
    money::Rub,
    number::pieces,
    orders::{self, Order, Status, returns::OrderReturn},
    scan::own::slip_code,
    transaction::Tx,
};
use leptos_i18n::td_string;
use maud::{Markup, html};

/// The width of the slip on a roll, and what a printer for rolls of 80 mm prints of it, in millimetres.
const ROLL: u32 = 80;
const PRINTABLE: Microns = Microns(72_000);
/// The size of an A5 page, in millimetres.
const A5: (u32, u32) = (148, 210);
/// The height of one line on a roll, in millimetres: `--line` in the stylesheet.
const LINE: u32 = 5;
/// The characters that fit into a line of a name on a roll even if they are wide, and the most lines of a name.
const NAME_WIDTH: usize = 28;
const NAME_LINES: usize = 3;
/// The longest page of a roll, in millimetres. Chromium makes no pages of more than five metres.
const LONGEST: u32 = 3_000;
/// The heights of what surrounds the lines on a roll, in millimetres: head, total and remark, and the bar code.
const HEAD: u32 = 24;
const FOOT: u32 = 19;
const BARS: u32 = 24;

codes! {
    /// The paper of a slip.
    pub enum Size {
        Roll = "80mm",
        A5 = "a5",
    }
}

/// A basket, and what was returned of it.
pub struct Slip {
    basket: Basket,
    returns: Vec<OrderReturn>,
}

impl Slip {
    /// Reads the basket of an order.
    pub fn read(tx: &mut Tx<'_>, order: i64) -> Result<Self, Error> {
        tx.actor.may(Permission::Orders)?;
        let order = orders::service::get(tx, order)?;
        let basket = baskets::service::get(tx, order.basket_id)?;
        let ids: Vec<i64> = basket.orders.iter().map(|order| order.id).collect();
        let returns = orders::returns::of_orders(tx, &ids)?;
        Ok(Self { basket, returns })
    }

    /// Returns how many pieces of an order came back, and how much money went back.
    fn returned(&self, order: &Order) -> (i64, Rub) {
        let of_order = self.returns.iter().filter(|back| back.order_id == order.id);
        of_order.fold((0, Rub(0)), |(qty, sum), back| {
            (
                qty + back.qty.0,
                Rub(sum.0.saturating_add(back.refund_rub.0)),
            )
        })
    }

    fn total(&self) -> Rub {
        let refunds = self.returns.iter().map(|back| back.refund_rub.0);
        Rub(refunds.fold(self.basket.total_rub().0, i64::saturating_sub))
    }

    /// Draws the slip. `site` is the address of the shop.
    pub fn draw(&self, size: Size, site: &str, locale: Locale) -> Result<Printout, Error> {
        let id = self.basket.id;
        let title = td_string!(locale, orders.number, id = id).to_string();
        let address = format!("{site}/o/{id}");
        let qr = Symbol::qr(&address)?;
        let module = qr.fitting(&[Microns::FOUR_DOTS, Microns::SIX_DOTS], Microns(40_000));
        let module = module.unwrap_or(Microns::FOUR_DOTS);
        let number = slip_code(id);
        let bars = Symbol::code128(&number)?;
        let bars_module = bars.fitting(&[Microns::TWO_DOTS, Microns::THREE_DOTS], PRINTABLE);
        let bars_module = bars_module.unwrap_or(Microns::TWO_DOTS);
        let digits = self.last_digits();
        let contents = html! {
            h1 { (title) }
            p { (self.basket.created_at.display(locale)) }
            @if let Some(digits) = digits {
                p { (td_string!(locale, print.phone_ends, digits = digits).to_string()) }
            }
            div class="slip-lines" {
                @for order in &self.basket.orders { (self.line(order, locale)) }
            }
            p class="slip-total" {
                span { (td_string!(locale, print.total)) }
                strong { (self.total().display(locale)) }
            }
            p class="slip-remark" { (td_string!(locale, print.not_a_receipt)) }
            div class="slip-codes" {
                figure {
                    (qr.svg(module, None, &address))
                    figcaption { (td_string!(locale, print.scan)) }
                }
                figure {
                    (bars.svg(bars_module, Some(Microns(15_000)), &number))
                    figcaption { (number) }
                }
            }
        };
        let lines: u32 = self
            .basket
            .orders
            .iter()
            .map(|order| self.lines_of(order))
            .sum();
        let qr_height = qr.width(module).0.div_ceil(1_000) + LINE;
        let height = HEAD + LINE * lines + FOOT + qr_height + BARS;
        let choice = |choice: Size, label| Choice {
            label,
            href: format!("/print/slip/{id}?size={choice}"),
            is_current: choice == size,
        };
        Ok(Printout {
            title,
            page: match size {
                Size::Roll => (ROLL, height.min(LONGEST)),
                Size::A5 => A5,
            },
            margin: match size {
                Size::Roll => 0,
                Size::A5 => 10,
            },
            class: match size {
                Size::Roll => "slip slip-roll",
                Size::A5 => "slip slip-a5",
            },
            contents,
            choices: vec![
                choice(Size::Roll, td_string!(locale, print.slip_80)),
                choice(Size::A5, td_string!(locale, print.slip_a5)),
            ],
            copies: None,
            note: None,
            back: match self.basket.orders.len() {
                1 => format!("/orders/{id}"),
                _ => format!("/baskets/{id}"),
            },
        })
    }

    /// Returns the last four digits of the number, unless the customer was erased.
    fn last_digits(&self) -> Option<&str> {
        let phone = self.basket.phone.strip_prefix('+')?;
        phone.get(phone.len().saturating_sub(4)..)
    }

    fn line(&self, order: &Order, locale: Locale) -> Markup {
        let (qty, refund) = self.returned(order);
        let is_denied = order.status == Status::PaidDenied;
        let price = format!(
            "{} × {}",
            order.qty.display(locale),
            order.unit_price_rub.display(locale)
        );
        html! {
            div class=(if is_denied { "slip-line slip-denied" } else { "slip-line" }) {
                p class={ "slip-name name-" (name_lines(&order.product_name)) } { (order.product_name) }
                p class="slip-price" {
                    @if is_denied {
                        span { s { (price) } " " (td_string!(locale, print.cancelled)) }
                        s { (order.total_rub().display(locale)) }
                    } @else {
                        span { (price) }
                        span { (order.total_rub().display(locale)) }
                    }
                }
                @if qty > 0 {
                    p class="slip-price" {
                        span { (td_string!(locale, print.returned, count = pieces(qty, locale)).to_string()) }
                        span { (Rub(-refund.0).display(locale)) }
                    }
                }
            }
        }
    }

    /// Returns how many lines an order takes on a roll.
    fn lines_of(&self, order: &Order) -> u32 {
        let returned = u32::from(self.returned(order).0 > 0);
        u32::try_from(name_lines(&order.product_name)).unwrap_or(0) + 1 + returned
    }
}

/// Returns how many lines the name of a product gets on a roll.
fn name_lines(name: &str) -> usize {
    name.chars()
        .count()
        .div_ceil(NAME_WIDTH)
        .clamp(1, NAME_LINES)
}
