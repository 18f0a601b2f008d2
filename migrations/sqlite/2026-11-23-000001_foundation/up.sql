-- Conventions, the same in both databases:
--   *_at      an instant in UTC, without a stored zone; always set by the program, never from the database's clock
--   *_on, day a date in the shop's time zone (SHOP_TIMEZONE)
--   *_rub     whole kopecks
--   *_eur     whole euro cents
--   *_key     folded text (lower case, ё as е, single spaces), set by the program, for search, sorting and uniqueness

CREATE TABLE users (
    username        TEXT NOT NULL PRIMARY KEY,          -- as typed at registration
    username_key    TEXT NOT NULL,                      -- folded, so that names cannot differ in case only
    hashed_password TEXT NOT NULL,                      -- bcrypt
    role            TEXT NOT NULL CONSTRAINT users_role CHECK (role IN ('admin', 'manager', 'user')),
    state           TEXT NOT NULL CONSTRAINT users_state CHECK (state IN ('pending', 'active', 'blocked')),
    created_at      TIMESTAMP NOT NULL
);
CREATE UNIQUE INDEX users_username_key ON users (username_key);

CREATE TABLE sessions (
    id         TEXT NOT NULL PRIMARY KEY,               -- SHA-256 of the id in the cookie, in hex, so that a leaked table opens no session
    user_id    TEXT CONSTRAINT sessions_user REFERENCES users (username) ON DELETE CASCADE, -- NULL: not signed in
    data       TEXT NOT NULL,                           -- JSON
    expires_at TIMESTAMP NOT NULL
);
CREATE INDEX sessions_expires_at ON sessions (expires_at);
CREATE INDEX sessions_user_id ON sessions (user_id);

CREATE TABLE products (
    id             INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    name           TEXT NOT NULL CONSTRAINT products_name CHECK (name <> ''),
    name_key       TEXT NOT NULL,                       -- folded name
    description    TEXT,
    quantity       BIGINT NOT NULL DEFAULT 0,           -- pieces ever received: supplies and corrections
    issued         BIGINT NOT NULL DEFAULT 0 CONSTRAINT products_issued CHECK (issued >= 0),     -- pieces issued
    reserved       BIGINT NOT NULL DEFAULT 0 CONSTRAINT products_reserved CHECK (reserved >= 0), -- pieces in orders that are paid and not issued
    on_hand        BIGINT NOT NULL GENERATED ALWAYS AS (quantity - issued) STORED,               -- pieces in the shop
    stock          BIGINT NOT NULL GENERATED ALWAYS AS (quantity - issued - reserved) STORED,    -- pieces available for sale
    min_stock      BIGINT NOT NULL DEFAULT 0 CONSTRAINT products_min_stock CHECK (min_stock >= 0), -- stock below this is low
    is_low_stock   BOOLEAN NOT NULL GENERATED ALWAYS AS (quantity - issued - reserved < min_stock) STORED,
    buy_price_eur  BIGINT CONSTRAINT products_buy_price CHECK (buy_price_eur >= 0),
    sell_price_rub BIGINT CONSTRAINT products_sell_price CHECK (sell_price_rub >= 0),
    supplier_name  TEXT,
    supplier_key   TEXT NOT NULL DEFAULT '',            -- folded supplier name; '' if there is none
    value_eur      BIGINT NOT NULL DEFAULT 0 CONSTRAINT products_value CHECK (value_eur >= 0),   -- cost of the pieces on hand that have a purchase price
    uncosted       BIGINT NOT NULL DEFAULT 0,           -- pieces on hand without a purchase price
    version        BIGINT NOT NULL DEFAULT 1,           -- incremented by every edit, not by changes of stock
    created_at     TIMESTAMP NOT NULL,
    archived_at    TIMESTAMP,                           -- if set, hidden from new orders and supplies
    CONSTRAINT products_stock CHECK (quantity - issued - reserved >= 0),
    CONSTRAINT products_uncosted CHECK (uncosted >= 0 AND uncosted <= quantity - issued)
);
CREATE UNIQUE INDEX products_name_key ON products (name_key);
CREATE INDEX products_stock_sort ON products (stock, id);
CREATE INDEX products_on_hand_sort ON products (on_hand, id);
CREATE INDEX products_reserved_sort ON products (reserved, id);
CREATE INDEX products_min_stock_sort ON products (min_stock, id);
CREATE INDEX products_buy_price_sort ON products (COALESCE(buy_price_eur, -1), id);
CREATE INDEX products_sell_price_sort ON products (COALESCE(sell_price_rub, -1), id);
CREATE INDEX products_supplier_sort ON products (supplier_key, id);
CREATE INDEX products_low ON products (is_low_stock, name_key);

