DROP TRIGGER deleted_orders_are_not_counted;
DROP TRIGGER orders_are_counted_again;
DROP TRIGGER orders_are_counted;
DROP TABLE order_counts;
