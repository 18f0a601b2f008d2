//! Pages to print: their figures, their limits, and their codes, which are read back as a printer draws them.

use crate::{
    auth::Role,
    baskets,
    money::Rub,
    orders::{self, Order},
    print::{
        day::{DayEnd, Done},
        picking,
        symbols::{Microns, Symbol},
    },
    products,
    scan::own::{own_code_of_product, slip_code},
    tests::support::{App, PHONE, Person, apply, block_on, on_both_databases, text_between},
};
use rxing::{BarcodeFormat, helpers::detect_in_luma};

/// The dots of a printer with 203 dpi in a millimetre.
const DOTS: f64 = 8.0;
/// How wide a label or a roll may be printed, in millimetres.
const PRINTABLE: f64 = 72.0;

/// Reads the codes on a page from the dots of a thermal printer. Returns the format and the text of each.
fn read_codes(page: &str) -> Vec<(BarcodeFormat, String)> {
    let symbols = page.split("<svg ").skip(1);
    symbols
        .map(|svg| read_code(svg.split("</svg>").next().unwrap()))
        .collect()
}

fn read_code(svg: &str) -> (BarcodeFormat, String) {
    let millimetres = |name: &str| -> f64 {
        text_between(svg, &format!(" {name}=\""), "mm\"")
            .parse()
            .unwrap()
    };
    let (width, height) = (millimetres("width"), millimetres("height"));
    assert!(width <= PRINTABLE, "too wide: {width} mm");
    let view: Vec<usize> = text_between(svg, "viewBox=\"0 0 ", "\"")
        .split(' ')
        .map(|side| side.parse().unwrap())
        .collect();
    let [columns, rows] = view[..] else {
        panic!("{view:?}")
    };
    let dots = (width * DOTS / columns as f64).round() as usize;
    assert!(dots >= 2, "a module is narrower than two dots");
    assert!(
        (width * DOTS - (columns * dots) as f64).abs() < 0.1,
        "a module is not of whole dots: {width} mm for {columns}"
    );
    let row_dots = (height * DOTS / rows as f64).round() as usize;
    let (image_width, image_height) = (columns * dots, rows * row_dots);
    let mut image = vec![255; image_width * image_height];
    for run in text_between(svg, "path d=\"", "\"").split('M').skip(1) {
        let (x, rest) = run.split_once(' ').unwrap();
        let (y, rest) = rest.split_once('h').unwrap();
        let (wide, _) = rest.split_once('v').unwrap();
        let [x, y, wide]: [usize; 3] = [x, y, wide].map(|number| number.parse().unwrap());
        for line in y * row_dots..(y + 1) * row_dots {
            let start = line * image_width + x * dots;
            image[start..start + wide * dots].fill(0);
        }
    }
    let size = |side: usize| u32::try_from(side).unwrap();
    let read = detect_in_luma(image, size(image_width), size(image_height), None).unwrap();
    let said = text_between(svg, "aria-label=\"", "\"");
    assert_eq!(
        read.getText(),
        said,
        "the code does not say what it is called"
    );
    (*read.getBarcodeFormat(), read.getText().to_owned())
}

async fn book(person: &Person, lines: &[(&str, i64)]) -> baskets::Basket {
    let mut fields = fields! { phone: PHONE, customer_name: "Мария" };
    for (number, (product, qty)) in lines.iter().enumerate() {
        fields = fields
            .with(&format!("lines.{number}.product"), product)
            .with(&format!("lines.{number}.qty"), qty);
    }
    person
        .write(move |tx| baskets::service::create(tx, "", &fields.read()?))
        .await
        .unwrap()
}

async fn bring_back(person: &Person, order: i64, qty: i64, refund: &str) {
    let fields = fields! { qty: qty, reason: "defective", restock: "true", refund_rub: refund };
    person
        .write(move |tx| orders::returns::create(tx, "", order, &fields.read()?))
        .await
        .unwrap();
}

