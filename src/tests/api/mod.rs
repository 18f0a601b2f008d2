//! The REST API, tested through the whole router on both databases.

mod bodies;
pub mod contract;
mod errors;
mod idempotency;
mod lists;
mod story;
mod tokens;
mod totp;

use crate::tests::support::{App, PASSWORD, Person, apply, on_both_databases};
use axum::{
    Extension, Router,
    body::{Body, to_bytes},
    extract::ConnectInfo,
    http::{HeaderMap, Method, Request, header},
};
use serde_json::{Value, json};
use std::net::SocketAddr;
use tower::ServiceExt;

/// A client of the API.
#[derive(Clone)]
struct ApiClient {
    router: Router,
    /// Headers that are sent with every request.
    headers: HeaderMap,
}

/// Returns the body of a request for a new token.
fn new_token() -> Value {
    json!({"name": "касса", "password": PASSWORD})
}

/// The response that a client received.
#[derive(Debug)]
struct Reply {
    status: u16,
    headers: HeaderMap,
    /// `null` when the answer has no body.
    json: Value,
}

impl ApiClient {
    /// Returns a client that is not signed in.
    fn anonymous(app: &App) -> Self {
        Self {
            router: app.router.clone(),
            headers: HeaderMap::new(),
        }
    }

    /// Creates the account of a person and returns a client that is signed in to it.
    async fn with_new_account(app: &App, person: Person) -> Self {
        let person = app.create_account(person).await;
        Self::signed_in(app, &person.me.username).await
    }

    /// Returns a client that is signed in to an existing account.
    async fn signed_in(app: &App, name: &str) -> Self {
        let anonymous = Self::anonymous(app);
        let credentials = json!({"username": name, "password": PASSWORD});
        let reply = anonymous.post("/api/auth/login", credentials).await;
        assert_eq!(reply.status, 200, "{reply:?}");
        anonymous.with_header("cookie", &reply.cookie())
    }

    /// Returns the same client on the machine of the server, which it calls localhost.
    fn on_this_machine(mut self) -> Self {
        let peer = SocketAddr::from(([127, 0, 0, 1], 1));
        self.router = self.router.layer(Extension(ConnectInfo(peer)));
        self.with_header("host", "localhost")
    }

    /// Returns the same client with a header that is added to each request.
    fn with_header(mut self, name: &str, value: &str) -> Self {
        let name: header::HeaderName = name.parse().unwrap();
        self.headers.insert(name, value.parse().unwrap());
        self
    }

    async fn get(&self, path: &str) -> Reply {
        self.send(Method::GET, path, None).await
    }

    async fn post(&self, path: &str, body: Value) -> Reply {
        self.send(Method::POST, path, Some(body.to_string())).await
    }

    async fn put(&self, path: &str, body: Value) -> Reply {
        self.send(Method::PUT, path, Some(body.to_string())).await
    }

    /// Sends a POST without a body.
    async fn post_empty(&self, path: &str) -> Reply {
        self.send(Method::POST, path, None).await
    }

    async fn delete(&self, path: &str) -> Reply {
        self.send(Method::DELETE, path, None).await
    }

    /// Sends a request. Asserts that the answer is JSON, and a problem document if it is an error.
    async fn send(&self, method: Method, path: &str, body: Option<String>) -> Reply {
        let mut request = Request::builder().method(method).uri(path);
        if body.is_some() {
            request = request.header(header::CONTENT_TYPE, "application/json");
        }
        let mut request = request.body(Body::from(body.unwrap_or_default())).unwrap();
        for (name, value) in &self.headers {
            request.headers_mut().insert(name, value.clone());
        }
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = to_bytes(body, 16 << 20).await.unwrap();
        let is_error = parts.status.is_client_error() || parts.status.is_server_error();
        let expected = if is_error {
            "application/problem+json"
        } else {
            "application/json"
        };
        if is_error || !body.is_empty() {
            assert_eq!(
                parts.headers[header::CONTENT_TYPE],
                expected,
                "{path}: {body:?}"
            );
        }
        let reply = Reply {
            status: parts.status.as_u16(),
            headers: parts.headers,
            json: serde_json::from_slice(&body).unwrap_or_default(),
        };
        if is_error {
            assert_eq!(reply.json["status"], reply.status, "{path}");
            assert!(
                reply.text("type").starts_with("urn:sirius:"),
                "{path}: {reply:?}"
            );
            assert!(
                !reply.text("title").is_empty() && !reply.text("detail").is_empty(),
                "{reply:?}"
            );
        }
        reply
    }

    /// Creates a product with a sale price of 100 ₽ and a stock, and returns its id.
    async fn create_product(&self, name: &str, stock: i64) -> i64 {
        let product = json!({"name": name, "quantity": stock, "sell_price_rub": 100});
        let reply = self.post("/api/products", product).await;
        assert_eq!(reply.status, 201, "{reply:?}");
        reply.id()
    }
}

impl Reply {
    fn text(&self, field: &str) -> &str {
        self.json[field].as_str().unwrap_or_default()
    }

    fn id(&self) -> i64 {
        self.json["id"].as_i64().unwrap()
    }

    fn items(&self) -> &Vec<Value> {
        self.json["items"].as_array().unwrap()
    }

    /// Returns one field of every item.
    fn field_values(&self, field: &str) -> Vec<&str> {
        self.items()
            .iter()
            .map(|item| item[field].as_str().unwrap())
            .collect()
    }

    /// Returns the wrong fields that a problem document names, sorted by name.
    fn wrong_fields(&self) -> Vec<&str> {
        let errors = self.json["errors"].as_object();
        errors
            .map(|errors| errors.keys().map(String::as_str).collect())
            .unwrap_or_default()
    }

    fn location(&self) -> &str {
        self.headers[header::LOCATION].to_str().unwrap()
    }

    fn cookie(&self) -> String {
        let cookies = self.headers.get_all(header::SET_COOKIE);
        let session = cookies.iter().next_back().unwrap();
        let cookie = session.to_str().unwrap();
        cookie.split(';').next().unwrap().to_owned()
    }
}

/// Builds the body of a request for an order.
fn order_body(product: i64, qty: i64) -> Value {
    json!({"phone": "8 916 123-45-67", "product_id": product, "qty": qty})
}
