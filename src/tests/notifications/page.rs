//! The notifications page of the admin section, without JavaScript.

use super::*;

const PAGE: &str = "/admin/notifications";

#[apply(on_both_databases)]
async fn the_page_shows_which_channels_are_off_and_how_to_enable_them(app: App) {
    let mut browser = app.signed_in_browser(app.admin()).await;
    let page = browser.get(PAGE).await.body;
    for words in [
        "TELEGRAM_BOT_TOKEN",
        "SMTP_URL",
        "NOTIFY_ORDERS=true",
        "Очередь отправки пуста.",
        "Уведомлений ещё не было.",
    ] {
        assert!(page.contains(words), "{words}");
    }
    assert!(!page.contains("Проверить отправку"));
    let refused = browser.submit(PAGE, "send_test_notification", &[]).await;
    let refused = browser.follow(&refused).await;
    assert!(
        refused.body.contains("Некому отправлять"),
        "{}",
        refused.body
    );
}

#[apply(on_both_databases)]
async fn a_test_notification_is_sent_and_its_delivery_is_shown(app: App) {
    let telegram = Telegram::start().await;
    let app = with_bot(app, &telegram, &[CHAT, OTHER_CHAT]);
    let channels = Channels::of(&app.state).unwrap();
    let mut browser = app.signed_in_browser(app.admin()).await;
    let sent = browser.submit(PAGE, "send_test_notification", &[]).await;
    assert_eq!(
        sent.location.as_deref(),
        Some("/admin/notifications?success=test_sent")
    );
    let page = browser.follow(&sent).await.body;
    assert!(
        page.contains("Проверочное сообщение отправляется") && page.contains("Ждут отправки: 2."),
        "{page}"
    );
    telegram.queue_reply_to(
        OTHER_CHAT,
        Reply::Refused(403, "Forbidden: bot was blocked by the user"),
    );
    assert_eq!(deliver(&app.state, &channels, 0).await, 1);
    let words = "<b>Проверка связи</b>\n\
        Уведомления приходят. Кто проверил: админ\n\
        <a href=\"https://shop.example/admin/notifications\">Все уведомления</a>";
    assert_eq!(telegram.messages(CHAT), [words]);
    let page = browser.get("/admin/notifications?state=failed").await.body;
    for words in [
        "Проверка связи",
        OTHER_CHAT,
        "не доставлено",
        "Бота заблокировали",
        "Forbidden: bot was blocked by the user",
        "Отправить ещё раз",
    ] {
        assert!(page.contains(words), "{words}");
    }
    assert!(!page.contains(&format!("Telegram: {CHAT}</td>")));
    // After the bot has been unblocked, the message is sent again, once.
    let again = browser
        .submit(PAGE, "resend_notification", &[("id", "2")])
        .await;
    assert_eq!(
        again.location.as_deref(),
        Some("/admin/notifications?success=resent")
    );
    browser
        .submit(PAGE, "resend_notification", &[("id", "2")])
        .await;
    assert_eq!(deliver(&app.state, &channels, 1).await, 1);
    assert_eq!(telegram.messages(OTHER_CHAT), [words]);
    assert!(
        browser
            .get("/admin/notifications?state=failed")
            .await
            .body
            .contains("Таких уведомлений нет.")
    );
}

#[apply(on_both_databases)]
async fn a_rejected_token_is_shown_and_orders_still_work(app: App) {
    let telegram = Telegram::start().await;
    let app = with_token(
        with_order_notifications(app, &telegram, &[CHAT]),
        &telegram,
        "4242:wrong-token",
        &[CHAT],
    );
    let channels = Channels::of(&app.state).unwrap();
    let mut browser = app.signed_in_browser(app.admin()).await;
    app.admin().create_product("чай", 5).await;
    app.admin().create_order("чай", 1).await.unwrap();
    assert_eq!(deliver(&app.state, &channels, 0).await, 0);
    app.admin().create_order("чай", 1).await.unwrap();
    let page = browser.get(PAGE).await.body;
    assert!(
        page.contains("Telegram отклоняет сообщения с")
            && page.contains("Проверьте TELEGRAM_BOT_TOKEN")
            && page.contains("401: Unauthorized"),
        "{page}"
    );
    assert!(page.contains("Ждут отправки: 2.") && page.contains("следующая попытка"));
    assert!(!page.contains("wrong-token"));
}

#[apply(on_both_databases)]
async fn product_names_are_escaped_on_the_page(app: App) {
    let telegram = Telegram::start().await;
    let app = with_bot(app, &telegram, &[CHAT]);
    let mut browser = app.signed_in_browser(app.admin()).await;
    app.admin()
        .add_product_with_minimum("<script>alert(1)</script>", 5, 5)
        .await;
    app.admin().create_order("script", 1).await.unwrap();
    let page = browser.get(PAGE).await.body;
    assert!(
        page.contains("Заканчивается: &lt;script>alert(1)")
            || page.contains("Заканчивается: &lt;script&gt;alert(1)"),
        "{page}"
    );
}