#[apply(on_both_databases)]
async fn a_slip_has_the_basket_without_what_was_cancelled_and_returned(app: App) {
    let mut browser = app.signed_in_browser(app.manager()).await;
    let manager = app.manager();
    for product in ["чай", "кофе", "сахар"] {
        manager.create_product(product, 5).await;
    }
    let basket = book(&manager, &[("чай", 3), ("кофе", 2), ("сахар", 1)]).await;
    let [tea, coffee, sugar]: [Order; 3] = basket.orders.try_into().unwrap();
    manager.issue_order(tea.id).await.unwrap();
    manager.deny_order(coffee.id).await.unwrap();
    bring_back(&manager, tea.id, 1, "90").await;
    // The number of any order of the basket leads to the same slip.
    for order in [tea.id, sugar.id] {
        for size in ["80mm", "a5"] {
            let page = browser
                .get(&format!("/print/slip/{order}?size={size}"))
                .await;
            assert_eq!(page.status, 200);
            let slip = text_between(&page.body, "<main", "</main>");
            assert!(slip.contains(&format!("Заказ № {}", basket.id)), "{slip}");
            let total = text_between(slip, "class=\"slip-total\">", "</p>");
            // 300 for the tea less 90, and 100 for the sugar.
            assert!(total.contains("310,00\u{a0}₽"), "{total}");
            assert!(slip.contains("Возвращено: 1 шт."), "{slip}");
            assert!(slip.contains("отменён"), "{slip}");
            assert!(slip.contains("Не кассовый чек"), "{slip}");
            assert!(slip.contains("…4567"), "{slip}");
            assert!(
                !slip.contains("916") && !slip.contains("Мария"),
                "the slip names the customer: {slip}"
            );
            assert_eq!(
                read_codes(slip),
                [
                    (
                        BarcodeFormat::QR_CODE,
                        format!("https://shop.example/o/{}", basket.id)
                    ),
                    (BarcodeFormat::CODE_128, slip_code(basket.id)),
                ]
            );
        }
    }
}

#[apply(on_both_databases)]
async fn the_picking_list_has_each_product_once_and_the_oldest_orders_first(app: App) {
    let mut browser = app.signed_in_browser(app.clerk()).await;
    let manager = app.create_account(app.manager()).await;
    manager.create_product("чай", 500).await;
    manager.create_product("кофе", 500).await;
    let first = manager.create_order("чай", 2).await.unwrap();
    manager.create_order("кофе", 7).await.unwrap();
    let third = manager.create_order("чай", 3).await.unwrap();
    let issued = manager.create_order("чай", 4).await.unwrap();
    manager.issue_order(issued.id).await.unwrap();
    let page = browser.get("/print/picking").await.body;
    let rows: Vec<&str> = text_between(&page, "<tbody>", "</tbody>")
        .split("</tr>")
        .collect();
    assert_eq!(rows.len(), 3, "{rows:?}");
    assert!(
        rows[0].contains("чай") && rows[0].contains("<strong>5</strong>"),
        "{rows:?}"
    );
    for order in [first.id, third.id] {
        assert!(rows[0].contains(&format!("№\u{a0}{order}")), "{rows:?}");
    }
    assert!(
        rows[1].contains("кофе") && rows[1].contains("<strong>7</strong>"),
        "{rows:?}"
    );
    assert!(page.contains("заказов 3, штук 12"), "{page}");
    assert!(!page.contains("самые давние"), "{page}");
    for _ in 0..picking::MOST {
        manager.create_order("чай", 1).await.unwrap();
    }
    let page = browser.get("/print/picking").await.body;
    assert!(
        page.contains(&format!("самые давние заказы: {}", picking::MOST)),
        "{page}"
    );
}

