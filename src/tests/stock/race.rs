//! Concurrent requests: stock and accounts stay consistent in every order of events.

use crate::tests::support::{App, PASSWORD, PHONE, apply, on_both_databases};
use crate::{
    auth::{
        Actor, Role,
        client_origin::ClientOrigin,
        service::{Registrant, register},
        users::{invitations, service as accounts},
    },
    db::Conn,
    error::{Error, Problem},
    money::Rub,
    orders::Status,
};
use diesel::{
    connection::SimpleConnection,
    prelude::*,
    sql_types::{Bool, Integer},
};
use futures::future::join_all;
use std::{
    sync::{LazyLock, mpsc::channel},
    time::Duration,
};
use tokio::time::sleep;

/// The number of concurrent clients.
const CLIENTS: usize = 60;

static THIS_MACHINE: LazyLock<ClientOrigin> = LazyLock::new(|| ClientOrigin {
    is_local: true,
    ..ClientOrigin::default()
});

fn registrant(name: &str, invitation: &str) -> Registrant {
    Registrant {
        username: name.to_owned(),
        password: PASSWORD.to_owned(),
        invitation: invitation.to_owned(),
        setup_code: String::new(),
    }
}

/// Starts `operation` while another transaction, which has run `sql`, is still open. Commits that transaction as soon
/// as the operation waits for it.
async fn run_against_open_transaction<T: Send + 'static>(
    app: &App,
    sql: &'static str,
    operation: impl Future<Output = T> + Send + 'static,
) -> T {
    let ((begin, begun), (end, ended)) = (channel(), channel::<()>());
    let db = app.state.db.clone();
    let holder = tokio::spawn(async move {
        db.write(move |conn| {
            conn.batch_execute(sql)?;
            begin.send(backend_pid(conn)?).unwrap();
            let _ = ended.recv();
            Ok(())
        })
        .await
    });
    let backend = loop {
        match begun.try_recv() {
            Ok(backend) => break backend,
            Err(_) => sleep(Duration::from_millis(5)).await,
        }
    };
    let running = tokio::spawn(operation);
    while !is_waited_for(app, backend).await {
        sleep(Duration::from_millis(5)).await;
    }
    end.send(()).unwrap();
    holder.await.unwrap().unwrap();
    running.await.unwrap()
}

/// Returns the id of the PostgreSQL process that serves a connection, or `None` on SQLite.
fn backend_pid(conn: &mut Conn) -> Result<Option<i32>, Error> {
    #[derive(QueryableByName)]
    struct Backend {
        #[diesel(sql_type = Integer)]
        pid: i32,
    }
    match conn {
        Conn::Sqlite(_) => Ok(None),
        Conn::Postgres(conn) => {
            let Backend { pid } =
                diesel::sql_query("SELECT pg_backend_pid() AS pid").get_result(conn)?;
            Ok(Some(pid))
        }
    }
}

/// Returns whether something waits for the transaction of that process, or for the single writer of SQLite.
async fn is_waited_for(app: &App, backend: Option<i32>) -> bool {
    #[derive(QueryableByName)]
    struct Found {
        #[diesel(sql_type = Bool)]
        waits: bool,
    }
    let Some(backend) = backend else {
        return app.state.db.load().queued == Some(1);
    };
    let waits = move |conn: &mut Conn| {
        let query = format!(
            "SELECT EXISTS (SELECT 1 FROM pg_stat_activity WHERE {backend} = ANY (pg_blocking_pids(pid))) AS waits"
        );
        let Found { waits } = diesel::sql_query(query).get_result(conn)?;
        Ok(waits)
    };
    app.state.db.read(waits).await.unwrap()
}

#[apply(on_both_databases)]
async fn a_concurrently_archived_product_is_neither_sold_nor_received(app: App) {
    let (manager, clerk) = app.create_manager_and_clerk().await;
    let tea = manager.create_product("чай", 5).await;
    let archive = "UPDATE products SET archived_at = '2026-11-23 10:00:00'";
    let seller = clerk.clone();
    assert_eq!(
        run_against_open_transaction(&app, archive, async move {
            seller.create_order("чай", 1).await
        })
        .await,
        Err(Error::Archived)
    );
    app.sql("UPDATE products SET archived_at = NULL").await;
    let buyer = manager.clone();
    assert_eq!(
        run_against_open_transaction(&app, archive, async move {
            buyer.receive_supply("чай", 1, "2").await
        })
        .await,
        Err(Error::Archived)
    );
    assert_eq!(clerk.counters(tea.id).await, (5, 0, 5));
    // A product without history is deleted instead.
    app.sql("UPDATE products SET archived_at = NULL").await;
    manager.create_product("кофе", 0).await;
    let received = run_against_open_transaction(
        &app,
        "DELETE FROM products WHERE name = 'кофе'",
        async move { manager.receive_supply("кофе", 1, "2").await },
    )
    .await;
    assert_eq!(
        received,
        Err(Error::field("product", Problem::UnknownProduct))
    );
    app.assert_consistent().await;
}

