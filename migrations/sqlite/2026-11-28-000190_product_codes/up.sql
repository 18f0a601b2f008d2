-- Codes of products, as scanners read them from the goods.
ALTER TABLE products ADD COLUMN codes TEXT NOT NULL DEFAULT ''; -- as entered, separated by spaces

-- The same codes in their normal form, by which a scanned code finds its product.
CREATE TABLE product_codes (
    code       TEXT NOT NULL PRIMARY KEY,             -- a GTIN with fourteen digits, or another code in upper case
    product_id BIGINT NOT NULL CONSTRAINT product_codes_product REFERENCES products (id) ON DELETE CASCADE
);
CREATE INDEX product_codes_product_id ON product_codes (product_id);