#[apply(on_both_databases)]
async fn the_days_end_agrees_with_the_ledger(app: App) {
    let (manager, clerk) = app.create_manager_and_clerk().await;
    let other = app.create_account(app.person("другой", Role::User)).await;
    manager.create_product("чай", 50).await;
    let mut made = Vec::new();
    for (person, qty) in [
        (&clerk, 3),
        (&clerk, 2),
        (&other, 4),
        (&other, 1),
        (&clerk, 1),
    ] {
        made.push(person.create_order("чай", qty).await.unwrap().id);
    }
    for (person, order) in [(&clerk, 0), (&clerk, 1), (&other, 2)] {
        person.issue_order(made[order]).await.unwrap();
    }
    other.deny_order(made[3]).await.unwrap();
    bring_back(&manager, made[0], 1, "").await;
    // An issue that was taken back is no sale, and the next one is of whoever issued again.
    let again = made[1];
    clerk
        .write(move |tx| orders::service::reopen(tx, again))
        .await
        .unwrap();
    other.issue_order(again).await.unwrap();
    let day = manager.read(|tx| DayEnd::read(tx, None)).await.unwrap();
    let done = |orders, qty, paid, refunded| Done {
        orders,
        qty,
        paid_rub: Rub(paid),
        refunded_rub: Rub(refunded),
    };
    let people: Vec<_> = day
        .people
        .iter()
        .map(|(user, done)| (user.as_deref().unwrap(), *done))
        .collect();
    assert_eq!(
        people,
        [
            ("другой", done(2, 6, 60_000, 0)),
            ("менеджер", done(0, 0, 0, 10_000)),
            ("продавец", done(1, 3, 30_000, 0)),
        ]
    );
    let sum = |figure: fn(&Done) -> i64| day.people.values().map(figure).sum::<i64>();
    let sums = day.sums;
    assert_eq!(sum(|done| done.orders), sums.orders);
    assert_eq!(sum(|done| done.qty), sums.qty + sums.returned_qty);
    assert_eq!(sum(|done| done.refunded_rub.0), sums.returned_rub);
    assert_eq!(
        sum(|done| done.paid_rub.0 - done.refunded_rub.0),
        sums.revenue_rub
    );
    assert_eq!(sums.denied, 1);
    let mut browser = app.browser();
    browser
        .sign_in("менеджер", crate::tests::support::PASSWORD)
        .await;
    let page = browser.get("/print/day").await.body;
    let paper = text_between(&page, "<main", "</main>");
    assert!(paper.contains("800,00\u{a0}₽"), "{paper}");
    assert!(paper.contains("Отменено заказов: 1"), "{paper}");
    assert!(paper.contains("Ждут выдачи сейчас: 1"), "{paper}");
    assert!(
        text_between(paper, "Возвраты", "Ждут").contains("чай"),
        "{paper}"
    );
    let before = browser.get("/print/day?date=2026-01-05").await.body;
    assert!(before.contains("В этот день ничего не выдали"), "{before}");
    assert!(before.contains("/print/day?date=2026-01-04"), "{before}");
}

#[apply(on_both_databases)]
async fn labels_are_for_a_product_a_supply_a_list_and_what_a_filter_finds(app: App) {
    let mut browser = app.signed_in_browser(app.manager()).await;
    let manager = app.manager();
    let tea = manager.create_product("чай", 5).await;
    let coffee = manager.create_product("кофе", 5).await;
    let supply = manager.receive_supply("кофе", 3, "1").await.unwrap();
    let (tea_code, coffee_code) = (own_code_of_product(tea.id), own_code_of_product(coffee.id));
    for (query, expected) in [
        (format!("product={}", tea.id), vec![&tea_code]),
        (format!("product={}&copies=2", tea.id), vec![&tea_code; 2]),
        (format!("supply={}", supply.id), vec![&coffee_code; 3]),
        (
            format!("products={},999,{}", coffee.id, tea.id),
            vec![&coffee_code, &tea_code],
        ),
        (
            format!(
                "products={}&copies=2&products={}&copies=0",
                coffee.id, tea.id
            ),
            vec![&coffee_code; 2],
        ),
        ("search=чай".to_owned(), vec![&tea_code]),
        (String::new(), vec![&coffee_code, &tea_code]),
    ] {
        let query = query.replace("чай", "%D1%87%D0%B0%D0%B9");
        for size in ["58x40", "62x29", "a4"] {
            let page = browser
                .get(&format!("/print/labels?{query}&size={size}"))
                .await;
            assert_eq!(page.status, 200, "{query}");
            let expected: Vec<_> = expected
                .iter()
                .map(|code| (BarcodeFormat::EAN_13, (*code).clone()))
                .collect();
            assert_eq!(read_codes(&page.body), expected, "{query}");
            assert!(page.body.contains("100,00\u{a0}₽"), "{query}");
        }
    }
}

