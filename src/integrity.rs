//! `sirius check`: verifies that the ledger, the counters, the orders and the rollups agree.

use crate::{
    analytics::rollup,
    audit::{self, Action, Entity, service::record},
    auth::Actor,
    db::{self, Conn},
    error::Error,
    orders::counts,
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
        name: "product counters = sums of their write-offs",
        rows: "products",
        disagreeing: "
            SELECT 'product: written off' AS what, p.id AS id, p.written_off AS found,
                CAST(COALESCE(SUM(w.qty), 0) AS BIGINT) AS expected
            FROM products p LEFT JOIN write_offs w ON w.product_id = p.id AND w.undone_on IS NULL
            GROUP BY p.id, p.written_off HAVING p.written_off <> COALESCE(SUM(w.qty), 0)",
    },
    Comparison {
        name: "codes of products are in their index",
        rows: "products",
        disagreeing: "
            SELECT 'product: codes' AS what, id, found, expected FROM (
                SELECT p.id, (SELECT COUNT(*) FROM product_codes c WHERE c.product_id = p.id) AS found,
                    CAST(CASE p.codes WHEN '' THEN 0
                        ELSE LENGTH(p.codes) - LENGTH(REPLACE(p.codes, ' ', '')) + 1 END AS BIGINT) AS expected
                FROM products p
            ) AS compared WHERE found <> expected",
    },
    Comparison {
        name: "orders = sums of their ledger entries",
        rows: "orders",
        disagreeing: "
            SELECT field AS what, id, found, expected FROM (
                SELECT o.id, 'order: issued' AS field, CAST(COALESCE(m.issued, 0) AS BIGINT) AS found,
                    CASE WHEN o.status = 'paid_issued' THEN o.qty - o.returned_qty ELSE 0 END AS expected
                FROM orders o LEFT JOIN moved m ON m.order_id = o.id
                UNION ALL SELECT o.id, 'order: reserved', CAST(COALESCE(m.reserved, 0) AS BIGINT),
                    CASE WHEN o.status = 'paid_not_issued' THEN o.qty ELSE 0 END
                FROM orders o LEFT JOIN moved m ON m.order_id = o.id
                UNION ALL SELECT o.id, 'order: cost_eur', CAST(COALESCE(-m.value_eur, 0) AS BIGINT),
                    CAST(COALESCE(o.cost_eur, 0) - COALESCE(r.cost_eur, 0) AS BIGINT)
                FROM orders o LEFT JOIN moved m ON m.order_id = o.id LEFT JOIN returned r ON r.order_id = o.id
                UNION ALL SELECT o.id, 'order: uncosted_qty', CAST(COALESCE(-m.uncosted, 0) AS BIGINT),
                    CAST(COALESCE(o.uncosted_qty, 0) - COALESCE(r.uncosted_qty, 0) AS BIGINT)
                FROM orders o LEFT JOIN moved m ON m.order_id = o.id LEFT JOIN returned r ON r.order_id = o.id
                UNION ALL SELECT o.id, 'order: returned_qty', o.returned_qty, CAST(COALESCE(r.qty, 0) AS BIGINT)
                FROM orders o LEFT JOIN returned r ON r.order_id = o.id
            ) AS compared WHERE found <> expected",
    },
    Comparison {
        name: "counts of orders = orders",
        rows: "order_counts",
        disagreeing: "
            SELECT what, CAST(0 AS BIGINT) AS id, found, expected FROM (
                SELECT 'orders: waiting' AS what, c.waiting AS found, o.waiting AS expected
                FROM counted c CROSS JOIN by_status o
                UNION ALL SELECT 'orders: issued', c.issued, o.issued FROM counted c CROSS JOIN by_status o
                UNION ALL SELECT 'orders: denied', c.denied, o.denied FROM counted c CROSS JOIN by_status o
            ) AS compared WHERE found <> expected",
    },
    Comparison {
        name: "orders of a basket have its customer",
        rows: "orders",
        disagreeing: "
            SELECT 'order: first of its basket' AS what, o.id AS id, o.basket_id AS found,
                COALESCE(f.first_order_id, f.id) AS expected
            FROM orders o JOIN orders f ON f.id = o.first_order_id
            WHERE f.first_order_id IS NOT NULL OR f.phone <> o.phone
                OR COALESCE(f.customer_name, '') <> COALESCE(o.customer_name, '')",
    },
    Comparison {
        name: "supplies = sums of their ledger entries",
        rows: "supplies",
        disagreeing: "
            SELECT field AS what, id, found, expected FROM (
                SELECT s.id, 'supply: qty' AS field, CAST(COALESCE(m.quantity, 0) AS BIGINT) AS found,
                    CASE WHEN s.undone_at IS NULL THEN s.qty - s.returned_qty ELSE 0 END AS expected
                FROM supplies s LEFT JOIN supplied m ON m.supply_id = s.id
                UNION ALL SELECT s.id, 'supply: returned_qty', s.returned_qty,
                    CAST(COALESCE(r.qty, 0) AS BIGINT)
                FROM supplies s LEFT JOIN sent_back r ON r.supply_id = s.id
            ) AS compared WHERE found <> expected",
    },
    Comparison {
        name: "write-offs = sums of their ledger entries",
        rows: "write_offs",
        disagreeing: "
            SELECT field AS what, id, found, expected FROM (
                SELECT w.id, 'write-off: qty' AS field, CAST(COALESCE(-m.quantity, 0) AS BIGINT) AS found,
                    CASE WHEN w.undone_on IS NULL THEN w.qty ELSE 0 END AS expected
                FROM write_offs w LEFT JOIN disposed m ON m.write_off_id = w.id
                UNION ALL SELECT w.id, 'write-off: cost_eur', CAST(COALESCE(-m.value_eur, 0) AS BIGINT),
                    CASE WHEN w.undone_on IS NULL THEN w.cost_eur ELSE 0 END
                FROM write_offs w LEFT JOIN disposed m ON m.write_off_id = w.id
            ) AS compared WHERE found <> expected",
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
            SUM(CASE WHEN status = 'paid_issued' THEN qty - returned_qty ELSE 0 END) AS issued,
            SUM(CASE WHEN status = 'paid_not_issued' THEN qty ELSE 0 END) AS reserved
        FROM orders GROUP BY product_id
    ), counted AS (
        SELECT CAST(COALESCE(SUM(waiting), 0) AS BIGINT) AS waiting,
            CAST(COALESCE(SUM(issued), 0) AS BIGINT) AS issued, CAST(COALESCE(SUM(denied), 0) AS BIGINT) AS denied
        FROM order_counts
    ), by_status AS (
        SELECT COUNT(CASE status WHEN 'paid_not_issued' THEN 1 END) AS waiting,
            COUNT(CASE status WHEN 'paid_issued' THEN 1 END) AS issued,
            COUNT(CASE status WHEN 'paid_denied' THEN 1 END) AS denied
        FROM orders
    ), moved AS (
        SELECT order_id, SUM(issued) AS issued, SUM(reserved) AS reserved,
            SUM(value_eur) AS value_eur, SUM(uncosted) AS uncosted
        FROM stock_movements WHERE order_id IS NOT NULL GROUP BY order_id
    ), returned AS (
        SELECT order_id, SUM(qty) AS qty, SUM(cost_eur) AS cost_eur, SUM(uncosted_qty) AS uncosted_qty
        FROM order_returns GROUP BY order_id
    ), supplied AS (
        SELECT supply_id, SUM(quantity) AS quantity
        FROM stock_movements WHERE supply_id IS NOT NULL GROUP BY supply_id
    ), sent_back AS (
        SELECT supply_id, SUM(qty) AS qty FROM supply_returns GROUP BY supply_id
    ), disposed AS (
        SELECT write_off_id, SUM(quantity) AS quantity, SUM(value_eur) AS value_eur
        FROM stock_movements WHERE write_off_id IS NOT NULL GROUP BY write_off_id
    )";

/// Rebuilds the rollups and the counts from the orders, and returns the number of rows of the rollups. The operation
/// log records how many rollups were wrong.
///
/// Nothing else is repaired: for any other disagreement, a person must decide which side is right.
pub async fn repair(app: &AppState) -> Result<usize, Error> {
    app.write(Actor::System, |tx| {
        rollup::check::lock(tx.conn)?;
        let (_, wrong) = rollup::check::check(tx.conn)?;
        let rows = rollup::check::rebuild(tx.conn)?;
        counts::rebuild(tx.conn)?;
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
        report
            .compared
            .push(("rollups = sums of orders, returns and write-offs", rows));
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
