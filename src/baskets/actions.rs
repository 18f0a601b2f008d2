//! The server functions that change baskets.

use crate::{error::Error, fields::Fields};
use leptos::prelude::*;

/// Issues all waiting orders of a basket.
#[server(endpoint = "issue_basket")]
pub async fn issue_basket(id: i64) -> Result<(), Error> {
    use super::service::{issue, settle};
    use crate::{server_context, ui::banner::Success};
    let (_, operations) = server_context::write(move |tx| settle(tx, id, issue)).await?;
    server_context::redirect_back_undoable(Success::OrderIssued, &operations);
    Ok(())
}

/// Denies all waiting orders of a basket.
#[server(endpoint = "deny_basket")]
pub async fn deny_basket(id: i64) -> Result<(), Error> {
    use super::service::{deny, settle};
    use crate::{server_context, ui::banner::Success};
    let (_, operations) = server_context::write(move |tx| settle(tx, id, deny)).await?;
    server_context::redirect_back_undoable(Success::OrderDenied, &operations);
    Ok(())
}

/// Adds a product to a basket.
#[server(endpoint = "add_to_basket")]
pub async fn add_to_basket(
    basket: i64,
    #[server(default)] idempotency_key: String,
    #[server(flatten)] fields: Fields,
) -> Result<(), Error> {
    use crate::{server_context, ui::banner::Success};
    server_context::submit(fields, move |tx, line| {
        super::service::add(tx, &idempotency_key, basket, line)
    })
    .await?;
    server_context::redirect_back(Success::LineAdded);
    Ok(())
}
