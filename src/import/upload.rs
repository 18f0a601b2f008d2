//! The endpoint for file uploads: `POST /uploads/{kind}`, a plain multipart form that works without JavaScript.

use super::{Kind, service};
use crate::{
    act::Shop,
    auth::Actor,
    error::{Error, Problem},
    sheet::{
        download::{lead, refuse},
        read::ROWS,
    },
    ui,
};
use axum::{
    extract::{Multipart, Path, State, multipart::MultipartError},
    http::{HeaderMap, StatusCode},
    response::Response,
};

/// Maximum size of an upload in bytes.
pub const LARGEST: usize = 8 << 20;

/// Stores the file and redirects to the page with its preview.
pub async fn receive(
    State(shop): State<Shop>,
    Path(kind): Path<String>,
    actor: Result<Actor, Error>,
    headers: HeaderMap,
    form: Multipart,
) -> Response {
    let page = format!("/{kind}/import");
    match keep(shop, &kind, actor, form).await {
        Ok(id) => lead(&format!("{page}?upload={id}")),
        Err(error) => refuse(&error, ui::language(&headers), &page),
    }
}

async fn keep(
    shop: Shop,
    kind: &str,
    actor: Result<Actor, Error>,
    mut form: Multipart,
) -> Result<String, Error> {
    let kind: Kind = kind.parse().map_err(|_| Error::NotFound)?;
    let actor = actor?;
    // Checked before the file is read, and again in the transaction.
    actor.may(kind.permission())?;
    let unreadable = |error: MultipartError| {
        let problem = match error.status() {
            StatusCode::PAYLOAD_TOO_LARGE => Problem::TooManyRows(ROWS),
            _ => Problem::NotTable,
        };
        Error::field("file", problem)
    };
    while let Some(field) = form.next_field().await.map_err(unreadable)? {
        if field.name() != Some("file") {
            continue;
        }
        let name = field.file_name().unwrap_or_default().to_owned();
        let bytes = field.bytes().await.map_err(unreadable)?;
        if bytes.is_empty() {
            return Err(Error::field("file", Problem::Required));
        }
        return shop
            .act(actor, move |tx| service::keep(tx, kind, &name, &bytes))
            .await;
    }
    Err(Error::field("file", Problem::Required))
}
