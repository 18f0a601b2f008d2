//! Complete rows as the services write them, with the ids that the database would have assigned.

use crate::{
    audit::{Action, Entity},
    moment::Moment,
    money::{Eur, Rub},
    number::Qty,
    orders::Status,
    schema::{operation_log, orders, stock_movements, supplies},
    stock::MovementKind,
};
use chrono::NaiveDate;
use diesel::prelude::*;

/// A row of `supplies`.
#[derive(Insertable)]
#[diesel(table_name = supplies, treat_none_as_default_value = false)]
pub struct SupplyRow {
    pub id: i64,
    pub product_id: i64,
    pub product_name: &'static str,
    pub qty: Qty,
    pub supplier_name: &'static str,
    pub supplier_key: String,
    pub buy_price_eur: Eur,
    pub created_at: Moment,
}

/// A row of `orders`.
#[derive(Insertable)]
#[diesel(table_name = orders, treat_none_as_default_value = false)]
pub struct OrderRow {
    pub id: i64,
    pub phone: String,
    pub phone_shown: String,
    pub phone_digits: String,
    pub phone_reversed: String,
    pub customer_name: Option<&'static str>,
    pub customer_key: Option<String>,
    pub product_id: i64,
    pub product_name: &'static str,
    pub qty: Qty,
    pub unit_price_rub: Rub,
    pub list_price_rub: Rub,
    pub status: Status,
    pub created_at: Moment,
    pub issued_at: Option<Moment>,
    pub issued_on: Option<NaiveDate>,
    pub denied_at: Option<Moment>,
    pub denied_on: Option<NaiveDate>,
    pub cost_eur: Option<Eur>,
    pub uncosted_qty: Option<i64>,
    pub version: i64,
    pub first_order_id: Option<i64>,
}

/// A row of `stock_movements`.
#[derive(Insertable)]
#[diesel(table_name = stock_movements, treat_none_as_default_value = false)]
pub struct MovementRow {
    pub id: i64,
    pub product_id: i64,
    pub kind: MovementKind,
    pub quantity: i64,
    pub issued: i64,
    pub reserved: i64,
    pub value_eur: i64,
    pub uncosted: i64,
    pub on_hand_after: i64,
    pub stock_after: i64,
    pub supply_id: Option<i64>,
    pub order_id: Option<i64>,
    pub created_at: Moment,
}

/// A row of `operation_log`.
#[derive(Insertable)]
#[diesel(table_name = operation_log, treat_none_as_default_value = false)]
pub struct OperationRow {
    pub id: i64,
    pub timestamp: Moment,
    pub action: Action,
    pub entity_type: Entity,
    pub entity_id: String,
    pub details: String,
}
