//! `sirius check`: verifies that the ledger, the counters, the orders and the rollups agree.

use crate::{
    analytics::rollup,
    audit::{self, Action, Entity, service::record},
    auth::Actor,
    db::{self, Conn},
    error::Error,
    transaction::AppState,
};
use diesel::{
    prelude::*,
    sql_types::{BigInt, Text},
};

/// The result of a check.
#[derive(Debug, Default)]
pub struct Report {
    /// The name of each comparison, and the number of rows that it covered.
    pub compared: Vec<(&'static str, i64)>,
    /// One line for each row that disagrees.
    pub wrong: Vec<String>,
}

/// A comparison: the table whose rows it covers, and a query for the rows that disagree.
struct Comparison {
    name: &'static str,
    rows: &'static str,
    /// Selects `what`, `id`, `found` and `expected`.
    disagreeing: &'static str,
}

const COMPARISONS: &[Comparison] = &[
    Comparison {
        name: "product counters = sums of their ledger entries",
        rows: "products",
        disagreeing: "
            SELECT field AS what, id, found, expected FROM (
                SELECT p.id, 'product: quantity' AS field, p.quantity AS found,
                    CAST(COALESCE(m.quantity, 0) AS BIGINT) AS expected
                FROM products p LEFT JOIN sums m ON m.product_id = p.id
                UNION ALL SELECT p.id, 'product: issued', p.issued, CAST(COALESCE(m.issued, 0) AS BIGINT)
                FROM products p LEFT JOIN sums m ON m.product_id = p.id
                UNION ALL SELECT p.id, 'product: reserved', p.reserved, CAST(COALESCE(m.reserved, 0) AS BIGINT)
                FROM products p LEFT JOIN sums m ON m.product_id = p.id
                UNION ALL SELECT p.id, 'product: value_eur', p.value_eur, CAST(COALESCE(m.value_eur, 0) AS BIGINT)
                FROM products p LEFT JOIN sums m ON m.product_id = p.id
                UNION ALL SELECT p.id, 'product: uncosted', p.uncosted, CAST(COALESCE(m.uncosted, 0) AS BIGINT)
                FROM products p LEFT JOIN sums m ON m.product_id = p.id
            ) AS compared WHERE found <> expected",
    },
    Comparison {
        name: "product counters = sums of their orders",
        rows: "products",
        disagreeing: "
            SELECT field AS what, id, found, expected FROM (
                SELECT p.id, 'product: issued, by orders' AS field, p.issued AS found,
                    CAST(COALESCE(o.issued, 0) AS BIGINT) AS expected
                FROM products p LEFT JOIN ordered o ON o.product_id = p.id
                UNION ALL SELECT p.id, 'product: reserved, by orders', p.reserved,
                    CAST(COALESCE(o.reserved, 0) AS BIGINT)
                FROM products p LEFT JOIN ordered o ON o.product_id = p.id
            ) AS compared WHERE found <> expected",
    },
    Comparison {
        name: "orders = sums of their ledger entries",
        rows: "orders",
        disagreeing: "
            SELECT field AS what, id, found, expected FROM (
                SELECT o.id, 'order: issued' AS field, CAST(COALESCE(m.issued, 0) AS BIGINT) AS found,
                    CASE WHEN o.status = 'paid_issued' THEN o.qty ELSE 0 END AS expected
                FROM orders o LEFT JOIN moved m ON m.order_id = o.id
                UNION ALL SELECT o.id, 'order: reserved', CAST(COALESCE(m.reserved, 0) AS BIGINT),
                    CASE WHEN o.status = 'paid_not_issued' THEN o.qty ELSE 0 END
                FROM orders o LEFT JOIN moved m ON m.order_id = o.id
                UNION ALL SELECT o.id, 'order: cost_eur', CAST(COALESCE(-m.value_eur, 0) AS BIGINT),
                    COALESCE(o.cost_eur, 0)
                FROM orders o LEFT JOIN moved m ON m.order_id = o.id
                UNION ALL SELECT o.id, 'order: uncosted_qty', CAST(COALESCE(-m.uncosted, 0) AS BIGINT),
                    COALESCE(o.uncosted_qty, 0)
                FROM orders o LEFT JOIN moved m ON m.order_id = o.id
            ) AS compared WHERE found <> expected",
    },
    Comparison {
        name: "supplies = sums of their ledger entries",
        rows: "supplies",
        disagreeing: "
            SELECT 'supply: qty' AS what, s.id AS id, CAST(COALESCE(SUM(m.quantity), 0) AS BIGINT) AS found,
                s.qty AS expected
            FROM supplies s LEFT JOIN stock_movements m ON m.supply_id = s.id
            GROUP BY s.id, s.qty HAVING COALESCE(SUM(m.quantity), 0) <> s.qty",
    },
    Comparison {
        name: "personal values are beside the operation log",
        rows: "operation_log",
        disagreeing: "
            SELECT 'log entry: fields with personal values' AS what, id, CAST(1 AS BIGINT) AS found,
                CAST(0 AS BIGINT) AS expected
            FROM operation_log
            WHERE details LIKE '%\"field\":\"phone\",\"%' OR details LIKE '%\"field\":\"customer_name\",\"%'
                OR details LIKE '%\"field\":\"note\",\"%' OR details LIKE '%\"field\":\"query\",\"%'",
    },
    Comparison {
        name: "no stock is negative",
        rows: "products",
        disagreeing: "
            SELECT 'product: negative stock' AS what, id, stock AS found, 0 AS expected FROM products
            WHERE stock < 0 OR on_hand < 0 OR reserved < 0 OR issued < 0 OR value_eur < 0
                OR uncosted < 0 OR uncosted > on_hand",
    },
];

/// The sums that the comparisons share, as common table expressions.
const SUMS: &str = "
    WITH sums AS (
        SELECT product_id, SUM(quantity) AS quantity, SUM(issued) AS issued, SUM(reserved) AS reserved,
            SUM(value_eur) AS value_eur, SUM(uncosted) AS uncosted
        FROM stock_movements GROUP BY product_id
    ), ordered AS (
        SELECT product_id,
            SUM(CASE WHEN status = 'paid_issued' THEN qty ELSE 0 END) AS issued,
            SUM(CASE WHEN status = 'paid_not_issued' THEN qty ELSE 0 END) AS reserved
        FROM orders GROUP BY product_id
    ), moved AS (
        SELECT order_id, SUM(issued) AS issued, SUM(reserved) AS reserved,
            SUM(value_eur) AS value_eur, SUM(uncosted) AS uncosted
        FROM stock_movements WHERE order_id IS NOT NULL GROUP BY order_id
    )";

/// Rebuilds the rollups from the orders and returns the number of their rows. The operation log records how many were
/// wrong.
///
/// Nothing else is repaired: for any other disagreement, a person must decide which side is right.
pub async fn repair(app: &AppState) -> Result<usize, Error> {
    app.write(Actor::System, |tx| {
        rollup::check::lock(tx.conn)?;
        let (_, wrong) = rollup::check::check(tx.conn)?;
        let rows = rollup::check::rebuild(tx.conn)?;
        let changes = [audit::set("rows", rows), audit::set("wrong", wrong.len())];
        record(tx, Action::Repair, Entity::Report, "sums", &changes)?;
        Ok(rows)
    })
    .await
}

/// Runs all comparisons, in one consistent snapshot of the database.
pub fn check(conn: &mut Conn) -> Result<Report, Error> {
    db::snapshot(conn, |conn| {
        let mut report = Report::default();
        for comparison in COMPARISONS {
            let rows =
                diesel::sql_query(format!("SELECT COUNT(*) AS rows FROM {}", comparison.rows))
                    .get_result::<Count>(conn)?
                    .rows;
            report.compared.push((comparison.name, rows));
            let disagreeing: Vec<Disagreement> =
                diesel::sql_query(format!("{SUMS} {}", comparison.disagreeing)).load(conn)?;
            report
                .wrong
                .extend(disagreeing.iter().map(Disagreement::message));
        }
        let (rows, wrong) = rollup::check::check(conn)?;
        report.compared.push(("rollups = sums of orders", rows));
        report.wrong.extend(wrong);
        Ok(report)
    })
}

#[derive(diesel::QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    rows: i64,
}

#[derive(diesel::QueryableByName)]
struct Disagreement {
    #[diesel(sql_type = Text)]
    what: String,
    #[diesel(sql_type = BigInt)]
    id: i64,
    #[diesel(sql_type = BigInt)]
    found: i64,
    #[diesel(sql_type = BigInt)]
    expected: i64,
}

impl Disagreement {
    fn message(&self) -> String {
        format!(
            "{} of {}: {}, expected {}",
            self.what, self.id, self.found, self.expected
        )
    }
}
