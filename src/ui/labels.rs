//! Labels of fields, and values of the operation log in readable form.

use crate::{
    audit::SYSTEM,
    auth::{Role, UserState},
    i18n::Locale,
    moment::{day_read, day_shown},
    money::{Eur, Rub},
    stock::reason::{ReturnReason, WriteOffReason},
};
use leptos_i18n::td_string;

/// Returns the label of a field by its name, or the name itself if the field has no label. The field of an item in a
/// list, such as `lines.0.qty`, has the label of the field and the place of the item.
pub fn field_label(locale: Locale, field: &str) -> String {
    if let [_, number, field] = field.split('.').collect::<Vec<_>>()[..]
        && let Ok(number) = number.parse::<usize>()
    {
        return format!("{} {}", field_label(locale, field), number + 1);
    }
    if let Some(label) = column_label(locale, field) {
        return label.to_owned();
    }
    match field {
        "username" => td_string!(locale, fields.username),
        "password" => td_string!(locale, fields.password),
        "password_repeated" => td_string!(locale, fields.password_repeated),
        "current_password" => td_string!(locale, fields.current_password),
        "code" => td_string!(locale, fields.code),
        "codes" => td_string!(locale, fields.codes),
        "left" => td_string!(locale, fields.left),
        "role" => td_string!(locale, fields.role),
        "state" => td_string!(locale, fields.state),
        "on_hand" => td_string!(locale, fields.on_hand),
        "phone" => td_string!(locale, fields.phone),
        "customer_name" | "customer" => td_string!(locale, fields.customer_name),
        "unit_price_rub" => td_string!(locale, fields.unit_price_rub),
        "status" => td_string!(locale, fields.status),
        "from" => td_string!(locale, fields.from),
        "to" => td_string!(locale, fields.to),
        "note" => td_string!(locale, fields.note),
        "reason" => td_string!(locale, fields.reason),
        "last_digits" => td_string!(locale, fields.last_digits),
        "erased_orders" => td_string!(locale, fields.erased_orders),
        "erased_entries" => td_string!(locale, fields.erased_entries),
        "invitation" => td_string!(locale, fields.invitation),
        "invited_by" => td_string!(locale, fields.invited_by),
        "setup_code" => td_string!(locale, fields.setup_code),
        "address" => td_string!(locale, fields.address),
        "device" => td_string!(locale, fields.device),
        "path" => td_string!(locale, fields.path),
        "tries" => td_string!(locale, fields.tries),
        "action" => td_string!(locale, log.action),
        "entity_type" => td_string!(locale, log.entity),
        "entity_id" => td_string!(locale, log.entity_id),
        "details" => td_string!(locale, log.details),
        "sort" => td_string!(locale, fields.sort),
        "day" | "date" => td_string!(locale, fields.day),
        "copies" => td_string!(locale, print.copies),
        "size" => td_string!(locale, print.size),
        "products" => td_string!(locale, fields.lines),
        "rub_per_eur" => td_string!(locale, fields.rub_per_eur),
        "by" => td_string!(locale, fields.by),
        "file" => td_string!(locale, fields.file),
        "id" => td_string!(locale, fields.id),
        "query" => td_string!(locale, log.query),
        "new" => td_string!(locale, log.added),
        "changed" => td_string!(locale, log.changed),
        "same" => td_string!(locale, log.same),
        "rows" => td_string!(locale, log.rows),
        "wrong" => td_string!(locale, log.wrong),
        "reserved" => td_string!(locale, fields.reserved),
        "stock" => td_string!(locale, fields.stock),
        "created_at" => td_string!(locale, fields.date),
        "issued_at" => td_string!(locale, orders.issued_at),
        "denied_at" => td_string!(locale, orders.denied_at),
        "movement" => td_string!(locale, fields.movement),
        "user" => td_string!(locale, fields.user),
        "chat" => td_string!(locale, fields.chat),
        "chats" => td_string!(locale, fields.chats),
        "tokens" => td_string!(locale, fields.tokens),
        "recipient" | "recipients" => td_string!(locale, notifications.recipient),
        "product_id" => td_string!(locale, csv.product_id),
        "order_id" => td_string!(locale, csv.order_id),
        "supply_id" => td_string!(locale, csv.supply_id),
        "total_rub" => td_string!(locale, csv.total_rub),
        "total_eur" => td_string!(locale, csv.total_eur),
        "version" => td_string!(locale, csv.version),
        "refund_rub" => td_string!(locale, fields.refund_rub),
        "restock" => td_string!(locale, fields.restock),
        "basket" => td_string!(locale, fields.basket),
        "split_from" => td_string!(locale, fields.split_from),
        "write_off" => td_string!(locale, fields.write_off),
        "lines" => td_string!(locale, fields.lines),
        "basket_id" => td_string!(locale, csv.basket_id),
        "returned_qty" => td_string!(locale, analytics.returned_qty),
        "returned_rub" => td_string!(locale, csv.returned_rub),
        "written_off_qty" => td_string!(locale, analytics.written_off_qty),
        "written_off_eur" => td_string!(locale, csv.written_off_eur),
        "written_off_rub" => td_string!(locale, csv.written_off_rub),
        "record" => td_string!(locale, csv.record),
        "field" => td_string!(locale, csv.field),
        "before" => td_string!(locale, csv.before),
        "value" => td_string!(locale, csv.value),
        "kind" => td_string!(locale, csv.kind),
        "ended_at" => td_string!(locale, csv.ended_at),
        "on_hand_change" => td_string!(locale, csv.on_hand_change),
        "stock_change" => td_string!(locale, csv.stock_change),
        "section" => td_string!(locale, csv.section),
        "start" => td_string!(locale, csv.start),
        "title" => td_string!(locale, csv.title),
        "orders" => td_string!(locale, analytics.orders),
        "denied" => td_string!(locale, analytics.denied),
        "pieces" => td_string!(locale, analytics.qty),
        "revenue_rub" => td_string!(locale, csv.revenue_rub),
        "share_percent" => td_string!(locale, csv.share_percent),
        "cost_eur" => td_string!(locale, analytics.cost_eur),
        "cost_rub" => td_string!(locale, analytics.cost_rub),
        "profit_rub" => td_string!(locale, csv.profit_rub),
        "margin_percent" => td_string!(locale, csv.margin_percent),
        "average_price_rub" => td_string!(locale, csv.average_price_rub),
        "discount_rub" => td_string!(locale, csv.discount_rub),
        "discount_percent" => td_string!(locale, analytics.discount_share),
        "uncosted_qty" => td_string!(locale, analytics.uncosted_qty),
        "uncosted_rub" => td_string!(locale, csv.uncosted_rub),
        "undone_at" => td_string!(locale, csv.undone_at),
        other => return other.to_owned(),
    }
    .to_owned()
}

