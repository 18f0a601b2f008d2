//! The picking list: the products of the orders that wait, to be fetched from the shelves.

use super::Printout;
use crate::{
    auth::Permission,
    error::Error,
    i18n::Locale,
    moment::Moment,
    number::pieces,
    orders::{self, Order},
    transaction::Tx,
};
use leptos_i18n::td_string;
use maud::html;
use std::collections::HashMap;

/// The most orders on a list, oldest first. More would be no list for one walk along the shelves.
pub const MOST: i64 = 200;

/// The orders that wait, by product.
pub struct Picking {
    products: Vec<Vec<Order>>,
    has_more: bool,
    made_at: Moment,
}

impl Picking {
    /// Reads the oldest waiting orders. The product that has been waited for longest comes first.
    pub fn read(tx: &mut Tx<'_>) -> Result<Self, Error> {
        tx.actor.may(Permission::Orders)?;
        let mut waiting = orders::search::waiting(tx, MOST + 1)?;
        let most = usize::try_from(MOST).unwrap_or(usize::MAX);
        let has_more = waiting.len() > most;
        waiting.truncate(most);
        let mut products: Vec<Vec<Order>> = Vec::new();
        let mut places = HashMap::new();
        for order in waiting {
            let place = *places.entry(order.product_id).or_insert_with(|| {
                products.push(Vec::new());
                products.len() - 1
            });
            products[place].push(order);
        }
        Ok(Self {
            products,
            has_more,
            made_at: tx.now,
        })
    }

    /// Draws the list.
    pub fn draw(&self, locale: Locale) -> Printout {
        let title = td_string!(locale, print.picking).to_owned();
        let sum = |orders: &[Order]| orders.iter().map(|order| order.qty.0).sum::<i64>();
        let count: usize = self.products.iter().map(Vec::len).sum();
        let all: i64 = self.products.iter().map(|orders| sum(orders)).sum();
        let summary = td_string!(
            locale,
            print.picking_of,
            orders = count,
            pieces = pieces(all, locale)
        );
        let made_at = self.made_at.display(locale);
        let contents = html! {
            h1 { (title) }
            p { (td_string!(locale, print.made_at, moment = made_at).to_string()) }
            @if self.products.is_empty() {
                p { (td_string!(locale, print.picking_empty)) }
            } @else {
                p { (summary.to_string()) }
                @if self.has_more {
                    p { (td_string!(locale, print.picking_more, count = MOST).to_string()) }
                }
                table class="print-table" {
                    thead {
                        tr {
                            th scope="col" class="tick" {}
                            th scope="col" { (td_string!(locale, fields.product)) }
                            th scope="col" class="num" { (td_string!(locale, print.pick)) }
                            th scope="col" { (td_string!(locale, nav.orders)) }
                        }
                    }
                    tbody {
                        @for orders in &self.products {
                            tr {
                                td class="tick" { span class="tick-box" {} }
                                td { (orders.first().map_or("", |order| &order.product_name)) }
                                td class="num" { strong { (pieces(sum(orders), locale)) } }
                                td {
                                    @for (place, order) in orders.iter().enumerate() {
                                        @if place > 0 { ", " }
                                        span class="together" {
                                            "№\u{a0}" (order.id)
                                            @if orders.len() > 1 || order.qty.0 > 1 {
                                                "\u{a0}×\u{a0}" (order.qty.display(locale))
                                            }
                                        }
                                    }
                                }
                            }
                        }
                    }
                }
            }
        };
        Printout::on_a4(
            title,
            contents,
            Vec::new(),
            "/orders?status=paid_not_issued",
        )
    }
}
