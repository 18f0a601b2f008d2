DROP TABLE order_names;
DROP INDEX orders_unkeyed;
ALTER TABLE orders DROP COLUMN customer_key;
