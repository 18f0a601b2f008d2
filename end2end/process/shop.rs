//! A shop on a server, and requests to it.

use crate::server::Server;
use reqwest::{
    Client,
    header::{ACCEPT, AUTHORIZATION, HeaderMap},
};
use serde_json::{Value, json};
use std::time::Duration;

/// The password of all accounts in the tests.
pub const PASSWORD: &str = "correct horse";
/// How long a connection may be idle before it is reused: less than the server keeps it open, because a request that
/// arrives while the server closes the connection gets no response.
const MAX_IDLE: Duration = Duration::from_secs(10);
/// A valid phone number.
pub const PHONE: &str = "+79161234567";

/// A shop with its first account and its products.
pub struct Shop {
    /// The admin, signed in with a cookie like a browser.
    pub admin: Client,
    /// The same account, signed in with a token.
    pub program: Client,
    /// The ids of the products.
    pub products: Vec<i64>,
}

/// A response of the API.
#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    /// `Null` if the body is not JSON.
    pub json: Value,
}

impl Shop {
    /// Registers the first account and adds three products with `pieces` of each.
    pub async fn open(server: &Server, pieces: i64) -> Self {
        let admin = browser();
        let account = json!({"username": "anna", "password": PASSWORD});
        let reply = post(&admin, &server.site, "/api/auth/register", "", &account).await;
        assert_eq!(reply.as_ref().unwrap().status, 201, "{reply:?}");
        let new = json!({"name": "касса", "password": PASSWORD});
        let token = post(&admin, &server.site, "/api/me/tokens", "", &new)
            .await
            .unwrap();
        let program = with_token(token.json["token"].as_str().unwrap());
        let mut products = Vec::new();
        for name in ["чай", "кофе", "какао"] {
            let product = json!({"name": name, "quantity": pieces, "sell_price_rub": 100, "buy_price_eur": "1.23"});
            let reply = post(&admin, &server.site, "/api/products", "", &product)
                .await
                .unwrap();
            products.push(reply.id());
        }
        Self {
            admin,
            program,
            products,
        }
    }

    /// Creates an order for pieces of the first product.
    pub async fn create_order(&self, site: &str, key: &str, qty: i64) -> reqwest::Result<Reply> {
        let order = json!({"phone": PHONE, "product_id": self.products[0], "qty": qty});
        post(&self.program, site, "/api/orders", key, &order).await
    }
}

impl Reply {
    /// Returns the id of what was created.
    pub fn id(&self) -> i64 {
        let id = self.json["id"].as_i64();
        id.unwrap_or_else(|| panic!("{self:?} has no id"))
    }
}

/// Returns a client that keeps cookies.
pub fn browser() -> Client {
    Client::builder()
        .cookie_store(true)
        .timeout(Duration::from_secs(30))
        .pool_idle_timeout(MAX_IDLE)
        .build()
        .unwrap()
}

/// Signs an account in and returns its cookie.
pub async fn sign_in(server: &Server, name: &str) -> String {
    let account = json!({"username": name, "password": PASSWORD});
    let reply = Client::new()
        .post(format!("{}/api/auth/login", server.site))
        .json(&account)
        .send()
        .await
        .unwrap();
    let cookies = reply.headers().get_all("set-cookie").iter();
    let cookie = cookies
        .filter_map(|cookie| cookie.to_str().unwrap().split(';').next())
        .find(|cookie| cookie.starts_with("sirius="));
    cookie.expect("no session").to_owned()
}

/// Returns a client that signs in with a token.
pub fn with_token(token: &str) -> Client {
    let mut headers = HeaderMap::new();
    headers.insert(AUTHORIZATION, format!("Bearer {token}").parse().unwrap());
    Client::builder()
        .default_headers(headers)
        .timeout(Duration::from_secs(30))
        .pool_idle_timeout(MAX_IDLE)
        .build()
        .unwrap()
}

/// Sends JSON, or no body for `Null`. With the same idempotency key, a repeat is the same operation.
pub async fn post(
    client: &Client,
    site: &str,
    path: &str,
    key: &str,
    body: &Value,
) -> reqwest::Result<Reply> {
    let mut request = client.post(format!("{site}{path}"));
    if !key.is_empty() {
        request = request.header("Idempotency-Key", key);
    }
    if !body.is_null() {
        request = request.json(body);
    }
    let reply = request.send().await?;
    let status = reply.status().as_u16();
    let json = serde_json::from_slice(&reply.bytes().await?).unwrap_or_default();
    Ok(Reply { status, json })
}

pub async fn get(client: &Client, site: &str, path: &str) -> reqwest::Result<Reply> {
    let reply = client.get(format!("{site}{path}")).send().await?;
    let status = reply.status().as_u16();
    let json = serde_json::from_slice(&reply.bytes().await?).unwrap_or_default();
    Ok(Reply { status, json })
}

/// Opens a page like a browser. Returns its status and its HTML.
pub async fn page(client: &Client, site: &str, path: &str) -> (u16, String) {
    let page = client
        .get(format!("{site}{path}"))
        .header(ACCEPT, "text/html")
        .send()
        .await
        .unwrap();
    (page.status().as_u16(), page.text().await.unwrap())
}
