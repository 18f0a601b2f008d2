-- Sums of what was issued and denied, written in the transaction that issues or denies: a report reads
-- them instead of the orders. `sirius check` compares them with the orders, `sirius check --repair` makes
-- them anew; so does the first start after this migration, because the shop's day of a denial depends on
-- SHOP_TIMEZONE, which SQL does not know.
--
-- The same columns in each of the three tables:
--   orders         orders issued
--   qty            pieces issued
--   revenue_rub    what they were sold for
--   list_rub       what they would have cost at list price; as sold where the product had none
--   cost_eur       what the pieces with a purchase price had cost
--   cost_rub_exact the same in roubles: cost_eur times the rate of the day of issue, order by order,
--                  in ten-thousandths of a kopeck, so that nothing is rounded; 0 while there is no rate
--   uncosted_qty   pieces issued without a purchase price
--   denied         orders denied

ALTER TABLE orders ADD COLUMN denied_on DATE;           -- the shop's day of denied_at

-- What a report reads of the months that its range cuts: all of it is in the index.
CREATE INDEX orders_issued_on ON orders (issued_on, product_id, qty, unit_price_rub, list_price_rub, cost_eur, uncosted_qty) WHERE issued_on IS NOT NULL;
CREATE INDEX orders_product_issued_on ON orders (product_id, issued_on, qty, unit_price_rub, list_price_rub, cost_eur, uncosted_qty) WHERE issued_on IS NOT NULL;
CREATE INDEX orders_denied_on ON orders (denied_on, product_id) WHERE denied_on IS NOT NULL;
CREATE INDEX orders_product_denied_on ON orders (product_id, denied_on) WHERE denied_on IS NOT NULL;

CREATE TABLE sales_by_day (
    day            DATE NOT NULL,                       -- the shop's day of the issue or denial
    slot           BIGINT NOT NULL CONSTRAINT sales_by_day_slot CHECK (slot BETWEEN 0 AND 7), -- product_id modulo 8: issues at the same moment seldom wait for each other
    orders         BIGINT NOT NULL CONSTRAINT sales_by_day_orders CHECK (orders >= 0),
    qty            BIGINT NOT NULL,
    revenue_rub    BIGINT NOT NULL,
    list_rub       BIGINT NOT NULL,
    cost_eur       BIGINT NOT NULL,
    cost_rub_exact BIGINT NOT NULL,
    uncosted_qty   BIGINT NOT NULL,
    denied         BIGINT NOT NULL CONSTRAINT sales_by_day_denied CHECK (denied >= 0),
    PRIMARY KEY (day, slot)
);

CREATE TABLE sales_by_month (
    month          DATE NOT NULL,                       -- its first day
    product_id     BIGINT NOT NULL CONSTRAINT sales_by_month_product REFERENCES products (id),
    orders         BIGINT NOT NULL CONSTRAINT sales_by_month_orders CHECK (orders >= 0),
    qty            BIGINT NOT NULL,
    revenue_rub    BIGINT NOT NULL,
    list_rub       BIGINT NOT NULL,
    cost_eur       BIGINT NOT NULL,
    cost_rub_exact BIGINT NOT NULL,
    uncosted_qty   BIGINT NOT NULL,
    denied         BIGINT NOT NULL CONSTRAINT sales_by_month_denied CHECK (denied >= 0),
    PRIMARY KEY (month, product_id)
);

CREATE TABLE sales_by_product (
    product_id     BIGINT NOT NULL PRIMARY KEY CONSTRAINT sales_by_product_product REFERENCES products (id),
    orders         BIGINT NOT NULL CONSTRAINT sales_by_product_orders CHECK (orders >= 0),
    qty            BIGINT NOT NULL,
    revenue_rub    BIGINT NOT NULL,
    list_rub       BIGINT NOT NULL,
    cost_eur       BIGINT NOT NULL,
    cost_rub_exact BIGINT NOT NULL,
    uncosted_qty   BIGINT NOT NULL,
    denied         BIGINT NOT NULL CONSTRAINT sales_by_product_denied CHECK (denied >= 0)
);