#[apply(on_both_databases)]
async fn a_label_has_the_code_of_the_goods_or_else_our_own(app: App) {
    let mut browser = app.signed_in_browser(app.manager()).await;
    let manager = app.manager();
    let long = "X".repeat(40);
    for (name, codes, format, text) in [
        (
            "а",
            "B-18/c\n4006381333931",
            BarcodeFormat::EAN_13,
            "4006381333931",
        ),
        ("б", "96385074", BarcodeFormat::EAN_8, "96385074"),
        ("в", "036000291452", BarcodeFormat::UPC_A, "036000291452"),
        ("г", "A-17/b", BarcodeFormat::CODE_128, "A-17/b"),
        // UPC-E, not EAN-8
        ("ж", "01234505", BarcodeFormat::CODE_128, "01234505"),
        // With a wrong check digit it cannot be drawn as an EAN.
        (
            "д",
            "4006381333932",
            BarcodeFormat::CODE_128,
            "4006381333932",
        ),
        ("е", long.as_str(), BarcodeFormat::EAN_13, ""),
    ] {
        let new = fields! { name: name, codes: codes };
        let product = manager
            .write(move |tx| products::service::create(tx, "", &new.read()?))
            .await
            .unwrap();
        let text = match text {
            "" => own_code_of_product(product.id),
            text => text.to_owned(),
        };
        for size in ["58x40", "62x29", "a4"] {
            let path = format!("/print/labels?product={}&size={size}", product.id);
            let page = browser.get(&path).await.body;
            assert_eq!(read_codes(&page), [(format, text.clone())], "{codes}");
        }
    }
}

#[apply(on_both_databases)]
async fn no_more_labels_are_drawn_than_can_be_shown(app: App) {
    let mut browser = app.signed_in_browser(app.manager()).await;
    let manager = app.manager();
    manager.create_product("чай", 0).await;
    let supply = manager.receive_supply("чай", 501, "1").await.unwrap();
    let page = browser
        .get(&format!("/print/labels?supply={}", supply.id))
        .await
        .body;
    assert_eq!(page.matches("class=\"label\"").count(), 500);
    assert!(page.contains("не больше 500 этикеток"), "{}", &page[..200]);
}

#[apply(on_both_databases)]
async fn what_cannot_be_printed_says_what_is_wrong(app: App) {
    let mut browser = app.signed_in_browser(app.manager()).await;
    let manager = app.manager();
    let product = manager.create_product("чай", 5).await.id;
    let order = manager.create_order("чай", 1).await.unwrap().id;
    for (path, status, words) in [
        (format!("/print/slip/{order}?size=a3"), 422, "Размер: "),
        ("/print/slip/999".to_owned(), 404, "Страница не найдена"),
        ("/print/slip/x".to_owned(), 404, "Страница не найдена"),
        ("/print/day?date=31.31.2026".to_owned(), 422, "День: "),
        (
            format!("/print/labels?product={product}&copies=0"),
            422,
            "Количество: ",
        ),
        (
            format!("/print/labels?product={product}&copies=501"),
            422,
            "500",
        ),
        (
            format!("/print/labels?product={product}&size=1x1"),
            422,
            "Размер: ",
        ),
        (
            "/print/labels?product=999".to_owned(),
            404,
            "Страница не найдена",
        ),
        (
            "/print/labels?supply=999".to_owned(),
            404,
            "Страница не найдена",
        ),
        ("/print/labels?products=1,x".to_owned(), 422, "Товары: "),
        (
            format!("/print/labels?products={product}&copies=400&products={product}&copies=400"),
            422,
            "Количество: ",
        ),
        ("/print/labels?low=2".to_owned(), 422, "Проверьте"),
    ] {
        let page = browser.get(&path).await;
        assert_eq!(page.status, status, "{path}");
        // Leptos separates texts with these.
        let body = page.body.replace("<!>", "");
        assert!(body.contains(words), "{path}: {body}");
    }
}

