//! Personal tokens: creation, use, revocation, and no more permissions than their owner has.

use super::*;
use crate::auth::{Role, users::service as accounts};
use crate::tests::support::NEW_TOKEN;

fn bearer(app: &App, token: &str) -> ApiClient {
    ApiClient::anonymous(app).with_header("authorization", &format!("Bearer {token}"))
}

#[apply(on_both_databases)]
async fn a_token_signs_in_until_it_is_revoked(app: App) {
    let clerk = ApiClient::with_new_account(&app, app.person("boris", Role::User)).await;
    let created = clerk.post("/api/me/tokens", new_token()).await;
    assert_eq!((created.status, created.text("name")), (201, "касса"));
    let token = created.text("token");
    assert!(token.starts_with("sirius_") && token.len() == 50, "{token}");
    let till = bearer(&app, token);
    assert_eq!(
        clerk.get("/api/me/tokens").await.items()[0]["last_used_at"],
        Value::Null
    );
    assert_eq!(till.get("/api/me").await.text("username"), "boris");
    // The use is recorded in the background.
    let mut listed = till.get("/api/me/tokens").await;
    while listed.items()[0]["last_used_at"].is_null() {
        listed = till.get("/api/me/tokens").await;
    }
    assert!(!listed.json.to_string().contains(token));
    assert_eq!(till.delete(created.location()).await.status, 204);
    assert_eq!(till.get("/api/me").await.status, 401);
    assert_eq!(clerk.delete(created.location()).await.status, 404);
    assert_eq!(
        clerk
            .post("/api/me/tokens", json!({"name": " ", "password": PASSWORD}))
            .await
            .wrong_fields(),
        ["name"]
    );
}

#[apply(on_both_databases)]
async fn a_token_has_the_current_permissions_of_its_owner(app: App) {
    let admin = app.create_account(app.admin()).await;
    let manager = ApiClient::with_new_account(&app, app.person("boris", Role::Manager)).await;
    let created = manager.post("/api/me/tokens", new_token()).await;
    let till = bearer(&app, created.text("token"));
    assert_eq!(till.get("/api/supplies").await.status, 200);
    admin
        .write(|tx| accounts::change_role(tx, "boris", Role::User))
        .await
        .unwrap();
    assert_eq!(till.get("/api/supplies").await.status, 403);
    assert_eq!(till.get("/api/orders").await.status, 200);
    app.sql("UPDATE users SET state = 'blocked' WHERE username = 'boris'")
        .await;
    assert_eq!(till.get("/api/orders").await.status, 401);
}

#[apply(on_both_databases)]
async fn nobody_can_list_or_revoke_the_token_of_another_user(app: App) {
    let boris = ApiClient::with_new_account(&app, app.person("boris", Role::User)).await;
    let admin = ApiClient::with_new_account(&app, app.admin()).await;
    let created = boris.post("/api/me/tokens", new_token()).await;
    assert_eq!(admin.get("/api/me/tokens").await.items().len(), 0);
    assert_eq!(admin.delete(created.location()).await.status, 404);
    assert_eq!(
        bearer(&app, created.text("token"))
            .get("/api/me")
            .await
            .status,
        200
    );
}

#[apply(on_both_databases)]
async fn the_operation_log_does_not_contain_the_token(app: App) {
    let admin = ApiClient::with_new_account(&app, app.admin()).await;
    let created = admin.post("/api/me/tokens", new_token()).await;
    admin.delete(created.location()).await;
    let log = admin.get("/api/log").await;
    assert_eq!(
        log.field_values("action")[..2],
        ["revoke_token", "create_token"]
    );
    assert!(!log.json.to_string().contains("sirius_"), "{log:?}");
}

#[apply(on_both_databases)]
async fn a_token_gives_no_access_to_pages(app: App) {
    let clerk = ApiClient::with_new_account(&app, app.clerk()).await;
    let created = clerk.post("/api/me/tokens", new_token()).await;
    let request = Request::get("/orders")
        .header(header::ACCEPT, "text/html")
        .header(
            header::AUTHORIZATION,
            format!("Bearer {}", created.text("token")),
        )
        .body(Body::empty())
        .unwrap();
    assert_eq!(app.browser().send(request).await.status, 302);
}

#[apply(on_both_databases)]
async fn the_account_page_shows_a_new_token_once(app: App) {
    let mut browser = app.signed_in_browser(app.clerk()).await;
    let created = browser.submit("/account", "create_token", NEW_TOKEN).await;
    assert_eq!(
        (created.status, created.location.as_deref()),
        (302, Some("/account?success=token_created#secret"))
    );
    let cookie = created.set_cookie.unwrap();
    assert!(
        cookie.contains("HttpOnly")
            && cookie.contains("SameSite=Strict")
            && cookie.contains("Max-Age=60"),
        "{cookie}"
    );
    let token = cookie
        .trim_start_matches("token=")
        .split(';')
        .next()
        .unwrap()
        .to_owned();
    assert!(
        !created.body.contains(&token),
        "the token is not only in the cookie"
    );
    let shown = browser.get("/account").await;
    assert!(shown.body.contains(&token) && shown.body.contains("касса"));
    assert!(shown.set_cookie.unwrap().contains("Max-Age=0"));
    let later = browser.get("/account").await;
    assert!(!later.body.contains(&token));
    assert_eq!(bearer(&app, &token).get("/api/me").await.status, 200);
    let revoked = browser
        .submit(
            "/account",
            "revoke_token",
            &[("id", &later.hidden_field("id"))],
        )
        .await;
    assert_eq!(
        revoked.location.as_deref(),
        Some("/account?success=token_revoked")
    );
    assert_eq!(bearer(&app, &token).get("/api/me").await.status, 401);
}

