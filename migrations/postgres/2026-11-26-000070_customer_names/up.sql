-- Orders are found by any word of the customer's name. SQLite cannot fold Cyrillic, so the program fills in the column
-- and the table; for existing orders it does so when it starts (`orders::names`).
ALTER TABLE orders ADD COLUMN customer_key TEXT COLLATE "C";        -- folded customer_name; NULL: no name, or not filled in yet
CREATE INDEX orders_unkeyed ON orders (id) WHERE customer_name IS NOT NULL AND customer_key IS NULL;

CREATE TABLE order_names (
    order_id BIGINT NOT NULL CONSTRAINT order_names_order REFERENCES orders (id) ON DELETE CASCADE,
    word     TEXT COLLATE "C" NOT NULL,                              -- a word of orders.customer_key
    PRIMARY KEY (order_id, word)
);
CREATE INDEX order_names_word ON order_names (word, order_id);
