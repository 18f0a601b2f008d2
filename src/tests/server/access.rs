//! Permissions: every page and every server function, with every role.

use crate::auth::{Actor, Permission, Role, users::service as users};
use crate::tests::support::{App, Browser, Person, apply, on_both_databases};
use crate::{customers, orders};
use axum::{
    body::Body,
    http::{Request, header},
};
use std::collections::BTreeSet;

/// The callers: a visitor who is not signed in, and one user of each role.
const CALLERS: [Option<Role>; 4] = [
    None,
    Some(Role::User),
    Some(Role::Manager),
    Some(Role::Admin),
];

/// The pages, each with the permission that it needs. `{product}`, `{order}` and `{erasure}` are ids that exist.
pub const PAGES: &[(&str, Option<Permission>)] = &[
    ("/", None),
    ("/login", None),
    ("/login/code", None),
    ("/register", None),
    ("/register/pending", None),
    ("/account", Some(Permission::OwnAccount)),
    ("/admin/customers", Some(Permission::EraseCustomers)),
    (
        "/admin/customers/erasures/{erasure}",
        Some(Permission::EraseCustomers),
    ),
    ("/admin/logs", Some(Permission::AdminArea)),
    ("/admin/notifications", Some(Permission::AdminArea)),
    ("/admin/users", Some(Permission::ManageUsers)),
    ("/admin/users/{user}", Some(Permission::ManageUsers)),
    ("/products", Some(Permission::ViewStock)),
    ("/products/new", Some(Permission::EditProducts)),
    ("/products/import", Some(Permission::EditProducts)),
    ("/products/{product}", Some(Permission::ViewStock)),
    ("/supplies", Some(Permission::Supplies)),
    ("/supplies/import", Some(Permission::Supplies)),
    ("/supplies/{supply}", Some(Permission::Supplies)),
    ("/baskets/{order}", Some(Permission::Orders)),
    ("/orders", Some(Permission::Orders)),
    ("/orders/new", Some(Permission::Orders)),
    ("/search", Some(Permission::Orders)),
    ("/orders/{order}", Some(Permission::Orders)),
    ("/admin/analytics", Some(Permission::AdminArea)),
    ("/admin/analytics/products", Some(Permission::AdminArea)),
    ("/admin/rates", Some(Permission::AdminArea)),
];

/// The pages to print, each with the permission that it needs.
const PRINTED: &[(&str, Permission)] = &[
    ("/print/slip/{order}", Permission::Orders),
    ("/print/picking", Permission::Orders),
    ("/print/day", Permission::Supplies),
    ("/print/labels", Permission::ViewStock),
    ("/print/labels?product={product}", Permission::ViewStock),
    ("/print/labels?supply={supply}", Permission::Supplies),
];