#[apply(on_both_databases)]
async fn an_order_uses_the_price_and_name_read_under_the_row_lock(app: App) {
    let clerk = app.create_account(app.clerk()).await;
    app.create_product("чай", 5).await;
    let update = "UPDATE products SET sell_price_rub = 20000, name = 'чай зелёный', name_key = 'чай зеленый'";
    let order = run_against_open_transaction(&app, update, async move {
        clerk.create_order("чай", 1).await
    })
    .await
    .unwrap();
    assert_eq!(
        (order.unit_price_rub, order.product_name.as_str()),
        (Rub(20_000), "чай зелёный")
    );
}

#[apply(on_both_databases)]
async fn an_order_of_a_concurrently_archived_product_cannot_grow(app: App) {
    let clerk = app.create_account(app.clerk()).await;
    app.create_product("чай", 5).await;
    let order = clerk.create_order("чай", 1).await.unwrap();
    let larger = fields! { phone: PHONE, qty: "2", unit_price_rub: "100" };
    let seller = clerk.clone();
    let edit = async move {
        seller
            .write(move |tx| {
                crate::orders::service::edit(tx, order.id, &larger.with("version", 1).read()?)
            })
            .await
    };
    let refused = run_against_open_transaction(
        &app,
        "UPDATE products SET archived_at = '2026-11-23 10:00:00'",
        edit,
    )
    .await;
    assert_eq!(refused, Err(Error::field("qty", Problem::OnlyFewer)));
    assert_eq!(clerk.counters(1).await, (5, 1, 4));
    app.assert_consistent().await;
}

#[apply(on_both_databases)]
async fn the_last_item_is_sold_once(app: App) {
    let clerk = app.create_account(app.clerk()).await;
    let tea = app.create_product("чай", 1).await;
    let booked = join_all((0..CLIENTS).map(|_| clerk.create_order("чай", 1))).await;
    assert_eq!(booked.iter().filter(|order| order.is_ok()).count(), 1);
    let refused = booked.into_iter().filter_map(Result::err);
    assert!(
        refused
            .into_iter()
            .all(|error| error == Error::OutOfStock { stock: 0, qty: 1 })
    );
    assert_eq!(clerk.counters(tea.id).await, (1, 1, 0));
    app.assert_consistent().await;
}

#[apply(on_both_databases)]
async fn concurrent_issues_of_one_order_issue_it_once(app: App) {
    let clerk = app.create_account(app.clerk()).await;
    let tea = app.create_product("чай", 5).await;
    let order = clerk.create_order("чай", 2).await.unwrap();
    let issued = join_all((0..CLIENTS).map(|_| clerk.issue_order(order.id))).await;
    assert!(issued.iter().all(|order| {
        order
            .as_ref()
            .is_ok_and(|order| order.status == Status::PaidIssued)
    }));
    assert_eq!(clerk.counters(tea.id).await, (3, 0, 3));
    app.assert_consistent().await;
}

#[apply(on_both_databases)]
async fn an_order_is_issued_or_denied_and_never_both(app: App) {
    let clerk = app.create_account(app.clerk()).await;
    let tea = app.create_product("чай", 20).await;
    for _ in 0..10 {
        let order = clerk.create_order("чай", 1).await.unwrap();
        let (issues, denials) = (
            join_all((0..5).map(|_| clerk.issue_order(order.id))),
            join_all((0..5).map(|_| clerk.deny_order(order.id))),
        );
        let (issues, denials) = futures::join!(issues, denials);
        let issued = issues.iter().filter(|result| result.is_ok()).count();
        let denied = denials.iter().filter(|result| result.is_ok()).count();
        assert_eq!(issued.min(denied), 0, "{issued} issued and {denied} denied");
        assert_eq!(issued.max(denied), 5);
    }
    let (on_hand, reserved, stock) = clerk.counters(tea.id).await;
    assert_eq!((reserved, stock), (0, on_hand));
    app.assert_consistent().await;
}

#[apply(on_both_databases)]
async fn concurrent_requests_with_one_key_create_one_order(app: App) {
    let clerk = app.create_account(app.clerk()).await;
    let tea = app.create_product("чай", 50).await;
    let booked =
        join_all((0..CLIENTS).map(|_| clerk.create_order_with_key("чай", 1, "the same"))).await;
    let ids: std::collections::HashSet<_> =
        booked.into_iter().map(|order| order.unwrap().id).collect();
    assert_eq!(ids.len(), 1);
    assert_eq!(clerk.counters(tea.id).await, (50, 1, 49));
}

