//! A shop to tell stories about: its people, and their browsers.

use crate::tests::support::logs;
use crate::{
    auth::{
        Actor, Me, Role,
        users::{Account, Query, service as accounts},
    },
    config::Config,
    db::{Conn, DatabaseUrl, Db},
    error::Error,
    integrity,
    notifications::outbox::Outbox,
    orders::{self, Order},
    products::{self, Product},
    server,
    supplies::{self, Supply},
    transaction::{AppState, Tx},
};
use axum::{
    Extension, Router,
    body::{Body, to_bytes},
    extract::ConnectInfo,
    http::{HeaderMap, HeaderName, HeaderValue, Request, header},
};
use diesel::connection::SimpleConnection;
use std::{env, net::SocketAddr, sync::Arc, thread, time::Duration};
use tempfile::TempDir;
use tokio::runtime::Builder;
use tower::ServiceExt;
use tower_sessions::cookie::Key;
use url::form_urlencoded;

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
/// Longer than any story takes: one that waits for ever fails instead.
pub const LIMIT: Duration = Duration::from_secs(120);

/// Tells a story on a runtime of its own.
pub fn block_on(story: impl Future<Output = ()>) {
    Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap()
        .block_on(async { tokio::time::timeout(LIMIT, story).await })
        .expect("the story came to no end");
}

/// The password of everybody in the tests.
pub const PASSWORD: &str = "correct horse";
/// A number that exists.
pub const PHONE: &str = "+79161234567";

/// A shop with a database of its own.
pub struct App {
    pub state: AppState,
    pub router: Router,
    /// Removed with the shop.
    _data: Data,
}

enum Data {
    Folder { _folder: TempDir },
    Schema { server: DatabaseUrl, name: String },
}

impl Drop for Data {
    fn drop(&mut self) {
        if !thread::panicking() {
            logs::assert_no_secrets();
        }
        match self {
            Self::Folder { .. } => {}
            Self::Schema { server, name } => {
                // What the server still writes beside its requests may be in the way for a moment.
                let mut conn = server.open().unwrap();
                let drop = format!("DROP SCHEMA {name} CASCADE");
                let mut tries = (0..20).map(|_| conn.batch_execute(&drop));
                assert!(tries.any(|dropped| dropped.is_ok()), "{name} stays");
            }
        }
    }
}

