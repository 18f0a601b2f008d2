//! The error responses that endpoints share, for the OpenAPI document.

use super::problem::MEDIA_TYPE;
use std::collections::BTreeMap;
use utoipa::{
    IntoResponses,
    openapi::{ContentBuilder, Ref, RefOr, Response, ResponseBuilder},
};

macro_rules! answers {
    ($($(#[$meta:meta])* $name:ident { $($status:literal: $says:literal,)+ })+) => {
        $(
            $(#[$meta])*
            #[derive(Debug)]
            pub struct $name;

            impl IntoResponses for $name {
                fn responses() -> BTreeMap<String, RefOr<Response>> {
                    BTreeMap::from([$(problem($status, $says),)+])
                }
            }
        )+
    };
}

answers! {
    /// Errors of every endpoint that uses the database.
    PublicErrors {
        "429": "Too many attempts or requests; `Retry-After` says when to try again",
        "503": "The database is unavailable, the server is overloaded, or another operation holds a lock; \
                `Retry-After`, if present, says when to retry",
    }

    /// Errors of every endpoint that identifies the caller.
    AuthErrors {
        "401": "Not signed in, or the token is not valid",
        "429": "Too many attempts or requests; `Retry-After` says when to try again",
        "503": "The database is unavailable, the server is overloaded, or another operation holds a lock; \
                `Retry-After`, if present, says when to retry",
    }

    /// Errors of endpoints that require a permission, and of all changes, which must not come from another site.
    PermissionErrors {
        "403": "The caller lacks the permission, or the request came from another site",
    }

    /// Errors of endpoints for a single resource.
    NotFoundErrors {
        "404": "The resource does not exist",
    }

    /// Errors of endpoints that read a body.
    BodyErrors {
        "400": "The body is not valid JSON",
        "408": "The body took too long to arrive; nothing was changed",
        "413": "The body is larger than 256 KB",
        "415": "The content type is not application/json",
        "422": "Missing, invalid or unknown fields; `errors` lists all of them",
    }

    /// Errors of lists.
    ListErrors {
        "400": "The cursor is invalid, or a parameter is repeated",
        "422": "Invalid or unknown parameters; `errors` lists all of them",
    }

    /// Errors of changes that conflict with the current state.
    Conflict {
        "409": "The change conflicts with the current stock, state or version; `detail` says what to do",
    }
}

fn problem(status: &str, says: &str) -> (String, RefOr<Response>) {
    let content = ContentBuilder::new()
        .schema(Some(Ref::from_schema_name("Problem")))
        .build();
    let response = ResponseBuilder::new()
        .description(says)
        .content(MEDIA_TYPE, content)
        .build();
    (status.to_owned(), response.into())
}