/// Returns the label of a column that can be imported. Unlike those of all fields, these labels are in the main part of
/// the client, because they are in messages.
pub fn column_label(locale: Locale, field: &str) -> Option<&'static str> {
    Some(match field {
        "name" => td_string!(locale, fields.name),
        "description" => td_string!(locale, fields.description),
        "quantity" => td_string!(locale, fields.quantity),
        "min_stock" => td_string!(locale, fields.min_stock),
        "buy_price_eur" => td_string!(locale, fields.buy_price_eur),
        "sell_price_rub" => td_string!(locale, fields.sell_price_rub),
        "supplier_name" | "supplier" => td_string!(locale, fields.supplier_name),
        "product" => td_string!(locale, fields.product),
        "qty" => td_string!(locale, fields.qty),
        _ => return None,
    })
}

/// Returns a day of the operation log in readable form.
pub fn day_words(locale: Locale, day: &str) -> String {
    day_read(day).map_or_else(|| day.to_owned(), |day| day_shown(day, locale))
}

/// Returns a value of the operation log in readable form.
pub fn value_words(locale: Locale, field: &str, value: &str) -> String {
    let words = match field {
        "sell_price_rub" | "unit_price_rub" | "total_rub" => {
            Rub::parse(value).ok().map(|price| price.display(locale))
        }
        "refund_rub" => Rub::parse(value).ok().map(|price| price.display(locale)),
        "reason" => value
            .parse()
            .map(|reason: ReturnReason| reason.label(locale))
            .or_else(|_| {
                value
                    .parse()
                    .map(|reason: WriteOffReason| reason.label(locale))
            })
            .ok()
            .map(str::to_owned),
        "restock" => match value {
            "true" => Some(td_string!(locale, ui.yes).to_owned()),
            _ => Some(td_string!(locale, ui.no).to_owned()),
        },
        "buy_price_eur" | "cost_eur" => Eur::parse(value).ok().map(|price| price.display(locale)),
        "rub_per_eur" if locale == Locale::ru => Some(value.replace('.', ",")),
        "day" | "from" | "to" => Some(day_words(locale, value)),
        "role" => value
            .parse()
            .ok()
            .map(|role: Role| role.label(locale).to_owned()),
        "invited_by" if value == SYSTEM => Some(td_string!(locale, ui.system).to_owned()),
        "state" => value
            .parse()
            .ok()
            .map(|state: UserState| state.label(locale).to_owned()),
        _ => None,
    };
    words.unwrap_or_else(|| value.to_owned())
}