impl App {
    pub fn sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = DatabaseUrl::Sqlite(folder.path().join("sirius.db"));
        Self::open(url, Data::Folder { _folder: folder })
    }

    /// A schema of its own in the database that `TEST_DATABASE_URL` names.
    pub fn postgres() -> Self {
        let address = env::var("TEST_DATABASE_URL").expect("TEST_DATABASE_URL is not set: run `make unit`, or scripts/with-postgres cargo test --features testing");
        let server: DatabaseUrl = address.parse().unwrap();
        let name = format!("test_{}", crate::crypto::new_key());
        server
            .open()
            .unwrap()
            .batch_execute(&format!("CREATE SCHEMA {name}"))
            .unwrap();
        let joint = if address.contains('?') { '&' } else { '?' };
        let url = DatabaseUrl::Postgres(format!("{address}{joint}options=-csearch_path%3D{name}"));
        Self::open(url, Data::Schema { server, name })
    }

    fn open(url: DatabaseUrl, data: Data) -> Self {
        logs::listen();
        crate::migrate::migrate(&url).unwrap();
        let config = Config {
            database_url: url.clone(),
            ..Config::for_tests()
        };
        let state = AppState {
            db: Db::connect(&url, 8).unwrap(),
            config: Arc::new(config),
            listener: &Outbox,
        };
        let router = server::router(state.clone(), &key());
        Self {
            state,
            router,
            _data: data,
        }
    }

    /// The same shop and database with another secret.
    pub fn with_secret(self, secret: [u8; 64]) -> Self {
        Self {
            router: server::router(self.state.clone(), &Key::from(&secret)),
            ..self
        }
    }

    /// The same shop and database after a restart, with other settings.
    pub fn restarted(self, change: impl FnOnce(&mut Config)) -> Self {
        let mut config = Config::clone(&self.state.config);
        change(&mut config);
        let state = AppState {
            db: Db::connect(&config.database_url, 8).unwrap(),
            config: Arc::new(config),
            listener: &Outbox,
        };
        Self {
            router: server::router(state.clone(), &key()),
            state,
            _data: self._data,
        }
    }

    /// Another server of the same shop; on SQLite, where there is one, the same again.
    pub fn another_server(&self) -> AppState {
        match self.state.config.database_url {
            DatabaseUrl::Sqlite(_) => self.state.clone(),
            DatabaseUrl::Postgres(_) => AppState {
                db: Db::connect(&self.state.config.database_url, 2).unwrap(),
                config: self.state.config.clone(),
                listener: &Outbox,
            },
        }
    }

    pub fn admin(&self) -> Person {
        self.person("админ", Role::Admin)
    }

    pub fn manager(&self) -> Person {
        self.person("менеджер", Role::Manager)
    }

    pub fn clerk(&self) -> Person {
        self.person("продавец", Role::User)
    }

    /// Somebody with an account of that role.
    pub fn person(&self, name: &str, role: Role) -> Person {
        Person {
            state: self.state.clone(),
            me: Me {
                username: name.to_owned(),
                role: role.into(),
                manager_in_admin: self.state.config.manager_in_admin,
                must_change_password: false,
            },
        }
    }

    /// Makes the account of a person, with [`PASSWORD`].
    pub async fn hire(&self, person: Person) -> Person {
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

    /// A browser, nobody signed in.
    pub fn browser(&self) -> Browser {
        Browser {
            router: self.router.clone(),
            cookies: Vec::new(),
            headers: HeaderMap::new(),
        }
    }

    /// A browser in which a person signed in, with an account made for it.
    pub async fn browser_of(&self, person: Person) -> Browser {
        let person = self.hire(person).await;
        let mut browser = self.browser();
        let answer = browser.sign_in(&person.me.username, PASSWORD).await;
        assert_eq!(answer.location.as_deref(), Some("/"));
        browser
    }

    /// Proves that ledger, counters and orders agree.
    pub async fn assert_agrees(&self) {
        let report = self.state.db.read(integrity::check).await.unwrap();
        assert_eq!(report.wrong, Vec::<String>::new());
    }

    /// Every account, by name.
    pub async fn people(&self) -> Vec<Account> {
        self.state
            .read(Actor::System, |tx| accounts::list(tx, &Query::default()))
            .await
            .unwrap()
            .items
    }

    /// Runs SQL behind the program's back.
    pub async fn sql(&self, statement: &'static str) {
        self.state
            .db
            .write(move |conn: &mut Conn| conn.batch_execute(statement).map_err(Error::from))
            .await
            .unwrap();
    }
}

fn key() -> Key {
    Key::from(&[7; 64])
}

/// Somebody who works in the shop.
#[derive(Clone)]
pub struct Person {
    state: AppState,
    pub me: Me,
}

impl Person {
    pub fn actor(&self) -> Actor {
        Actor::User(self.me.clone())
    }

    pub async fn write<T: Send + 'static>(
        &self,
        operation: impl FnOnce(&mut Tx<'_>) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        self.state.write(self.actor(), operation).await
    }

    pub async fn read<T: Send + 'static>(
        &self,
        query: impl FnOnce(&mut Tx<'_>) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        self.state.read(self.actor(), query).await
    }

    /// Adds a product that costs 100 ₽, with so many pieces.
    pub async fn adds(&self, name: &str, pieces: i64) -> Product {
        let draft = fields! { name: name, sell_price_rub: "100" };
        self.write(move |tx| {
            products::service::create(tx, "", &draft.with("quantity", pieces).read()?)
        })
        .await
        .unwrap()
    }

    pub async fn supplies(&self, product: &str, qty: i64, price: &str) -> Result<Supply, Error> {
        let draft =
            fields! { product: product, qty: qty, supplier_name: "Teekanne", buy_price_eur: price };
        self.write(move |tx| supplies::service::receive(tx, "", &draft.read()?))
            .await
    }

    pub async fn books(&self, product: &str, qty: i64) -> Result<Order, Error> {
        self.books_once(product, qty, "").await
    }

    pub async fn books_once(&self, product: &str, qty: i64, key: &str) -> Result<Order, Error> {
        let draft = fields! { phone: PHONE, product: product, qty: qty };
        let key = key.to_owned();
        self.write(move |tx| orders::service::create(tx, &key, &draft.read()?))
            .await
    }

    pub async fn issues(&self, order: i64) -> Result<Order, Error> {
        self.write(move |tx| orders::service::issue(tx, order))
            .await
    }

    pub async fn denies(&self, order: i64) -> Result<Order, Error> {
        self.write(move |tx| orders::service::deny(tx, order)).await
    }

    pub async fn sees(&self, product: i64) -> Product {
        self.read(move |tx| products::service::get(tx, product))
            .await
            .unwrap()
    }