/// The server functions, each with the permission that it needs and the fields of a call.
pub const FUNCTIONS: &[(&str, Option<Permission>, &str)] = &[
    ("account", Some(Permission::OwnAccount), ""),
    (
        "ask_permission",
        Some(Permission::AdminArea),
        "permission=admin_area",
    ),
    (
        "activate_user",
        Some(Permission::ManageUsers),
        "username={user}",
    ),
    (
        "archive_product",
        Some(Permission::EditProducts),
        "id={product}",
    ),
    (
        "add_to_basket",
        Some(Permission::Orders),
        "basket={order}&product=чай&qty=1",
    ),
    ("begin_totp", Some(Permission::OwnAccount), "password=x"),
    (
        "block_user",
        Some(Permission::ManageUsers),
        "username={user}",
    ),
    (
        "change_password",
        Some(Permission::OwnAccount),
        "current_password=x&password=longenough&password_repeated=longenough",
    ),
    (
        "change_role",
        Some(Permission::ManageUsers),
        "username={user}&role=manager",
    ),
    (
        "confirm_import",
        Some(Permission::EditProducts),
        "kind=products&upload=x&digest=x",
    ),
    ("confirm_totp", Some(Permission::OwnAccount), "code=123456"),
    (
        "correct_supply",
        Some(Permission::CorrectSupplies),
        "id={supply}&version=1&qty=1&buy_price_eur=1&supplier_name=x&reason=x",
    ),
    (
        "correct_stock",
        Some(Permission::EditProducts),
        "id={product}&expected=5&on_hand=5",
    ),
    (
        "create_order",
        Some(Permission::Orders),
        "phone=89161234567&product=чай&qty=1",
    ),
    (
        "create_product",
        Some(Permission::EditProducts),
        "name=кофе",
    ),
    (
        "delete_user",
        Some(Permission::ManageUsers),
        "username=никто",
    ),
    (
        "count_available",
        Some(Permission::ViewStock),
        "ids={product}",
    ),
    ("read_menu_counts", Some(Permission::Orders), ""),
    (
        "create_token",
        Some(Permission::OwnKeys),
        "name=касса&password=correct+horse",
    ),
    ("delete_rate", Some(Permission::AdminArea), "day=2026-01-01"),
    ("deny_basket", Some(Permission::Orders), "id={order}"),
    ("deny_order", Some(Permission::Orders), "id={order}"),
    (
        "deny_orders",
        Some(Permission::Orders),
        "orders.{order}.id={order}",
    ),
    (
        "edit_order",
        Some(Permission::Orders),
        "id={order}&version=1&phone=89161234567&qty=1&unit_price_rub=1",
    ),
    (
        "edit_product",
        Some(Permission::EditProducts),
        "id={product}&version=1&name=чай",
    ),
    ("disable_totp", Some(Permission::OwnAccount), "password=x"),
    (
        "erase_customer",
        Some(Permission::EraseCustomers),
        "order={order}&reason=x&last_digits=0000",
    ),
    (
        "find_customer",
        Some(Permission::EraseCustomers),
        "phone=89161234567",
    ),
    ("end_device", Some(Permission::OwnAccount), "id=x"),
    ("end_other_devices", Some(Permission::OwnAccount), ""),
    ("invite_user", Some(Permission::ManageUsers), "role=user"),
    ("issue_basket", Some(Permission::Orders), "id={order}"),
    ("issue_part", Some(Permission::Orders), "id={order}&qty=1"),
    ("read_basket", Some(Permission::Orders), "id={order}"),
    (
        "read_changed_orders",
        Some(Permission::Orders),
        "ids={order}&newest=0",
    ),
    ("read_supply", Some(Permission::Supplies), "id={supply}"),
    ("reopen_order", Some(Permission::TakeBackOwn), "id={order}"),
    (
        "return_order",
        Some(Permission::Orders),
        "id={order}&qty=1&reason=other",
    ),
    (
        "return_supply",
        Some(Permission::CorrectSupplies),
        "id={supply}&qty=1&reason=x",
    ),
    (
        "undo_operations",
        Some(Permission::TakeBackOwn),
        "operations=999999",
    ),
    (
        "write_off",
        Some(Permission::WriteOff),
        "id={product}&qty=1&reason=damage",
    ),
    ("issue_order", Some(Permission::Orders), "id={order}"),
    (
        "issue_orders",
        Some(Permission::Orders),
        "orders.{order}.id={order}",
    ),
    ("list_chats", Some(Permission::OwnKeys), ""),
    ("list_devices", Some(Permission::OwnAccount), ""),
    ("list_invitations", Some(Permission::ManageUsers), ""),
    ("list_orders", Some(Permission::Orders), "query[status]="),
    (
        "list_products",
        Some(Permission::ViewStock),
        "query[search]=",
    ),
    ("search", Some(Permission::Orders), "q=чай"),
    ("list_rates", Some(Permission::AdminArea), ""),
    (
        "list_supplies",
        Some(Permission::Supplies),
        "query[supplier]=",
    ),
    (
        "list_users",
        Some(Permission::ManageUsers),
        "query[search]=",
    ),
    ("list_tokens", Some(Permission::OwnKeys), ""),
    ("make_chat_code", Some(Permission::OwnKeys), ""),
    ("missing_page", None, ""),
    ("new_order", Some(Permission::Orders), ""),
    ("new_product", Some(Permission::EditProducts), ""),
    ("new_supply", Some(Permission::Supplies), ""),
    ("offer_products", Some(Permission::ViewStock), "search=чай"),
    (
        "read_analytics",
        Some(Permission::AdminArea),
        "query[preset]=year",
    ),
    (
        "list_product_sales",
        Some(Permission::AdminArea),
        "query[preset]=year",
    ),
    (
        "read_customer",
        Some(Permission::EraseCustomers),
        "subject[order]={order}",
    ),
    (
        "read_customers",
        Some(Permission::EraseCustomers),
        "query[from]=",
    ),
    (
        "read_erasure",
        Some(Permission::EraseCustomers),
        "id={erasure}",
    ),
    (
        "read_import",
        Some(Permission::EditProducts),
        "kind=products",
    ),
    ("read_log", Some(Permission::AdminArea), "query[user]="),
    (
        "read_notifications",
        Some(Permission::AdminArea),
        "query[state]=",
    ),
    ("read_order", Some(Permission::Orders), "id={order}"),
    ("read_overview", Some(Permission::Orders), ""),
    ("read_product", Some(Permission::ViewStock), "id={product}"),
    ("read_second_factor", Some(Permission::OwnAccount), ""),
    (
        "read_user",
        Some(Permission::ManageUsers),
        "username={user}",
    ),
    (
        "receive_supply",
        Some(Permission::Supplies),
        "product=чай&qty=1&supplier_name=x&buy_price_eur=1",
    ),
    (
        "register",
        None,
        "username=x&password=x&password_repeated=x",
    ),
    ("registration_terms", None, ""),
    ("resend_notification", Some(Permission::AdminArea), "id=1"),
    (
        "reset_password",
        Some(Permission::ManageUsers),
        "username={user}",
    ),
    (
        "reset_second_factor",
        Some(Permission::ManageUsers),
        "username={user}",
    ),
    (
        "restore_product",
        Some(Permission::EditProducts),
        "id={product}",
    ),
    ("revoke_invitation", Some(Permission::ManageUsers), "id=1"),
    ("revoke_token", Some(Permission::OwnKeys), "id=1"),
    ("send_test_notification", Some(Permission::AdminArea), ""),
    ("set_language", None, "lang=en"),
    ("set_keys", None, "keys=off"),
    ("set_theme", None, "theme=sirius-night"),
    (
        "set_rate",
        Some(Permission::AdminArea),
        "day=2026-11-01&rub_per_eur=98.5",
    ),
    ("sign_in", None, "username=x&password=x"),
    ("sign_in_again", None, "username=x&password=x"),
    ("sign_in_code", None, "code=123456"),
    (
        "unblock_user",
        Some(Permission::ManageUsers),
        "username={user}",
    ),
    ("unlink_chat", Some(Permission::OwnKeys), "id=1"),
    // This is the last one, because it ends the session of the caller.
    ("sign_out", None, ""),
];

