-- Rollups of issued and denied orders, written in the transaction that issues or denies, so that reports need not
-- read the orders. `sirius check` compares them with the orders, and `sirius check --repair` rebuilds them. The first
-- start after this migration also rebuilds them, because the date of a denial depends on SHOP_TIMEZONE, which SQL does
-- not know.
--
-- All three tables have these columns:
--   orders         number of orders issued
--   qty            pieces issued
--   revenue_rub    the amount they were sold for
--   list_rub       their amount at the list price; as sold if the product had none
--   cost_eur       cost of the pieces that have a purchase price
--   cost_rub_exact the same cost in ten-thousandths of a kopeck, so that nothing is rounded: cost_eur times the rate on
--                  the day of issue, order by order; 0 while there is no rate
--   uncosted_qty   pieces issued without a purchase price
--   denied         number of orders denied

ALTER TABLE orders ADD COLUMN denied_on DATE;           -- the date of denied_at in the shop's time zone

-- Covering indexes for reports, which read the orders of the months that are only partly in their range.
CREATE INDEX orders_issued_on ON orders (issued_on, product_id, qty, unit_price_rub, list_price_rub, cost_eur, uncosted_qty) WHERE issued_on IS NOT NULL;
CREATE INDEX orders_product_issued_on ON orders (product_id, issued_on, qty, unit_price_rub, list_price_rub, cost_eur, uncosted_qty) WHERE issued_on IS NOT NULL;
CREATE INDEX orders_denied_on ON orders (denied_on, product_id) WHERE denied_on IS NOT NULL;
CREATE INDEX orders_product_denied_on ON orders (product_id, denied_on) WHERE denied_on IS NOT NULL;

CREATE TABLE sales_by_day (
    day            DATE NOT NULL,                       -- date of the issue or denial in the shop's time zone
    slot           BIGINT NOT NULL CONSTRAINT sales_by_day_slot CHECK (slot BETWEEN 0 AND 7), -- product_id modulo 8, so that simultaneous issues seldom wait for each other
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
    month          DATE NOT NULL,                       -- first day of the month
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
