//! The endpoint for file uploads: `POST /uploads/{kind}`, a plain multipart form that works without JavaScript.

use super::{Kind, waiting};
use crate::{
    auth::Actor,
    error::{Error, Problem},
    sheet::{
        download::{redirect, refuse},
        read::MAX_ROWS,
    },
    transaction::AppState,
};
use axum::{
    extract::{Multipart, Path, State, multipart::MultipartError},
    http::StatusCode,
    response::Response,
};

/// Maximum size of an upload in bytes.
pub const MAX_BYTES: usize = 8 << 20;

/// Stores the file and redirects to the page with its preview.
pub async fn receive(
    State(app): State<AppState>,
    Path(kind): Path<String>,
    actor: Result<Actor, Error>,
    form: Multipart,
) -> Response {
    let page = format!("/{kind}/import");
    match keep(app, &kind, actor, form).await {
        Ok(id) => redirect(&format!("{page}?upload={id}")),
        Err(error) => refuse(&error, &page),
    }
}

async fn keep(
    app: AppState,
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
            StatusCode::PAYLOAD_TOO_LARGE => Problem::TooManyRows(MAX_ROWS),
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
        return app
            .write(actor, move |tx| waiting::keep(tx, kind, &name, &bytes))
            .await;
    }
    Err(Error::field("file", Problem::Required))
}
