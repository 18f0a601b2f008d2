DROP TRIGGER deleted_orders_are_not_counted ON orders;
DROP TRIGGER orders_are_counted_again ON orders;
DROP TRIGGER orders_are_counted ON orders;
DROP FUNCTION count_deleted_orders();
DROP FUNCTION count_updated_order();
DROP FUNCTION count_inserted_orders();
DROP FUNCTION add_to_order_counts(BIGINT, BIGINT, BIGINT);
DROP TABLE order_counts;
