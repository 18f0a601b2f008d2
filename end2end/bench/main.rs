//! `make bench`: measures Sirius against floors, on both databases, and prints one table.
//!
//! Every row is measured in turns: in each of three rounds, first Sirius with a large shop, then what it is compared
//! with. What counts are the ratios and the CPU for a request, because a machine is never quiet. At the end, `sirius
//! check` proves that no load has broken an invariant.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "prints a table")]

mod floor;
mod issue;
mod load;
mod report;
mod shop;

use clap::Parser;
use load::{Cost, Target};
use report::Report;
use reqwest::Client;
use shop::{Shop, open_streams};
use std::{
    env,
    error::Error,
    fs,
    path::{Path, PathBuf},
    process::Command,
};
use tokio::task::LocalSet;

type Outcome<T = ()> = Result<T, Box<dyn Error>>;

/// Number of clients that ask at the same time.
const CLIENTS: usize = 8;
const ROUNDS: usize = 3;
const DATABASES: [&str; 2] = ["SQLite", "PostgreSQL"];
/// Number of products, in the shop of either size.
const PRODUCTS: u32 = 5_000;
/// Number of products that are ordered and issued.
const ORDERED: i64 = 64;
const PHONE: &str = "+79161234567";

/// Measures Sirius against floors, on both databases.
#[derive(Parser)]
enum Cli {
    /// Measure, and print a table
    Run {
        /// The program to measure
        program: PathBuf,
        /// Measure only a shop of 50,000 orders, for a shorter time
        #[arg(long)]
        quick: bool,
        /// Measure only on this database: SQLite or PostgreSQL
        #[arg(long, value_parser = DATABASES)]
        database: Option<String>,
    },
    /// Serve the floors; `run` does this by itself
    Floor {
        url: String,
        bodies: PathBuf,
        port: u16,
    },
}

/// How large the shops are, and how long to measure.
struct Plan {
    large: u32,
    /// Without it, there is nothing to compare the large shop with.
    small: Option<u32>,
    /// How long each row is measured in a round.
    seconds: f64,
    /// Number of orders that are issued in a round.
    issues: i64,
}

