//! The server functions that change baskets.

use crate::error::Error;
use leptos::prelude::*;

/// Issues all waiting orders of a basket.
#[server(endpoint = "issue_basket")]
pub async fn issue_basket(id: i64) -> Result<(), Error> {
    use crate::{server_context, ui::banner::Success};
    server_context::write(move |tx| super::service::issue(tx, id)).await?;
    server_context::redirect_back(Success::OrderIssued);
    Ok(())
}

/// Denies all waiting orders of a basket.
#[server(endpoint = "deny_basket")]
pub async fn deny_basket(id: i64) -> Result<(), Error> {
    use crate::{server_context, ui::banner::Success};
    server_context::write(move |tx| super::service::deny(tx, id)).await?;
    server_context::redirect_back(Success::OrderDenied);
    Ok(())
}