/// The account that admins act on.
const USER: &str = "новенький";

fn is_allowed(caller: Option<Role>, needed: Option<Permission>) -> bool {
    needed.is_none_or(|permission| caller.is_some_and(|role| role.may(permission, false)))
}

/// Replaces the placeholders of a path or of fields.
pub fn fill_placeholders(text: &str, product: i64, order: i64) -> String {
    text.replace("{product}", &product.to_string())
        .replace("{order}", &order.to_string())
        .replace("{erasure}", "1")
        .replace("{supply}", "1")
        .replace("{user}", USER)
}

/// Percent-encodes a path as browsers do.
pub fn percent_encode(path: &str) -> String {
    url::form_urlencoded::byte_serialize(path.as_bytes())
        .collect::<String>()
        .replace("%2F", "/")
}

/// Sets up a product, an order and an erasure, and a browser for each caller. Returns the browsers, and the ids of the
/// product and the order.
pub async fn set_up_callers(app: &App) -> (Vec<(Option<Role>, Browser)>, i64, i64) {
    let mut browsers = vec![(None, app.browser())];
    for role in CALLERS.into_iter().flatten() {
        browsers.push((
            Some(role),
            app.signed_in_browser(app.person(&format!("role-{role}"), role))
                .await,
        ));
    }
    // A blocked user counts as signed out, even an admin.
    browsers.push((
        None,
        app.signed_in_browser(app.person("бывший", Role::Admin))
            .await,
    ));
    app.state
        .write(Actor::System, |tx| users::block(tx, "бывший"))
        .await
        .unwrap();
    app.create_account(app.person(USER, Role::User)).await;
    let manager = app.person("role-manager", Role::Manager);
    let product = manager.create_product("чай", 5).await;
    let order = manager.create_order("чай", 1).await.unwrap();
    erase_customer(&manager).await;
    manager.receive_supply("чай", 1, "1").await.unwrap();
    (browsers, product.id, order.id)
}

