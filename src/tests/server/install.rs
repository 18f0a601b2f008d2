//! The manifest of the app, and the page that is shown without a connection.

use crate::tests::support::{App, Browser, block_on};
use serde_json::Value;
use std::{fs, path::Path};

async fn manifest(browser: &mut Browser) -> Value {
    let answer = browser.get("/manifest.webmanifest").await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.headers["content-type"], "application/manifest+json");
    assert_eq!(answer.headers["vary"], "cookie");
    assert_eq!(answer.headers["cache-control"], "private, no-cache");
    serde_json::from_str(&answer.body).unwrap()
}

#[test]
fn everybody_gets_the_manifest_in_their_language() {
    block_on(async {
        let mut browser = App::sqlite().browser();
        let russian = manifest(&mut browser).await;
        assert_eq!(russian["name"], "Сириус");
        assert_eq!(russian["shortcuts"][0]["name"], "Новый заказ");
        assert_eq!(russian["start_url"], "/");
        assert_eq!(russian["display"], "standalone");
        let public = Path::new(env!("CARGO_MANIFEST_DIR")).join("public");
        for icon in russian["icons"].as_array().unwrap() {
            let path = icon["src"].as_str().unwrap().trim_start_matches('/');
            let file = fs::read(public.join(path)).unwrap();
            // The width is in the first chunk of a PNG.
            let width = u32::from_be_bytes(file[16..20].try_into().unwrap());
            assert_eq!(icon["sizes"], format!("{width}x{width}"), "{path}");
        }

        let english = manifest(&mut browser.with_header("cookie", "lang=en")).await;
        assert_eq!(english["name"], "Sirius");
        assert_eq!(english["id"], russian["id"]);
    });
}

#[test]
fn everybody_gets_the_page_without_a_connection_in_their_language_and_theme() {
    block_on(async {
        let mut browser = App::sqlite().browser();
        let page = browser.get("/offline").await;
        assert_eq!(page.status, 200);
        assert!(page.body.contains("<html lang=\"ru\">"), "{}", page.body);
        assert!(page.body.contains("Нет связи"), "{}", page.body);
        assert!(!page.body.contains("<script"), "{}", page.body);
        let policy = page.headers["content-security-policy"].to_str().unwrap();
        assert!(!policy.contains("script-src"), "{policy}");

        let mut browser = browser.with_header("cookie", "lang=en; theme=sirius-night");
        let page = browser.get("/offline").await;
        let start = "<html lang=\"en\" data-theme=\"sirius-night\">";
        assert!(page.body.contains(start), "{}", page.body);
        assert!(page.body.contains("No connection"), "{}", page.body);
    });
}

#[test]
fn pages_may_have_a_worker_and_a_manifest_of_their_own_site_only() {
    block_on(async {
        let page = App::sqlite().browser().get("/login").await;
        let policy = page.headers["content-security-policy"].to_str().unwrap();
        for rule in ["worker-src 'self';", "manifest-src 'self';"] {
            assert!(policy.contains(rule), "{policy}");
        }
        // What the worker looks for in a page before it copies it.
        for mark in [
            " id=\"offline\" hidden",
            "<time></time>",
            " data-zone=\"Europe/Moscow\"",
            " data-request=",
            " rel=\"manifest\"",
        ] {
            assert!(page.body.contains(mark), "{mark}: {}", page.body);
        }
    });
}
