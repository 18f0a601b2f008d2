//! A storm: clients who book, issue and deny without pause, note what they were answered, and repeat what they
//! were not. What they noted is what the shop must know when the storm is over.

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

/// How many clients there are.
const CLIENTS: usize = 8;
/// How long an act may stay unanswered, whatever happens to the server.
const PATIENCE: Duration = Duration::from_secs(90);
/// How long a client waits before it repeats what was not answered.
const PAUSE: Duration = Duration::from_millis(25);

/// A storm that blows.
pub struct Storm {
    began: Instant,
    sky: Arc<Sky>,
    clients: Vec<JoinHandle<()>>,
}

/// What the clients share.
struct Sky {
    program: Client,
    /// The servers; each request goes to the next one.
    sites: Vec<String>,
    products: Vec<i64>,
    is_over: AtomicBool,
    journal: Mutex<Journal>,
}

/// What was answered.
#[derive(Clone, Debug, Default)]
pub struct Journal {
    /// The order that each key made, and the state it was answered to be in.
    pub orders: BTreeMap<String, (i64, String)>,
    /// How many acts were repeated before they were answered.
    pub repeated: usize,
    /// How many requests got an answer of 503.
    pub unavailable: usize,
    /// The longest time that such an answer took.
    pub slowest_refusal: Duration,
    /// How many orders were refused because the goods were sold out.
    pub sold_out: usize,
}

/// What a storm left.
pub struct Outcome {
    pub journal: Journal,
    /// Acts answered with success, and those of them that are on record.
    pub answered: usize,
    pub found: usize,
    /// Orders on record beyond those that were answered.
    pub twice: usize,
    pub lasted: Duration,
}

impl Storm {
    /// Begins a storm on servers of a shop.
    pub fn begin(shop: &Shop, sites: &[&str]) -> Self {
        let sky = Arc::new(Sky {
            program: shop.program.clone(),
            sites: sites.iter().map(|site| (*site).to_owned()).collect(),
            products: shop.products.clone(),
            is_over: AtomicBool::new(false),
            journal: Mutex::default(),
        });
        let client = |name| tokio::spawn(sky.clone().work(name));
        Self {
            began: Instant::now(),
            clients: (0..CLIENTS).map(client).collect(),
            sky,
        }
    }

    /// What was answered until now.
    pub fn journal(&self) -> Journal {
        self.sky.journal.lock().unwrap().clone()
    }

    /// Waits until so many more orders are booked.
    pub async fn books(&self, more: usize) {
        let wanted = self.journal().orders.len() + more;
        let asked = Instant::now();
        while self.journal().orders.len() < wanted {
            assert!(asked.elapsed() < PATIENCE, "nobody is served");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Ends the storm when every act is answered, and compares the answers with what is on record:
    /// each is there, none is there twice, and the books agree.
    pub async fn settle(self, database: &Database) -> Outcome {
        self.sky.is_over.store(true, Ordering::Relaxed);
        for client in self.clients {
            client
                .await
                .expect("a client was answered what it did not expect");
        }
        let lasted = self.began.elapsed();
        let journal = self.sky.journal.lock().unwrap().clone();
        let found = journal.compare(database);
        assert_eq!(found, journal.acts(), "acts that were answered are gone");
        let of_storm =
            |name: &Option<String>| name.as_ref().is_some_and(|name| name.starts_with("storm-"));
        let made = database
            .orders()
            .iter()
            .filter(|order| of_storm(&order.customer_name))
            .count();
        let twice = made - journal.orders.len();
        assert_eq!(twice, 0, "orders that nobody was told of");
        database.assert_agrees();
        Outcome {
            answered: journal.acts(),
            found,
            twice,
            lasted,
            journal,
        }
    }
}

impl Journal {
    /// How many acts were answered with success: each order was booked, and some were settled.
    pub fn acts(&self) -> usize {
        let settled = self
            .orders
            .values()
            .filter(|(_, state)| state != "paid_not_issued");
        self.orders.len() + settled.count()
    }

    /// How many of these acts are on record in a database.
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

impl Sky {
    /// One client: books, and issues most, denies some, leaves some waiting.
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
            let booked = self.insist(round, "/api/orders", &key, &order).await;
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
            let settled = self.insist(round + 1, &path, "", &Value::Null).await;
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

    /// Sends a request until it is answered.
    async fn insist(&self, turn: usize, path: &str, key: &str, body: &Value) -> Reply {
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
