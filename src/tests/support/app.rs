//! The shop of a test, its users and their browsers.

use crate::tests::support::logs;
use crate::{
    auth::{
        Actor, Me, Role,
        users::{Account, Query, service as accounts},
    },
    config::{Config, loopback},
    db::{Conn, DatabaseUrl, Db},
    error::Error,
    import::{self, Kind, Preview, service::Confirmation},
    integrity,
    live::hub::Hub,
    notifications::outbox::Outbox,
    orders::{self, Order},
    products::{self, Product},
    server,
    supplies::{self, Supply},
    transaction::{AppState, Tx},
    ui::banner::Counts,
};
use axum::{
    Extension, Router,
    body::{Body, to_bytes},
    extract::ConnectInfo,
    http::{HeaderMap, HeaderName, HeaderValue, Request, header},
};
use diesel::connection::SimpleConnection;
use std::{
    env,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::Arc,
    thread,
    time::Duration,
};
use tempfile::TempDir;
use tokio::runtime::Builder;
use tower::ServiceExt;
use tower_sessions::cookie::Key;
use url::form_urlencoded;

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
/// The time after which a test that hangs fails; no test takes as long.
pub const TEST_TIMEOUT: Duration = Duration::from_secs(120);

/// Runs a test on a runtime of its own.
pub fn block_on(test: impl Future<Output = ()>) {
    Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap()
        .block_on(async { tokio::time::timeout(TEST_TIMEOUT, test).await })
        .expect("the test timed out");
}

/// The address of a program on the machine of the server.
const LOOPBACK: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 1);
/// The password of every account in the tests.
pub const PASSWORD: &str = "correct horse";
/// The form of a new API token.
pub const NEW_TOKEN: &[(&str, &str)] = &[("name", "касса"), ("password", PASSWORD)];
/// A valid phone number.
pub const PHONE: &str = "+79161234567";

/// A shop with its own database.
pub struct App {
    pub state: AppState,
    pub router: Router,
    /// The database, which is deleted on drop.
    _database: TestDatabase,
}

enum TestDatabase {
    Folder { _folder: TempDir },
    Schema { server: DatabaseUrl, name: String },
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        if !thread::panicking() {
            logs::assert_no_secrets();
        }
        match self {
            Self::Folder { .. } => {}
            Self::Schema { server, name } => {
                // Background writes of the server may hold locks for a moment.
                let mut conn = server.open().unwrap();
                let drop = format!("DROP SCHEMA {name} CASCADE");
                let mut attempts = (0..20).map(|_| conn.batch_execute(&drop));
                assert!(
                    attempts.any(|dropped| dropped.is_ok()),
                    "could not drop the schema {name}"
                );
            }
        }
    }
}