    /// On hand, reserved, available.
    pub async fn counts(&self, product: i64) -> (i64, i64, i64) {
        let product = self.sees(product).await;
        (product.on_hand, product.reserved, product.stock)
    }
}

/// A browser without JavaScript: it keeps cookies and follows nothing by itself.
#[derive(Clone)]
pub struct Browser {
    router: Router,
    cookies: Vec<(String, String)>,
    /// What a proxy adds to each request.
    headers: HeaderMap,
}

/// What a browser got.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub location: Option<String>,
    pub body: String,
    pub set_cookie: Option<String>,
    /// `X-Robots-Tag`.
    pub robots: Option<String>,
    pub headers: HeaderMap,
}

impl Browser {
    pub async fn get(&mut self, path: &str) -> Answer {
        self.send(
            Request::get(path)
                .header(header::ACCEPT, "text/html")
                .body(Body::empty())
                .unwrap(),
        )
        .await
    }

    /// The same browser, its cookies included, before another server of the shop.
    pub fn in_shop(self, app: &App) -> Self {
        Self {
            router: app.router.clone(),
            ..self
        }
    }

    /// Sends a form of the page `page`, as a browser without JavaScript does.
    pub async fn submit(&mut self, page: &str, function: &str, fields: &[(&str, &str)]) -> Answer {
        let request = Request::post(format!("/fn/{function}"))
            .header(header::ACCEPT, "text/html")
            .header(header::HOST, "shop.example")
            .header(header::ORIGIN, "https://shop.example")
            .header(header::REFERER, format!("https://shop.example{page}"));
        self.send(form(request, fields)).await
    }

    /// Calls a server function as the client's JavaScript does.
    pub async fn call(&mut self, function: &str, fields: &[(&str, &str)]) -> Answer {
        self.send(form(
            Request::post(format!("/fn/{function}")).header(header::ACCEPT, "application/json"),
            fields,
        ))
        .await
    }

    pub async fn sign_in(&mut self, name: &str, password: &str) -> Answer {
        self.submit(
            "/login",
            "sign_in",
            &[("username", name), ("password", password)],
        )
        .await
    }

    /// Opens the page that an answer leads to.
    pub async fn follow(&mut self, answer: &Answer) -> Answer {
        let location = answer.location.as_deref().expect("an answer that leads on");
        self.get(location).await
    }

    /// A request with the cookies of the browser.
    pub fn request(&self, mut request: Request<Body>) -> Request<Body> {
        for (name, value) in &self.cookies {
            request
                .headers_mut()
                .append(header::COOKIE, format!("{name}={value}").parse().unwrap());
        }
        request
    }

    /// The same browser behind a proxy, which adds this to each request.
    pub fn through_proxy(mut self, name: &'static str, value: &str) -> Self {
        self.headers.insert(name, value.parse().unwrap());
        self
    }

    /// The same browser, whose requests come from the machine of the shop itself.
    pub fn on_this_machine(mut self) -> Self {
        let peer = SocketAddr::from(([127, 0, 0, 1], 1));
        self.router = self.router.layer(Extension(ConnectInfo(peer)));
        self
    }

    /// The value of a cookie.
    pub fn cookie(&self, name: &str) -> Option<&str> {
        let found = self.cookies.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }

    /// Sends what a page of the shop made it send.
    pub async fn send(&mut self, mut request: Request<Body>) -> Answer {
        let says_where = [&SEC_FETCH_SITE, &header::ORIGIN]
            .iter()
            .any(|name| request.headers().contains_key(*name));
        if !says_where {
            let here = HeaderValue::from_static("same-origin");
            request.headers_mut().insert(SEC_FETCH_SITE, here);
        }
        self.send_plainly(request).await
    }

    /// Sends a request as it is, with the cookies of the browser.
    pub async fn send_plainly(&mut self, request: Request<Body>) -> Answer {
        let mut request = self.request(request);
        request.headers_mut().extend(self.headers.clone());
        let response = self.router.clone().oneshot(request).await.unwrap();
        // Of cookies the last is the session's.
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
            // Not the language, nor the one that means nothing more.
            if value.len() > 8 {
                logs::keep_out(value);
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
    /// The value of a hidden field on the page.
    pub fn hidden(&self, name: &str) -> String {
        let field = self
            .body
            .split("<input ")
            .find(|field| field.contains(&format!("name=\"{name}\"")))
            .expect("the field is on the page");
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
pub fn between<'a>(page: &'a str, start: &str, end: &str) -> &'a str {
    let rest = page.split(start).nth(1).expect("the beginning is there");
    rest.split(end).next().unwrap()
}
