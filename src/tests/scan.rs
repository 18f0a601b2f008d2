//! Codes of products, and what scanned codes stand for.

use crate::tests::support::{App, Person, apply, on_both_databases};
use crate::{
    audit::{self, Entity},
    auth::Role,
    baskets,
    error::{Error, Problem},
    fields::Fields,
    integrity,
    number::Qty,
    orders,
    products::{self, Product},
    scan::{
        own::{own_code_of_product, slip_code},
        service::{Scanned, resolve},
    },
    search,
};
use axum::{
    body::Body,
    http::{Request, header},
};

/// The barcode of the tea: as UPC-A and, in longer codes, with zeros before it.
const TEA: &str = "012345678905";

async fn create(person: &Person, name: &str, codes: &str) -> Result<Product, Error> {
    let draft = fields! { name: name, codes: codes, sell_price_rub: "100", quantity: 9 };
    person
        .write(move |tx| products::service::create(tx, "", &draft.read()?))
        .await
}

async fn edit(person: &Person, product: &Product, codes: &str) -> Result<Product, Error> {
    let (id, draft) = (
        product.id,
        fields! { name: &product.name, codes: codes, version: product.version },
    );
    person
        .write(move |tx| products::service::edit(tx, id, &draft.read()?))
        .await
}

async fn scan(person: &Person, code: &str) -> Result<Scanned, Error> {
    let code = code.to_owned();
    person.read(move |tx| resolve(tx, &code)).await
}

async fn scan_path(person: &Person, code: &str) -> Option<String> {
    scan(person, code).await.ok().map(|found| found.path())
}

fn problem(result: Result<Product, Error>) -> Problem {
    let error = result.unwrap_err();
    error
        .problem("codes")
        .unwrap_or_else(|| panic!("{error}"))
        .clone()
}

#[apply(on_both_databases)]
async fn codes_are_kept_as_entered_and_belong_to_one_product(app: App) {
    let manager = app.create_account(app.manager()).await;
    let tea = create(&manager, "чай", "012345678905\n\nbox-7\n")
        .await
        .unwrap();
    assert_eq!(tea.codes.to_string(), "012345678905 box-7");
    let taken = |code: &str| Problem::CodeTaken {
        code: code.to_owned(),
        product: "чай".to_owned(),
    };
    // The same number with another count of zeros, and the same letters in another case
    for code in ["0012345678905", "00012345678905", "BOX-7"] {
        assert_eq!(problem(create(&manager, "кофе", code).await), taken(code));
    }
    let coffee = create(&manager, "кофе", "4600000000001").await.unwrap();
    assert_eq!(
        coffee.codes.wrong_check_digits().as_deref(),
        Some("4600000000001"),
        "a wrong check digit is not an error"
    );
    assert_eq!(
        problem(edit(&manager, &coffee, "Box-7").await),
        taken("Box-7")
    );
    let own = own_code_of_product(tea.id);
    assert_eq!(
        problem(edit(&manager, &coffee, &format!("A\n{own}")).await),
        Problem::OwnCode(2)
    );
    assert_eq!(
        problem(edit(&manager, &coffee, "A\nчай").await),
        Problem::NotCode(2)
    );
    // A product keeps its own codes, and a code that was removed is free.
    let tea = edit(&manager, &tea, "BOX-7").await.unwrap();
    assert_eq!((tea.codes.to_string().as_str(), tea.version), ("BOX-7", 2));
    let coffee = edit(&manager, &coffee, TEA).await.unwrap();
    assert_eq!(
        scan_path(&manager, TEA).await,
        Some("/products/2".to_owned())
    );
    let history = manager
        .read(move |tx| audit::service::history(tx, Entity::Product, coffee.id))
        .await
        .unwrap();
    let change = history[0]
        .changes
        .iter()
        .find(|change| change.field == "codes");
    let change = change.unwrap();
    assert_eq!(
        (change.before.as_deref(), change.after.as_deref()),
        (Some("4600000000001"), Some(TEA))
    );
    app.assert_consistent().await;
    app.sql("DELETE FROM product_codes WHERE code = 'BOX-7'")
        .await;
    let report = app.state.db.read(integrity::check).await.unwrap();
    assert_eq!(report.wrong, ["product: codes of 1: 0, expected 1"]);
}