impl App {
    /// Opens a shop on a new SQLite file.
    pub fn sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = DatabaseUrl::Sqlite(folder.path().join("sirius.db"));
        Self::open(url, TestDatabase::Folder { _folder: folder })
    }

    /// Opens a shop in a new schema of the PostgreSQL database that `TEST_DATABASE_URL` names.
    pub fn postgres() -> Self {
        let address = env::var("TEST_DATABASE_URL").expect(
            "TEST_DATABASE_URL is not set: \
             run `make unit`, or scripts/with-postgres cargo test --features testing",
        );
        let server: DatabaseUrl = address.parse().unwrap();
        let name = format!("test_{}", crate::crypto::new_key());
        server
            .open()
            .unwrap()
            .batch_execute(&format!("CREATE SCHEMA {name}"))
            .unwrap();
        let separator = if address.contains('?') { '&' } else { '?' };
        let url = DatabaseUrl::Postgres(format!(
            "{address}{separator}options=-csearch_path%3D{name}"
        ));
        Self::open(url, TestDatabase::Schema { server, name })
    }

    fn open(url: DatabaseUrl, database: TestDatabase) -> Self {
        logs::capture();
        crate::migrate::migrate(&url).unwrap();
        let config = Config {
            database_url: url.clone(),
            ..Config::for_tests()
        };
        let state = AppState {
            db: Db::connect(&url, 8).unwrap(),
            config: Arc::new(config),
            listener: &Outbox,
            live: Hub::new(),
        };
        let router = server::router(state.clone(), &key());
        Self {
            state,
            router,
            _database: database,
        }
    }

    /// Returns the same shop and database with another secret key.
    pub fn with_secret(self, secret: [u8; 64]) -> Self {
        Self {
            router: server::router(self.state.clone(), &Key::from(&secret)),
            ..self
        }
    }

    /// Returns the same shop and database after a restart with changed settings.
    pub fn restarted(self, change: impl FnOnce(&mut Config)) -> Self {
        let mut config = Config::clone(&self.state.config);
        change(&mut config);
        let state = AppState {
            db: Db::connect(&config.database_url, 8).unwrap(),
            config: Arc::new(config),
            listener: &Outbox,
            live: Hub::new(),
        };
        Self {
            router: server::router(state.clone(), &key()),
            state,
            _database: self._database,
        }
    }

    /// Returns the same shop after a restart behind a proxy on the same machine, which it trusts.
    pub fn behind_proxy(self, change: impl FnOnce(&mut Config)) -> Self {
        let app = self.restarted(|config| {
            config.trust_proxy = loopback();
            change(config);
        });
        let router = app.router.clone().layer(Extension(ConnectInfo(LOOPBACK)));
        Self { router, ..app }
    }

    /// Returns another server of the same shop. On SQLite, which allows only one server, it is the same one.
    pub fn another_server(&self) -> AppState {
        match self.state.config.database_url {
            DatabaseUrl::Sqlite(_) => self.state.clone(),
            DatabaseUrl::Postgres(_) => AppState {
                db: Db::connect(&self.state.config.database_url, 2).unwrap(),
                config: self.state.config.clone(),
                listener: &Outbox,
                live: Hub::new(),
            },
        }
    }

    /// Returns the admin.
    pub fn admin(&self) -> Person {
        self.person("админ", Role::Admin)
    }

    /// Returns the manager.
    pub fn manager(&self) -> Person {
        self.person("менеджер", Role::Manager)
    }

    /// Returns the clerk.
    pub fn clerk(&self) -> Person {
        self.person("продавец", Role::User)
    }

    /// Returns a person with a name and a role, without creating their account.
    pub fn person(&self, name: &str, role: Role) -> Person {
        Person {
            state: self.state.clone(),
            me: Me {
                username: name.to_owned(),
                role: role.into(),
                manager_in_admin: self.state.config.manager_in_admin,
                must_change_password: false,
                must_set_up_totp: false,
            },
        }
    }

    /// Creates the accounts of a manager and a clerk.
    pub async fn create_manager_and_clerk(&self) -> (Person, Person) {
        (
            self.create_account(self.manager()).await,
            self.create_account(self.clerk()).await,
        )
    }

    /// Creates the account of a manager, who creates a product.
    pub async fn create_product(&self, name: &str, pieces: i64) -> Product {
        let manager = self.create_account(self.manager()).await;
        manager.create_product(name, pieces).await
    }

    /// Creates the account of a person, with [`PASSWORD`].
    pub async fn create_account(&self, person: Person) -> Person {
        let hash = bcrypt::hash(PASSWORD, 4).unwrap();
        let Me { username, role, .. } = person.me.clone();
        self.state
            .write(Actor::System, move |tx| {
                let role = role.known().unwrap();
                accounts::add(tx, &username, role, &hash)
            })
            .await
            .unwrap();
        person
    }

    /// Returns a browser in which nobody is signed in.
    pub fn browser(&self) -> Browser {
        Browser {
            router: self.router.clone(),
            cookies: Vec::new(),
            headers: HeaderMap::new(),
            site: "shop.example",
        }
    }

    /// Returns a browser whose requests a proxy passes on from an address.
    pub fn browser_at(&self, address: &str) -> Browser {
        self.browser().with_header("x-forwarded-for", address)
    }

    /// Creates the account of a person and returns a browser in which they are signed in.
    pub async fn signed_in_browser(&self, person: Person) -> Browser {
        let person = self.create_account(person).await;
        let mut browser = self.browser();
        let answer = browser.sign_in(&person.me.username, PASSWORD).await;
        assert_eq!(answer.location.as_deref(), Some("/"));
        browser
    }

    /// Asserts that the ledger, the counters and the orders agree.
    pub async fn assert_consistent(&self) {
        let report = self.state.db.read(integrity::check).await.unwrap();
        assert_eq!(report.wrong, Vec::<String>::new());
    }

    /// Returns every account, sorted by name.
    pub async fn accounts(&self) -> Vec<Account> {
        self.state
            .read(Actor::System, |tx| accounts::list(tx, &Query::default()))
            .await
            .unwrap()
            .items
    }

    /// Runs SQL directly on the database.
    pub async fn sql(&self, statement: impl Into<String>) {
        let statement = statement.into();
        self.state
            .db
            .write(move |conn: &mut Conn| conn.batch_execute(&statement).map_err(Error::from))
            .await
            .unwrap();
    }
}

fn key() -> Key {
    Key::from(&[7; 64])
}

/// A user of the shop.
#[derive(Clone)]
pub struct Person {
    pub state: AppState,
    pub me: Me,
}

impl Person {
    /// Returns the actor for this person.
    pub fn actor(&self) -> Actor {
        Actor::User(self.me.clone())
    }

    /// Runs an operation as this person.
    pub async fn write<T: Send + 'static>(
        &self,
        operation: impl FnOnce(&mut Tx<'_>) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        self.state.write(self.actor(), operation).await
    }

