ALTER TABLE sales_by_day DROP COLUMN uncosted_rub;
ALTER TABLE sales_by_month DROP COLUMN uncosted_rub;
ALTER TABLE sales_by_product DROP COLUMN uncosted_rub;
