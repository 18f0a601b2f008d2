//! Labels of fields, and values of the operation log in readable form.

use crate::{
    auth::{Role, UserState},
    i18n::Locale,
    moment::day_shown,
    money::{Eur, Rub},
};
use leptos_i18n::td_string;

/// Returns the label of a field by its name, or the name itself if the field has no label.
pub fn field_label(l: Locale, field: &str) -> String {
    match field {
        "username" => td_string!(l, fields.username),
        "password" => td_string!(l, fields.password),
        "password_repeated" => td_string!(l, fields.password_repeated),
        "current_password" => td_string!(l, fields.current_password),
        "role" => td_string!(l, fields.role),
        "state" => td_string!(l, fields.state),
        "name" => td_string!(l, fields.name),
        "description" => td_string!(l, fields.description),
        "quantity" => td_string!(l, fields.quantity),
        "on_hand" => td_string!(l, fields.on_hand),
        "min_stock" => td_string!(l, fields.min_stock),
        "buy_price_eur" => td_string!(l, fields.buy_price_eur),
        "sell_price_rub" => td_string!(l, fields.sell_price_rub),
        "supplier_name" | "supplier" => td_string!(l, fields.supplier_name),
        "product" => td_string!(l, fields.product),
        "qty" => td_string!(l, fields.qty),
        "phone" => td_string!(l, fields.phone),
        "customer_name" | "customer" => td_string!(l, fields.customer_name),
        "unit_price_rub" => td_string!(l, fields.unit_price_rub),
        "status" => td_string!(l, fields.status),
        "from" => td_string!(l, fields.from),
        "to" => td_string!(l, fields.to),
        "note" => td_string!(l, fields.note),
        "invitation" => td_string!(l, fields.invitation),
        "action" => td_string!(l, log.action),
        "entity_type" => td_string!(l, log.entity),
        "entity_id" => td_string!(l, log.entity_id),
        "details" => td_string!(l, log.details),
        "sort" => td_string!(l, fields.sort),
        "day" => td_string!(l, fields.day),
        "rub_per_eur" => td_string!(l, fields.rub_per_eur),
        "by" => td_string!(l, fields.by),
        "file" => td_string!(l, fields.file),
        "id" => td_string!(l, fields.id),
        "query" => td_string!(l, log.query),
        "new" => td_string!(l, log.added),
        "changed" => td_string!(l, log.changed),
        "same" => td_string!(l, log.same),
        "rows" => td_string!(l, log.rows),
        "wrong" => td_string!(l, log.wrong),
        "reserved" => td_string!(l, fields.reserved),
        "stock" => td_string!(l, fields.stock),
        "created_at" => td_string!(l, fields.date),
        "issued_at" => td_string!(l, orders.issued_at),
        "denied_at" => td_string!(l, orders.denied_at),
        "movement" => td_string!(l, fields.movement),
        "user" => td_string!(l, fields.user),
        "chat" => td_string!(l, fields.chat),
        "recipient" | "recipients" => td_string!(l, notifications.recipient),
        "product_id" => td_string!(l, csv.product_id),
        "order_id" => td_string!(l, csv.order_id),
        "supply_id" => td_string!(l, csv.supply_id),
        "total_rub" => td_string!(l, csv.total_rub),
        "total_eur" => td_string!(l, csv.total_eur),
        "version" => td_string!(l, csv.version),
        "on_hand_change" => td_string!(l, csv.on_hand_change),
        "stock_change" => td_string!(l, csv.stock_change),
        "section" => td_string!(l, csv.section),
        "start" => td_string!(l, csv.start),
        "title" => td_string!(l, csv.title),
        "orders" => td_string!(l, analytics.orders),
        "denied" => td_string!(l, analytics.denied),
        "pieces" => td_string!(l, analytics.qty),
        "revenue_rub" => td_string!(l, csv.revenue_rub),
        "share_percent" => td_string!(l, csv.share_percent),
        "cost_eur" => td_string!(l, analytics.cost_eur),
        "cost_rub" => td_string!(l, analytics.cost_rub),
        "profit_rub" => td_string!(l, csv.profit_rub),
        "margin_percent" => td_string!(l, csv.margin_percent),
        "average_price_rub" => td_string!(l, csv.average_price_rub),
        "discount_rub" => td_string!(l, csv.discount_rub),
        "discount_percent" => td_string!(l, analytics.discount_share),
        "uncosted_qty" => td_string!(l, analytics.uncosted_qty),
        "uncosted_rub" => td_string!(l, csv.uncosted_rub),
        other => return other.to_owned(),
    }
    .to_owned()
}

/// Returns a day of the operation log in readable form.
pub fn day_words(l: Locale, day: &str) -> String {
    day.parse()
        .map_or_else(|_| day.to_owned(), |day| day_shown(day, l))
}

/// Returns a value of the operation log in readable form.
pub fn value_words(l: Locale, field: &str, value: &str) -> String {
    let words = match field {
        "sell_price_rub" | "unit_price_rub" => Rub::parse(value).ok().map(|price| price.shown(l)),
        "buy_price_eur" => Eur::parse(value).ok().map(|price| price.shown(l)),
        "rub_per_eur" if l == Locale::ru => Some(value.replace('.', ",")),
        "day" | "from" | "to" => Some(day_words(l, value)),
        "role" => value
            .parse()
            .ok()
            .map(|role: Role| role.label(l).to_owned()),
        "state" => value
            .parse()
            .ok()
            .map(|state: UserState| state.label(l).to_owned()),
        _ => None,
    };
    words.unwrap_or_else(|| value.to_owned())
}