    /// Runs a query as this person.
    pub async fn read<T: Send + 'static>(
        &self,
        query: impl FnOnce(&mut Tx<'_>) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        self.state.read(self.actor(), query).await
    }

    /// Creates a product with a sale price of 100 ₽ and a stock.
    pub async fn create_product(&self, name: &str, stock: i64) -> Product {
        let draft = fields! { name: name, sell_price_rub: "100" };
        self.write(move |tx| {
            products::service::create(tx, "", &draft.with("quantity", stock).read()?)
        })
        .await
        .unwrap()
    }

    /// Receives a supply at a purchase price in euros.
    pub async fn receive_supply(
        &self,
        product: &str,
        qty: i64,
        price: &str,
    ) -> Result<Supply, Error> {
        let draft =
            fields! { product: product, qty: qty, supplier_name: "Teekanne", buy_price_eur: price };
        self.write(move |tx| supplies::service::receive(tx, "", &draft.read()?))
            .await
    }

    /// Creates an order at the sale price.
    pub async fn create_order(&self, product: &str, qty: i64) -> Result<Order, Error> {
        self.create_order_with_key(product, qty, "").await
    }

    /// Creates an order with an idempotency key.
    pub async fn create_order_with_key(
        &self,
        product: &str,
        qty: i64,
        key: &str,
    ) -> Result<Order, Error> {
        let draft = fields! { phone: PHONE, product: product, qty: qty };
        let key = key.to_owned();
        self.write(move |tx| orders::service::create(tx, &key, &draft.read()?))
            .await
    }

    /// Uploads a file of products and returns its preview.
    pub async fn upload_products(&self, file: String) -> Result<Preview, Error> {
        self.write(move |tx| {
            let id = import::waiting::keep(tx, Kind::Products, "my.csv", file.as_bytes())?;
            import::service::preview(tx, Kind::Products, &id)
        })
        .await
    }

    /// Confirms the preview of a file of products.
    pub async fn confirm_products(&self, preview: &Preview) -> Result<Counts, Error> {
        let confirmation = Confirmation {
            kind: Kind::Products,
            upload: preview.upload.clone(),
            digest: preview.digest.clone(),
            again: false,
        };
        import::service::confirm(&self.state, self.actor(), confirmation).await
    }

    /// Imports products from a file.
    pub async fn import_products(&self, file: String) -> Result<Counts, Error> {
        let preview = self.upload_products(file).await?;
        self.confirm_products(&preview).await
    }

    /// Issues an order.
    pub async fn issue_order(&self, order: i64) -> Result<Order, Error> {
        self.write(move |tx| orders::service::issue(tx, order))
            .await
    }

    /// Denies an order.
    pub async fn deny_order(&self, order: i64) -> Result<Order, Error> {
        self.write(move |tx| orders::service::deny(tx, order)).await
    }

    /// Returns a product.
    pub async fn product(&self, product: i64) -> Product {
        self.read(move |tx| products::service::get(tx, product))
            .await
            .unwrap()
    }

    /// Returns the counters of a product: on hand, reserved, available.
    pub async fn counters(&self, product: i64) -> (i64, i64, i64) {
        let product = self.product(product).await;
        (product.on_hand, product.reserved, product.stock)
    }
}

/// A browser without JavaScript: it keeps cookies and does not follow redirects.
#[derive(Clone)]
pub struct Browser {
    router: Router,
    cookies: Vec<(String, String)>,
    /// Headers that are added to each request.
    headers: HeaderMap,
    /// The host under which it reaches the shop.
    site: &'static str,
}

/// The response that a browser received.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub location: Option<String>,
    pub body: String,
    /// The last `Set-Cookie` header.
    pub set_cookie: Option<String>,
    /// `X-Robots-Tag`.
    pub robots: Option<String>,
    pub headers: HeaderMap,
}

impl Browser {
    /// Opens a page.
    pub async fn get(&mut self, path: &str) -> Answer {
        self.send(
            Request::get(path)
                .header(header::ACCEPT, "text/html")
                .body(Body::empty())
                .unwrap(),
        )
        .await
    }

    /// Returns the same browser, with its cookies, connected to another server of the shop.
    pub fn connected_to(self, app: &App) -> Self {
        Self {
            router: app.router.clone(),
            ..self
        }
    }

    /// Submits a form on the page `page` as a browser without JavaScript does.
    pub async fn submit(&mut self, page: &str, function: &str, fields: &[(&str, &str)]) -> Answer {
        let request = Request::post(format!("/fn/{function}"))
            .header(header::ACCEPT, "text/html")
            .header(header::HOST, self.site)
            .header(header::ORIGIN, format!("https://{}", self.site))
            .header(header::REFERER, format!("https://{}{page}", self.site));
        self.send(form(request, fields)).await
    }