#[apply(on_both_databases)]
async fn whatever_is_scanned_into_the_codes_is_found_by_later_scans(app: App) {
    let manager = app.create_account(app.manager()).await;
    let mut tea = create(&manager, "чай", "").await.unwrap();
    for (entered, kept) in [
        ("0104600000000008215a,b;c\u{1d}93wxyz", "04600000000008"),
        ("]d2010460000000001521abc", "04600000000015"),
        ("(01)04600000000008(21)abc", "04600000000008"),
        (
            "https://id.gs1.org/01/04600000000015/21/abc",
            "04600000000015",
        ),
        ("]E04600000000008", "4600000000008"),
        ("]C0box-7", "box-7"),
    ] {
        tea = edit(&manager, &tea, entered).await.unwrap();
        assert_eq!(tea.codes.to_string(), kept, "{entered}");
        for scanned in [entered, kept] {
            assert_eq!(
                scan_path(&manager, scanned).await.as_deref(),
                Some("/products/1"),
                "{scanned}"
            );
        }
    }
    let tea = edit(&manager, &tea, "4600000000008, 4600000000015;box-7")
        .await
        .unwrap();
    assert_eq!(tea.codes.to_string(), "4600000000008 4600000000015 box-7");
    assert_eq!(
        scan_path(&manager, "4600000000015").await.as_deref(),
        Some("/products/1")
    );
    assert_eq!(
        problem(create(&manager, "кофе", "0104600000000008215abcde93wxyz").await),
        Problem::CodeTaken {
            code: "04600000000008".to_owned(),
            product: "чай".to_owned(),
        }
    );
    // A spreadsheet makes this of a barcode.
    for rounded in ["4.6E+12", "4,6E+12"] {
        assert_eq!(
            problem(create(&manager, "кофе", rounded).await),
            Problem::RoundedCode(1),
            "{rounded}"
        );
    }
    app.assert_consistent().await;
}

#[apply(on_both_databases)]
async fn two_managers_cannot_give_the_same_code_to_two_products(app: App) {
    let manager = app.create_account(app.manager()).await;
    let both = tokio::join!(
        create(&manager, "чай", TEA),
        create(&manager, "кофе", "0012345678905")
    );
    let refused = match both {
        (Ok(_), Err(error)) | (Err(error), Ok(_)) => error,
        both => panic!("{both:?}"),
    };
    assert!(matches!(
        refused.problem("codes"),
        Some(Problem::CodeTaken { .. })
    ));
}

#[apply(on_both_databases)]
async fn a_scanned_code_finds_its_product_order_or_basket(app: App) {
    let (manager, clerk) = app.create_manager_and_clerk().await;
    let tea = create(&manager, "чай", TEA).await.unwrap();
    let order = clerk.create_order("чай", 1).await.unwrap();
    let new = fields! {
        phone: "89161234567",
    };
    let new = ["lines.0", "lines.1"]
        .iter()
        .fold(new, |new: Fields, line| {
            new.with(&format!("{line}.product"), "чай")
                .with(&format!("{line}.qty"), 1)
        });
    let basket = clerk
        .write(move |tx| baskets::service::create(tx, "", &new.read()?))
        .await
        .unwrap();
    let (own, slip) = (own_code_of_product(tea.id), slip_code(order.id));
    let in_basket = slip_code(basket.orders[1].id);
    for (code, path) in [
        (TEA, "/products/1"),
        ("0012345678905", "/products/1"),
        (&own, "/products/1"),
        ("]d2010001234567890521abc\u{1d}91EE06", "/products/1"),
        ("(01)00012345678905(21)abc", "/products/1"),
        ("https://id.gs1.org/01/00012345678905/21/abc", "/products/1"),
        (&slip, "/orders/1"),
        ("https://shop.example/o/1", "/orders/1"),
        (&in_basket, "/baskets/2"),
        ("http://shop.example/o/2", "/baskets/2"),
    ] {
        assert_eq!(
            scan_path(&clerk, code).await.as_deref(),
            Some(path),
            "{code}"
        );
    }
    // A plain number is no order, and nothing has the other codes.
    let unknown = slip_code(99);
    for code in [
        "1",
        "4600000000008",
        "чай",
        "",
        &unknown,
        "https://shop.example/o/99",
    ] {
        assert_eq!(scan(&clerk, code).await, Err(Error::NotFound), "{code}");
    }
    // The code stays with an archived product.
    manager
        .write(move |tx| products::service::archive(tx, tea.id))
        .await
        .unwrap();
    assert_eq!(
        clerk.create_order(TEA, 1).await.unwrap_err(),
        Error::Archived
    );
    let found = scan(&clerk, TEA).await.unwrap();
    assert!(matches!(found, Scanned::Product(product) if product.archived_at.is_some()));
}