#[apply(on_both_databases)]
async fn labels_of_a_supply_need_the_permission_for_supplies(app: App) {
    let manager = app.create_account(app.manager()).await;
    manager.create_product("чай", 0).await;
    let supply = manager.receive_supply("чай", 1, "1").await.unwrap();
    let mut browser = app.signed_in_browser(app.clerk()).await;
    let page = format!("/print/labels?supply={}", supply.id);
    assert_eq!(browser.get(&page).await.status, 403);
    assert_eq!(browser.get("/print/labels").await.status, 200);
}

#[test]
fn a_page_to_print_loads_nothing_from_elsewhere_and_allows_no_other_script() {
    block_on(async {
        let app = App::sqlite();
        let mut browser = app.signed_in_browser(app.manager()).await;
        let page = browser.get("/print/labels?size=62x29").await;
        let policy = page.headers["content-security-policy"].to_str().unwrap();
        let nonce = text_between(policy, "script-src 'nonce-", "'");
        assert!(!policy.contains("unsafe"), "{policy}");
        assert!(page.body.contains(&format!("<script nonce=\"{nonce}\">")));
        assert!(page.body.contains("@page { size: 62mm 29mm; margin: 0mm }"));
        assert!(!page.body.contains("style=\""), "{}", page.body);
        for attribute in ["src=\"http", "href=\"http"] {
            assert!(!page.body.contains(attribute), "{attribute}");
        }
        let other = browser.get("/print/labels").await;
        let policy = other.headers["content-security-policy"].to_str().unwrap();
        assert_ne!(nonce, text_between(policy, "script-src 'nonce-", "'"));
    });
}

#[test]
fn every_kind_of_code_is_read_back() {
    let address = "https://shop.example/o/1234567890";
    for (symbol, format, text) in [
        (
            Symbol::ean("4006381333931"),
            BarcodeFormat::EAN_13,
            "4006381333931",
        ),
        (Symbol::ean("96385074"), BarcodeFormat::EAN_8, "96385074"),
        (
            Symbol::ean("036000291452"),
            BarcodeFormat::UPC_A,
            "036000291452",
        ),
        (Symbol::code128("A-17/b"), BarcodeFormat::CODE_128, "A-17/b"),
        (Symbol::code128("123456"), BarcodeFormat::CODE_128, "123456"),
        (
            Symbol::code128("1234567"),
            BarcodeFormat::CODE_128,
            "1234567",
        ),
        (Symbol::code128("17"), BarcodeFormat::CODE_128, "17"),
        (Symbol::qr(address), BarcodeFormat::QR_CODE, address),
    ] {
        let symbol = symbol.unwrap();
        for module in [Microns::TWO_DOTS, Microns::THREE_DOTS] {
            let height = (format != BarcodeFormat::QR_CODE).then_some(Microns(10_000));
            let (read, _) = read_code(&symbol.svg(module, height, text).into_string());
            assert_eq!(read, format, "{text}");
        }
    }
    assert_eq!(own_code_of_product(1), "2100000000012");
}

#[test]
fn a_list_of_products_is_found_by_their_ids() {
    // The order of the list is kept, and duplicates are one label.
    block_on(async {
        let app = App::sqlite();
        let mut browser = app.signed_in_browser(app.manager()).await;
        let product: products::Product = app
            .manager()
            .create_product("Чайник эмалированный", 1)
            .await;
        let page = browser
            .get(&format!("/print/labels?products={0},{0}", product.id))
            .await
            .body;
        assert_eq!(page.matches("class=\"label\"").count(), 1);
    });
}
