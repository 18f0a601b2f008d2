//! The operation log: one row for each operation, append-only, searchable.

use crate::tests::support::{App, PASSWORD, PHONE, Person, apply, on_both_databases};
use crate::{
    audit::{Action, Entity, Operation, Query, SYSTEM, search, service::record, undo},
    auth::{
        Role, chats, session, tokens,
        users::{invitations, service as users},
    },
    baskets,
    config::notifications::Config,
    customers,
    error::Error,
    fields::Fields,
    i18n::Locale,
    notifications::{self, State},
    orders, products,
    schema::{chat_codes, notifications as outbox, sessions, totp},
    supplies,
    transaction::Tx,
    write_offs,
};
use diesel::prelude::*;

async fn log_rows(admin: &Person, query: Query) -> Vec<Operation> {
    admin
        .read(move |tx| search::list(tx, &query))
        .await
        .unwrap()
        .page
        .items
}

type Write = fn(&mut Tx<'_>) -> Result<(), Error>;

/// Every service function that writes, with the action it is logged as. They are in an order in which each has
/// something to change.
const WRITES: &[(&str, Write, Action)] = &[
    (
        "products::create",
        |tx| {
            products::service::create(tx, "", &product("чай").with("quantity", "9").read()?)
                .map(drop)
        },
        Action::Create,
    ),
    (
        "products::edit",
        |tx| {
            products::service::edit(tx, 1, &product("чёрный чай").with("version", 1).read()?)
                .map(drop)
        },
        Action::Edit,
    ),
    (
        "products::correct",
        |tx| {
            products::service::correct(
                tx,
                1,
                &fields! { expected: 9, on_hand: "10", note: "нашли" }.read()?,
            )
            .map(drop)
        },
        Action::Correct,
    ),
    (
        "products::archive",
        |tx| products::service::archive(tx, 1).map(drop),
        Action::Archive,
    ),
    (
        "products::restore",
        |tx| products::service::restore(tx, 1).map(drop),
        Action::Restore,
    ),
    (
        "supplies::receive",
        |tx| supplies::service::receive(tx, "", &supply().read()?).map(drop),
        Action::Supply,
    ),
    (
        "orders::create",
        |tx| orders::service::create(tx, "", &order("1").read()?).map(drop),
        Action::Create,
    ),
    (
        "orders::create, a second order",
        |tx| orders::service::create(tx, "", &order("1").read()?).map(drop),
        Action::Create,
    ),
    (
        "orders::edit",
        |tx| orders::service::edit(tx, 1, &order("2").with("version", 1).read()?).map(drop),
        Action::Edit,
    ),
    (
        "orders::issue",
        |tx| orders::service::issue(tx, 1).map(drop),
        Action::Issue,
    ),
    (
        "orders::deny",
        |tx| orders::service::deny(tx, 2).map(drop),
        Action::Deny,
    ),
    (
        "orders::reopen",
        |tx| orders::service::reopen(tx, 2).map(drop),
        Action::Reopen,
    ),
    (
        "orders::deny, again",
        |tx| orders::service::deny(tx, 2).map(drop),
        Action::Deny,
    ),
    (
        "returns::create",
        |tx| {
            let returned = fields! { qty: "1", reason: "defective", restock: "true" };
            orders::returns::create(tx, "", 1, &returned.read()?).map(drop)
        },
        Action::Return,
    ),
    (
        "baskets::create",
        |tx| {
            let mut basket = fields! { phone: PHONE };
            for (name, value) in order("1").0 {
                basket.0.insert(format!("lines.0.{name}"), value);
            }
            baskets::service::create(tx, "", &basket.read()?).map(drop)
        },
        Action::Create,
    ),
    (
        "baskets::add",
        |tx| baskets::service::add(tx, "", 3, &order("1").read()?).map(drop),
        Action::Create,
    ),
    (
        "orders::deny, the first of the basket",
        |tx| orders::service::deny(tx, 3).map(drop),
        Action::Deny,
    ),
    (
        "baskets::deny, the rest",
        |tx| baskets::service::deny(tx, 3).map(drop),
        Action::Deny,
    ),
    (
        "write_offs::create",
        |tx| {
            let write_off = fields! { qty: "1", reason: "damage", note: "разбили" };
            write_offs::service::create(tx, "", 1, &write_off.read()?).map(drop)
        },
        Action::WriteOff,
    ),
    (
        "undo::undo",
        |tx| {
            let last = undo::last(tx, Entity::Product, 1, Action::WriteOff)?;
            crate::undo::service::undo(tx, last.unwrap().id).map(drop)
        },
        Action::Undo,
    ),
    (
        "corrections::correct",
        |tx| {
            let right = supply()
                .with("qty", "4")
                .with("version", 1)
                .with("reason", "x");
            supplies::correction::correct(tx, 1, &right.read()?).map(drop)
        },
        Action::Edit,
    ),
    (
        "corrections::return_to_supplier",
        |tx| {
            let returned = fields! { qty: "1", reason: "брак" };
            supplies::correction::return_to_supplier(tx, "", 1, &returned.read()?).map(drop)
        },
        Action::Return,
    ),
    (
        "customers::erase",
        |tx| {
            let erased = fields! { phone: PHONE, last_digits: "4567", reason: "просьба" };
            customers::service::erase(tx, &erased.read()?).map(drop)
        },
        Action::Erase,
    ),
    (
        "users::add",
        |tx| users::add(tx, "новый", Role::User, "").map(drop),
        Action::Register,
    ),
    (
        "users::change_role",
        |tx| users::change_role(tx, "новый", Role::Manager).map(drop),
        Action::ChangeRole,
    ),
    (
        "users::block",
        |tx| users::block(tx, "новый").map(drop),
        Action::Block,
    ),
    (
        "users::unblock",
        |tx| users::unblock(tx, "новый").map(drop),
        Action::Unblock,
    ),
    (
        "users::reset_password",
        |tx| users::reset_password(tx, "новый", "", true).map(drop),
        Action::ResetPassword,
    ),
    (
        "users::reset_second_factor",
        |tx| {
            add_second_factor(tx, "новый")?;
            users::reset_second_factor(tx, "новый").map(drop)
        },
        Action::ResetTotp,
    ),
    (
        "users::delete",
        |tx| users::delete(tx, "новый"),
        Action::Delete,
    ),
    (
        "users::activate",
        |tx| users::activate(tx, "ждущий").map(drop),
        Action::Activate,
    ),
    (
        "invitations::invite",
        |tx| invitations::invite(tx, Role::User, "билет").map(drop),
        Action::Invite,
    ),
    (
        "invitations::revoke",
        |tx| invitations::revoke(tx, 1),
        Action::RevokeInvitation,
    ),
    (
        "session::end_other_devices",
        |tx| session::end_other_devices(tx, ""),
        Action::EndSession,
    ),
    (
        "tokens::add",
        |tx| tokens::service::add(tx, "касса").map(drop),
        Action::CreateToken,
    ),
    (
        "tokens::revoke",
        |tx| tokens::service::revoke(tx, 1),
        Action::RevokeToken,
    ),
    (
        "bot::new_code",
        |tx| chats::service::new_code(tx).map(drop),
        Action::MakeChatCode,
    ),
    (
        "bot::link",
        |tx| {
            let me = tx.actor.username().map(str::to_owned);
            set_known_code(tx)?;
            let owner =
                chats::service::link(tx, CODE, 7, "Аня", &crate::config::Config::for_tests())?;
            assert_eq!(owner, me);
            Ok(())
        },
        Action::LinkChat,
    ),
    (
        "bot::unlink",
        |tx| chats::service::unlink(tx, 1),
        Action::UnlinkChat,
    ),
    (
        "notifications::send_test",
        |tx| notifications::service::send_test(tx, &settings_with_recipient()),
        Action::SendTest,
    ),
    (
        "notifications::resend",
        |tx| {
            fail_notifications(tx)?;
            notifications::service::resend(tx, 1, &settings_with_recipient(), Locale::ru).map(drop)
        },
        Action::Resend,
    ),
    (
        "auth::sign_out",
        |tx| {
            let me = tx.actor.username().map(str::to_owned);
            diesel::insert_into(sessions::table)
                .values((
                    sessions::id.eq("ключ"),
                    sessions::user_id.eq(me),
                    sessions::data.eq("{}"),
                    sessions::expires_at.eq(tx.now),
                ))
                .execute(tx.conn)?;
            crate::auth::service::sign_out(tx, "ключ")
        },
        Action::SignOut,
    ),
];

const CODE: &str = "ABCDEFGH";

/// Gives an account a second factor.
fn add_second_factor(tx: &mut Tx<'_>, name: &str) -> Result<(), Error> {
    diesel::insert_into(totp::table)
        .values((
            totp::user_id.eq(name),
            totp::secret.eq("секрет"),
            totp::created_at.eq(tx.now),
            totp::confirmed_at.eq(tx.now),
        ))
        .execute(tx.conn)?;
    Ok(())
}

/// Replaces the generated chat code with [`CODE`].
fn set_known_code(tx: &mut Tx<'_>) -> Result<(), Error> {
    diesel::update(chat_codes::table)
        .set(chat_codes::hash.eq(crate::crypto::sha256(CODE)))
        .execute(tx.conn)?;
    Ok(())
}

/// Returns notification settings with a mail recipient.
fn settings_with_recipient() -> Config {
    let mail = crate::config::notifications::Mail {
        url: crate::config::notifications::Secret::new("smtp://127.0.0.1:1".to_owned()),
        server: "127.0.0.1:1".to_owned(),
        from: "shop@example.org".parse().unwrap(),
        to: vec!["anna@example.org".parse().unwrap()],
    };
    Config {
        language: Locale::ru,
        site: String::new(),
        orders: false,
        telegram: None,
        mail: Some(mail),
    }
}

/// Marks every notification in the outbox as failed.
fn fail_notifications(tx: &mut Tx<'_>) -> Result<(), Error> {
    diesel::update(outbox::table)
        .set((outbox::state.eq(State::Failed), outbox::ended_at.eq(tx.now)))
        .execute(tx.conn)?;
    Ok(())
}

fn product(name: &str) -> Fields {
    // The purchase price is the same as in `supply`, because a supply at another price also edits the product.
    fields! { name: name, sell_price_rub: "100", buy_price_eur: "2", supplier_name: "Teekanne" }
}

fn supply() -> Fields {
    fields! { product: "чёрный чай", qty: "5", supplier_name: "Teekanne", buy_price_eur: "2" }
}

fn order(qty: &str) -> Fields {
    fields! { phone: PHONE, product: "чёрный чай", qty: qty, unit_price_rub: "90" }
}

#[test]
fn the_table_lists_every_service_function_that_writes() {
    let mut missing = Vec::new();
    for (module, path) in [
        ("products", "src/products/service.rs"),
        ("supplies", "src/supplies/service.rs"),
        ("orders", "src/orders/service.rs"),
        ("returns", "src/orders/returns.rs"),
        ("baskets", "src/baskets/service.rs"),
        ("write_offs", "src/write_offs/service.rs"),
        ("corrections", "src/supplies/correction.rs"),
        ("customers", "src/customers/service.rs"),
        ("users", "src/auth/users/service.rs"),
        ("invitations", "src/auth/users/invitations.rs"),
        ("notifications", "src/notifications/service.rs"),
        ("bot", "src/auth/chats/service.rs"),
    ] {
        let source = std::fs::read_to_string(path).unwrap();
        for function in source.split("\npub fn ").skip(1) {
            let name = function.split('(').next().unwrap();
            let body = function.split("\n}\n").next().unwrap();
            // Helpers of an operation are logged as that operation.
            let is_helper = [
                "insert",
                "hand_out",
                "call_off",
                "write",
                "undo",
                "use_up",
                "revoke_all_of",
                "end_all",
                "end_code",
            ]
            .contains(&name);
            let writes = [
                "diesel::update",
                "diesel::insert_into",
                "diesel::delete",
                "outbox::insert",
                "change_state(",
                "rename_orders(",
                "tx.once(",
            ]
            .iter()
            .any(|word| body.contains(word));
            let named = format!("{module}::{name}");
            if writes && !is_helper && !WRITES.iter().any(|(known, ..)| *known == named) {
                missing.push(named);
            }
        }
    }
    assert_eq!(missing, Vec::<String>::new());
}

#[apply(on_both_databases)]
async fn each_write_is_logged_in_exactly_one_row(app: App) {
    let mut browser = app.signed_in_browser(app.admin()).await;
    let admin = app.admin();
    let waiting =
        app.restarted(|config| config.registration = crate::config::Registration::Approval);
    waiting
        .browser()
        .submit(
            "/register",
            "register",
            &[
                ("username", "ждущий"),
                ("password", PASSWORD),
                ("password_repeated", PASSWORD),
            ],
        )
        .await;
    let mut before = log_rows(&admin, Query::default()).await.len();
    for (name, write, action) in WRITES {
        admin
            .write(*write)
            .await
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        let rows = log_rows(&admin, Query::default()).await;
        assert_eq!(rows.len(), before + 1, "{name}");
        assert_eq!(
            (rows[0].action.known(), rows[0].user_id.as_deref()),
            (Some(*action), Some("админ")),
            "{name}"
        );
        before += 1;
    }
    // Entry points that are more than one service function.
    for (fields, action) in [
        ((PASSWORD, PASSWORD), Action::SignIn),
        (("wrong horse", PASSWORD), Action::SignInFailed),
    ] {
        browser.sign_in("админ", fields.0).await;
        assert_eq!(log_rows(&admin, Query::default()).await[0].action, action);
        before += 1;
        assert_eq!(log_rows(&admin, Query::default()).await.len(), before);
    }
    let wrong = [
        ("current_password", "wrong horse"),
        ("password", "another horse"),
        ("password_repeated", "another horse"),
    ];
    browser.sign_in("админ", PASSWORD).await;
    assert_eq!(browser.call("change_password", &wrong).await.status, 422);
    let rows = log_rows(&admin, Query::default()).await;
    assert_eq!(
        (
            rows.len(),
            rows[0].action.known(),
            rows[0].user_id.as_deref()
        ),
        (
            before + 2,
            Some(Action::ChangePasswordFailed),
            Some("админ")
        )
    );
    assert_eq!(
        (rows[0].entity_id.as_str(), &rows[0].changes),
        ("админ", &Vec::new()),
        "the row must not contain a password"
    );
}

#[apply(on_both_databases)]
async fn low_stock_is_logged_in_a_row_of_its_own(app: App) {
    let admin = app.create_account(app.admin()).await;
    let scarce = product("чай").with("min_stock", "5");
    admin
        .write(move |tx| products::service::create(tx, "", &scarce.with("quantity", "5").read()?))
        .await
        .unwrap();
    let before = log_rows(&admin, Query::default()).await.len();
    admin.create_order("чай", 1).await.unwrap();
    let rows = log_rows(&admin, Query::default()).await;
    assert_eq!(rows.len(), before + 2);
    let [low_stock, create] = [&rows[0], &rows[1]];
    assert_eq!(
        (low_stock.action.known(), low_stock.user_id.as_deref()),
        (Some(Action::LowStock), None)
    );
    assert_eq!(
        (create.action.known(), create.user_id.as_deref()),
        (Some(Action::Create), Some("админ"))
    );
}

#[apply(on_both_databases)]
async fn the_log_formats_values_like_every_other_page(app: App) {
    let admin = app.create_account(app.admin()).await;
    admin
        .write(|tx| {
            crate::analytics::rates::set(
                tx,
                &fields! { day: "2026-11-03", rub_per_eur: "98.5" }.read()?,
            )
        })
        .await
        .unwrap();
    admin
        .write(|tx| {
            crate::audit::service::record(
                tx,
                Action::SendTest,
                crate::audit::Entity::Notification,
                "test",
                &[],
            )
        })
        .await
        .unwrap();
    admin.create_product("чай", 3).await;
    let order = admin.create_order("чай", 1).await.unwrap();
    let mut browser = app
        .signed_in_browser(app.person("второй", Role::Admin))
        .await;
    let page = browser.get("/admin/logs").await.body;
    for words in [
        "Курс евро 03.11.2026<",
        "Уведомление<",
        "Телефон: 8 (916) 123-45-67<",
        &format!("Заказ № {}<", order.id),
    ] {
        assert!(page.contains(words), "{words} in {page}");
    }
    let history = browser.get(&format!("/orders/{}", order.id)).await.body;
    assert!(history.contains("Телефон: 8 (916) 123-45-67<"), "{history}");
    // Values can be searched for as they are shown.
    for (entity_id, text) in [("03.11.2026", ""), ("", "8 (916) 123-45-67")] {
        let query = Query {
            entity_id: entity_id.into(),
            text: text.into(),
            ..Query::default()
        };
        assert_eq!(log_rows(&admin, query).await.len(), 1, "{entity_id}{text}");
    }
}

#[apply(on_both_databases)]
async fn operations_that_change_nothing_are_not_logged(app: App) {
    let admin = app.create_account(app.admin()).await;
    admin.create_product("чай", 3).await;
    let order = admin.create_order("чай", 1).await.unwrap();
    admin.issue_order(order.id).await.unwrap();
    let before = log_rows(&admin, Query::default()).await.len();
    admin.issue_order(order.id).await.unwrap();
    assert!(admin.deny_order(order.id).await.is_err());
    assert!(admin.create_order("чай", 99).await.is_err());
    admin
        .write(|tx| {
            products::service::correct(tx, 1, &fields! { expected: 2, on_hand: "2" }.read()?)
        })
        .await
        .unwrap();
    assert_eq!(log_rows(&admin, Query::default()).await.len(), before);
    // An edit, a role, a state and a rate that are already stored.
    let open_order = admin.create_order("чай", 1).await.unwrap();
    app.create_account(app.clerk()).await;
    admin
        .write(|tx| {
            crate::analytics::rates::set(
                tx,
                &fields! { day: "2026-11-03", rub_per_eur: "98.5" }.read()?,
            )
        })
        .await
        .unwrap();
    let before = log_rows(&admin, Query::default()).await.len();
    admin
        .write(move |tx| {
            let same = fields! { phone: PHONE, qty: "1", unit_price_rub: "100" };
            assert_eq!(
                orders::service::edit(
                    tx,
                    open_order.id,
                    &same.with("version", open_order.version).read()?
                )?,
                open_order
            );
            let same = fields! { name: "чай", sell_price_rub: "100" };
            assert_eq!(
                products::service::edit(tx, 1, &same.with("version", 1).read()?)?.version,
                1
            );
            products::service::restore(tx, 1)?;
            users::change_role(tx, "продавец", Role::User)?;
            users::activate(tx, "продавец")?;
            users::unblock(tx, "продавец")?;
            crate::analytics::rates::set(
                tx,
                &fields! { day: "2026-11-03", rub_per_eur: "98,50" }.read()?,
            )
            .map(drop)
        })
        .await
        .unwrap();
    assert_eq!(log_rows(&admin, Query::default()).await.len(), before);
}

#[apply(on_both_databases)]
async fn log_rows_cannot_be_changed_or_deleted(app: App) {
    app.create_account(app.admin()).await;
    for statement in [
        "UPDATE operation_log SET user_id = 'другой'",
        "DELETE FROM operation_log",
    ] {
        let refused = app
            .state
            .db
            .write(move |conn| {
                diesel::connection::SimpleConnection::batch_execute(conn, statement)
                    .map_err(Error::from)
            })
            .await;
        assert!(refused.is_err(), "{statement}");
    }
    assert_eq!(log_rows(&app.admin(), Query::default()).await.len(), 1);
}

#[apply(on_both_databases)]
async fn the_log_is_filtered_by_user_action_entity_text_and_day(app: App) {
    let admin = app.create_account(app.admin()).await;
    let manager = app.create_account(app.manager()).await;
    manager.create_product("Чай зелёный", 9).await;
    manager.create_product("кофе", 9).await;
    let order = manager.create_order("кофе", 2).await.unwrap();
    app.clerk().issue_order(order.id).await.unwrap_err();
    app.create_account(app.clerk())
        .await
        .issue_order(order.id)
        .await
        .unwrap();
    let count = async |query: Query| log_rows(&admin, query).await.len();
    let empty = Query::default;
    let today = crate::clock::now().day().to_string();
    for (query, expected) in [
        (empty(), 7),
        (
            Query {
                user: "МЕНЕДЖЕР".into(),
                ..empty()
            },
            3,
        ),
        (
            Query {
                user: SYSTEM.into(),
                ..empty()
            },
            3,
        ),
        (
            Query {
                user: "система".into(),
                ..empty()
            },
            3,
        ),
        (
            Query {
                user: "никто".into(),
                ..empty()
            },
            0,
        ),
        (
            Query {
                action: "create".into(),
                ..empty()
            },
            3,
        ),
        (
            Query {
                entity_type: "product".into(),
                ..empty()
            },
            2,
        ),
        (
            Query {
                entity_type: "order".into(),
                entity_id: order.id.to_string(),
                ..empty()
            },
            2,
        ),
        (
            Query {
                text: "ЗЕЛЕНЫЙ".into(),
                ..empty()
            },
            1,
        ),
        (
            Query {
                text: "кофе".into(),
                user: "менеджер".into(),
                action: "create".into(),
                ..empty()
            },
            2,
        ),
        (
            Query {
                from: today.clone(),
                to: today,
                ..empty()
            },
            7,
        ),
        (
            Query {
                to: "2020-01-01".into(),
                ..empty()
            },
            0,
        ),
    ] {
        let words = format!("{query:?}");
        assert_eq!(count(query).await, expected, "{words}");
    }
}

#[apply(on_both_databases)]
async fn the_log_is_paged_forwards_and_backwards(app: App) {
    let admin = app.create_account(app.admin()).await;
    for _ in 0..70 {
        let out = |tx: &mut Tx<'_>| record(tx, Action::SignOut, Entity::User, "админ", &[]);
        admin.write(out).await.unwrap();
        admin
            .write(|tx| {
                crate::audit::service::record(
                    tx,
                    Action::SignIn,
                    crate::audit::Entity::User,
                    "кто-то",
                    &[],
                )
            })
            .await
            .unwrap();
    }
    let everything: usize = 141;
    for (query, expected) in [
        (Query::default(), everything),
        (
            Query {
                text: "кто-то".into(),
                ..Query::default()
            },
            70,
        ),
    ] {
        let mut query = query;
        let (mut ids, mut pages) = (Vec::new(), Vec::new());
        loop {
            let current = query.clone();
            let page = admin
                .read(move |tx| search::list(tx, &current))
                .await
                .unwrap()
                .page;
            ids.extend(page.items.iter().map(|row| row.id));
            pages.push(page.items.clone());
            match page.after {
                Some(after) => query.after = after,
                None => {
                    query.before = page.before.unwrap();
                    break;
                }
            }
        }
        assert_eq!(ids.len(), expected);
        assert!(ids.is_sorted_by(|one, next| one > next));
        let current = query.clone();
        let back = admin
            .read(move |tx| search::list(tx, &current))
            .await
            .unwrap()
            .page;
        assert_eq!(back.items, pages[pages.len() - 2]);
    }
}

#[apply(on_both_databases)]
async fn the_log_contains_no_secrets(app: App) {
    let mut browser = app.signed_in_browser(app.admin()).await;
    browser
        .submit("/admin/users", "invite_user", &[("role", "user")])
        .await;
    app.create_account(app.clerk()).await;
    let reset = browser
        .call("reset_password", &[("username", "продавец")])
        .await
        .set_cookie
        .unwrap();
    let one_time_cookie = reset.split(['=', ';']).nth(1).unwrap();
    browser.sign_in("админ", "wrong horse battery").await;
    let rows = serde_json::to_string(&log_rows(&app.admin(), Query::default()).await).unwrap();
    for secret in [PASSWORD, "wrong horse", one_time_cookie, "$2b$"] {
        assert!(!rows.contains(secret), "{secret} in {rows}");
    }
}