/// Erases the customer of an order that was denied.
async fn erase_customer(manager: &Person) {
    let draft = fields! { phone: "8 903 555-77-88", product: "чай", qty: 1 };
    manager
        .write(move |tx| {
            let order = orders::service::create(tx, "", &draft.read()?)?;
            orders::service::deny(tx, order.id)
        })
        .await
        .unwrap();
    let request = fields! { phone: "8 903 555-77-88", last_digits: "7788", reason: "x" };
    manager
        .state
        .write(Actor::System, move |tx| {
            customers::service::erase(tx, &request.read()?)
        })
        .await
        .unwrap();
}

/// Calls a server function with a method and returns the status.
pub async fn call(browser: &mut Browser, function: &str, method: &str, fields: &str) -> u16 {
    let encoded: String = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs(url::form_urlencoded::parse(fields.as_bytes()))
        .finish();
    let request = if method == "GET" {
        Request::get(format!("/fn/{function}?{encoded}")).body(Body::empty())
    } else {
        Request::post(format!("/fn/{function}"))
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Body::from(encoded))
    };
    browser.send(request.unwrap()).await.status
}

#[apply(on_both_databases)]
async fn every_page_opens_only_with_its_permission(app: App) {
    let (browsers, product, order) = set_up_callers(&app).await;
    for (caller, mut browser) in browsers {
        for (page, needed) in PAGES {
            let path = percent_encode(&fill_placeholders(page, product, order));
            let answer = browser.get(&path).await;
            let expected = if is_allowed(caller, *needed) {
                200
            } else if caller.is_none() {
                302
            } else {
                403
            };
            assert_eq!(answer.status, expected, "{caller:?} at {page}");
            if expected == 302 {
                assert!(
                    answer.location.unwrap().starts_with("/login?next=%2F"),
                    "{page}"
                );
                assert!(!answer.body.contains("чай"), "{page} leaks a product");
            }
            if expected == 403 {
                let main = answer
                    .body
                    .split("<main")
                    .nth(1)
                    .unwrap()
                    .split("</main>")
                    .next()
                    .unwrap();
                assert!(
                    main.contains("<h1>") && main.matches("role=\"alert\"").count() == 2,
                    "{page} does not say why: {main}"
                );
                assert!(main.contains("Раздел доступен только"), "{page}: {main}");
                let offers = main.replace("<a href=\"/\"", "");
                assert!(
                    !offers.contains("<form") && !offers.contains("<a "),
                    "{page} offers what it forbids: {main}"
                );
            }
        }
    }
}

#[apply(on_both_databases)]
async fn every_page_to_print_opens_only_with_its_permission(app: App) {
    let (browsers, product, order) = set_up_callers(&app).await;
    for (caller, mut browser) in browsers {
        for (page, needed) in PRINTED {
            let answer = browser.get(&fill_placeholders(page, product, order)).await;
            let expected = match caller {
                None => 302,
                Some(role) if role.may(*needed, false) => 200,
                Some(_) => 403,
            };
            assert_eq!(answer.status, expected, "{caller:?} at {page}");
            if expected == 302 {
                let location = answer.location.unwrap();
                assert!(location.starts_with("/login?next=%2Fprint"), "{location}");
            }
            if expected != 200 {
                assert!(!answer.body.contains("чай"), "{page} leaks a product");
            }
        }
    }
}

#[apply(on_both_databases)]
async fn every_server_function_requires_its_permission(app: App) {
    let (browsers, product, order) = set_up_callers(&app).await;
    for (caller, browser) in browsers {
        for (function, needed, fields) in FUNCTIONS {
            let fields = fill_placeholders(fields, product, order);
            let (path, method) = (format!("/fn/{function}"), http_method(function));
            let status = call(&mut browser.clone(), function, &method, &fields).await;
            let is_refused = if caller.is_none() {
                status == 401
            } else {
                status == 403
            };
            if is_allowed(caller, *needed) {
                assert!(
                    status < 500
                        && (status != 403)
                        && (status != 401 || function.starts_with("sign_in")),
                    "{caller:?} at {path}: {status}"
                );
            } else {
                assert!(is_refused, "{caller:?} at {path}: {status}");
            }
            if *function == "sign_out" && caller.is_some() {
                break;
            }
        }
    }
}

