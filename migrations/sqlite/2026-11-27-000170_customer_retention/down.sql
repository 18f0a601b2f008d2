DROP TABLE customer_retention;
