-- From now on, `buy_price_eur` and `supplier_name` of a product are those of its last supply. Until now, they were those
-- of its first supply, unless somebody had entered others. The column `version` tells the two cases apart: every edit,
-- import and archiving has incremented it, but no supply has. A product that was never edited gets the values of its last
-- supply. An edited one keeps its price and supplier until the next supply. The version is incremented, so that a form
-- that was opened earlier does not restore the old price.
UPDATE products SET
    buy_price_eur = (SELECT supplies.buy_price_eur FROM supplies WHERE supplies.product_id = products.id ORDER BY supplies.id DESC LIMIT 1),
    supplier_name = (SELECT supplies.supplier_name FROM supplies WHERE supplies.product_id = products.id ORDER BY supplies.id DESC LIMIT 1),
    supplier_key = (SELECT supplies.supplier_key FROM supplies WHERE supplies.product_id = products.id ORDER BY supplies.id DESC LIMIT 1),
    version = version + 1
WHERE version = 1 AND EXISTS (SELECT 1 FROM supplies WHERE supplies.product_id = products.id);