CREATE TABLE supplies (
    id            INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    product_id    BIGINT NOT NULL CONSTRAINT supplies_product REFERENCES products (id),
    product_name  TEXT NOT NULL,                        -- the name at that time
    qty           BIGINT NOT NULL CONSTRAINT supplies_qty CHECK (qty > 0),
    supplier_name TEXT NOT NULL,
    supplier_key  TEXT NOT NULL,
    buy_price_eur BIGINT NOT NULL CONSTRAINT supplies_price CHECK (buy_price_eur >= 0), -- per piece
    user_id       TEXT CONSTRAINT supplies_user REFERENCES users (username), -- who received it; NULL: the system
    created_at    TIMESTAMP NOT NULL
);
CREATE INDEX supplies_created_at ON supplies (created_at, id);
CREATE INDEX supplies_product_id ON supplies (product_id, created_at, id);
CREATE INDEX supplies_supplier ON supplies (supplier_key, created_at, id);

CREATE TABLE orders (
    id             INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    phone          TEXT NOT NULL CONSTRAINT orders_phone CHECK (phone LIKE '+%'), -- E.164
    phone_shown    TEXT NOT NULL,                       -- the same number in national format, for display
    phone_digits   TEXT NOT NULL,                       -- phone without the plus, for search by first digits and for sorting
    phone_reversed TEXT NOT NULL,                       -- phone_digits in reverse, for search by last digits
    customer_name  TEXT,
    product_id     BIGINT NOT NULL CONSTRAINT orders_product REFERENCES products (id),
    product_name   TEXT NOT NULL,                       -- the name at the time of sale
    qty            BIGINT NOT NULL CONSTRAINT orders_qty CHECK (qty > 0),
    unit_price_rub BIGINT NOT NULL CONSTRAINT orders_price CHECK (unit_price_rub >= 0), -- as sold, including any discount
    list_price_rub BIGINT CONSTRAINT orders_list_price CHECK (list_price_rub >= 0),     -- the product's sale price at that time
    status         TEXT NOT NULL CONSTRAINT orders_status CHECK (status IN ('paid_not_issued', 'paid_issued', 'paid_denied')),
    created_at     TIMESTAMP NOT NULL,
    issued_at      TIMESTAMP,
    issued_on      DATE,                                -- the date of issued_at in the shop's time zone
    denied_at      TIMESTAMP,
    cost_eur       BIGINT CONSTRAINT orders_cost CHECK (cost_eur >= 0), -- fixed at issue: cost of the pieces that have a purchase price, at their weighted average
    uncosted_qty   BIGINT CONSTRAINT orders_uncosted CHECK (uncosted_qty >= 0 AND uncosted_qty <= qty), -- issued pieces without a purchase price
    user_id        TEXT CONSTRAINT orders_user REFERENCES users (username), -- who created or last changed it; NULL: the system
    version        BIGINT NOT NULL DEFAULT 1,
    CONSTRAINT orders_issue CHECK ((status = 'paid_issued') = (issued_at IS NOT NULL AND issued_on IS NOT NULL AND cost_eur IS NOT NULL AND uncosted_qty IS NOT NULL)),
    CONSTRAINT orders_denial CHECK ((status = 'paid_denied') = (denied_at IS NOT NULL))
);
CREATE INDEX orders_created_at ON orders (created_at, id);
CREATE INDEX orders_status_sort ON orders (status, created_at, id);
CREATE INDEX orders_phone_digits ON orders (phone_digits, id);
CREATE INDEX orders_phone_reversed ON orders (phone_reversed, id);
CREATE INDEX orders_product_id ON orders (product_id, created_at, id);
CREATE INDEX orders_user_id ON orders (user_id);

