//! Somebody who talks to a server.

use crate::server::Server;
use reqwest::{
    Client,
    header::{ACCEPT, AUTHORIZATION, HeaderMap},
};
use serde_json::{Value, json};
use std::time::Duration;

/// The password of everybody in the tests.
pub const PASSWORD: &str = "correct horse";
/// A number that exists.
pub const PHONE: &str = "+79161234567";

/// A shop that has opened: its first account and its goods.
pub struct Shop {
    /// Signed in with a cookie, as a browser is.
    pub admin: Client,
    /// The same account, signed in with a token.
    pub program: Client,
    /// The goods.
    pub products: Vec<i64>,
}

/// What came back.
#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    /// `Null` when it was no JSON.
    pub json: Value,
}

impl Shop {
    /// Registers the first account and receives three products, so many pieces of each.
    pub async fn open(server: &Server, pieces: i64) -> Self {
        let admin = browser();
        let account = json!({"username": "anna", "password": PASSWORD});
        let reply = post(&admin, &server.site, "/api/auth/register", "", &account).await;
        assert_eq!(reply.as_ref().unwrap().status, 201, "{reply:?}");
        let name = json!({"name": "касса"});
        let token = post(&admin, &server.site, "/api/me/tokens", "", &name)
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

    /// Books pieces of the first product.
    pub async fn books(&self, site: &str, key: &str, qty: i64) -> reqwest::Result<Reply> {
        let order = json!({"phone": PHONE, "product_id": self.products[0], "qty": qty});
        post(&self.program, site, "/api/orders", key, &order).await
    }
}

impl Reply {
    /// The number of what was made.
    pub fn id(&self) -> i64 {
        let id = self.json["id"].as_i64();
        id.unwrap_or_else(|| panic!("{self:?} names nothing"))
    }
}

/// Somebody who keeps cookies.
pub fn browser() -> Client {
    Client::builder()
        .cookie_store(true)
        .timeout(Duration::from_secs(30))
        .build()
        .unwrap()
}

/// A program that signs in with a token.
pub fn with_token(token: &str) -> Client {
    let mut headers = HeaderMap::new();
    headers.insert(AUTHORIZATION, format!("Bearer {token}").parse().unwrap());
    Client::builder()
        .default_headers(headers)
        .timeout(Duration::from_secs(30))
        .build()
        .unwrap()
}

/// Sends JSON, or nothing for `Null`. A key makes a repeat the same act.
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

/// Opens a page as a browser does: its status and its HTML.
pub async fn page(client: &Client, site: &str, path: &str) -> (u16, String) {
    let page = client
        .get(format!("{site}{path}"))
        .header(ACCEPT, "text/html")
        .send()
        .await
        .unwrap();
    (page.status().as_u16(), page.text().await.unwrap())
}
