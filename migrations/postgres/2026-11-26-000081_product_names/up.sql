-- Names that products had: orders and supplies keep the name of their day, and are found by it.
CREATE TABLE product_names (
    product_id BIGINT NOT NULL CONSTRAINT product_names_product REFERENCES products (id) ON DELETE CASCADE,
    name       TEXT NOT NULL,                           -- as orders and supplies have it
    name_key   TEXT COLLATE "C" NOT NULL,                         -- folded name
    used_until TIMESTAMP NOT NULL,                      -- no order and no supply has it later
    PRIMARY KEY (product_id, name)
);
