//! Products and their stock in responses of the REST API.

use super::Product;
use crate::{
    api::values::{Money, Time},
    codes::Code,
    stock::{Movement, MovementKind},
};
use serde::Serialize;
use utoipa::ToSchema;

/// A product with its stock
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Product)]
pub struct ProductJson {
    #[schema(example = 7)]
    id: i64,
    #[schema(example = "Чай зелёный 100 г")]
    name: String,
    description: Option<String>,
    /// Pieces ever received: opening stock, supplies and corrections
    quantity: i64,
    /// Pieces on hand
    on_hand: i64,
    /// Pieces in orders that are paid but not issued
    reserved: i64,
    /// Pieces available for sale
    stock: i64,
    /// Stock is low when fewer pieces than this are available
    min_stock: i64,
    is_low_stock: bool,
    /// Purchase price of one piece; each supply updates it
    buy_price_eur: Option<Money>,
    sell_price_rub: Option<Money>,
    /// Supplier; each supply updates it
    supplier_name: Option<String>,
    /// Barcodes and other codes on the goods
    #[schema(example = json!(["4600000000008"]))]
    codes: Vec<String>,
    /// Incremented by every edit, by archiving and restoring, and by a supply that changes the purchase price or
    /// supplier; an edit must state the version that it is based on
    version: i64,
    created_at: Time,
    /// When the product was archived
    archived_at: Option<Time>,
    /// Pieces written off
    written_off: i64,
}

impl From<Product> for ProductJson {
    fn from(product: Product) -> Self {
        Self {
            id: product.id,
            quantity: product.quantity,
            on_hand: product.on_hand,
            reserved: product.reserved,
            stock: product.stock,
            min_stock: product.min_stock,
            is_low_stock: product.is_low_stock,
            buy_price_eur: product.buy_price_eur.map(Money::from),
            sell_price_rub: product.sell_price_rub.map(Money::from),
            codes: product.data.codes.iter().map(str::to_owned).collect(),
            name: product.data.name,
            description: product.data.description,
            supplier_name: product.data.supplier_name,
            version: product.version,
            created_at: Time(product.created_at),
            archived_at: product.archived_at.map(Time),
            written_off: product.written_off,
        }
    }
}

/// The stock of a product, in pieces
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Stock)]
pub struct StockJson {
    product_id: i64,
    /// Pieces ever received
    quantity: i64,
    /// Pieces issued
    issued: i64,
    /// Pieces on hand: received minus issued
    on_hand: i64,
    /// Pieces in orders that are paid but not issued
    reserved: i64,
    /// Pieces available for sale: on hand minus reserved
    stock: i64,
    min_stock: i64,
    is_low_stock: bool,
}

impl From<Product> for StockJson {
    fn from(product: Product) -> Self {
        Self {
            product_id: product.id,
            quantity: product.quantity,
            issued: product.quantity - product.on_hand,
            on_hand: product.on_hand,
            reserved: product.reserved,
            stock: product.stock,
            min_stock: product.min_stock,
            is_low_stock: product.is_low_stock,
        }
    }
}

/// A stock movement, in pieces
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Movement)]
pub struct MovementJson {
    id: i64,
    #[schema(value_type = MovementKind)]
    kind: Code<MovementKind>,
    /// Change in pieces on hand
    on_hand: i64,
    on_hand_after: i64,
    /// Change in pieces available for sale
    stock: i64,
    stock_after: i64,
    supply_id: Option<i64>,
    order_id: Option<i64>,
    note: Option<String>,
    user_id: Option<String>,
    created_at: Time,
}

impl From<Movement> for MovementJson {
    fn from(movement: Movement) -> Self {
        Self {
            id: movement.id,
            on_hand: movement.on_hand(),
            on_hand_after: movement.on_hand_after,
            stock: movement.stock(),
            kind: movement.kind,
            stock_after: movement.stock_after,
            supply_id: movement.supply_id,
            order_id: movement.order_id,
            note: movement.note,
            user_id: movement.user_id,
            created_at: Time(movement.created_at),
        }
    }
}
