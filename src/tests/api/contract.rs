//! The OpenAPI document is correct: it has every route, and every operation answers as it says.

use super::*;
use crate::auth::{Actor, Permission, Role, users::service as users};
use std::collections::BTreeSet;

/// The operations, each with the permission that it needs and the body of a request. `{id}` is 1, `{username}` is
/// `boris`.
pub const OPERATIONS: &[(&str, &str, Option<Permission>, &str)] = &[
    ("POST", "/api/auth/register", None, r#"{"username": "x"}"#),
    ("POST", "/api/auth/login", None, r#"{"username": "x"}"#),
    ("POST", "/api/auth/logout", None, ""),
    ("POST", "/logout", None, ""),
    ("GET", "/api/openapi.json", None, ""),
    ("GET", "/api/me", Some(Permission::OwnAccount), ""),
    (
        "POST",
        "/api/me/password",
        Some(Permission::OwnAccount),
        r#"{"current_password": "x", "password": "longenough"}"#,
    ),
    ("GET", "/api/me/chats", Some(Permission::OwnKeys), ""),
    ("POST", "/api/me/chats/code", Some(Permission::OwnKeys), ""),
    (
        "DELETE",
        "/api/me/chats/{id}",
        Some(Permission::OwnKeys),
        "",
    ),
    ("GET", "/api/me/tokens", Some(Permission::OwnKeys), ""),
    (
        "POST",
        "/api/me/tokens",
        Some(Permission::OwnKeys),
        r#"{"name": "till", "password": "x"}"#,
    ),
    (
        "DELETE",
        "/api/me/tokens/{id}",
        Some(Permission::OwnKeys),
        "",
    ),
    (
        "POST",
        "/api/me/totp",
        Some(Permission::OwnAccount),
        r#"{"password": "x"}"#,
    ),
    (
        "POST",
        "/api/me/totp/confirm",
        Some(Permission::OwnAccount),
        r#"{"code": "123456"}"#,
    ),
    (
        "DELETE",
        "/api/me/totp",
        Some(Permission::OwnAccount),
        r#"{"password": "x"}"#,
    ),
    ("GET", "/api/me/sessions", Some(Permission::OwnAccount), ""),
    (
        "DELETE",
        "/api/me/sessions",
        Some(Permission::OwnAccount),
        "",
    ),
    (
        "DELETE",
        "/api/me/sessions/{id}",
        Some(Permission::OwnAccount),
        "",
    ),
    ("GET", "/api/invitations", Some(Permission::ManageUsers), ""),
    (
        "POST",
        "/api/invitations",
        Some(Permission::ManageUsers),
        r#"{"role": "user"}"#,
    ),
    (
        "DELETE",
        "/api/invitations/{id}",
        Some(Permission::ManageUsers),
        "",
    ),
    ("GET", "/api/users", Some(Permission::ManageUsers), ""),
    (
        "GET",
        "/api/users/{username}",
        Some(Permission::ManageUsers),
        "",
    ),
    (
        "POST",
        "/api/users/{username}/block",
        Some(Permission::ManageUsers),
        "",
    ),
    (
        "POST",
        "/api/users/{username}/unblock",
        Some(Permission::ManageUsers),
        "",
    ),
    (
        "POST",
        "/api/users/{username}/reset-password",
        Some(Permission::ManageUsers),
        "",
    ),
    (
        "PUT",
        "/api/users/{username}/role",
        Some(Permission::ManageUsers),
        r#"{"role": "user"}"#,
    ),
    (
        "POST",
        "/api/users/{username}/activate",
        Some(Permission::ManageUsers),
        "",
    ),
    (
        "POST",
        "/api/customers/export",
        Some(Permission::EraseCustomers),
        r#"{"phone": "8 916 123-45-67"}"#,
    ),
    ("GET", "/api/log", Some(Permission::AdminArea), ""),
    ("GET", "/api/notifications", Some(Permission::AdminArea), ""),
    (
        "POST",
        "/api/notifications/test",
        Some(Permission::AdminArea),
        "",
    ),
    (
        "POST",
        "/api/notifications/{id}/resend",
        Some(Permission::AdminArea),
        "",
    ),
    (
        "GET",
        "/api/analytics/summary",
        Some(Permission::AdminArea),
        "",
    ),
    (
        "GET",
        "/api/analytics/products",
        Some(Permission::AdminArea),
        "",
    ),
    ("GET", "/api/rates", Some(Permission::AdminArea), ""),
    (
        "PUT",
        "/api/rates/{day}",
        Some(Permission::AdminArea),
        r#"{"rub_per_eur": "98.5"}"#,
    ),
    (
        "DELETE",
        "/api/rates/{day}",
        Some(Permission::AdminArea),
        "",
    ),
    ("GET", "/api/products", Some(Permission::ViewStock), ""),
    (
        "POST",
        "/api/products",
        Some(Permission::EditProducts),
        r#"{"name": "чай"}"#,
    ),
    ("GET", "/api/products/{id}", Some(Permission::ViewStock), ""),
    (
        "PUT",
        "/api/products/{id}",
        Some(Permission::EditProducts),
        r#"{"version": 1, "name": "чай"}"#,
    ),
    (
        "DELETE",
        "/api/products/{id}",
        Some(Permission::EditProducts),
        "",
    ),
    (
        "GET",
        "/api/products/{id}/stock",
        Some(Permission::ViewStock),
        "",
    ),
    (
        "POST",
        "/api/products/{id}/correct",
        Some(Permission::EditProducts),
        r#"{"expected": 5, "on_hand": 5}"#,
    ),
    (
        "POST",
        "/api/products/{id}/restore",
        Some(Permission::EditProducts),
        "",
    ),
    (
        "GET",
        "/api/products/{id}/movements",
        Some(Permission::ViewStock),
        "",
    ),
    (
        "GET",
        "/api/products/{id}/history",
        Some(Permission::ViewStock),
        "",
    ),
    ("GET", "/api/supplies", Some(Permission::Supplies), ""),
    (
        "POST",
        "/api/supplies",
        Some(Permission::Supplies),
        r#"{"product": "чай", "qty": 1, "supplier_name": "x", "buy_price_eur": 1}"#,
    ),
    ("GET", "/api/supplies/{id}", Some(Permission::Supplies), ""),
    (
        "PUT",
        "/api/supplies/{id}",
        Some(Permission::CorrectSupplies),
        r#"{"version": 1, "qty": 1, "supplier_name": "x", "buy_price_eur": 1, "reason": "x"}"#,
    ),
    (
        "POST",
        "/api/supplies/{id}/returns",
        Some(Permission::CorrectSupplies),
        r#"{"qty": 1, "reason": "x"}"#,
    ),
    (
        "POST",
        "/api/products/{id}/write-offs",
        Some(Permission::WriteOff),
        r#"{"qty": 1, "reason": "damage"}"#,
    ),
    ("GET", "/api/orders", Some(Permission::Orders), ""),
    (
        "POST",
        "/api/orders",
        Some(Permission::Orders),
        r#"{"phone": "89161234567", "product": "чай", "qty": 1}"#,
    ),
    ("GET", "/api/orders/{id}", Some(Permission::Orders), ""),
    (
        "PUT",
        "/api/orders/{id}",
        Some(Permission::Orders),
        r#"{"version": 1, "phone": "89161234567", "qty": 1, "unit_price_rub": 1}"#,
    ),
    (
        "POST",
        "/api/orders/{id}/issue",
        Some(Permission::Orders),
        "",
    ),
    (
        "POST",
        "/api/orders/{id}/deny",
        Some(Permission::Orders),
        "",
    ),
    (
        "POST",
        "/api/orders/{id}/reopen",
        Some(Permission::TakeBackOwn),
        "",
    ),
    (
        "POST",
        "/api/orders/{id}/returns",
        Some(Permission::Orders),
        r#"{"qty": 1, "reason": "defective", "restock": true}"#,
    ),
    (
        "POST",
        "/api/baskets",
        Some(Permission::Orders),
        r#"{"phone": "89161234567", "lines": [{"product": "чай", "qty": 1}]}"#,
    ),
    ("GET", "/api/baskets/{id}", Some(Permission::Orders), ""),
    (
        "POST",
        "/api/baskets/{id}/orders",
        Some(Permission::Orders),
        r#"{"product": "чай", "qty": 1}"#,
    ),
    (
        "POST",
        "/api/baskets/{id}/issue",
        Some(Permission::Orders),
        "",
    ),
    (
        "POST",
        "/api/baskets/{id}/deny",
        Some(Permission::Orders),
        "",
    ),
    (
        "POST",
        "/api/scan",
        Some(Permission::Orders),
        r#"{"code": "2100000000012"}"#,
    ),
    (
        "POST",
        "/api/scan/relay",
        Some(Permission::Orders),
        r#"{"screen": "x", "code": "2100000000012"}"#,
    ),
    (
        "POST",
        "/api/log/{id}/undo",
        Some(Permission::TakeBackOwn),
        "",
    ),
    (
        "GET",
        "/api/orders/{id}/history",
        Some(Permission::Orders),
        "",
    ),
    (
        "POST",
        "/api/customers/erase",
        Some(Permission::EraseCustomers),
        r#"{"phone": "89161234567", "last_digits": "4567", "reason": "by request"}"#,
    ),
    // This is the last one, because it deletes the account.
    (
        "DELETE",
        "/api/users/{username}",
        Some(Permission::ManageUsers),
        "",
    ),
];

fn document() -> Value {
    serde_json::to_value(crate::server::api::document()).unwrap()
}

/// Returns method, path and description of every operation in the document.
fn operations(document: &Value) -> Vec<(String, String, &Value)> {
    let mut found = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            found.push((method.to_uppercase(), path.clone(), operation));
        }
    }
    found
}

