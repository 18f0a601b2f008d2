//! Words for the codes that the database and the log keep.

use crate::{
    auth::{Role, UserState},
    i18n::Locale,
    log::{Action, Entity},
    notifications::{Channel, State},
    orders::Status,
    stock::MovementKind,
};
use leptos_i18n::td_string;

/// The label of a form field, by its name.
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

/// Where an order stands.
pub fn status(l: Locale, status: Status) -> &'static str {
    match status {
        Status::PaidNotIssued => td_string!(l, status.paid_not_issued),
        Status::PaidIssued => td_string!(l, status.paid_issued),
        Status::PaidDenied => td_string!(l, status.paid_denied),
    }
}

/// What a person does in the shop.
pub fn role(l: Locale, role: Role) -> &'static str {
    match role {
        Role::Admin => td_string!(l, role.admin),
        Role::Manager => td_string!(l, role.manager),
        Role::User => td_string!(l, role.user),
    }
}

/// Whether an account may be used.
pub fn user_state(l: Locale, state: UserState) -> &'static str {
    match state {
        UserState::Pending => td_string!(l, user_state.pending),
        UserState::Active => td_string!(l, user_state.active),
        UserState::Blocked => td_string!(l, user_state.blocked),
    }
}

/// What an operation was done to.
pub fn entity(l: Locale, entity: Entity) -> &'static str {
    match entity {
        Entity::Product => td_string!(l, entity.product),
        Entity::Supply => td_string!(l, entity.supply),
        Entity::Order => td_string!(l, entity.order),
        Entity::User => td_string!(l, entity.user),
        Entity::Invitation => td_string!(l, entity.invitation),
        Entity::Rate => td_string!(l, entity.rate),
        Entity::Report => td_string!(l, entity.report),
        Entity::Log => td_string!(l, entity.log),
        Entity::Notification => td_string!(l, entity.notification),
    }
}

/// The way that a notification takes.
pub fn channel(l: Locale, channel: Channel) -> &'static str {
    match channel {
        Channel::Telegram => "Telegram",
        Channel::Mail => td_string!(l, notifications.mail),
    }
}

/// How far a notification has come.
pub fn notification_state(l: Locale, state: State) -> &'static str {
    match state {
        State::Waiting => td_string!(l, notification_state.waiting),
        State::Sent => td_string!(l, notification_state.sent),
        State::Failed => td_string!(l, notification_state.failed),
        State::Cancelled => td_string!(l, notification_state.cancelled),
    }
}

/// Why the stock moved.
pub fn movement(l: Locale, kind: MovementKind) -> &'static str {
    match kind {
        MovementKind::Opening => td_string!(l, movement.opening),
        MovementKind::Supply => td_string!(l, movement.supply),
        MovementKind::Correction => td_string!(l, movement.correction),
        MovementKind::Reserve => td_string!(l, movement.reserve),
        MovementKind::Release => td_string!(l, movement.release),
        MovementKind::Issue => td_string!(l, movement.issue),
    }
}

/// What was done, in the history of a thing.
pub fn action(l: Locale, action: Action) -> &'static str {
    match action {
        Action::Create => td_string!(l, action.create),
        Action::Edit => td_string!(l, action.edit),
        Action::Correct => td_string!(l, action.correct),
        Action::Archive => td_string!(l, action.archive),
        Action::Restore => td_string!(l, action.restore),
        Action::Delete => td_string!(l, action.delete),
        Action::Supply => td_string!(l, action.supply),
        Action::Issue => td_string!(l, action.issue),
        Action::Deny => td_string!(l, action.deny),
        Action::Register => td_string!(l, action.register),
        Action::SignIn => td_string!(l, action.sign_in),
        Action::SignInFailed => td_string!(l, action.sign_in_failed),
        Action::SignOut => td_string!(l, action.sign_out),
        Action::ChangePassword => td_string!(l, action.change_password),
        Action::ChangePasswordFailed => td_string!(l, action.change_password_failed),
        Action::ChangeRole => td_string!(l, action.change_role),
        Action::Activate => td_string!(l, action.activate),
        Action::Block => td_string!(l, action.block),
        Action::Unblock => td_string!(l, action.unblock),
        Action::ResetPassword => td_string!(l, action.reset_password),
        Action::Invite => td_string!(l, action.invite),
        Action::RevokeInvitation => td_string!(l, action.revoke_invitation),
        Action::EndSession => td_string!(l, action.end_session),
        Action::Export => td_string!(l, action.export),
        Action::Import => td_string!(l, action.import),
        Action::CreateToken => td_string!(l, action.create_token),
        Action::RevokeToken => td_string!(l, action.revoke_token),
        Action::LowStock => td_string!(l, action.low_stock),
        Action::SendTest => td_string!(l, action.send_test),
        Action::Resend => td_string!(l, action.resend),
        Action::MakeChatCode => td_string!(l, action.make_chat_code),
        Action::LinkChat => td_string!(l, action.link_chat),
        Action::UnlinkChat => td_string!(l, action.unlink_chat),
        Action::Repair => td_string!(l, action.repair),
    }
}
