-- Several products in one order, and everything can be taken back.
--
-- What one customer takes in one call is a basket of orders. The first order of a basket gives it its number, so an
-- order that was booked alone is a basket of its own.
ALTER TABLE orders ADD COLUMN first_order_id BIGINT CONSTRAINT orders_first_order REFERENCES orders (id); -- the first order of the same basket; NULL: this one
ALTER TABLE orders ADD COLUMN returned_qty BIGINT NOT NULL DEFAULT 0 -- issued pieces that the customer brought back
    CONSTRAINT orders_returned CHECK (returned_qty >= 0 AND returned_qty <= qty AND (returned_qty = 0 OR status = 'paid_issued'));

CREATE TABLE order_returns (
    id           INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    order_id     BIGINT NOT NULL CONSTRAINT order_returns_order REFERENCES orders (id),
    product_id   BIGINT NOT NULL CONSTRAINT order_returns_product REFERENCES products (id), -- that of the order
    qty          BIGINT NOT NULL CONSTRAINT order_returns_qty CHECK (qty > 0),
    reason       TEXT NOT NULL CONSTRAINT order_returns_reason CHECK (reason IN ('unsuitable', 'defective', 'mistake', 'other')),
    is_restocked BOOLEAN NOT NULL,                      -- whether the pieces are for sale again; else they were written off
    refund_rub   BIGINT NOT NULL CONSTRAINT order_returns_refund CHECK (refund_rub >= 0), -- what the customer got back, for all pieces
    list_rub     BIGINT NOT NULL CONSTRAINT order_returns_list CHECK (list_rub >= 0),     -- their amount at the list price
    cost_eur     BIGINT NOT NULL CONSTRAINT order_returns_cost CHECK (cost_eur >= 0),     -- their part of orders.cost_eur
    uncosted_qty BIGINT NOT NULL CONSTRAINT order_returns_uncosted CHECK (uncosted_qty >= 0 AND uncosted_qty <= qty), -- their part of orders.uncosted_qty
    returned_on  DATE NOT NULL,                         -- the date of created_at in the shop's time zone
    user_id      TEXT CONSTRAINT order_returns_user REFERENCES users (username), -- who took the pieces back; NULL: the system
    created_at   TIMESTAMP NOT NULL
);
CREATE INDEX order_returns_order_id ON order_returns (order_id, id);
-- Covering indexes for reports, as for orders.
CREATE INDEX order_returns_returned_on ON order_returns (returned_on, product_id, qty, refund_rub, list_rub, cost_eur, uncosted_qty);
CREATE INDEX order_returns_product_returned_on ON order_returns (product_id, returned_on, qty, refund_rub, list_rub, cost_eur, uncosted_qty);

CREATE TABLE write_offs (
    id              INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    product_id      BIGINT NOT NULL CONSTRAINT write_offs_product REFERENCES products (id),
    qty             BIGINT NOT NULL CONSTRAINT write_offs_qty CHECK (qty > 0),
    reason          TEXT NOT NULL CONSTRAINT write_offs_reason CHECK (reason IN ('damage', 'expiry', 'loss', 'own_use', 'gift', 'return')),
    cost_eur        BIGINT NOT NULL CONSTRAINT write_offs_cost CHECK (cost_eur >= 0), -- cost of the pieces that have a purchase price
    uncosted_qty    BIGINT NOT NULL CONSTRAINT write_offs_uncosted CHECK (uncosted_qty >= 0 AND uncosted_qty <= qty),
    order_return_id BIGINT CONSTRAINT write_offs_order_return REFERENCES order_returns (id), -- the return whose pieces were not fit for sale
    written_off_on  DATE NOT NULL,                      -- the date of created_at in the shop's time zone
    undone_on       DATE,                               -- the date on which the write-off was taken back; reports subtract it on this day
    user_id         TEXT CONSTRAINT write_offs_user REFERENCES users (username), -- who wrote off; NULL: the system
    created_at      TIMESTAMP NOT NULL
);
CREATE INDEX write_offs_written_off_on ON write_offs (written_off_on, product_id, qty, cost_eur);
CREATE INDEX write_offs_product_written_off_on ON write_offs (product_id, written_off_on, qty, cost_eur);
CREATE INDEX write_offs_undone_on ON write_offs (undone_on, product_id, qty, cost_eur) WHERE undone_on IS NOT NULL;

ALTER TABLE products ADD COLUMN written_off BIGINT NOT NULL DEFAULT 0 CONSTRAINT products_written_off CHECK (written_off >= 0); -- pieces written off

ALTER TABLE supplies ADD COLUMN version BIGINT NOT NULL DEFAULT 1; -- incremented by every change
ALTER TABLE supplies ADD COLUMN returned_qty BIGINT NOT NULL DEFAULT 0 -- pieces returned to the supplier
    CONSTRAINT supplies_returned CHECK (returned_qty >= 0 AND returned_qty <= qty);
ALTER TABLE supplies ADD COLUMN undone_at TIMESTAMP;    -- when the supply was taken back as a whole

CREATE TABLE supply_returns (
    id         INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    supply_id  BIGINT NOT NULL CONSTRAINT supply_returns_supply REFERENCES supplies (id),
    qty        BIGINT NOT NULL CONSTRAINT supply_returns_qty CHECK (qty > 0),
    value_eur  BIGINT NOT NULL CONSTRAINT supply_returns_value CHECK (value_eur >= 0), -- the value that left the stock
    user_id    TEXT CONSTRAINT supply_returns_user REFERENCES users (username), -- who returned the pieces; NULL: the system
    created_at TIMESTAMP NOT NULL
);
CREATE INDEX supply_returns_supply_id ON supply_returns (supply_id, id);

