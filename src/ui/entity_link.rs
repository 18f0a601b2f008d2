//! A link to the subject of an operation.

use super::labels::day_words;
use crate::{audit::Entity, auth::Permission, codes::Code, i18n::Locale, ui};
use maud::{Markup, html};

/// Draws the subject of an operation, as a link if it has a page.
pub fn entity_link(entity: &Code<Entity>, id: &str, locale: Locale) -> Markup {
    let kind = entity.display(|entity| entity.label(locale));
    let name = match entity.known() {
        Some(Entity::User) => format!("{kind} {id}"),
        Some(Entity::Rate) if id != "csv" => format!("{kind} {}", day_words(locale, id)),
        _ if id.parse::<i64>().is_ok() => format!("{kind} № {id}"),
        // An export of a whole list, or a test notification.
        _ => kind,
    };
    let path = match entity.known() {
        Some(Entity::Product) => Some(format!("/products/{id}")),
        Some(Entity::Supply) => Some(format!("/supplies/{id}")),
        Some(Entity::Basket) => Some(format!("/baskets/{id}")),
        Some(Entity::Order) => Some(format!("/orders/{id}")),
        Some(Entity::User) if ui::may(Permission::ManageUsers) => Some(format!(
            "/admin/users/{}",
            leptos_router::location::Url::escape(id)
        )),
        Some(Entity::Rate) => Some("/admin/rates".to_owned()),
        Some(Entity::Report) => Some("/admin/analytics".to_owned()),
        Some(Entity::Notification) => Some("/admin/notifications".to_owned()),
        Some(Entity::Customer)
            if ui::may(Permission::EraseCustomers) && id.parse::<i64>().is_ok() =>
        {
            Some(format!("/admin/customers/erasures/{id}"))
        }
        // Returns and write-offs are in the history of their order, supply or product.
        Some(
            Entity::User
            | Entity::Invitation
            | Entity::Log
            | Entity::Customer
            | Entity::OrderReturn
            | Entity::SupplyReturn
            | Entity::WriteOff,
        )
        | None => None,
    };
    let path = path.filter(|_| !id.is_empty() && id != "csv");
    html! {
        @if let Some(path) = path { a class="link" href=(path) { (name) } }
        @else { (name) }
    }
}
