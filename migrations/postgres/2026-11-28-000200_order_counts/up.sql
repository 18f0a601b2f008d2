-- The numbers of orders by status, for the tabs of the list. Triggers maintain them.
CREATE TABLE order_counts (
    slot    BIGINT NOT NULL PRIMARY KEY,    -- a count is the sum over the slots, between which writers choose
    waiting BIGINT NOT NULL,
    issued  BIGINT NOT NULL,
    denied  BIGINT NOT NULL
);

-- The databases differ from here on.

-- A transaction changes one row only, so transactions never deadlock on these rows.
CREATE FUNCTION add_to_order_counts(more_waiting BIGINT, more_issued BIGINT, more_denied BIGINT)
RETURNS void LANGUAGE sql AS
$$ INSERT INTO order_counts AS counts (slot, waiting, issued, denied)
   VALUES (pg_backend_pid() % 32, more_waiting, more_issued, more_denied)
   ON CONFLICT (slot) DO UPDATE SET waiting = counts.waiting + EXCLUDED.waiting,
       issued = counts.issued + EXCLUDED.issued, denied = counts.denied + EXCLUDED.denied $$;

-- Once for each statement: a copy inserts thousands of rows with one.
CREATE FUNCTION count_inserted_orders() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN
    PERFORM add_to_order_counts(COUNT(*) FILTER (WHERE status = 'paid_not_issued'),
        COUNT(*) FILTER (WHERE status = 'paid_issued'), COUNT(*) FILTER (WHERE status = 'paid_denied'))
    FROM inserted;
    RETURN NULL;
END $$;
CREATE FUNCTION count_updated_order() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN
    PERFORM add_to_order_counts(
        (NEW.status = 'paid_not_issued')::INT - (OLD.status = 'paid_not_issued')::INT,
        (NEW.status = 'paid_issued')::INT - (OLD.status = 'paid_issued')::INT,
        (NEW.status = 'paid_denied')::INT - (OLD.status = 'paid_denied')::INT);
    RETURN NULL;
END $$;
CREATE FUNCTION count_deleted_orders() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN
    PERFORM add_to_order_counts(-COUNT(*) FILTER (WHERE status = 'paid_not_issued'),
        -COUNT(*) FILTER (WHERE status = 'paid_issued'), -COUNT(*) FILTER (WHERE status = 'paid_denied'))
    FROM deleted;
    RETURN NULL;
END $$;
CREATE TRIGGER orders_are_counted AFTER INSERT ON orders REFERENCING NEW TABLE AS inserted
FOR EACH STATEMENT EXECUTE FUNCTION count_inserted_orders();
CREATE TRIGGER orders_are_counted_again AFTER UPDATE OF status ON orders
FOR EACH ROW WHEN (OLD.status <> NEW.status) EXECUTE FUNCTION count_updated_order();
CREATE TRIGGER deleted_orders_are_not_counted AFTER DELETE ON orders REFERENCING OLD TABLE AS deleted
FOR EACH STATEMENT EXECUTE FUNCTION count_deleted_orders();

-- The triggers keep other transactions from changing orders until this one ends.
INSERT INTO order_counts (slot, waiting, issued, denied)
SELECT 0, COUNT(*) FILTER (WHERE status = 'paid_not_issued'), COUNT(*) FILTER (WHERE status = 'paid_issued'),
    COUNT(*) FILTER (WHERE status = 'paid_denied')
FROM orders;