#[apply(on_both_databases)]
async fn the_searches_find_a_product_by_its_exact_code(app: App) {
    let (manager, clerk) = app.create_manager_and_clerk().await;
    create(&manager, "чай", TEA).await.unwrap();
    create(&manager, "чай зелёный", "tea-2").await.unwrap();
    let order = clerk.create_order(TEA, 1).await.unwrap();
    assert_eq!(order.product_name, "чай");
    for (text, name) in [
        (TEA, "чай"),
        ("TEA-2", "чай зелёный"),
        ("2100000000029", "чай зелёный"),
    ] {
        let query = products::Query {
            search: text.to_owned(),
            ..products::Query::default()
        };
        let (listed, offered, found) = clerk
            .read(move |tx| {
                Ok((
                    products::search::list(tx, &query)?.items,
                    products::search::find(tx, text)?,
                    search::service::find(tx, text)?,
                ))
            })
            .await
            .unwrap();
        let names = |found: &[Product]| {
            found
                .iter()
                .map(|product| product.name.clone())
                .collect::<Vec<_>>()
        };
        assert_eq!(names(&listed), [name], "{text}");
        assert_eq!(
            (names(&offered.0), offered.1),
            (vec![name.to_owned()], None),
            "{text}"
        );
        assert_eq!(
            (names(&found.products), found.orders.len()),
            (vec![name.to_owned()], 0),
            "{text}"
        );
    }
    let slip = slip_code(order.id);
    let found = clerk
        .read(move |tx| search::service::find(tx, &slip))
        .await
        .unwrap();
    assert_eq!((found.orders[0].id, found.orders.len()), (order.id, 1));
}

#[apply(on_both_databases)]
async fn the_list_has_the_product_of_a_code_beside_those_of_a_name(app: App) {
    let manager = app.create_account(app.manager()).await;
    create(&manager, "Болт M8", "").await.unwrap();
    create(&manager, "Гайка M8", "").await.unwrap();
    let washer = create(&manager, "Шайба", "m8").await.unwrap();
    create(&manager, "Гвоздь", "").await.unwrap();
    let list = async |query: products::Query| {
        let page = manager
            .read(move |tx| products::search::page(tx, &query, Some(2)))
            .await
            .unwrap();
        let names: Vec<String> = page
            .items
            .into_iter()
            .map(|product| product.data.name)
            .collect();
        (names, page.after)
    };
    let query = products::Query {
        search: "M8".to_owned(),
        ..products::Query::default()
    };
    // It stays there when the product is archived, because nothing else can get its code.
    for is_archived in [false, true] {
        if is_archived {
            manager
                .write(move |tx| products::service::archive(tx, washer.id))
                .await
                .unwrap();
        }
        let (first, after) = list(query.clone()).await;
        assert_eq!(first, ["Болт M8", "Гайка M8"]);
        let rest = products::Query {
            after: after.unwrap(),
            ..query.clone()
        };
        assert_eq!(list(rest).await, (vec!["Шайба".to_owned()], None));
        let descending = products::Query {
            sort: "-name".to_owned(),
            ..query.clone()
        };
        assert_eq!(list(descending).await.0, ["Шайба", "Гайка M8"]);
        let own = products::Query {
            search: own_code_of_product(washer.id),
            ..products::Query::default()
        };
        assert_eq!(list(own).await.0, ["Шайба"]);
        // The other filters hold for it, too.
        let archived = products::Query {
            archived: "1".to_owned(),
            ..query.clone()
        };
        let expected: &[&str] = if is_archived { &["Шайба"] } else { &[] };
        assert_eq!(list(archived).await.0, expected);
        let low = products::Query {
            low: "1".to_owned(),
            ..query.clone()
        };
        assert!(list(low).await.0.is_empty());
    }
}