    /// Calls a server function as the client does with JavaScript.
    pub async fn call(&mut self, function: &str, fields: &[(&str, &str)]) -> Answer {
        self.send(form(
            Request::post(format!("/fn/{function}")).header(header::ACCEPT, "application/json"),
            fields,
        ))
        .await
    }

    /// Submits the sign-in form.
    pub async fn sign_in(&mut self, name: &str, password: &str) -> Answer {
        self.submit(
            "/login",
            "sign_in",
            &[("username", name), ("password", password)],
        )
        .await
    }

    /// Opens the page to which an answer redirects.
    pub async fn follow(&mut self, answer: &Answer) -> Answer {
        let location = answer
            .location
            .as_deref()
            .expect("the answer is no redirect");
        self.get(location).await
    }

    /// Returns a request with the cookies of the browser.
    pub fn with_cookies(&self, mut request: Request<Body>) -> Request<Body> {
        for (name, value) in &self.cookies {
            request
                .headers_mut()
                .append(header::COOKIE, format!("{name}={value}").parse().unwrap());
        }
        request
    }

    /// Returns the same browser with a header that is added to each request, as a proxy does.
    pub fn with_header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.insert(name, value.parse().unwrap());
        self
    }

    /// Returns the same browser, whose requests come from the loopback address.
    pub fn via_loopback(mut self) -> Self {
        self.router = self.router.layer(Extension(ConnectInfo(LOOPBACK)));
        self
    }

    /// Returns the same browser on the machine of the server, which it calls localhost.
    pub fn on_this_machine(self) -> Self {
        Self {
            site: "localhost",
            ..self.via_loopback().with_header("host", "localhost")
        }
    }

    /// Returns the value of a cookie.
    pub fn cookie(&self, name: &str) -> Option<&str> {
        let found = self.cookies.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }

    /// Sends a request as a page of the shop does: with `Sec-Fetch-Site`, unless it names an origin.
    pub async fn send(&mut self, mut request: Request<Body>) -> Answer {
        let has_origin = [&SEC_FETCH_SITE, &header::ORIGIN]
            .iter()
            .any(|name| request.headers().contains_key(*name));
        if !has_origin {
            let same_origin = HeaderValue::from_static("same-origin");
            request.headers_mut().insert(SEC_FETCH_SITE, same_origin);
        }
        self.send_raw(request).await
    }

    /// Sends a request without adding an origin, only with the cookies and headers of the browser.
    pub async fn send_raw(&mut self, request: Request<Body>) -> Answer {
        let mut request = self.with_cookies(request);
        request.headers_mut().extend(self.headers.clone());
        let response = self.router.clone().oneshot(request).await.unwrap();
        // The session cookie is the last one.
        let text = |name| {
            let values = response.headers().get_all(name);
            let last = values.iter().next_back();
            last.map(|value| value.to_str().unwrap().to_owned())
        };
        let (set_cookie, robots) = (
            text(header::SET_COOKIE),
            text(HeaderName::from_static("x-robots-tag")),
        );
        for cookie in response.headers().get_all(header::SET_COOKIE) {
            let (name, rest) = cookie.to_str().unwrap().split_once('=').unwrap();
            let value = rest.split(';').next().unwrap();
            // The language and the empty value of a deleted cookie are no secrets.
            if value.len() > 8 {
                logs::forbid_in_log(value);
            }
            self.cookies.retain(|(known, _)| known != name);
            if !value.is_empty() {
                self.cookies.push((name.to_owned(), value.to_owned()));
            }
        }
        let (status, location) = (response.status().as_u16(), text(header::LOCATION));
        let headers = response.headers().clone();
        let body = to_bytes(response.into_body(), 16 << 20).await.unwrap();
        Answer {
            status,
            location,
            body: String::from_utf8(body.to_vec()).unwrap(),
            set_cookie,
            robots,
            headers,
        }
    }
}

fn form(request: axum::http::request::Builder, fields: &[(&str, &str)]) -> Request<Body> {
    let body = form_urlencoded::Serializer::new(String::new())
        .extend_pairs(fields)
        .finish();
    request
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(Body::from(body))
        .unwrap()
}

impl Answer {
    /// Returns the value of a hidden field on the page.
    pub fn hidden_field(&self, name: &str) -> String {
        let field = self
            .body
            .split("<input ")
            .find(|field| field.contains(&format!("name=\"{name}\"")))
            .expect("the field is not on the page");
        field
            .split("value=\"")
            .nth(1)
            .unwrap()
            .split('"')
            .next()
            .unwrap()
            .to_owned()
    }
}

/// Returns the text between two others on a page.
pub fn text_between<'a>(page: &'a str, start: &str, end: &str) -> &'a str {
    let rest = page
        .split(start)
        .nth(1)
        .expect("the start is not on the page");
    rest.split(end).next().unwrap()
}