-- The ledger has a row for every change of stock, written in the same transaction as the change.
-- The counters of a product are the sums of its rows.
CREATE TABLE stock_movements (
    id          INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    product_id  BIGINT NOT NULL CONSTRAINT stock_movements_product REFERENCES products (id),
    kind        TEXT NOT NULL CONSTRAINT stock_movements_kind CHECK (kind IN ('opening', 'supply', 'correction', 'reserve', 'release', 'issue')),
    quantity    BIGINT NOT NULL,                        -- change of products.quantity, in pieces
    issued      BIGINT NOT NULL,                        -- change of products.issued
    reserved    BIGINT NOT NULL,                        -- change of products.reserved
    value_eur   BIGINT NOT NULL,                        -- change of products.value_eur
    uncosted    BIGINT NOT NULL,                        -- change of products.uncosted
    on_hand_after BIGINT NOT NULL CONSTRAINT stock_movements_on_hand CHECK (on_hand_after >= 0),
    stock_after   BIGINT NOT NULL CONSTRAINT stock_movements_stock CHECK (stock_after >= 0),
    supply_id   BIGINT CONSTRAINT stock_movements_supply REFERENCES supplies (id),
    order_id    BIGINT CONSTRAINT stock_movements_order REFERENCES orders (id),
    note        TEXT,                                   -- the reason for a correction
    user_id     TEXT CONSTRAINT stock_movements_user REFERENCES users (username),
    created_at  TIMESTAMP NOT NULL
);
CREATE INDEX stock_movements_product_id ON stock_movements (product_id, id);
CREATE INDEX stock_movements_order_id ON stock_movements (order_id);
CREATE INDEX stock_movements_supply_id ON stock_movements (supply_id);

CREATE TABLE operation_log (
    id          INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    timestamp   TIMESTAMP NOT NULL,
    user_id     TEXT,                                   -- user name at that time; NULL: the system or a visitor who is not signed in
    action      TEXT NOT NULL,
    entity_type TEXT NOT NULL,
    entity_id   TEXT NOT NULL,                          -- id of the entity, or user name
    details     TEXT NOT NULL                           -- JSON
);
CREATE INDEX operation_log_timestamp ON operation_log (timestamp, id);
CREATE INDEX operation_log_entity ON operation_log (entity_type, entity_id, id);
CREATE INDEX operation_log_user_id ON operation_log (user_id, id);
CREATE INDEX operation_log_action ON operation_log (action, id);

CREATE TABLE exchange_rates (
    day         DATE NOT NULL PRIMARY KEY,              -- the first date on which the rate applies
    rub_per_eur BIGINT NOT NULL CONSTRAINT exchange_rates_rate CHECK (rub_per_eur > 0), -- ten-thousandths of a rouble per euro
    user_id     TEXT CONSTRAINT exchange_rates_user REFERENCES users (username),
    created_at  TIMESTAMP NOT NULL
);

-- A form or request that creates something has a key. A repeat with the same key finds here what the first one created.
CREATE TABLE idempotency_keys (
    key         TEXT NOT NULL PRIMARY KEY,
    user_id     TEXT CONSTRAINT idempotency_keys_user REFERENCES users (username) ON DELETE CASCADE,
    fingerprint TEXT NOT NULL,                          -- SHA-256 of the request, in hex
    entity_type TEXT NOT NULL,
    entity_id   BIGINT NOT NULL,
    created_at  TIMESTAMP NOT NULL
);
CREATE INDEX idempotency_keys_created_at ON idempotency_keys (created_at);
