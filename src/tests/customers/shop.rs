//! What the tests of the page, the export, the retention and the erasure share.

use crate::{
    audit::{Operation, Query, search},
    orders::{self, Order},
    tests::support::{App, Browser, Person},
};

/// Another customer's number.
pub const OTHER: &str = "+79035557788";

/// Books an order for one piece of tea.
pub async fn book(person: &Person, phone: &str, name: &str) -> Order {
    let draft = fields! { phone: phone, customer_name: name, product: "чай", qty: 1 };
    person
        .write(move |tx| orders::service::create(tx, "", &draft.read()?))
        .await
        .unwrap()
}

/// Changes the number and the name of an order.
pub async fn edit(person: &Person, order: &Order, phone: &str, name: &str) -> Order {
    let edited = fields! {
        version: order.version, phone: phone, customer_name: name, qty: 1, unit_price_rub: "100"
    };
    let id = order.id;
    person
        .write(move |tx| orders::service::edit(tx, id, &edited.read()?))
        .await
        .unwrap()
}

/// Signs the admin in.
pub async fn admin_browser(app: &App) -> Browser {
    app.signed_in_browser(app.admin()).await
}

/// Returns the log, newest first.
pub async fn log(app: &App) -> Vec<Operation> {
    app.admin()
        .read(|tx| search::list(tx, &Query::default()))
        .await
        .unwrap()
        .page
        .items
}