#[apply(on_both_databases)]
async fn health_checks_are_public_and_metrics_are_not(app: App) {
    // Access depends on the client address, not on permissions.
    let (browsers, ..) = set_up_callers(&app).await;
    for (caller, mut browser) in browsers {
        for (path, status) in [("/healthz", 200), ("/readyz", 200), ("/metrics", 404)] {
            assert_eq!(
                browser.get(path).await.status,
                status,
                "{caller:?} at {path}"
            );
        }
    }
}

#[apply(on_both_databases)]
async fn an_unknown_address_or_id_is_a_404(app: App) {
    let mut browser = app.signed_in_browser(app.admin()).await;
    for path in [
        "/nothing",
        "/products/999",
        "/products/чай",
        "/orders/0",
        "/fn/nothing",
        "/admin",
    ] {
        let status = browser.get(&percent_encode(path)).await.status;
        assert_eq!(status, 404, "{path}");
    }
    for (path, words) in [
        ("/nothing", "Страница не найдена"),
        ("/products/999", "Товар не найден."),
        ("/orders/999", "Заказ не найден."),
    ] {
        let page = browser.get(path).await;
        assert_eq!(page.status, 404, "{path}");
        assert!(page.body.contains(words), "{path}: {}", page.body);
        assert!(!page.body.contains("Не найдено."), "{path}: {}", page.body);
    }
}

/// Returns the HTTP method of a server function.
pub fn http_method(function: &str) -> String {
    let found = leptos::server_fn::axum::server_fn_paths()
        .find(|(path, _)| *path == format!("/fn/{function}"));
    found
        .map(|(_, method)| method.to_string())
        .unwrap_or_else(|| panic!("there is no server function {function}"))
}

#[test]
fn the_tables_list_every_server_function_and_every_page() {
    let functions: BTreeSet<_> = leptos::server_fn::axum::server_fn_paths()
        .map(|(path, _)| path.trim_start_matches("/fn/").to_owned())
        .collect();
    let listed: BTreeSet<_> = FUNCTIONS
        .iter()
        .map(|(name, ..)| (*name).to_owned())
        .collect();
    assert_eq!(functions, listed);
    let pages: BTreeSet<_> = crate::server::pages::paths().map(str::to_owned).collect();
    let listed: BTreeSet<_> = PAGES
        .iter()
        .map(|(page, _)| {
            page.replace("{product}", "{id}")
                .replace("{order}", "{id}")
                .replace("{erasure}", "{id}")
                .replace("{supply}", "{id}")
                .replace("{user}", "{username}")
        })
        .collect();
    assert_eq!(pages, listed);
}

/// The browser tests visit the pages of these lists, so the lists must be complete.
#[test]
fn the_browser_tests_list_every_page() {
    let source = include_str!("../../../end2end/tests/shop.ts");
    let mut listed = BTreeSet::new();
    for list in ["export const pages = ", "export const adminPages = "] {
        let list = source
            .split(list)
            .nth(1)
            .unwrap()
            .split("];")
            .next()
            .unwrap();
        for line in list.lines().skip(1).filter(|line| !line.trim().is_empty()) {
            let page = line.trim().trim_matches(['"', '`', ',']);
            listed.insert(
                page.replace("/supplies/1", "/supplies/{id}")
                    .replace("${product}", "{id}")
                    .replace("${order}", "{id}")
                    .replace("${erasure}", "{id}")
                    .replace("${user}", "{username}"),
            );
        }
    }
    let pages: BTreeSet<_> = crate::server::pages::paths().map(str::to_owned).collect();
    assert_eq!(pages, listed);
}

#[test]
fn managers_need_a_setting_for_admin_pages_and_never_manage_users() {
    for (role, area, users) in [
        (Role::Admin, true, true),
        (Role::Manager, false, false),
        (Role::User, false, false),
    ] {
        assert_eq!(
            (
                role.may(Permission::AdminArea, false),
                role.may(Permission::ManageUsers, false)
            ),
            (area, users)
        );
        assert_eq!(
            (
                role.may(Permission::AdminArea, true),
                role.may(Permission::ManageUsers, true)
            ),
            (area || role == Role::Manager, users)
        );
    }
}