#[apply(on_both_databases)]
async fn concurrent_mixed_operations_keep_all_counters_consistent(app: App) {
    let (manager, clerk) = app.create_manager_and_clerk().await;
    for name in ["чай", "кофе", "какао"] {
        manager.create_product(name, 10).await;
    }
    join_all((0..CLIENTS).map(|client| {
        let (manager, clerk) = (manager.clone(), clerk.clone());
        async move {
            for round in 0..6 {
                let product = ["чай", "кофе", "какао"][(client + round) % 3];
                let qty = i64::try_from(round % 3 + 1).unwrap();
                match clerk.create_order(product, qty).await {
                    Ok(order) if (client + round) % 2 == 0 => {
                        drop(clerk.issue_order(order.id).await.unwrap())
                    }
                    Ok(order) if round % 3 == 0 => drop(clerk.deny_order(order.id).await.unwrap()),
                    Ok(_) => {}
                    Err(error) => assert!(matches!(error, Error::OutOfStock { .. }), "{error}"),
                }
                if client % 7 == 0 {
                    manager.receive_supply(product, 3, "1.99").await.unwrap();
                }
            }
        }
    }))
    .await;
    app.assert_consistent().await;
}

#[apply(on_both_databases)]
async fn concurrent_first_registrations_create_one_admin(app: App) {
    let names: Vec<_> = (0..8).map(|n| format!("первый{n}")).collect();
    let registered = join_all(
        names
            .iter()
            .map(|name| register(&app.state, registrant(name, ""), &THIS_MACHINE)),
    )
    .await;
    let admins = registered
        .into_iter()
        .filter(|registered| registered.as_ref().unwrap().0.role == Role::Admin)
        .count();
    assert_eq!(admins, 1);
}

#[apply(on_both_databases)]
async fn two_admins_who_demote_each_other_leave_one_admin(app: App) {
    let (first, second) = (
        app.create_account(app.person("раз", Role::Admin)).await,
        app.create_account(app.person("два", Role::Admin)).await,
    );
    let one = first.write(|tx| accounts::change_role(tx, "два", Role::User));
    let two = second.write(|tx| accounts::change_role(tx, "раз", Role::User));
    let (one, two) = futures::join!(one, two);
    assert_eq!(
        [one, two]
            .into_iter()
            .filter_map(Result::err)
            .collect::<Vec<_>>(),
        [Error::LastAdmin]
    );
    let accounts = app.accounts().await;
    assert_eq!(
        accounts
            .iter()
            .filter(|account| account.role == Role::Admin)
            .count(),
        1
    );
}

#[apply(on_both_databases)]
async fn an_invitation_accepted_concurrently_creates_one_account(app: App) {
    app.create_account(app.admin()).await;
    app.state
        .write(Actor::System, |tx| {
            invitations::invite(tx, Role::Manager, "билет")
        })
        .await
        .unwrap();
    let names: Vec<_> = (0..8).map(|n| format!("гость{n}")).collect();
    let registered = join_all(
        names
            .iter()
            .map(|name| register(&app.state, registrant(name, "билет"), &THIS_MACHINE)),
    )
    .await;
    assert_eq!(
        registered.iter().filter(|account| account.is_ok()).count(),
        1
    );
    assert!(
        registered
            .into_iter()
            .filter_map(Result::err)
            .all(|error| error == Error::InvitationOver)
    );
    assert_eq!(app.accounts().await.len(), 2);
}

#[apply(on_both_databases)]
async fn an_account_can_be_changed_while_its_owner_is_active(app: App) {
    let admin = app.create_account(app.admin()).await;
    let clerk = app.create_account(app.clerk()).await;
    for round in 0..20 {
        // The first request of each session also records when the session was last seen.
        let mut browsers = Vec::new();
        for _ in 0..3 {
            let mut browser = app.browser();
            browser.sign_in(&clerk.me.username, PASSWORD).await;
            browsers.push(browser);
        }
        let answers = join_all(browsers.iter_mut().map(|browser| browser.get("/orders")));
        let change = admin.write(move |tx| {
            let role = if round % 2 == 0 {
                Role::Manager
            } else {
                Role::User
            };
            accounts::change_role(tx, "продавец", role)?;
            accounts::block(tx, "продавец")?;
            accounts::unblock(tx, "продавец")
        });
        let (answers, changed) = futures::join!(answers, change);
        assert!(changed.is_ok(), "{changed:?}");
        assert!(answers.iter().all(|answer| answer.status < 400));
    }
}
