//! The refusals that endpoints share, as the document names them.

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
    /// Of every endpoint that needs the database.
    Public {
        "429": "Too many tries or requests; `Retry-After` says when the next one may come",
        "503": "The database does not answer, the server is too busy, or others hold what the act needs; `Retry-After` says when to repeat it",
    }

    /// Of every endpoint that asks who sends.
    SignedIn {
        "401": "Nobody is signed in, or the token does not hold",
        "429": "Too many tries or requests; `Retry-After` says when the next one may come",
        "503": "The database does not answer, the server is too busy, or others hold what the act needs; `Retry-After` says when to repeat it",
    }

    /// Of endpoints that only some roles may call, and of every change: none is taken from another site.
    Allowed {
        "403": "No right, or the request came from another site",
    }

    /// Of endpoints that speak of one thing.
    OfOne {
        "404": "There is no such thing",
    }

    /// Of endpoints that read a body.
    WithBody {
        "400": "The body is no JSON",
        "408": "The body took too long to arrive; nothing was changed",
        "413": "The body is larger than 256 KB",
        "415": "The body is not sent as application/json",
        "422": "Fields that are missing, wrong or unknown: all of them, in `errors`",
    }

    /// Of lists.
    Listed {
        "400": "The cursor cannot be read",
        "422": "Parameters that are wrong or unknown: all of them, in `errors`",
    }

    /// Of changes that the present state may forbid.
    Conflict {
        "409": "The stock, the state or a version stands against it; `detail` says what to do",
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