-- An operation that takes another one back names it, and each is taken back at most once.
ALTER TABLE operation_log ADD COLUMN undoes_id BIGINT CONSTRAINT operation_log_undoes REFERENCES operation_log (id);
CREATE UNIQUE INDEX operation_log_undoes_id ON operation_log (undoes_id) WHERE undoes_id IS NOT NULL;

-- All rollups get these columns:
--   returned_qty          pieces that customers brought back; qty is without them
--   returned_rub          what the customers got back; revenue_rub is without it
--   written_off_qty       pieces written off
--   written_off_eur       cost of those that have a purchase price
--   written_off_rub_exact the same cost in ten-thousandths of a kopeck, at the rate on the day
-- The tables are altered in the order in which an issue locks them.
ALTER TABLE sales_by_product ADD COLUMN returned_qty BIGINT NOT NULL DEFAULT 0;
ALTER TABLE sales_by_product ADD COLUMN returned_rub BIGINT NOT NULL DEFAULT 0;
ALTER TABLE sales_by_product ADD COLUMN written_off_qty BIGINT NOT NULL DEFAULT 0;
ALTER TABLE sales_by_product ADD COLUMN written_off_eur BIGINT NOT NULL DEFAULT 0;
ALTER TABLE sales_by_product ADD COLUMN written_off_rub_exact BIGINT NOT NULL DEFAULT 0;
ALTER TABLE sales_by_month ADD COLUMN returned_qty BIGINT NOT NULL DEFAULT 0;
ALTER TABLE sales_by_month ADD COLUMN returned_rub BIGINT NOT NULL DEFAULT 0;
ALTER TABLE sales_by_month ADD COLUMN written_off_qty BIGINT NOT NULL DEFAULT 0;
ALTER TABLE sales_by_month ADD COLUMN written_off_eur BIGINT NOT NULL DEFAULT 0;
ALTER TABLE sales_by_month ADD COLUMN written_off_rub_exact BIGINT NOT NULL DEFAULT 0;
ALTER TABLE sales_by_day ADD COLUMN returned_qty BIGINT NOT NULL DEFAULT 0;
ALTER TABLE sales_by_day ADD COLUMN returned_rub BIGINT NOT NULL DEFAULT 0;
ALTER TABLE sales_by_day ADD COLUMN written_off_qty BIGINT NOT NULL DEFAULT 0;
ALTER TABLE sales_by_day ADD COLUMN written_off_eur BIGINT NOT NULL DEFAULT 0;
ALTER TABLE sales_by_day ADD COLUMN written_off_rub_exact BIGINT NOT NULL DEFAULT 0;

-- The databases differ from here on.
ALTER TABLE orders ADD COLUMN basket_id BIGINT NOT NULL GENERATED ALWAYS AS (COALESCE(first_order_id, id)) VIRTUAL; -- the number of the basket
CREATE INDEX orders_basket_id ON orders (basket_id, id);

-- The ledger has more kinds of movements. SQLite cannot change a CHECK, so the table is rebuilt.
CREATE TABLE new_stock_movements (
    id          INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    product_id  BIGINT NOT NULL CONSTRAINT stock_movements_product REFERENCES products (id),
    kind        TEXT NOT NULL CONSTRAINT stock_movements_kind CHECK (kind IN ('opening', 'supply', 'correction', 'reserve', 'release', 'issue', 'reopen', 'return', 'write_off', 'supply_edit', 'supply_return', 'undo')),
    quantity    BIGINT NOT NULL,                        -- change of products.quantity, in pieces
    issued      BIGINT NOT NULL,                        -- change of products.issued
    reserved    BIGINT NOT NULL,                        -- change of products.reserved
    value_eur   BIGINT NOT NULL,                        -- change of products.value_eur
    uncosted    BIGINT NOT NULL,                        -- change of products.uncosted
    on_hand_after BIGINT NOT NULL CONSTRAINT stock_movements_on_hand CHECK (on_hand_after >= 0),
    stock_after   BIGINT NOT NULL CONSTRAINT stock_movements_stock CHECK (stock_after >= 0),
    supply_id   BIGINT CONSTRAINT stock_movements_supply REFERENCES supplies (id),
    order_id    BIGINT CONSTRAINT stock_movements_order REFERENCES orders (id),
    note        TEXT,                                   -- the reason for the movement, as typed
    user_id     TEXT CONSTRAINT stock_movements_user REFERENCES users (username),
    created_at  TIMESTAMP NOT NULL,
    write_off_id BIGINT CONSTRAINT stock_movements_write_off REFERENCES write_offs (id),
    reverses_id BIGINT CONSTRAINT stock_movements_reverses REFERENCES stock_movements (id) -- the movement that this one takes back
);
INSERT INTO sqlite_sequence (name, seq) SELECT 'new_stock_movements', seq FROM sqlite_sequence WHERE name = 'stock_movements';
INSERT INTO new_stock_movements (id, product_id, kind, quantity, issued, reserved, value_eur, uncosted, on_hand_after, stock_after, supply_id, order_id, note, user_id, created_at)
SELECT id, product_id, kind, quantity, issued, reserved, value_eur, uncosted, on_hand_after, stock_after, supply_id, order_id, note, user_id, created_at FROM stock_movements;
DROP TABLE stock_movements;
ALTER TABLE new_stock_movements RENAME TO stock_movements;
CREATE INDEX stock_movements_product_id ON stock_movements (product_id, id);
CREATE INDEX stock_movements_order_id ON stock_movements (order_id);
CREATE INDEX stock_movements_supply_id ON stock_movements (supply_id);
CREATE INDEX stock_movements_notes ON stock_movements (id) WHERE note IS NOT NULL;
CREATE INDEX stock_movements_write_off_id ON stock_movements (write_off_id) WHERE write_off_id IS NOT NULL;
