-- The log keeps what happened. What may identify a customer (phones, names, and texts that people typed) is kept beside
-- it, so that it can be erased while the rows of the log stay. `details` keeps the names of these fields.

CREATE TABLE erasures (
    id            INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,          -- the customer is called «Покупатель удалён № id» from then on
    reason        TEXT NOT NULL,
    user_id       TEXT CONSTRAINT erasures_user REFERENCES users (username), -- who erased; NULL: the system
    created_at    TIMESTAMP NOT NULL,
    orders        BIGINT NOT NULL,                      -- orders whose customer was erased
    log_entries   BIGINT NOT NULL,                      -- rows of the log whose values were erased
    notifications BIGINT NOT NULL,                      -- notifications whose customer was erased
    uploads       BIGINT NOT NULL,                      -- uploaded files that were deleted, because they had the number in them
    notes         BIGINT NOT NULL,                      -- notes in the ledger from which the number was erased
    purged_at     TIMESTAMP                             -- when the database file was rewritten; NULL: not yet
);
CREATE INDEX erasures_created_at ON erasures (created_at, id);
CREATE INDEX erasures_unpurged ON erasures (id) WHERE purged_at IS NULL;

CREATE TABLE operation_log_personal (
    operation_id BIGINT NOT NULL CONSTRAINT operation_log_personal_operation REFERENCES operation_log (id) DEFERRABLE INITIALLY DEFERRED,
    field        TEXT NOT NULL,                         -- the field of the change in operation_log.details
    value_before TEXT,
    value_after  TEXT,
    PRIMARY KEY (operation_id, field)
);
CREATE INDEX stock_movements_notes ON stock_movements (id) WHERE note IS NOT NULL;

-- The databases differ from here on.

-- An erased order has no number. SQLite cannot change a CHECK, so the table is rebuilt.
CREATE TABLE new_orders (
    id             INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    phone          TEXT NOT NULL CONSTRAINT orders_phone CHECK (phone LIKE '+%' OR phone LIKE 'Покупатель удалён № %'), -- E.164
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
    denied_on      DATE,                                -- the date of denied_at in the shop's time zone
    customer_key   TEXT,                                -- folded customer_name; NULL: no name, or not filled in yet
    CONSTRAINT orders_issue CHECK ((status = 'paid_issued') = (issued_at IS NOT NULL AND issued_on IS NOT NULL AND cost_eur IS NOT NULL AND uncosted_qty IS NOT NULL)),
    CONSTRAINT orders_denial CHECK ((status = 'paid_denied') = (denied_at IS NOT NULL))
);
INSERT INTO sqlite_sequence (name, seq) SELECT 'new_orders', seq FROM sqlite_sequence WHERE name = 'orders';
INSERT INTO new_orders (id, phone, phone_shown, phone_digits, phone_reversed, customer_name, product_id, product_name, qty, unit_price_rub, list_price_rub, status, created_at, issued_at, issued_on, denied_at, cost_eur, uncosted_qty, user_id, version, denied_on, customer_key)
SELECT id, phone, phone_shown, phone_digits, phone_reversed, customer_name, product_id, product_name, qty, unit_price_rub, list_price_rub, status, created_at, issued_at, issued_on, denied_at, cost_eur, uncosted_qty, user_id, version, denied_on, customer_key FROM orders;
DROP TABLE orders;
ALTER TABLE new_orders RENAME TO orders;
CREATE INDEX orders_created_at ON orders (created_at, id);
CREATE INDEX orders_status_sort ON orders (status, created_at, id);
CREATE INDEX orders_phone_digits ON orders (phone_digits, id);
CREATE INDEX orders_phone_reversed ON orders (phone_reversed, id);
CREATE INDEX orders_product_id ON orders (product_id, created_at, id);
CREATE INDEX orders_user_id ON orders (user_id);
CREATE INDEX orders_issued_on ON orders (issued_on, product_id, qty, unit_price_rub, list_price_rub, cost_eur, uncosted_qty) WHERE issued_on IS NOT NULL;
CREATE INDEX orders_product_issued_on ON orders (product_id, issued_on, qty, unit_price_rub, list_price_rub, cost_eur, uncosted_qty) WHERE issued_on IS NOT NULL;
CREATE INDEX orders_denied_on ON orders (denied_on, product_id) WHERE denied_on IS NOT NULL;
CREATE INDEX orders_product_denied_on ON orders (product_id, denied_on) WHERE denied_on IS NOT NULL;
CREATE INDEX orders_unkeyed ON orders (id) WHERE customer_name IS NOT NULL AND customer_key IS NULL;

