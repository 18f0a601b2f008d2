//! A storm: clients that create, issue and deny orders without pause, record the responses, and repeat requests that
//! got no answer. At the end, the database must contain every operation that was confirmed.

use crate::{
    database::Database,
    shop::{PHONE, Reply, Shop, post},
};
use reqwest::Client;
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::task::JoinHandle;

/// The number of clients.
const CLIENTS: usize = 8;
/// How long an operation may stay unanswered, whatever happens to the server.
const PATIENCE: Duration = Duration::from_secs(90);
/// How long a client waits before it repeats an unanswered request.
const PAUSE: Duration = Duration::from_millis(25);

/// A running storm.
pub struct Storm {
    began: Instant,
    shared: Arc<Shared>,
    clients: Vec<JoinHandle<()>>,
}

/// What the clients share.
struct Shared {
    program: Client,
    /// The servers; each request goes to the next one.
    sites: Vec<String>,
    products: Vec<i64>,
    is_over: AtomicBool,
    journal: Mutex<Journal>,
}

/// The responses that the clients got.
#[derive(Clone, Debug, Default)]
pub struct Journal {
    /// The order that each key created, and its status in the last response.
    pub orders: BTreeMap<String, (i64, String)>,
    /// How many operations were repeated before they were answered.
    pub repeated: usize,
    /// How many requests were answered with 503.
    pub unavailable: usize,
    /// The longest time that such a response took.
    pub slowest_refusal: Duration,
    /// How many orders were refused because the product was sold out.
    pub sold_out: usize,
}

/// The outcome of a storm.
pub struct Outcome {
    pub journal: Journal,
    /// Operations that were confirmed, and those of them that are in the database.
    pub answered: usize,
    pub found: usize,
    /// Orders in the database that were not confirmed.
    pub twice: usize,
    pub lasted: Duration,
}

impl Storm {
    /// Begins a storm on the servers of a shop.
    pub fn begin(shop: &Shop, sites: &[&str]) -> Self {
        let shared = Arc::new(Shared {
            program: shop.program.clone(),
            sites: sites.iter().map(|site| (*site).to_owned()).collect(),
            products: shop.products.clone(),
            is_over: AtomicBool::new(false),
            journal: Mutex::default(),
        });
        let client = |name| tokio::spawn(shared.clone().work(name));
        Self {
            began: Instant::now(),
            clients: (0..CLIENTS).map(client).collect(),
            shared,
        }
    }

    /// Returns the responses so far.
    pub fn journal(&self) -> Journal {
        self.shared.journal.lock().unwrap().clone()
    }

    /// Waits until `more` orders have been created.
    pub async fn wait_for_orders(&self, more: usize) {
        let wanted = self.journal().orders.len() + more;
        let asked = Instant::now();
        while self.journal().orders.len() < wanted {
            assert!(asked.elapsed() < PATIENCE, "no order gets through");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Ends the storm when every operation is answered, and compares the responses with the database: each operation is
    /// there, none is there twice, and `sirius check` finds nothing wrong.
    pub async fn settle(self, database: &Database) -> Outcome {
        self.shared.is_over.store(true, Ordering::Relaxed);
        for client in self.clients {
            client.await.expect("a client got an unexpected response");
        }
        let lasted = self.began.elapsed();
        let journal = self.shared.journal.lock().unwrap().clone();
        let found = journal.compare(database);
        assert_eq!(
            found,
            journal.operations(),
            "confirmed operations are missing"
        );
        let of_storm =
            |name: &Option<String>| name.as_ref().is_some_and(|name| name.starts_with("storm-"));
        let made = database
            .orders()
            .iter()
            .filter(|order| of_storm(&order.customer_name))
            .count();
        let twice = made - journal.orders.len();
        assert_eq!(twice, 0, "there are orders that were not confirmed");
        database.assert_agrees();
        Outcome {
            answered: journal.operations(),
            found,
            twice,
            lasted,
            journal,
        }
    }
}

impl Journal {
    /// Counts the confirmed operations: each order was created, and some were issued or denied.
    pub fn operations(&self) -> usize {
        let settled = self
            .orders
            .values()
            .filter(|(_, state)| state != "paid_not_issued");
        self.orders.len() + settled.count()
    }

    /// Counts how many of these operations are in a database.
    pub fn compare(&self, database: &Database) -> usize {
        let on_record: BTreeMap<i64, _> = database
            .orders()
            .into_iter()
            .map(|order| {
                (
                    order.id,
                    (order.customer_name.unwrap_or_default(), order.status),
                )
            })
            .collect();
        let acts = |(key, (id, state)): (&String, &(i64, String))| match on_record.get(id) {
            Some((name, status)) if name == key => {
                1 + usize::from(state != "paid_not_issued" && status == state)
            }
            _ => 0,
        };
        self.orders.iter().map(acts).sum()
    }
}

impl Shared {
    /// Runs one client: it creates orders, issues most of them, denies some, and leaves some waiting.
    async fn work(self: Arc<Self>, name: usize) {
        for round in 0.. {
            if self.is_over.load(Ordering::Relaxed) {
                return;
            }
            let key = format!("storm-{name}-{round}");
            let product = self.products[(name + round) % self.products.len()];
            let qty = 1 + round % 3;
            let order =
                json!({"phone": PHONE, "product_id": product, "qty": qty, "customer_name": key});
            let booked = self
                .send_until_answered(round, "/api/orders", &key, &order)
                .await;
            if booked.status == 409 {
                self.journal.lock().unwrap().sold_out += 1;
                continue;
            }
            assert_eq!(booked.status, 201, "{booked:?}");
            let id = booked.id();
            self.note(&key, id, &booked);
            let act = match round % 5 {
                0 => continue,
                1 => "deny",
                _ => "issue",
            };
            let path = format!("/api/orders/{id}/{act}");
            let settled = self
                .send_until_answered(round + 1, &path, "", &Value::Null)
                .await;
            assert_eq!(settled.status, 200, "{settled:?}");
            self.note(&key, id, &settled);
        }
    }

    fn note(&self, key: &str, id: i64, answer: &Reply) {
        let state = answer.json["status"].as_str().unwrap().to_owned();
        self.journal
            .lock()
            .unwrap()
            .orders
            .insert(key.to_owned(), (id, state));
    }

    /// Sends a request until it gets a response other than 503.
    async fn send_until_answered(&self, turn: usize, path: &str, key: &str, body: &Value) -> Reply {
        let begun = Instant::now();
        for attempt in 0.. {
            let site = &self.sites[(turn + attempt) % self.sites.len()];
            let sent = Instant::now();
            let answer = post(&self.program, site, path, key, body).await;
            match answer {
                Ok(reply) if reply.status == 503 => {
                    let mut journal = self.journal.lock().unwrap();
                    journal.unavailable += 1;
                    journal.slowest_refusal = journal.slowest_refusal.max(sent.elapsed());
                }
                Ok(reply) => {
                    self.journal.lock().unwrap().repeated += usize::from(attempt > 0);
                    return reply;
                }
                Err(error) => assert!(
                    begun.elapsed() < PATIENCE,
                    "{path} stays unanswered: {error}"
                ),
            }
            assert!(begun.elapsed() < PATIENCE, "{path} stays refused");
            tokio::time::sleep(PAUSE).await;
        }
        unreachable!()
    }
}
