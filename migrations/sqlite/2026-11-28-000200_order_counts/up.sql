-- The numbers of orders by status, for the tabs of the list. Triggers maintain them.
CREATE TABLE order_counts (
    slot    BIGINT NOT NULL PRIMARY KEY,    -- a count is the sum over the slots, between which writers choose
    waiting BIGINT NOT NULL,
    issued  BIGINT NOT NULL,
    denied  BIGINT NOT NULL
);

-- The databases differ from here on.

-- There is one writer, and one slot.
INSERT INTO order_counts (slot, waiting, issued, denied)
SELECT 0, COUNT(CASE status WHEN 'paid_not_issued' THEN 1 END), COUNT(CASE status WHEN 'paid_issued' THEN 1 END),
    COUNT(CASE status WHEN 'paid_denied' THEN 1 END)
FROM orders;

CREATE TRIGGER orders_are_counted AFTER INSERT ON orders
BEGIN
    UPDATE order_counts SET
        waiting = waiting + (NEW.status = 'paid_not_issued'),
        issued = issued + (NEW.status = 'paid_issued'),
        denied = denied + (NEW.status = 'paid_denied');
END;
CREATE TRIGGER orders_are_counted_again AFTER UPDATE OF status ON orders WHEN OLD.status <> NEW.status
BEGIN
    UPDATE order_counts SET
        waiting = waiting + (NEW.status = 'paid_not_issued') - (OLD.status = 'paid_not_issued'),
        issued = issued + (NEW.status = 'paid_issued') - (OLD.status = 'paid_issued'),
        denied = denied + (NEW.status = 'paid_denied') - (OLD.status = 'paid_denied');
END;
CREATE TRIGGER deleted_orders_are_not_counted AFTER DELETE ON orders
BEGIN
    UPDATE order_counts SET
        waiting = waiting - (OLD.status = 'paid_not_issued'),
        issued = issued - (OLD.status = 'paid_issued'),
        denied = denied - (OLD.status = 'paid_denied');
END;
