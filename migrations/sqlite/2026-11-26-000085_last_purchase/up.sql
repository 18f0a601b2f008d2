-- `buy_price_eur` and `supplier_name` of a product are from now on those of its last supply. They were those of its
-- first, unless somebody had entered others. Whether somebody did is told by `version`: every edit, import and
-- archiving has raised it, no supply has. A product that was never edited gets what its last supply says; an edited one
-- keeps its price and supplier until the next supply. The version is raised, so that a form that was opened before
-- does not bring the old price back.
UPDATE products SET
    buy_price_eur = (SELECT supplies.buy_price_eur FROM supplies WHERE supplies.product_id = products.id ORDER BY supplies.id DESC LIMIT 1),
    supplier_name = (SELECT supplies.supplier_name FROM supplies WHERE supplies.product_id = products.id ORDER BY supplies.id DESC LIMIT 1),
    supplier_key = (SELECT supplies.supplier_key FROM supplies WHERE supplies.product_id = products.id ORDER BY supplies.id DESC LIMIT 1),
    version = version + 1
WHERE version = 1 AND EXISTS (SELECT 1 FROM supplies WHERE supplies.product_id = products.id);
