DROP TABLE sales_by_product;
DROP TABLE sales_by_month;
DROP TABLE sales_by_day;
DROP INDEX orders_product_denied_on;
DROP INDEX orders_denied_on;
DROP INDEX orders_product_issued_on;
DROP INDEX orders_issued_on;
ALTER TABLE orders DROP COLUMN denied_on;