#[apply(on_both_databases)]
async fn every_operation_checks_permissions_and_answers_as_documented(app: App) {
    let document = document();
    let manager = app.create_account(app.manager()).await;
    manager.create_product("чай", 5).await;
    manager.receive_supply("чай", 1, "1").await.unwrap();
    manager.create_order("чай", 1).await.unwrap();
    app.create_account(app.person("boris", Role::User)).await;
    let mut callers = vec![(None, ApiClient::anonymous(&app))];
    // A revoked token and the token of a blocked admin give no access.
    for (name, is_blocked) in [("отозвавший", false), ("бывший", true)] {
        let admin = ApiClient::with_new_account(&app, app.person(name, Role::Admin)).await;
        let created = admin.post("/api/me/tokens", new_token()).await;
        let bearer = ApiClient::anonymous(&app).with_header(
            "authorization",
            &format!("Bearer {}", created.text("token")),
        );
        assert_eq!(bearer.get("/api/me").await.status, 200);
        if is_blocked {
            app.state
                .write(Actor::System, move |tx| users::block(tx, name))
                .await
                .unwrap();
            callers.push((None, admin));
        } else {
            assert_eq!(admin.delete(created.location()).await.status, 204);
        }
        callers.push((None, bearer));
    }
    for role in [Role::User, Role::Manager, Role::Admin] {
        callers.push((
            Some(role),
            ApiClient::with_new_account(&app, app.person(&format!("role-{role}"), role)).await,
        ));
    }
    for (caller, client) in callers {
        for (method, path, permission, body) in OPERATIONS {
            if path.ends_with("logout") && caller.is_some() {
                continue;
            }
            let label = format!("{caller:?} {method} {path}");
            let concrete = path
                .replace("{id}", "1")
                .replace("{username}", "boris")
                .replace("{day}", "2026-11-01");
            let body = Some((*body).to_owned()).filter(|body| !body.is_empty());
            let reply = client.send(method.parse().unwrap(), &concrete, body).await;
            let is_allowed = permission
                .is_none_or(|permission| caller.is_some_and(|role| role.may(permission, false)));
            if is_allowed {
                assert!(
                    !matches!(reply.status, 401 | 403 | 500..),
                    "{label}: {reply:?}"
                );
            } else {
                assert_eq!(
                    reply.status,
                    if caller.is_none() { 401 } else { 403 },
                    "{label}: {reply:?}"
                );
            }
            let responses = &document["paths"][path][method.to_lowercase()]["responses"];
            assert!(
                responses[reply.status.to_string()].is_object(),
                "{label} does not document {}",
                reply.status
            );
        }
    }
}

