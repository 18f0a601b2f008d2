//! The file that tells where to report a vulnerability.

use crate::{
    clock,
    tests::support::{App, block_on},
};
use chrono::{NaiveDateTime, TimeDelta};

const PATH: &str = "/.well-known/security.txt";

#[test]
fn security_txt_is_served_if_there_is_a_contact() {
    block_on(async {
        let app = App::sqlite();
        assert_eq!(app.browser().get(PATH).await.status, 404);

        let app = app.restarted(|config| {
            config.security_contact = Some("mailto:security@shop.example".parse().unwrap());
        });
        let answer = app.browser().get(PATH).await;
        assert_eq!(answer.status, 200);
        assert_eq!(answer.headers["content-type"], "text/plain; charset=utf-8");
        let (fields, expires) = answer.body.split_once("Expires: ").unwrap();
        assert_eq!(
            fields,
            "Contact: mailto:security@shop.example\nPreferred-Languages: ru, en\n\
             Canonical: https://shop.example/.well-known/security.txt\n"
        );
        let expires = NaiveDateTime::parse_from_str(expires, "%Y-%m-%dT%H:%M:%SZ\n").unwrap();
        let valid = expires - clock::now().utc();
        assert!(
            valid > TimeDelta::days(30) && valid < TimeDelta::days(365),
            "{valid}"
        );

        let app = app.restarted(|config| {
            config.notifications.site = "http://127.0.0.1:3000".to_owned();
        });
        let answer = app.browser().get(PATH).await;
        assert!(!answer.body.contains("Canonical"), "{}", answer.body);
    });
}