#[apply(on_both_databases)]
async fn creating_a_token_asks_for_the_password(app: App) {
    let clerk = ApiClient::with_new_account(&app, app.clerk()).await;
    let missing = clerk.post("/api/me/tokens", json!({"name": "касса"})).await;
    assert_eq!(
        (missing.status, missing.wrong_fields()),
        (422, vec!["password"])
    );
    let wrong = json!({"name": "касса", "password": "wrong horse"});
    for _ in 0..5 {
        let refused = clerk.post("/api/me/tokens", wrong.clone()).await;
        assert_eq!(
            (refused.status, refused.wrong_fields()),
            (422, vec!["password"])
        );
    }
    let throttled = clerk.post("/api/me/tokens", new_token()).await;
    assert_eq!(
        (throttled.status, throttled.text("type")),
        (429, "urn:sirius:too_often")
    );
    assert_eq!(clerk.get("/api/me/tokens").await.items().len(), 0);
    let admin = ApiClient::with_new_account(&app, app.admin()).await;
    let log = admin.get("/api/log?action=confirm_failed").await;
    assert_eq!(log.items().len(), 5);
}

#[apply(on_both_databases)]
async fn a_token_cannot_create_what_outlives_it(app: App) {
    let clerk = ApiClient::with_new_account(&app, app.clerk()).await;
    let created = clerk.post("/api/me/tokens", new_token()).await;
    let till = bearer(&app, created.text("token"));
    for refused in [
        till.post("/api/me/tokens", new_token()).await,
        till.post_empty("/api/me/chats/code").await,
    ] {
        assert_eq!(
            (refused.status, refused.text("type"), refused.text("detail")),
            (
                403,
                "urn:sirius:needs_session",
                "С токеном этого сделать нельзя: войдите с паролем."
            )
        );
    }
    assert_eq!(clerk.get("/api/me/tokens").await.items().len(), 1);
    assert_eq!(clerk.post_empty("/api/me/chats/code").await.status, 200);
}

#[apply(on_both_databases)]
async fn a_token_expires_after_ninety_days(app: App) {
    let clerk = ApiClient::with_new_account(&app, app.clerk()).await;
    let created = clerk.post("/api/me/tokens", new_token()).await;
    let until = created.text("expires_at").to_owned();
    let left = chrono::DateTime::parse_from_rfc3339(&until)
        .unwrap()
        .to_utc()
        - crate::clock::now().utc().and_utc();
    assert_eq!(left.num_hours(), 90 * 24 - 1, "{until}");
    assert_eq!(
        clerk.get("/api/me/tokens").await.items()[0]["expires_at"],
        created.json["expires_at"]
    );
    let till = bearer(&app, created.text("token"));
    assert_eq!(till.get("/api/orders").await.status, 200);
    app.sql("UPDATE api_tokens SET expires_at = '2026-01-02 03:04:05'")
        .await;
    let refused = till.get("/api/orders").await;
    assert_eq!(
        (refused.status, refused.text("type")),
        (401, "urn:sirius:token_expired")
    );
    assert!(refused.text("detail").contains("Создайте новый"));
    // It is on the page until its owner revokes it.
    let mut browser = app.browser();
    browser.sign_in("продавец", PASSWORD).await;
    assert!(browser.get("/account").await.body.contains("истёк"));
    assert_eq!(clerk.delete(created.location()).await.status, 204);
}

#[apply(on_both_databases)]
async fn a_password_change_revokes_tokens_unless_told_otherwise(app: App) {
    let clerk = ApiClient::with_new_account(&app, app.clerk()).await;
    let created = clerk.post("/api/me/tokens", new_token()).await;
    let till = bearer(&app, created.text("token"));
    let wrong =
        json!({"current_password": PASSWORD, "password": "battery staple", "revoke_access": "yes"});
    assert_eq!(
        till.post("/api/me/password", wrong).await.wrong_fields(),
        ["revoke_access"]
    );
    for (current, password, revokes, status) in [
        (PASSWORD, "battery staple", json!(false), 200),
        ("battery staple", PASSWORD, Value::Null, 401),
    ] {
        let change =
            json!({"current_password": current, "password": password, "revoke_access": revokes});
        assert_eq!(till.post("/api/me/password", change).await.status, 204);
        assert_eq!(till.get("/api/me").await.status, status);
    }
}
