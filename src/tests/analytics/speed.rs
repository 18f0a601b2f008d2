//! Compares the speed of a report with the speed of the same sums in plain SQL. Not run with the other tests:
//! `scripts/bench` runs it on a database that it fills with `sirius demo --orders 1000000` and names in
//! `SPEED_DATABASE_URL`.

use crate::{
    analytics::{Query, Summary, service},
    auth::Actor,
    clock,
    db::{Conn, DatabaseUrl},
    transaction::Tx,
};
use chrono::{Datelike, NaiveDate};
use diesel::{
    prelude::*,
    sql_types::{BigInt, Date},
};
use std::{
    env,
    io::Write,
    time::{Duration, Instant},
};

const ROUNDS: usize = 15;

#[derive(QueryableByName)]
struct PlainSums {
    #[diesel(sql_type = BigInt)]
    orders: i64,
    #[diesel(sql_type = BigInt)]
    revenue_rub: i64,
}

/// Computes the same sums in plain SQL over the orders, grouped by `key`: the day or the product.
fn plain_sums(conn: &mut Conn, key: &str, (from, to): (NaiveDate, NaiveDate)) -> Vec<PlainSums> {
    let places = match conn {
        Conn::Sqlite(_) => ("?", "?"),
        Conn::Postgres(_) => ("$1", "$2"),
    };
    let query = format!(
        "SELECT CAST(COUNT(*) AS BIGINT) AS orders, CAST(SUM(unit_price_rub * qty) AS BIGINT) AS revenue_rub,
            SUM(qty), SUM(cost_eur), SUM(uncosted_qty), SUM(COALESCE(list_price_rub, unit_price_rub) * qty)
         FROM orders WHERE issued_on >= {} AND issued_on <= {} GROUP BY {key}",
        places.0, places.1
    );
    diesel::sql_query(query)
        .bind::<Date, _>(from)
        .bind::<Date, _>(to)
        .load(conn)
        .unwrap()
}

fn summary(conn: &mut Conn, query: &Query) -> Summary {
    let mut tx = Tx::new(conn, Actor::System, clock::now());
    service::summary(&mut tx, query).unwrap()
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

#[test]
#[ignore = "needs a database of a million orders"]
fn a_report_of_a_year_equals_plain_sql_and_is_timed_against_it() {
    let url: DatabaseUrl = env::var("SPEED_DATABASE_URL")
        .expect("SPEED_DATABASE_URL is not set")
        .parse()
        .unwrap();
    let mut conn = url.open().unwrap();
    let today = clock::now().day();
    let year = (today - chrono::Months::new(12), today);
    let whole = (NaiveDate::from_ymd_opt(today.year(), 1, 1).unwrap(), today);
    for (name, range, by) in [
        ("this year, by month", whole, "month"),
        (
            "twelve months, the first and last in part, by day",
            year,
            "day",
        ),
    ] {
        let query = Query {
            from: range.0.to_string(),
            to: range.1.to_string(),
            by: by.to_owned(),
            ..Query::default()
        };
        let (mut summary_times, mut plain_times) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            let begin = Instant::now();
            let summary = summary(&mut conn, &query);
            summary_times.push(begin.elapsed());
            let begin = Instant::now();
            let (by_day, by_product) = (
                plain_sums(&mut conn, "issued_on", range),
                plain_sums(&mut conn, "product_id", range),
            );
            plain_times.push(begin.elapsed());
            for rows in [by_day, by_product] {
                let orders: i64 = rows.iter().map(|row| row.orders).sum();
                let revenue: i64 = rows.iter().map(|row| row.revenue_rub).sum();
                assert_eq!(
                    (summary.totals.orders, summary.totals.revenue_rub.0),
                    (orders, revenue)
                );
            }
        }
        let (summary_time, plain_time) = (median(summary_times), median(plain_times));
        let ratio = plain_time.as_secs_f64() / summary_time.as_secs_f64();
        writeln!(
            std::io::stdout(),
            "{name}: summary {summary_time:.2?}, plain SQL {plain_time:.2?}, ratio {ratio:.0}"
        )
        .unwrap();
    }
}