#[apply(on_both_databases)]
async fn anyone_can_sign_out(app: App) {
    for path in ["/logout", "/api/auth/logout"] {
        assert_eq!(
            ApiClient::anonymous(&app).post_empty(path).await.status,
            204
        );
        let role = if path == "/logout" {
            Role::User
        } else {
            Role::Admin
        };
        let client =
            ApiClient::with_new_account(&app, app.person(&format!("role-{role}"), role)).await;
        assert_eq!(client.post_empty(path).await.status, 204);
        assert_eq!(client.get("/api/me").await.status, 401, "{path}");
    }
}

#[apply(on_both_databases)]
async fn the_api_documentation_needs_sign_in_and_loads_nothing_external(app: App) {
    let refused = app.browser().get("/docs/").await;
    assert_eq!(
        (refused.status, refused.location.as_deref()),
        (302, Some("/login?next=%2Fdocs%2F"))
    );
    assert_eq!(app.browser().get("/docs/swagger-ui.css").await.status, 302);
    let mut browser = app.signed_in_browser(app.clerk()).await;
    let page = browser.get("/docs/").await;
    assert_eq!(page.status, 200);
    assert!(
        !page.body.contains("http://") && !page.body.contains("https://"),
        "{}",
        page.body
    );
    for file in ["swagger-ui.css", "index.css", "swagger-initializer.js"] {
        assert!(page.body.contains(file), "{file}");
        assert_eq!(
            browser.get(&format!("/docs/{file}")).await.status,
            200,
            "{file}"
        );
    }
}

