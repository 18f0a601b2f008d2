//! The floors: the least that a program on the same libraries has to do for the same answer.
//!
//! They run the same statements on the same file, the look-up of the session included, and write the same bytes. They
//! check no rights, limits or input, keep no log, and know only their answers.

use crate::{Outcome, issue};
use axum::{
    Router,
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use diesel::prelude::*;
use leptos::prelude::*;
use leptos_axum::{LeptosRoutes, generate_route_list};
use leptos_router::{
    SsrMode,
    components::{Route, Router as PageRouter, Routes},
    path,
};
use sirius::{
    clock,
    db::{Conn, DatabaseUrl, Db},
    error::Error,
    i18n::Locale,
    orders::Order,
    products::Product,
    schema::{orders, products, sessions, users},
};
use std::{
    fs,
    path::PathBuf,
    sync::{Arc, mpsc},
};
use tokio::{net::TcpListener, sync::oneshot};

/// The answers of the floors: the path at which Sirius gives them, and the name of the file.
pub const ANSWERS: [(&str, &str); 4] = [
    ("/orders", "orders.html"),
    ("/api/orders", "orders.json"),
    ("/api/products", "products.json"),
    ("/api/orders?limit=1", "order.json"),
];
/// Rows of a page, and one more that tells whether there is another page.
const ROWS: i64 = 51;

#[derive(Clone)]
struct Floor {
    db: Db,
    /// The key of the session.
    session: String,
    writer: mpsc::Sender<issue::Job>,
    bodies: Arc<Bodies>,
}

/// The answers, as Sirius gave them.
struct Bodies {
    orders_page: Vec<u8>,
    orders: Vec<u8>,
    products: Vec<u8>,
    order: Vec<u8>,
}

/// Serves the floors on a port. `bodies` is a folder with the answers.
pub async fn serve(url: DatabaseUrl, bodies: PathBuf, port: u16) -> Outcome {
    let body = |name: &str| fs::read(bodies.join(name));
    let db = Db::connect(&url, 4)?;
    let newest = |conn: &mut Conn| {
        let of_user = sessions::table.filter(sessions::user_id.eq(issue::USER));
        let newest = of_user.order(sessions::expires_at.desc());
        Ok(newest.select(sessions::id).first(conn)?)
    };
    let floor = Floor {
        session: db.read(newest).await?,
        db,
        writer: issue::writer(&url)?,
        bodies: Arc::new(Bodies {
            orders_page: body("orders.html")?,
            orders: body("orders.json")?,
            products: body("products.json")?,
            order: body("order.json")?,
        }),
    };
    let context = {
        let floor = floor.clone();
        move || provide_context(floor.clone())
    };
    let options = LeptosOptions::builder().output_name("floor").build();
    let pages = Router::new()
        .leptos_routes_with_context(&options, generate_route_list(App), context, shell)
        .with_state(options);
    let router = Router::new()
        .route("/orders", get(orders_page))
        .route("/api/orders", get(api_orders))
        .route("/api/products", get(api_products))
        .route("/api/orders/{id}/issue", post(issue_order))
        .with_state(floor)
        .merge(pages);
    let listener = TcpListener::bind(("127.0.0.1", port)).await?;
    axum::serve(
        axum::serve::ListenerExt::tap_io(listener, |stream| {
            let _ = stream.set_nodelay(true);
        }),
        router,
    )
    .await?;
    Ok(())
}

async fn orders_page(State(floor): State<Floor>) -> Result<Response, StatusCode> {
    floor.orders().await.map_err(fault)?;
    Ok((HTML, floor.bodies.orders_page.clone()).into_response())
}

async fn api_orders(State(floor): State<Floor>) -> Result<Response, StatusCode> {
    floor.orders().await.map_err(fault)?;
    Ok((JSON, floor.bodies.orders.clone()).into_response())
}

async fn api_products(State(floor): State<Floor>) -> Result<Response, StatusCode> {
    floor.products().await.map_err(fault)?;
    Ok((JSON, floor.bodies.products.clone()).into_response())
}

async fn issue_order(
    State(floor): State<Floor>,
    Path(id): Path<i64>,
) -> Result<Response, StatusCode> {
    floor.session().await.map_err(fault)?;
    let (done, answered) = oneshot::channel();
    let sent = floor.writer.send((id, done));
    sent.map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)?;
    answered
        .await
        .map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)?;
    Ok((JSON, floor.bodies.order.clone()).into_response())
}

