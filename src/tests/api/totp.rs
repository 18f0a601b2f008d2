//! The second factor in the API: setting it up, signing in with it, and what `REQUIRE_2FA` closes.

use super::*;
use crate::{
    auth::Role,
    tests::support::{another_secret, totp_code},
};

fn credentials(code: Option<&str>) -> Value {
    match code {
        Some(code) => json!({"username": "boris", "password": PASSWORD, "code": code}),
        None => json!({"username": "boris", "password": PASSWORD}),
    }
}

/// Sets up the second factor of a client. Returns the secret and the recovery codes.
async fn set_up(client: &ApiClient) -> (String, Vec<String>) {
    let begun = client
        .post("/api/me/totp", json!({"password": PASSWORD}))
        .await;
    assert_eq!(begun.status, 201, "{begun:?}");
    let secret = begun.text("secret").to_owned();
    let url = format!("otpauth://totp/Sirius:boris?secret={secret}&issuer=Sirius");
    assert_eq!(begun.text("otpauth_url"), url);
    let code = totp_code(&secret, 0);
    let confirmed = client
        .post("/api/me/totp/confirm", json!({"code": code}))
        .await;
    assert_eq!(confirmed.status, 200, "{confirmed:?}");
    let codes = confirmed.json["recovery_codes"].as_array().unwrap().iter();
    let codes: Vec<_> = codes
        .map(|code| code.as_str().unwrap().to_owned())
        .collect();
    assert_eq!(codes.len(), 10);
    (secret, codes)
}

#[apply(on_both_databases)]
async fn a_client_sets_up_uses_and_removes_a_second_factor(app: App) {
    let client = ApiClient::with_new_account(&app, app.person("boris", Role::User)).await;
    let wrong = client
        .post("/api/me/totp", json!({"password": "wrong horse"}))
        .await;
    assert_eq!(
        (wrong.status, wrong.wrong_fields()),
        (422, vec!["password"])
    );
    let early = client
        .post("/api/me/totp/confirm", json!({"code": "123456"}))
        .await;
    assert_eq!(
        (early.status, early.text("type")),
        (409, "urn:sirius:second_factor_off")
    );
    let (secret, codes) = set_up(&client).await;
    let again = client
        .post("/api/me/totp", json!({"password": PASSWORD}))
        .await;
    assert_eq!(
        (again.status, again.text("type")),
        (409, "urn:sirius:second_factor_on")
    );
    let anonymous = ApiClient::anonymous(&app);
    let used = totp_code(&secret, 0);
    let foreign = totp_code(&another_secret(), 0);
    for code in [None, Some(""), Some("123"), Some(&*used), Some(&*foreign)] {
        let refused = anonymous.post("/api/auth/login", credentials(code)).await;
        assert_eq!(refused.status, 401, "{code:?}: {refused:?}");
        assert_eq!(refused.wrong_fields(), ["code"], "{code:?}");
        assert!(
            !refused.headers.contains_key(header::SET_COOKIE),
            "{code:?}"
        );
    }
    let wrong =
        json!({"username": "boris", "password": "wrong horse", "code": totp_code(&secret, 1)});
    let refused = anonymous.post("/api/auth/login", wrong).await;
    assert_eq!(
        (refused.status, refused.text("type")),
        (401, "urn:sirius:bad_credentials")
    );
    for code in [&*totp_code(&secret, 1), &*codes[0]] {
        let signed_in = anonymous
            .post("/api/auth/login", credentials(Some(code)))
            .await;
        assert_eq!(signed_in.status, 200, "{signed_in:?}");
        let client = ApiClient::anonymous(&app).with_header("cookie", &signed_in.cookie());
        assert_eq!(client.get("/api/me").await.text("username"), "boris");
    }
    let body = Some(json!({"password": PASSWORD}).to_string());
    let removed = client
        .send(Method::DELETE, "/api/me/totp", body.clone())
        .await;
    assert_eq!(removed.status, 204);
    let again = client.send(Method::DELETE, "/api/me/totp", body).await;
    assert_eq!(
        (again.status, again.text("type")),
        (409, "urn:sirius:second_factor_off")
    );
    let signed_in = anonymous.post("/api/auth/login", credentials(None)).await;
    assert_eq!(signed_in.status, 200);
}

#[apply(on_both_databases)]
async fn a_required_second_factor_closes_the_api_and_its_tokens(app: App) {
    let manager = ApiClient::with_new_account(&app, app.person("boris", Role::Manager)).await;
    let token = manager.post("/api/me/tokens", super::new_token()).await;
    let token = token.text("token").to_owned();
    let app = app.restarted(|config| config.require_2fa = vec![Role::Manager]);
    let manager = ApiClient::signed_in(&app, "boris").await;
    let till = ApiClient::anonymous(&app).with_header("authorization", &format!("Bearer {token}"));
    for client in [&manager, &till] {
        assert_eq!(client.get("/api/me").await.json["must_set_up_totp"], true);
        for path in ["/api/orders", "/api/supplies", "/api/me/tokens"] {
            let refused = client.get(path).await;
            assert_eq!(refused.status, 403, "{path}: {refused:?}");
            assert_eq!(refused.text("type"), "urn:sirius:must_set_up_totp");
            assert!(refused.text("detail").contains("двухфакторная защита"));
        }
    }
    set_up(&manager).await;
    for client in [&manager, &till] {
        assert_eq!(client.get("/api/me").await.json["must_set_up_totp"], false);
        assert_eq!(client.get("/api/supplies").await.status, 200);
    }
}