#[test]
fn the_permission_table_lists_every_operation() {
    let document = document();
    let documented: BTreeSet<_> = operations(&document)
        .into_iter()
        .map(|(method, path, _)| format!("{method} {path}"))
        .collect();
    let listed: BTreeSet<_> = OPERATIONS
        .iter()
        .map(|(method, path, ..)| format!("{method} {path}"))
        .collect();
    assert_eq!(documented, listed);
}

/// Endpoints are added to the router by `routes!`, which also adds them to the document. No other route may exist.
#[test]
fn every_route_is_in_the_document() {
    let mut routes = BTreeSet::new();
    for file in sources("src")
        .into_iter()
        .filter(|file| !file.contains("/tests/"))
    {
        let source = std::fs::read_to_string(&file).unwrap();
        for rest in source.split(".route(").skip(1) {
            let path = rest.split('"').nth(1).unwrap_or_default();
            if path.starts_with("/api") {
                routes.insert(path.to_owned());
            }
        }
    }
    let fallbacks = ["/api", "/api/", "/api/{*rest}"].map(str::to_owned);
    assert_eq!(routes, BTreeSet::from(fallbacks));
}

fn sources(folder: &str) -> Vec<String> {
    let entries = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    entries
        .flat_map(|path| {
            let name = path.to_str().unwrap().to_owned();
            if path.is_dir() {
                sources(&name)
            } else {
                vec![name]
            }
        })
        .filter(|name| name.ends_with(".rs"))
        .collect()
}

#[test]
fn every_operation_documents_its_purpose_parameters_and_responses() {
    let document = document();
    let mut names = BTreeSet::new();
    for (method, path, operation) in operations(&document) {
        let label = format!("{method} {path}");
        assert!(operation["summary"].is_string(), "{label} has no summary");
        assert!(operation["tags"][0].is_string(), "{label} has no tag");
        assert!(
            names.insert(operation["operationId"].to_string()),
            "{label}: the operation id is not unique"
        );
        for parameter in operation["parameters"].as_array().into_iter().flatten() {
            assert!(
                !parameter["example"].is_null(),
                "{label}: {parameter} has no example"
            );
        }
        let responses = operation["responses"].as_object().unwrap();
        let documents = |status: &str| responses.contains_key(status);
        assert!(
            responses.keys().any(|status| status.starts_with('2')),
            "{label}"
        );
        assert!(
            operation["security"] == json!([{}]) || documents("401"),
            "{label}"
        );
        assert!(method == "GET" || documents("403"), "{label}");
        assert!(
            path.ends_with("openapi.json") || documents("503"),
            "{label}"
        );
        // A PUT creates the rate of a day, so a day cannot be missing.
        let may_be_missing = path.contains('{') && !path.ends_with("{day}");
        assert!(!may_be_missing || documents("404"), "{label}");
        assert!(
            operation["requestBody"].is_null()
                || ["400", "413", "415", "422"].into_iter().all(documents),
            "{label}"
        );
    }
}

/// `docs/openapi.json` is the contract that other programs rely on.
#[test]
fn the_openapi_snapshot_is_up_to_date() {
    let file = "docs/openapi.json";
    let current = format!(
        "{}\n",
        crate::server::api::document().to_pretty_json().unwrap()
    );
    if std::env::var_os("UPDATE_CONTRACT").is_some() {
        std::fs::write(file, &current).unwrap();
    }
    let snapshot = std::fs::read_to_string(file).unwrap_or_default();
    assert!(
        snapshot == current,
        "{file} differs from the program: run UPDATE_CONTRACT=1 cargo test --features testing contract, and review \
            the changes"
    );
}