-- Moves the values of existing rows.
DROP TRIGGER operation_log_keeps_rows;
INSERT INTO operation_log_personal (operation_id, field, value_before, value_after)
SELECT operation_log.id, changes.value ->> 'field', changes.value ->> 'before', changes.value ->> 'after'
FROM operation_log, json_each(operation_log.details) AS changes
WHERE (operation_log.details LIKE '%"field":"phone","%' OR operation_log.details LIKE '%"field":"customer_name","%'
       OR operation_log.details LIKE '%"field":"note","%' OR operation_log.details LIKE '%"field":"query","%')
    AND changes.value ->> 'field' IN ('phone', 'customer_name', 'note', 'query');
UPDATE operation_log SET details = (
    SELECT json_group_array(CASE
        WHEN changes.value ->> 'field' IN ('phone', 'customer_name', 'note', 'query')
        THEN json_object('field', changes.value ->> 'field') ELSE json(changes.value) END)
    FROM json_each(operation_log.details) AS changes
) WHERE id IN (SELECT operation_id FROM operation_log_personal);
CREATE TRIGGER operation_log_keeps_rows BEFORE UPDATE ON operation_log
BEGIN SELECT RAISE(ABORT, 'the operation log only grows'); END;

-- The log entries of a number, and those whose texts may have one in them.
CREATE INDEX operation_log_personal_before ON operation_log_personal (value_before) WHERE field = 'phone';
CREATE INDEX operation_log_personal_after ON operation_log_personal (value_after) WHERE field = 'phone';
CREATE INDEX operation_log_personal_texts ON operation_log_personal (operation_id) WHERE field IN ('note', 'query');

-- The values beside the log can be neither changed nor deleted; a recorded erasure may replace them by its name.
CREATE TRIGGER operation_log_personal_is_only_erased BEFORE UPDATE ON operation_log_personal
WHEN NEW.operation_id <> OLD.operation_id OR NEW.field <> OLD.field
    OR NEW.value_before IS NOT OLD.value_before AND (OLD.value_before IS NULL OR NOT EXISTS (
        SELECT 1 FROM erasures WHERE id = CAST(SUBSTR(NEW.value_before, 21) AS INTEGER)
            AND 'Покупатель удалён № ' || id = NEW.value_before))
    OR NEW.value_after IS NOT OLD.value_after AND (OLD.value_after IS NULL OR NOT EXISTS (
        SELECT 1 FROM erasures WHERE id = CAST(SUBSTR(NEW.value_after, 21) AS INTEGER)
            AND 'Покупатель удалён № ' || id = NEW.value_after))
BEGIN SELECT RAISE(ABORT, 'the operation log only grows'); END;
CREATE TRIGGER operation_log_personal_loses_none BEFORE DELETE ON operation_log_personal
BEGIN SELECT RAISE(ABORT, 'the operation log only grows'); END;

-- An erasure is on record for good; only the note that the file was rewritten is added later.
CREATE TRIGGER erasures_keep_rows BEFORE UPDATE ON erasures
WHEN OLD.purged_at IS NOT NULL OR NEW.id <> OLD.id OR NEW.reason <> OLD.reason OR NEW.user_id IS NOT OLD.user_id
    OR NEW.created_at <> OLD.created_at OR NEW.orders <> OLD.orders OR NEW.log_entries <> OLD.log_entries
    OR NEW.notifications <> OLD.notifications OR NEW.uploads <> OLD.uploads OR NEW.notes <> OLD.notes
BEGIN SELECT RAISE(ABORT, 'an erasure cannot be changed'); END;
CREATE TRIGGER erasures_lose_none BEFORE DELETE ON erasures
BEGIN SELECT RAISE(ABORT, 'an erasure cannot be changed'); END;