#[apply(on_both_databases)]
async fn a_file_brings_and_keeps_codes(app: App) {
    let manager = app.create_account(app.manager()).await;
    create(&manager, "чай", &format!("{TEA}\nbox-7"))
        .await
        .unwrap();
    create(&manager, "кофе", "4600000000008").await.unwrap();
    // What the shop exports changes nothing, and a file without the column keeps the codes.
    let mut browser = app
        .signed_in_browser(app.person("завсклад", Role::Manager))
        .await;
    for format in ["", "?format=plain"] {
        let file = browser.get(&format!("/products.csv{format}")).await.body;
        assert!(file.contains("012345678905 box-7"), "{file}");
        let preview = manager.upload_products(file).await.unwrap();
        assert_eq!((preview.same, preview.changed, preview.wrong), (2, 0, 0));
    }
    let counts = manager
        .import_products("name,min_stock\nчай,3\n".to_owned())
        .await
        .unwrap();
    assert_eq!(counts.changed, 1);
    assert_eq!(
        manager.product(1).await.codes.to_string(),
        "012345678905 box-7"
    );
    let counts = manager
        .import_products("name,codes\nчай,box-8  012345678905\nсахар,96385074\n".to_owned())
        .await
        .unwrap();
    assert_eq!((counts.changed, counts.new), (1, 1));
    assert_eq!(
        manager.product(1).await.codes.to_string(),
        "box-8 012345678905"
    );
    assert_eq!(scan_path(&manager, "box-7").await, None);
    assert_eq!(
        scan_path(&manager, "96385074").await,
        Some("/products/3".to_owned())
    );
    // Each wrong code is named at its row.
    let preview = manager
        .upload_products(
            "name,codes\nчай,4600000000008\nсоль,new-1\nперец,NEW-1\nмука,мука\n".to_owned(),
        )
        .await
        .unwrap();
    assert_eq!((preview.wrong, preview.new), (3, 1));
    let problems: Vec<_> = preview
        .rows
        .iter()
        .flat_map(|row| &row.problems)
        .map(|wrong| (wrong.field.as_str(), wrong.problem.clone()))
        .collect();
    assert_eq!(
        problems,
        [
            (
                "codes",
                Problem::CodeTaken {
                    code: "4600000000008".to_owned(),
                    product: "кофе".to_owned()
                }
            ),
            ("codes", Problem::Repeated(3)),
            ("codes", Problem::NotCode(1)),
        ]
    );
    app.assert_consistent().await;
}

