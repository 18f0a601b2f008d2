//! Files that come in: shown first, written whole or not at all.

use super::{
    app::{Answer, Browser},
    on_both_databases,
};
use crate::{
    auth::Role,
    import::{Kind, Preview, service},
    log::Action,
    money::{Eur, Rub},
    schema::operation_log,
};
use axum::{
    body::Body,
    http::{Request, header},
};
use diesel::prelude::*;

async fn sends(browser: &mut Browser, kind: &str, bytes: &[u8], site: &str) -> Answer {
    let mut body = b"--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"my.csv\"\r\nContent-Type: text/csv\r\n\r\n".to_vec();
    body.extend_from_slice(bytes);
    body.extend_from_slice(b"\r\n--x--\r\n");
    let request = Request::post(format!("/uploads/{kind}"))
        .header(header::ACCEPT, "text/html")
        .header(header::CONTENT_TYPE, "multipart/form-data; boundary=x")
        .header("sec-fetch-site", site)
        .body(Body::from(body))
        .unwrap();
    browser.send(request).await
}

/// Sends a file and opens the page that shows it; then confirms it, when there is something to confirm.
async fn loads(browser: &mut Browser, kind: &str, bytes: &[u8]) -> (Answer, Option<Answer>) {
    let sent = sends(browser, kind, bytes, "same-origin").await;
    assert_eq!(sent.status, 303, "{}", sent.body);
    let page = browser.follow(&sent).await;
    assert_eq!(page.status, 200, "{}", page.body);
    if !page.body.contains("name=\"digest\"") {
        return (page, None);
    }
    let (upload, digest) = (page.hidden("upload"), page.hidden("digest"));
    let fields = [("kind", kind), ("upload", &upload), ("digest", &digest)];
    let confirmed = browser
        .submit(sent.location.as_deref().unwrap(), "confirm_import", &fields)
        .await;
    (page, Some(confirmed))
}

