-- Orders are found by the words of their customer's name. SQLite folds no Cyrillic: the program fills both in, for the
-- orders of before when it starts (`orders::names`).
ALTER TABLE orders ADD COLUMN customer_key TEXT;        -- customer_name, folded; NULL: no name, or one that is not filled in yet
CREATE INDEX orders_unkeyed ON orders (id) WHERE customer_name IS NOT NULL AND customer_key IS NULL;

CREATE TABLE order_names (
    order_id BIGINT NOT NULL CONSTRAINT order_names_order REFERENCES orders (id) ON DELETE CASCADE,
    word     TEXT NOT NULL,                              -- a word of orders.customer_key
    PRIMARY KEY (order_id, word)
);
CREATE INDEX order_names_word ON order_names (word, order_id);