#[apply(on_both_databases)]
async fn a_file_moves_codes_between_products_in_any_order(app: App) {
    let manager = app.create_account(app.manager()).await;
    create(&manager, "чай", "4600000000008").await.unwrap();
    create(&manager, "кофе", "box-7").await.unwrap();
    create(&manager, "сахар", "96385074\nbox-9").await.unwrap();
    // Two products swap their codes, and a new one gets a code of a product further down.
    let counts = manager
        .import_products(
            "name,codes\nсоль,96385074\nчай,BOX-7\nкофе,4600000000008\nсахар,box-9\n".to_owned(),
        )
        .await
        .unwrap();
    assert_eq!((counts.changed, counts.new), (3, 1));
    for (code, path) in [
        ("box-7", "/products/1"),
        ("4600000000008", "/products/2"),
        ("box-9", "/products/3"),
        ("96385074", "/products/4"),
    ] {
        assert_eq!(
            scan_path(&manager, code).await.as_deref(),
            Some(path),
            "{code}"
        );
    }
    app.assert_consistent().await;
    // A product that keeps its code, or is not in the file, does not give it up.
    let preview = manager
        .upload_products("name,codes\nсахар,box-7\nчай,box-7 box-8\nперец,96385074\n".to_owned())
        .await
        .unwrap();
    let problems: Vec<_> = preview
        .rows
        .iter()
        .flat_map(|row| &row.problems)
        .map(|wrong| (wrong.field.as_str(), wrong.problem.clone()))
        .collect();
    let taken = |code: &str, product: &str| Problem::CodeTaken {
        code: code.to_owned(),
        product: product.to_owned(),
    };
    assert_eq!(
        problems,
        [
            ("codes", taken("box-7", "чай")),
            ("codes", Problem::Repeated(2)),
            ("codes", taken("96385074", "соль")),
        ]
    );
}

#[apply(on_both_databases)]
async fn codes_in_a_file_may_be_separated_by_commas_but_not_rounded(app: App) {
    let manager = app.create_account(app.manager()).await;
    let file = "name,codes\nчай,\"4600000000008,4600000000015;box-7\"\n\
                кофе,\"96385074, box-8\"\nсахар,0104600000000022215abcde93wxyz\n";
    manager.import_products(file.to_owned()).await.unwrap();
    for (code, path) in [
        ("4600000000008", "/products/1"),
        ("4600000000015", "/products/1"),
        ("box-7", "/products/1"),
        ("96385074", "/products/2"),
        ("box-8", "/products/2"),
        ("4600000000022", "/products/3"),
    ] {
        assert_eq!(
            scan_path(&manager, code).await.as_deref(),
            Some(path),
            "{code}"
        );
    }
    for file in [
        "name,codes\nчай,4.6E+12\n",
        "name;codes\nчай;4,6E+12\n",
        "name,codes\nчай,'4.6E+12\n",
    ] {
        let preview = manager.upload_products(file.to_owned()).await.unwrap();
        let problems: Vec<_> = preview
            .rows
            .iter()
            .flat_map(|row| &row.problems)
            .map(|wrong| (wrong.field.as_str(), wrong.problem.clone()))
            .collect();
        assert_eq!(problems, [("codes", Problem::RoundedCode(1))], "{file}");
    }
    app.assert_consistent().await;
}

#[apply(on_both_databases)]
async fn codes_are_entered_in_the_form_of_the_product(app: App) {
    let mut browser = app.signed_in_browser(app.manager()).await;
    let fields = [("name", "чай"), ("codes", "4600000000001\r\nbox-7")];
    let created = browser
        .submit("/products/new", "create_product", &fields)
        .await;
    let page = browser.follow(&created).await.body;
    assert!(page.contains("4600000000001\nbox-7</textarea>"), "{page}");
    assert!(
        page.contains("контрольная цифра не сходится у 4600000000001"),
        "{page}"
    );
    let mut clerk = app.signed_in_browser(app.clerk()).await;
    let shown = clerk.get("/products/1").await.body;
    assert!(shown.contains("4600000000001, box-7"), "{shown}");
    let fields = [
        ("id", "1"),
        ("version", "1"),
        ("name", "чай"),
        ("codes", "ok\r\nчай"),
    ];
    let refused = browser.submit("/products/1", "edit_product", &fields).await;
    let page = browser.follow(&refused).await.body;
    assert!(page.contains("Строка 2: код"), "{page}");
    assert!(
        page.contains("ok\nчай</textarea>") || page.contains("ok\r\nчай</textarea>"),
        "{page}"
    );
}