on_both_databases! {
    async fn products_of_a_file_are_shown_first_and_then_added_and_changed_as_one_act(app: App) {
        let manager = app.hire(app.manager()).await;
        let tea = manager.adds("Чай", 4).await;
        let mut browser = app.browser_of(app.person("завсклад", Role::Manager)).await;
        // As a spreadsheet of Windows saves it.
        let (bytes, ..) = encoding_rs::WINDOWS_1251.encode("Название;Минимум\r\nЧай;3\r\nКофе;2\r\n;\r\n");
        let sent = sends(&mut browser, "products", &bytes, "same-origin").await;
        let page = browser.follow(&sent).await;
        assert!(page.body.contains("Кофе") && page.body.contains("0 → 3") && page.body.contains("Новых"), "{}", page.body);
        assert_eq!(manager.sees(tea.id).await.min_stock, 0, "nothing is written before it is confirmed");
        let (_, confirmed) = loads(&mut browser, "products", &bytes).await;
        let confirmed = confirmed.unwrap();
        assert_eq!(confirmed.location.as_deref(), Some("/products?counts=1.1.0&success=imported"));
        let list = browser.follow(&confirmed).await.body;
        assert!(list.contains("Файл загружен. Добавлено: 1, изменено: 1, без изменений: 0."), "{list}");
        let tea = manager.sees(tea.id).await;
        assert_eq!((tea.min_stock, tea.sell_price_rub, tea.on_hand, tea.version), (3, Some(Rub(10_000)), 4, 2));
        assert!(manager.books("Кофе", 1).await.is_err(), "it is there, without stock");
        let logged: i64 = app.shop.db.read(|conn| {
            operation_log::table.filter(operation_log::action.eq(Action::Import)).count().get_result(conn).map_err(crate::error::Error::from)
        }).await.unwrap();
        assert_eq!(logged, 1);
        app.assert_agrees().await;
    }

    async fn what_goes_out_comes_back_in_without_change(app: App) {
        let manager = app.hire(app.manager()).await;
        for name in ["Чай; чёрный", "=формула", "'кавычка", "много\"кавычек\""] {
            manager.adds(name, 5).await;
            manager.supplies(name, 3, "1.05").await.unwrap();
        }
        let mut browser = app.browser_of(app.person("завсклад", Role::Manager)).await;
        for kind in ["products", "supplies"] {
            for format in ["", "?format=plain"] {
                let file = browser.get(&format!("/{kind}.csv{format}")).await.body;
                let (page, confirmed) = loads(&mut browser, kind, file.as_bytes()).await;
                assert!(confirmed.is_none() && page.body.contains("Всё уже так, как в файле"), "{kind} {format}: {}", page.body);
            }
        }
    }

    async fn one_wrong_row_keeps_the_whole_file_out_and_says_why(app: App) {
        let manager = app.hire(app.manager()).await;
        manager.adds("Чай", 4).await;
        let mut browser = app.browser_of(app.person("завсклад", Role::Manager)).await;
        let file = "name,sell_price_rub\nКофе,100\nКофе,200\n,5\nКакао,сто\n";
        let (page, confirmed) = loads(&mut browser, "products", file.as_bytes()).await;
        assert!(confirmed.is_none());
        for words in ["То же, что в строке 2", "Заполните это поле", "Введите сумму"] {
            assert!(page.body.contains(words), "{words}");
        }
        let file = "product,qty,buy_price_eur,supplier_name,id\nЧай,5,1.20,Teekanne,\nЧай,5,1.20,Teekanne,999\nНет такого,0,1,x,\n";
        let (page, confirmed) = loads(&mut browser, "supplies", file.as_bytes()).await;
        assert!(confirmed.is_none() && page.body.contains("Такого № нет") && page.body.contains("Такого товара нет"), "{}", page.body);
    }

    async fn supplies_of_a_file_are_received(app: App) {
        let manager = app.hire(app.manager()).await;
        let tea = manager.adds("Чай", 0).await;
        let mut browser = app.browser_of(app.person("завсклад", Role::Manager)).await;
        let file = "Товар;Кол-во;Закупка, €;Поставщик\nЧай;5;1,20;Teekanne\nчай;3;1,30;Teekanne\n";
        let (page, confirmed) = loads(&mut browser, "supplies", file.as_bytes()).await;
        assert_eq!(confirmed.unwrap().location.as_deref(), Some("/supplies?counts=2.0.0&success=imported"));
        assert!(page.body.contains("Закупка, €: 1,20"), "as Russian writes it: {}", page.body);
        let tea = manager.sees(tea.id).await;
        assert_eq!((tea.stock, tea.buy_price_eur, tea.version), (8, Some(Eur(130)), 3));
        app.assert_agrees().await;
    }

    async fn what_changed_since_it_was_shown_is_not_written(app: App) {
        let manager = app.hire(app.manager()).await;
        let tea = manager.adds("Чай", 0).await;
        let kept = |tx: &mut crate::act::Tx<'_>| {
            let id = service::keep(tx, Kind::Products, "my.csv", "name,min_stock\nЧай,5\n".as_bytes())?;
            service::preview(tx, Kind::Products, &id)
        };
        let shown: Preview = manager.act(kept).await.unwrap();
        let draft = crate::products::Draft { name: "Чай".to_owned(), min_stock: "4".to_owned(), ..Default::default() };
        manager.act(move |tx| crate::products::service::edit(tx, tea.id, 1, &draft)).await.unwrap();
        let refused = manager.act(move |tx| service::confirm(tx, Kind::Products, &shown.upload, &shown.digest)).await.unwrap_err();
        assert!(matches!(refused, crate::error::Error::Stale(_)), "{refused}");
        assert_eq!(manager.sees(tea.id).await.min_stock, 4);
    }

    async fn a_file_is_taken_from_those_who_may_and_from_our_own_pages(app: App) {
        let file = "name\nЧай\n".as_bytes();
        assert_eq!(sends(&mut app.browser(), "products", file, "same-origin").await.status, 302);
        let mut clerk = app.browser_of(app.clerk()).await;
        assert_eq!(sends(&mut clerk, "products", file, "same-origin").await.status, 403);
        let mut manager = app.browser_of(app.manager()).await;
        assert_eq!(sends(&mut manager, "products", file, "cross-site").await.status, 403);
        assert_eq!(sends(&mut manager, "nothing", file, "same-origin").await.status, 404);
        let large = format!("name\n{}", "Чай\n".repeat(100_000));
        assert_eq!(sends(&mut manager, "products", large.as_bytes(), "same-origin").await.status, 303, "larger than any other form");
    }
}
