-- The statements of an issue on PostgreSQL, for pgbench: client number `client_id` issues the orders
-- :first + :client_id * :each and the :each - 1 that follow. `i` counts them.
\set id :first + :client_id * :each + :i
\set i :i + 1
BEGIN;
SELECT id AS o_id, phone, phone_shown, customer_name, product_id AS product, product_name, qty AS qty,
    unit_price_rub AS price, COALESCE(list_price_rub, unit_price_rub) AS list_price, status, created_at, issued_at,
    denied_at, user_id, version
FROM orders WHERE id = :id FOR NO KEY UPDATE \gset
SELECT id AS p_id, quantity AS quantity, issued AS issued, reserved AS reserved, value_eur AS value,
    uncosted AS uncosted, min_stock, name, buy_price_eur, sell_price_rub, supplier_name, archived_at
FROM products WHERE id = :product FOR NO KEY UPDATE \gset
\set costed :quantity - :issued - :uncosted
\set taken least(:qty, :costed)
\set left :qty - :taken
\if :taken = :costed
\set cost :value
\else
\set cost (:value * :taken * 2 + :costed) / (:costed * 2)
\endif
\set issued_after :issued + :qty
\set reserved_after :reserved - :qty
\set value_after :value - :cost
\set uncosted_after :uncosted - :left
\set minus_qty -:qty
\set minus_cost -:cost
\set minus_left -:left
\set on_hand_after :quantity - :issued_after
\set stock_after :on_hand_after - :reserved_after
WITH change_0 AS (
    UPDATE products SET quantity = :quantity, issued = :issued_after, reserved = :reserved_after,
        value_eur = :value_after, uncosted = :uncosted_after WHERE id = :product RETURNING 1
), change_1 AS (
    INSERT INTO stock_movements (product_id, kind, quantity, issued, reserved, value_eur, uncosted, on_hand_after,
        stock_after, order_id, user_id, created_at)
    VALUES (:product, 'issue', 0, :qty, :minus_qty, :minus_cost, :minus_left, :on_hand_after, :stock_after, :id, 'bench',
        now() AT TIME ZONE 'UTC') RETURNING 1
)
SELECT ARRAY[(SELECT count(*) FROM change_0), (SELECT count(*) FROM change_1)];
UPDATE orders SET status = 'paid_issued', issued_at = now() AT TIME ZONE 'UTC', issued_on = :day, cost_eur = :cost,
    uncosted_qty = :left, user_id = 'bench', version = version + 1 WHERE id = :id
RETURNING id, phone, phone_shown, customer_name, product_id, product_name, qty, unit_price_rub, status, created_at,
    issued_at, denied_at, user_id, version, list_price_rub;
SELECT pg_advisory_xact_lock_shared(hashtextextended('exchange rates', 0));
SELECT rub_per_eur AS rate FROM exchange_rates WHERE day <= :day ORDER BY day DESC LIMIT 1 \gset
\set revenue :price * :qty
\set list :list_price * :qty
\set cost_rub :cost * :rate
\set uncosted_rub :price * :left
\set slot mod(:product, 8)
WITH change_0 AS (
    UPDATE sales_by_product SET orders = orders + 1, qty = qty + :qty, revenue_rub = revenue_rub + :revenue,
        list_rub = list_rub + :list, cost_eur = cost_eur + :cost, cost_rub_exact = cost_rub_exact + :cost_rub,
        uncosted_qty = uncosted_qty + :left, uncosted_rub = uncosted_rub + :uncosted_rub, denied = denied + 0
    WHERE product_id = :product AND revenue_rub <= 9223372036854775807 - :revenue::bigint
        AND list_rub <= 9223372036854775807 - :list::bigint AND cost_eur <= 9223372036854775807 - :cost::bigint
        AND cost_rub_exact <= 9223372036854775807 - :cost_rub::bigint RETURNING 1
), change_1 AS (
    UPDATE sales_by_month SET orders = orders + 1, qty = qty + :qty, revenue_rub = revenue_rub + :revenue,
        list_rub = list_rub + :list, cost_eur = cost_eur + :cost, cost_rub_exact = cost_rub_exact + :cost_rub,
        uncosted_qty = uncosted_qty + :left, uncosted_rub = uncosted_rub + :uncosted_rub, denied = denied + 0
    WHERE month = :month AND product_id = :product AND revenue_rub <= 9223372036854775807 - :revenue::bigint
        AND list_rub <= 9223372036854775807 - :list::bigint AND cost_eur <= 9223372036854775807 - :cost::bigint
        AND cost_rub_exact <= 9223372036854775807 - :cost_rub::bigint RETURNING 1
), change_2 AS (
    UPDATE sales_by_day SET orders = orders + 1, qty = qty + :qty, revenue_rub = revenue_rub + :revenue,
        list_rub = list_rub + :list, cost_eur = cost_eur + :cost, cost_rub_exact = cost_rub_exact + :cost_rub,
        uncosted_qty = uncosted_qty + :left, uncosted_rub = uncosted_rub + :uncosted_rub, denied = denied + 0
    WHERE day = :day AND slot = :slot AND revenue_rub <= 9223372036854775807 - :revenue::bigint
        AND list_rub <= 9223372036854775807 - :list::bigint AND cost_eur <= 9223372036854775807 - :cost::bigint
        AND cost_rub_exact <= 9223372036854775807 - :cost_rub::bigint RETURNING 1
)
SELECT ARRAY[(SELECT count(*) FROM change_0), (SELECT count(*) FROM change_1), (SELECT count(*) FROM change_2)];
INSERT INTO operation_log (timestamp, user_id, action, entity_type, entity_id, details)
VALUES (now() AT TIME ZONE 'UTC', 'bench', 'issue', 'order', :id, '[]') RETURNING id;
COMMIT;
