//! Everything at once: clerks sell while others import files, enter rates, archive products and read lists.

use crate::database::Database;
use crate::{
    on_both_databases, report,
    server::Server,
    shop::{PHONE, Shop, get, page, post},
    storm::Storm,
};
use reqwest::{Client, Response};
use rstest_reuse::apply;
use serde_json::{Value, json};
use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

/// How many orders are created in the meantime.
const ORDERS: usize = 600;

/// The work in the back office, and all responses to it.
#[derive(Clone)]
struct Office {
    site: String,
    admin: Client,
    program: Client,
    is_over: Arc<AtomicBool>,
    answers: Arc<Mutex<Vec<Answer>>>,
}

/// The path of a request, the status of its response, and the seconds in `Retry-After`.
type Answer = (String, u16, Option<u64>);

#[apply(on_both_databases)]
async fn a_shop_that_does_everything_at_once_stays_consistent(database: Database) {
    let server = Server::start(&database).await;
    let shop = Shop::open(&server, 1_000_000).await;
    let office = Office {
        site: server.site.clone(),
        admin: shop.admin.clone(),
        program: shop.program.clone(),
        is_over: Arc::default(),
        answers: Arc::default(),
    };
    let work = [
        tokio::spawn(office.clone().import_supplies()),
        tokio::spawn(office.clone().import_products()),
        tokio::spawn(office.clone().enter_rates()),
        tokio::spawn(office.clone().archive_and_restore()),
        tokio::spawn(office.clone().read_pages()),
    ];
    let storm = Storm::begin(&shop, &[&server.site]);
    storm.wait_for_orders(ORDERS).await;
    office.is_over.store(true, Ordering::Relaxed);
    for work in work {
        work.await.unwrap();
    }
    let outcome = storm.settle(&database).await;
    let answers = office.answers.lock().unwrap();
    for (path, status, retry_after) in answers.iter() {
        assert!(
            *status < 500 || (*status == 503 && retry_after.is_some()),
            "{path}: {status}, Retry-After {retry_after:?}"
        );
    }
    let done = |path: &str| {
        answers
            .iter()
            .filter(|(asked, status, _)| asked.starts_with(path) && *status < 400)
            .count()
    };
    for path in [
        "/fn/confirm_import?supplies",
        "/fn/confirm_import?products",
        "/api/rates/",
        "archive",
        "/orders",
    ] {
        assert!(done(path) > 0, "{path} never succeeded: {answers:?}");
    }
    report::note(
        "imports, rates, archiving and lists at once",
        &database,
        answers.len(),
        &outcome,
    );
}

impl Office {
    fn is_running(&self) -> bool {
        !self.is_over.load(Ordering::Relaxed)
    }

    fn note(&self, path: &str, answer: &Response) {
        let retry_after = answer.headers().get("retry-after");
        let seconds = retry_after.and_then(|value| value.to_str().ok()?.parse().ok());
        let answer = (path.to_owned(), answer.status().as_u16(), seconds);
        self.answers.lock().unwrap().push(answer);
    }

    async fn import_supplies(self) {
        let mut round = 0;
        while self.is_running() {
            round += 1;
            let rows: String = ["чай", "кофе", "какао", "чай"]
                .iter()
                .map(|name| format!("{name},{round},1.{:02},Teekanne\n", round % 90))
                .collect();
            self.import(
                "supplies",
                &format!("product,qty,buy_price_eur,supplier_name\n{rows}"),
            )
            .await;
        }
    }

    async fn import_products(self) {
        let mut round = 0;
        while self.is_running() {
            round += 1;
            let rows = format!("какао,{round}\nчай,{round}\nновинка {round},1\n");
            self.import("products", &format!("name,min_stock\n{rows}"))
                .await;
        }
    }