/// A page or an endpoint.
struct Read {
    name: &'static str,
    path: String,
    /// Whether a floor gives the same answer under the same path.
    has_floor: bool,
    connections: usize,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Outcome {
    match Cli::parse() {
        Cli::Floor { url, bodies, port } => floor::serve(url.parse()?, bodies, port).await,
        Cli::Run {
            program,
            quick,
            database,
        } => {
            let wanted = |name: &&str| database.as_deref().is_none_or(|only| only == *name);
            let databases: Vec<_> = DATABASES.into_iter().filter(wanted).collect();
            let plan = if quick {
                Plan {
                    large: 50_000,
                    small: None,
                    seconds: 1.5,
                    issues: 800,
                }
            } else {
                Plan {
                    large: 1_000_000,
                    small: Some(5_000),
                    seconds: 3.0,
                    issues: 2_000,
                }
            };
            let folder = env::temp_dir().join(format!("sirius-bench-{}", std::process::id()));
            fs::create_dir_all(&folder)?;
            let program = program.canonicalize()?;
            let measured = LocalSet::new()
                .run_until(run(&plan, &databases, &program, &folder))
                .await;
            fs::remove_dir_all(&folder)?;
            measured
        }
    }
}

async fn run(plan: &Plan, databases: &[&'static str], program: &Path, folder: &Path) -> Outcome {
    let mut report = Report::default();
    for database in databases.iter().copied() {
        let create = |name: &'static str, orders: u32| {
            let folder = folder.join(format!("{database}-{orders}"));
            eprintln!("{database}: {orders} orders, {PRODUCTS} products");
            let url = match database {
                "SQLite" => format!("sqlite://{}", folder.join("sirius.db").display()),
                _ => create_database(&format!("sirius_bench_{orders}"))?,
            };
            Shop::create(name, url, (orders, PRODUCTS), &folder, program)
        };
        let large = create(database, plan.large)?;
        let small = plan
            .small
            .map(|orders| create(database, orders))
            .transpose()?;
        measure(plan, &large, small.as_ref(), folder, &mut report).await?;
        large.check()?;
        small.iter().try_for_each(Shop::check)?;
    }
    println!("{report}");
    println!(
        "The program has {:.1} MB. `sirius check` found nothing wrong in any of the shops.",
        f64::from(u32::try_from(fs::metadata(program)?.len())?) / 1e6
    );
    Ok(())
}

/// Creates a database on the server in `TEST_DATABASE_URL`, and returns its URL.
fn create_database(name: &str) -> Outcome<String> {
    let server = env::var("TEST_DATABASE_URL")?;
    let mut url = url::Url::parse(&server)?;
    for statement in ["DROP DATABASE IF EXISTS", "CREATE DATABASE"] {
        let statement = format!("{statement} {name}");
        run_program(Command::new("psql").args(["--quiet", "--command", &statement, &server]))?;
    }
    url.set_path(name);
    Ok(url.into())
}

/// Runs a program to its end, and returns what it printed.
fn run_program(command: &mut Command) -> Outcome<String> {
    let ended = command.output()?;
    if !ended.status.success() {
        return Err(String::from_utf8_lossy(&ended.stderr).into());
    }
    Ok(String::from_utf8_lossy(&ended.stdout).into_owned())
}

/// Measures the shop of one database.
async fn measure(
    plan: &Plan,
    large: &Shop,
    small: Option<&Shop>,
    folder: &Path,
    report: &mut Report,
) -> Outcome {
    let client = Client::new();
    let server = large.serve().await?;
    let target = &server.target;
    report.memory(large.name, "after the start", target)?;
    let small = match small {
        Some(small) => Some(small.serve().await?),
        None => None,
    };
    let bodies = folder.join("bodies");
    save_answers(target, &client, &bodies).await?;
    let floor = match large.name {
        "SQLite" => Some(large.floor(&bodies).await?),
        _ => None,
    };

    let reads = reads(target, &client).await?;
    for round in 1..=ROUNDS {
        for read in &reads {
            eprintln!("{}: round {round}, {}", large.name, read.name);
            let seconds = plan.seconds;
            let get = |target: &Target, path: &str| {
                let (target, path) = (target.clone(), path.to_owned());
                let connections = read.connections;
                async move {
                    // The first requests fill the caches.
                    target.get_for(&path, 0.3, connections).await?;
                    target.get_for(&path, seconds, connections).await
                }
            };
            let row = report.row(large.name, read.name);
            row.add(get(target, &read.path).await?);
            if let (Some(floor), true) = (&floor, read.has_floor) {
                row.add_floor(get(&floor.target, &read.path).await?);
            }
            if let Some(small) = &small {
                row.add_small(get(&small.target, &read.path).await?);
            }
            if let (Some(floor), "/orders") = (&floor, read.path.as_str()) {
                let row = report.row(large.name, "the same rows by a Leptos page");
                row.add(get(&floor.target, "/leptos").await?);
            }
        }
    }
    report.memory(large.name, "after the pages", target)?;
    for _ in 0..ROUNDS {
        eprintln!("{}: orders.csv", large.name);
        let cost = download(target, "/orders.csv?format=plain").await?;
        report.row(large.name, "orders.csv, megabytes").add(cost);
    }
    report.memory(large.name, "after the files", target)?;

    let products = stock(target, &client, plan).await?;
    let small_products = match &small {
        Some(small) => Some((small, stock(&small.target, &client, plan).await?)),
        None => None,
    };
    for round in 1..=ROUNDS {
        eprintln!("{}: round {round}, create and issue", large.name);
        let (created, first) = create(target, &client, &products, plan.issues).await?;
        report.row(large.name, "create").add(created);
        let row = report.row(large.name, "issue");
        row.add(issue(target, first, plan.issues).await?);
        let (_, first) = create(target, &client, &products, plan.issues).await?;
        row.add_floor(match &floor {
            Some(floor) => issue(&floor.target, first, plan.issues).await?,
            None => pgbench(&large.url, first, plan.issues, folder)?,
        });
        if let Some((small, products)) = &small_products {
            let (created, first) = create(&small.target, &client, products, plan.issues).await?;
            let issued = issue(&small.target, first, plan.issues).await?;
            report.row(large.name, "issue").add_small(issued);
            report.row(large.name, "create").add_small(created);
        }
        let streams = open_streams(target).await?;
        let (_, first) = create(target, &client, &products, plan.issues).await?;
        let with_streams = issue(target, first, plan.issues).await?;
        drop(streams);
        let (_, first) = create(target, &client, &products, plan.issues).await?;
        let row = report.row(large.name, "issue, with 1,000 streams : without");
        row.add(with_streams);
        row.add_floor(issue(target, first, plan.issues).await?);
        let (_, first) = create(target, &client, &products[..1], plan.issues).await?;
        let row = report.row(large.name, "issue of one product");
        row.add(issue(target, first, plan.issues).await?);
    }
    report.memory(large.name, "after all", target)
}

/// Returns what to read, with the number of an order that exists.
async fn reads(target: &Target, client: &Client) -> Outcome<Vec<Read>> {
    let orders = json(target, client, "/api/orders?limit=1").await?;
    let (id, product) = (&orders["items"][0]["id"], &orders["items"][0]["product_id"]);
    let today = sirius::clock::now().day();
    let month = today - chrono::Days::new(29);
    let year = today - chrono::Days::new(364);
    let read = |name, path: &str| Read {
        name,
        path: path.to_owned(),
        has_floor: false,
        connections: CLIENTS,
    };
    let with_floor = |path| Read {
        has_floor: true,
        ..read(path, path)
    };
    let alone = |name, path: &str| Read {
        connections: 1,
        ..read(name, path)
    };
    let summary = "/api/analytics/summary";
    Ok(vec![
        with_floor("/orders"),
        read("/products", "/products"),
        read("home", "/"),
        read("an order", &format!("/orders/{id}")),
        read("log", "/admin/logs"),
        read("analytics of a year", "/admin/analytics?preset=year"),
        with_floor("/api/orders"),
        with_floor("/api/products"),
        alone(
            "report, all time by month",
            &format!("{summary}?from=2000-01-01&by=month"),
        ),
        alone(
            "report, 30 days",
            &format!("{summary}?from={month}&to={today}"),
        ),
        alone(
            "report, a product of a year by day",
            &format!("{summary}?from={year}&to={today}&by=day&product_id={product}"),
        ),
    ])
}

async fn json(target: &Target, client: &Client, path: &str) -> Outcome<serde_json::Value> {
    Ok(serde_json::from_slice(&target.get(client, path).await?)?)
}

/// Saves the answers that the floors give.
async fn save_answers(target: &Target, client: &Client, folder: &Path) -> Outcome {
    fs::create_dir_all(folder)?;
    for (path, file) in floor::ANSWERS {
        fs::write(folder.join(file), target.get(client, path).await?)?;
    }
    Ok(())
}

/// Downloads a file. The cost is that of a megabyte.
async fn download(target: &Target, path: &str) -> Outcome<Cost> {
    let (begun, used) = (std::time::Instant::now(), target.cpu()?);
    let bytes = target.download(path).await?;
    let (seconds, megabytes) = (begun.elapsed().as_secs_f64(), bytes / 1e6);
    Ok(Cost {
        cpu: (target.cpu()? - used) / megabytes,
        per_second: megabytes / seconds,
        ..Cost::default()
    })
}

/// Supplies some products, so that the orders of all rounds find stock. Returns their numbers.
async fn stock(target: &Target, client: &Client, plan: &Plan) -> Outcome<Vec<i64>> {
    let products = json(target, client, &format!("/api/products?limit={ORDERED}")).await?;
    let ids = products["items"].as_array().ok_or("no products")?;
    let ids: Vec<i64> = ids
        .iter()
        .filter_map(|product| product["id"].as_i64())
        .collect();
    let qty = plan.issues * i64::try_from(ROUNDS)? * 6;
    for id in &ids {
        let supply = format!(
            r#"{{"product_id": {id}, "qty": {qty}, "supplier_name": "Bench", "buy_price_eur": "0.50"}}"#
        );
        target.post(client, "/api/supplies", supply).await?;
    }
    Ok(ids)
}

/// Creates orders of the products in turn, and returns the number of the first.
async fn create(
    target: &Target,
    client: &Client,
    products: &[i64],
    count: i64,
) -> Outcome<(Cost, i64)> {
    // Of orders that were created at the same time, the first in the list may have any number.
    let newest = async || -> Outcome<i64> {
        let orders = json(target, client, "/api/orders").await?;
        let orders = orders["items"].as_array().ok_or("no orders")?;
        let numbers = orders.iter().filter_map(|order| order["id"].as_i64());
        numbers.max().ok_or_else(|| "no orders".into())
    };
    let first = newest().await? + 1;
    let order = |product: &i64| {
        format!(
            r#"{{"phone": "{PHONE}", "product_id": {product}, "qty": 1, "unit_price_rub": "150"}}"#
        )
    };
    let requests = products.iter().cycle().take(usize::try_from(count)?);
    let requests = requests.map(|product| ("/api/orders".to_owned(), order(product)));
    let cost = target.post_all(requests.collect(), CLIENTS).await?;
    if newest().await? != first + count - 1 {
        return Err("the numbers of the new orders have gaps".into());
    }
    Ok((cost, first))
}

async fn issue(target: &Target, first: i64, count: i64) -> Outcome<Cost> {
    let requests = (first..first + count)
        .map(|id| (format!("/api/orders/{id}/issue"), String::new()))
        .collect();
    target.post_all(requests, CLIENTS).await
}

/// Issues orders by the same statements in `pgbench`.
fn pgbench(url: &str, first: i64, count: i64, folder: &Path) -> Outcome<Cost> {
    let script = folder.join("issue.sql");
    fs::write(&script, include_str!("issue.sql"))?;
    let today = sirius::clock::now().day();
    let each = count / i64::try_from(CLIENTS)?;
    let printed = run_program(
        Command::new("pgbench")
            .args(["--no-vacuum", "--protocol=prepared"])
            .arg(format!("--client={CLIENTS}"))
            .arg(format!("--transactions={each}"))
            .arg(format!("--define=first={first}"))
            .arg(format!("--define=each={each}"))
            .arg("--define=i=0")
            .arg(format!("--define=day={today}"))
            .arg(format!("--define=month={}", today.format("%Y-%m-01")))
            .arg("--file")
            .arg(script)
            .arg(url),
    )?;
    let per_second = printed
        .lines()
        .find_map(|line| line.strip_prefix("tps = ")?.split(' ').next())
        .ok_or(printed.clone())?
        .parse()?;
    Ok(Cost {
        per_second,
        ..Cost::default()
    })
}
