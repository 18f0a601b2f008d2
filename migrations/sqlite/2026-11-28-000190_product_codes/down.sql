DROP TABLE product_codes;
ALTER TABLE products DROP COLUMN codes;