#[apply(on_both_databases)]
async fn the_api_reads_and_writes_codes_and_scans(app: App) {
    let manager = app.create_account(app.manager()).await;
    let mut browser = app
        .signed_in_browser(app.person("завсклад", Role::Manager))
        .await;
    let mut call = async |method: &str, path: &str, body: &str| {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::CONTENT_TYPE, "application/json")
            .header("sec-fetch-site", "same-origin")
            .body(Body::from(body.to_owned()))
            .unwrap();
        let answer = browser.send(request).await;
        let json: serde_json::Value = serde_json::from_str(&answer.body).unwrap_or_default();
        (answer.status, json)
    };
    let new = r#"{"name": "чай", "sell_price_rub": "100", "codes": ["012345678905", "box-7"]}"#;
    let (status, product) = call("POST", "/api/products", new).await;
    assert_eq!(status, 201, "{product}");
    assert_eq!(
        product["codes"],
        serde_json::json!(["012345678905", "box-7"])
    );
    let (status, scanned) = call("POST", "/api/scan", r#"{"code": "0012345678905"}"#).await;
    assert_eq!(
        (status, scanned),
        (
            200,
            serde_json::json!({
                "kind": "product", "id": 1, "path": "/products/1",
                "product": {
                    "id": 1, "name": "чай", "stock": 0, "sell_price_rub": "100.00",
                    "buy_price_eur": null, "supplier_name": null,
                },
            })
        )
    );
    manager
        .write(|tx| {
            let draft = fields! { expected: 0, on_hand: 5 };
            products::service::correct(tx, 1, &draft.read()?)
        })
        .await
        .unwrap();
    let order = manager.create_order("чай", 1).await.unwrap();
    let body = format!(r#"{{"code": "{}"}}"#, slip_code(order.id));
    let (status, scanned) = call("POST", "/api/scan", &body).await;
    assert_eq!(
        (status, scanned),
        (
            200,
            serde_json::json!({ "kind": "order", "id": 1, "path": "/orders/1", "product": null })
        )
    );
    assert_eq!(
        call("POST", "/api/scan", r#"{"code": "1"}"#).await,
        (
            200,
            serde_json::json!({ "kind": "unknown", "id": null, "path": null, "product": null })
        )
    );
    assert_eq!(call("POST", "/api/scan", r#"{"code": " "}"#).await.0, 422);
    for wrong in [r#"["чай"]"#, r#""box-7""#, "[7]", r#"["2100000000012"]"#] {
        let body = format!(r#"{{"name": "кофе", "codes": {wrong}}}"#);
        let (status, problem) = call("POST", "/api/products", &body).await;
        assert_eq!(status, 422, "{wrong}");
        assert!(problem.to_string().contains("codes"), "{problem}");
    }
    let edit = r#"{"name": "чай", "version": 1, "codes": null}"#;
    let (status, product) = call("PUT", "/api/products/1", edit).await;
    assert_eq!((status, &product["codes"]), (200, &serde_json::json!([])));
}

#[apply(on_both_databases)]
async fn the_address_on_a_slip_leads_to_the_order_or_basket(app: App) {
    let (manager, clerk) = app.create_manager_and_clerk().await;
    manager.create_product("чай", 5).await;
    let order = clerk.create_order("чай", 2).await.unwrap();
    let mut stranger = app.browser();
    let answer = stranger.get("/o/1").await;
    assert_eq!(
        (answer.status, answer.location.as_deref()),
        (302, Some("/login?next=%2Fo%2F1"))
    );
    let mut browser = app.signed_in_browser(app.person("boris", Role::User)).await;
    let mut location = async |path: &str| {
        let answer = browser.get(path).await;
        (answer.status, answer.location)
    };
    assert_eq!(location("/o/1").await, (302, Some("/orders/1".to_owned())));
    // The rest of a part that was issued waits as a second order of the basket.
    clerk
        .write(move |tx| orders::service::issue_part(tx, order.id, Some(Qty(1))))
        .await
        .unwrap();
    for path in ["/o/1", "/o/2"] {
        assert_eq!(location(path).await, (302, Some("/baskets/1".to_owned())));
    }
    for path in ["/o/99", "/o/0", "/o/x"] {
        assert_eq!(location(path).await, (404, None), "{path}");
    }
}