const HTML: [(&str, &str); 1] = [("content-type", "text/html; charset=utf-8")];
const JSON: [(&str, &str); 1] = [("content-type", "application/json")];

fn fault(_: Error) -> StatusCode {
    StatusCode::INTERNAL_SERVER_ERROR
}

impl Floor {
    async fn session(&self) -> Result<(), Error> {
        let session = self.session.clone();
        self.db.look_up(move |conn| find(conn, &session)).await
    }

    async fn orders(&self) -> Result<Vec<Order>, Error> {
        let session = self.session.clone();
        let read = move |conn: &mut Conn| {
            find(conn, &session)?;
            let rows = orders::table
                .order((orders::created_at.desc(), orders::id.desc()))
                .limit(ROWS)
                .select(Order::as_select())
                .load(conn)?;
            Ok(rows)
        };
        self.db.read(read).await
    }

    async fn products(&self) -> Result<Vec<Product>, Error> {
        let session = self.session.clone();
        let read = move |conn: &mut Conn| {
            find(conn, &session)?;
            let rows = products::table
                .filter(products::archived_at.is_null())
                .order((products::name_key, products::id))
                .limit(ROWS)
                .select(Product::as_select())
                .load(conn)?;
            Ok(rows)
        };
        self.db.read(read).await
    }
}

/// Finds the account of a session.
fn find(conn: &mut Conn, session: &str) -> Result<(), Error> {
    let found = users::table
        .inner_join(sessions::table.on(sessions::user_id.eq(users::username.nullable())))
        .filter(sessions::id.eq(session))
        .filter(sessions::expires_at.gt(clock::now()))
        .filter(users::deleted_at.is_null())
        .select((
            users::username,
            users::hashed_password,
            users::role,
            sessions::data,
        ))
        .first::<(String, String, String, String)>(conn)?;
    std::hint::black_box(found);
    Ok(())
}

fn shell() -> impl IntoView {
    view! {
        <!DOCTYPE html>
        <html>
            <head>
                <title>"Orders"</title>
            </head>
            <body>
                <App />
            </body>
        </html>
    }
}

/// A Leptos page that draws the same rows as the list of orders.
#[component]
fn App() -> impl IntoView {
    view! {
        <PageRouter>
            <Routes fallback=|| "404">
                <Route path=path!("/leptos") view=Orders ssr=SsrMode::Async />
            </Routes>
        </PageRouter>
    }
}

#[component]
fn Orders() -> impl IntoView {
    let orders = Resource::new(
        || (),
        |()| async {
            let floor = expect_context::<Floor>();
            floor.orders().await.unwrap_or_default()
        },
    );
    let row = |order: Order| {
        view! {
            <tr>
                <td>
                    <a href=format!("/orders/{}", order.id)>{order.id}</a>
                </td>
                <td>{order.created_at.display(Locale::ru)}</td>
                <td>{order.product_name.clone()}</td>
                <td>{order.qty.0}</td>
                <td>{order.unit_price_rub.to_string()}</td>
                <td>{order.total_rub().to_string()}</td>
                <td>
                    {order.phone_shown.clone()} <span>{order.customer_name.clone()}</span>
                </td>
                <td>{order.status.known().map(|status| status.label(Locale::ru))}</td>
                <td>
                    <button name=format!("issue-{}", order.id)>"Issue"</button>
                    <button name=format!("deny-{}", order.id)>"Deny"</button>
                </td>
            </tr>
        }
    };
    view! {
        <table>
            <tbody>
                <Suspense>
                    {move || Suspend::new(async move { orders.await.into_iter().map(row).collect_view() })}
                </Suspense>
            </tbody>
        </table>
    }
}