    /// Uploads a file, and confirms it on the page that shows it.
    async fn import(&self, kind: &str, file: &str) {
        let body = format!(
            "--x\r\n\
             Content-Disposition: form-data; name=\"file\"; filename=\"my.csv\"\r\n\
             Content-Type: text/csv\r\n\r\n\
             {file}\r\n\
             --x--\r\n"
        );
        let sent = self
            .admin
            .post(format!("{}/uploads/{kind}", self.site))
            .header("accept", "text/html")
            .header("origin", &self.site)
            .header("content-type", "multipart/form-data; boundary=x")
            .body(body)
            .send()
            .await
            .unwrap();
        self.note(&format!("/uploads/{kind}"), &sent);
        let shown = sent.text().await.unwrap();
        let (Some(upload), Some(digest)) = (hidden(&shown, "upload"), hidden(&shown, "digest"))
        else {
            return;
        };
        let fields = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs([("kind", kind), ("upload", upload), ("digest", digest)])
            .finish();
        let confirmed = self
            .admin
            .post(format!("{}/fn/confirm_import", self.site))
            .header("accept", "application/json")
            .header("origin", &self.site)
            .header("content-type", "application/x-www-form-urlencoded")
            .body(fields)
            .send()
            .await
            .unwrap();
        self.note(&format!("/fn/confirm_import?{kind}"), &confirmed);
    }

    async fn enter_rates(self) {
        let mut round = 0;
        while self.is_running() {
            round += 1;
            let path = format!("/api/rates/2026-01-{:02}", 1 + round % 28);
            let rate = json!({"rub_per_eur": format!("{}.1234", 90 + round % 20)});
            let url = format!("{}{path}", self.site);
            let answer = self.program.put(url).json(&rate).send().await.unwrap();
            self.note(&path, &answer);
        }
    }

    /// Archives and restores a product, while somebody tries to sell it.
    async fn archive_and_restore(self) {
        let product = json!({"name": "сироп", "quantity": 1_000, "sell_price_rub": 200});
        let made = post(&self.program, &self.site, "/api/products", "", &product).await;
        let id = made.unwrap().id();
        while self.is_running() {
            let seen = get(&self.program, &self.site, &format!("/api/products/{id}"))
                .await
                .unwrap();
            let version = seen.json["version"].to_string();
            let order = json!({"phone": PHONE, "product_id": id, "qty": 1});
            let url = format!("{}/api/products/{id}", self.site);
            let archive = self
                .program
                .delete(&url)
                .header("if-match", format!("\"{version}\""));
            let (archived, booked) = tokio::join!(
                archive.send(),
                post(&self.program, &self.site, "/api/orders", "", &order)
            );
            self.note("archive", &archived.unwrap());
            let booked = booked.unwrap();
            assert!(matches!(booked.status, 201 | 409 | 422 | 503), "{booked:?}");
            if booked.status == 201 {
                let deny = format!("/api/orders/{}/deny", booked.id());
                let denied = post(&self.program, &self.site, &deny, "", &Value::Null).await;
                assert!(matches!(denied.unwrap().status, 200 | 503));
            }
            let restored = self.program.post(format!("{url}/restore")).send().await;
            self.note(&format!("/api/products/{id}/restore"), &restored.unwrap());
        }
    }

    async fn read_pages(self) {
        while self.is_running() {
            for path in [
                "/orders",
                "/products",
                "/supplies",
                "/admin/analytics",
                "/readyz",
            ] {
                let answer = self
                    .admin
                    .get(format!("{}{path}", self.site))
                    .header("accept", "text/html");
                self.note(path, &answer.send().await.unwrap());
            }
            let (status, _) = page(&self.admin, &self.site, "/").await;
            assert_eq!(status, 200, "writes must not block a page");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

/// Returns the value of a hidden field in a page.
fn hidden<'a>(page: &'a str, name: &str) -> Option<&'a str> {
    let field = page
        .split("<input ")
        .find(|field| field.contains(&format!("name=\"{name}\"")))?;
    field.split("value=\"").nth(1)?.split('"').next()
}
