-- Former names of products. Orders and supplies keep the name that a product had then, and are found by it.
CREATE TABLE product_names (
    product_id BIGINT NOT NULL CONSTRAINT product_names_product REFERENCES products (id) ON DELETE CASCADE,
    name       TEXT NOT NULL,                           -- as in orders and supplies
    name_key   TEXT COLLATE "C" NOT NULL,                         -- folded name
    used_until TIMESTAMP NOT NULL,                      -- no later order or supply has this name
    PRIMARY KEY (product_id, name)
);
