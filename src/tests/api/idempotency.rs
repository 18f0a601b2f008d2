//! A repeated request is one request.

use super::*;
use crate::{auth::Role, users::service as accounts};

fn with_key(program: &Program, key: &str) -> Program {
    program.clone().with("idempotency-key", key)
}

on_both_databases! {
    async fn a_repeat_gets_the_first_answer(app: App) {
        let manager = Program::of(&app, app.manager()).await;
        let product = manager.adds("чай", 5).await;
        let keyed = with_key(&manager, "till-1");
        let first = keyed.post("/api/orders", order(product, 2)).await;
        assert_eq!(manager.act(&format!("{}/issue", first.location())).await.status, 200);
        let again = keyed.post("/api/orders", order(product, 2)).await;
        assert_eq!((again.status, &again.json, again.location()), (201, &first.json, first.location()));
        let other = keyed.post("/api/orders", order(product, 1)).await;
        assert_eq!((other.status, other.text("type")), (422, "urn:sirius:key_reused"));
        assert_eq!(keyed.post("/api/products", json!({"name": "кофе"})).await.status, 422);
        assert_eq!(manager.get("/api/orders").await.items().len(), 1);
    }

    async fn what_is_gone_or_archived_meanwhile_is_still_answered(app: App) {
        let manager = Program::of(&app, app.manager()).await;
        let product = manager.adds("чай", 0).await;
        let supply = json!({"product_id": product, "qty": 2, "supplier_name": "x", "buy_price_eur": 1});
        let keyed = with_key(&manager, "supply");
        let first = keyed.post("/api/supplies", supply.clone()).await;
        assert_eq!(first.status, 201);
        assert_eq!(manager.delete(&format!("/api/products/{product}")).await.status, 204);
        let again = keyed.post("/api/supplies", supply).await;
        assert_eq!((again.status, again.json), (201, first.json));
        let keyed = with_key(&manager, "product");
        let added = keyed.post("/api/products", json!({"name": "вода"})).await;
        assert_eq!(manager.delete(added.location()).await.status, 204);
        let again = keyed.post("/api/products", json!({"name": "вода"})).await;
        assert_eq!((again.status, again.json), (201, added.json));
    }

    async fn eight_at_once_are_one(app: App) {
        let manager = Program::of(&app, app.manager()).await;
        let product = manager.adds("чай", 50).await;
        let keyed = with_key(&manager, "both");
        let replies = futures::future::join_all((0..8).map(|_| keyed.post("/api/orders", order(product, 2)))).await;
        for reply in &replies {
            assert_eq!((reply.status, &reply.json), (201, &replies[0].json));
        }
        let stock = manager.get(&format!("/api/products/{product}/stock")).await.json;
        assert_eq!(stock["reserved"], 2);
        app.assert_agrees().await;
    }

    async fn keys_of_two_people_are_two_keys(app: App) {
        let manager = Program::of(&app, app.manager()).await;
        let clerk = Program::of(&app, app.clerk()).await;
        let product = manager.adds("чай", 5).await;
        let first = with_key(&manager, "1").post("/api/orders", order(product, 1)).await;
        let second = with_key(&clerk, "1").post("/api/orders", order(product, 2)).await;
        assert_eq!((first.status, second.status), (201, 201));
        assert_ne!(first.id(), second.id());
        let long = with_key(&clerk, &"x".repeat(256)).post("/api/orders", order(product, 1)).await;
        assert_eq!((long.status, long.wrong()), (422, vec!["Idempotency-Key"]));
    }

    async fn a_right_that_was_taken_ends_the_repeats_too(app: App) {
        let admin = app.hire(app.admin()).await;
        let manager = Program::of(&app, app.manager()).await;
        let tea = json!({"name": "чай"});
        assert_eq!(with_key(&manager, "1").post("/api/products", tea.clone()).await.status, 201);
        admin.act(|tx| accounts::change_role(tx, "менеджер", Role::User)).await.unwrap();
        let clerk = Program::signed_in(&app, "менеджер").await;
        assert_eq!(with_key(&clerk, "1").post("/api/products", tea).await.status, 403);
    }
}
