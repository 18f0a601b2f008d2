//! The REST API: the frame around the endpoints, which stand in the `api.rs` of each feature.
//!
//! An endpoint is thin: it reads a request into the type that the page makes of a form, and calls
//! the same service. The OpenAPI document is made of the endpoints themselves, so that it is true.

pub mod answers;
pub mod problem;
pub mod request;
pub mod values;

use utoipa::{
    Modify, OpenApi,
    openapi::{
        self,
        security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme},
    },
};

/// What all endpoints have in common: the document without its paths.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Sirius",
        version = "1",
        license(name = "MIT OR Apache-2.0"),
        description = "Stock and orders of a small shop.\n\n\
            Money is a decimal string in answers; requests take a string or a number, exact, with at most two decimals. \
            Times are RFC 3339 in UTC, days are days of the shop. Lists come a page at a time: send `next` of one page \
            as `cursor` for the one after it. Every error is a problem document (RFC 9457) in the language of \
            `Accept-Language`, Russian or English; `type` names the error, `errors` has what is wrong with each field. \
            A field or parameter that does not exist is an error, too."
    ),
    security(("session" = []), ("token" = [])),
    modifiers(&Access),
    components(schemas(problem::Problem)),
    tags(
        (name = "account", description = "Signing in, the own account, its tokens and chats"),
        (name = "products", description = "Products and their stock"),
        (name = "supplies", description = "Goods that came in"),
        (name = "orders", description = "Orders: taken by phone and paid, then issued or denied"),
        (name = "analytics", description = "What was sold and earned; exchange rates"),
        (name = "admin", description = "Accounts, the operation log and notifications"),
        (name = "contract", description = "This document"),
    )
)]
pub struct Frame;

struct Access;

impl Modify for Access {
    fn modify(&self, document: &mut openapi::OpenApi) {
        let components = document.components.get_or_insert_default();
        let session = ApiKeyValue::with_description(
            "sirius",
            "The session cookie that signing in sets; the pages use the same. Over HTTPS it is called `__Host-sirius`",
        );
        components.add_security_scheme("session", SecurityScheme::ApiKey(ApiKey::Cookie(session)));
        let token = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .description(Some(
                "A personal token, made on the account page or by POST /api/me/tokens",
            ))
            .build();
        components.add_security_scheme("token", SecurityScheme::Http(token));
    }
}
