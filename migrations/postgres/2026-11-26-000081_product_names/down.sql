DROP TABLE product_names;
