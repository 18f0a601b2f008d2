//! The parts that all REST endpoints share. The endpoints themselves are in the `api.rs` of each feature.
//!
//! An endpoint is thin: it reads a request into the same type as the form of the page, and calls the same service. The
//! OpenAPI document is generated from the endpoints, so that it matches them.

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

/// The OpenAPI document without its paths: the parts that all endpoints share.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Sirius",
        version = "1",
        license(name = "MIT OR Apache-2.0"),
        description = "Stock and orders of a small shop.\n\n\
            Responses give money as a decimal string; requests accept a string or a number with at most two \
            decimals, which is read exactly. Times are RFC 3339 in UTC; days are in the time zone of the shop. Lists \
            are paginated: to get the next page, pass `next` of the current one as `cursor`. Every error is a problem \
            document (RFC 9457) in the language of `Accept-Language`, Russian or English; `type` identifies the \
            error, and `errors` lists what is wrong with each field. Unknown fields and parameters are errors, too."
    ),
    security(("session" = []), ("token" = [])),
    modifiers(&Access),
    components(schemas(problem::ProblemDocument)),
    tags(
        (name = "account", description = "Signing in, your account, its tokens and chats"),
        (name = "products", description = "Products and their stock"),
        (name = "supplies", description = "Received goods"),
        (name = "orders", description = "Orders: taken by phone and paid, then issued or denied"),
        (name = "analytics", description = "Sales reports and exchange rates"),
        (name = "admin", description = "Accounts, the operation log and notifications"),
        (name = "contract", description = "This document"),
    )
)]
pub struct ApiDoc;

struct Access;

impl Modify for Access {
    fn modify(&self, document: &mut openapi::OpenApi) {
        let components = document.components.get_or_insert_default();
        let session = ApiKeyValue::with_description(
            "sirius",
            "The session cookie that signing in sets; the pages use the same one. \
             Over HTTPS its name is `__Host-sirius`",
        );
        components.add_security_scheme("session", SecurityScheme::ApiKey(ApiKey::Cookie(session)));
        let token = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .description(Some(
                "A personal API token, created on the account page or with POST /api/me/tokens",
            ))
            .build();
        components.add_security_scheme("token", SecurityScheme::Http(token));
    }
}
