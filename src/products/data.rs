//! The product fields that people edit, defined in one place.
//!
//! A new field is added here, and to the API responses (`json.rs`), the form (`form.rs`), the CSV file (`csv.rs`) and
//! the labels (`ui/labels.rs`).

use super::codes::Codes;
use crate::money::{Eur, Rub};
use serde::{Deserialize, Serialize};

/// The fields of a product that people edit.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(
    feature = "ssr",
    derive(
        diesel::AsChangeset,
        diesel::Insertable,
        diesel::Queryable,
        diesel::Selectable,
        utoipa::ToSchema
    ),
    diesel(table_name = crate::schema::products, treat_none_as_null = true)
)]
pub struct ProductData {
    #[cfg_attr(
        feature = "ssr",
        schema(min_length = 1, max_length = 200, example = "Чай зелёный 100 г")
    )]
    pub name: String,
    #[cfg_attr(feature = "ssr", schema(max_length = 2000))]
    pub description: Option<String>,
    /// Stock is low when fewer pieces than this are available
    #[cfg_attr(
        feature = "ssr",
        schema(value_type = Option<i64>, minimum = 0, maximum = 1000000, default = 0, example = 5)
    )]
    pub min_stock: i64,
    #[cfg_attr(feature = "ssr", schema(value_type = Option<crate::api::values::Amount>))]
    pub buy_price_eur: Option<Eur>,
    #[cfg_attr(feature = "ssr", schema(value_type = Option<crate::api::values::Amount>))]
    pub sell_price_rub: Option<Rub>,
    #[cfg_attr(feature = "ssr", schema(max_length = 200, example = "Teekanne"))]
    pub supplier_name: Option<String>,
    /// Barcodes and other codes on the goods, by which scanners find the product
    #[serde(default, skip_serializing_if = "Codes::is_empty")]
    #[cfg_attr(
        feature = "ssr",
        schema(value_type = Vec<String>, required = false, max_items = 20, example = json!(["4600000000008"]))
    )]
    pub codes: Codes,
}

impl ProductData {
    /// Returns each field with its value as text, as the operation log and import plans show it.
    pub fn entries(&self) -> [(&'static str, Option<String>); 7] {
        [
            ("name", Some(self.name.clone())),
            (
                "sell_price_rub",
                self.sell_price_rub.map(|price| price.to_string()),
            ),
            (
                "buy_price_eur",
                self.buy_price_eur.map(|price| price.to_string()),
            ),
            ("min_stock", Some(self.min_stock.to_string())),
            ("supplier_name", self.supplier_name.clone()),
            (
                "codes",
                (!self.codes.is_empty()).then(|| self.codes.to_string()),
            ),
            ("description", self.description.clone()),
        ]
    }
}

#[cfg(feature = "ssr")]
pub use reading::MAX_NAME_LENGTH;

#[cfg(feature = "ssr")]
mod reading {
    use super::{Codes, ProductData};
    use crate::{
        auth::Permission,
        number::Qty,
        validation::{Input, Request, eur, line, lines, number, optional, rub},
    };

    /// The longest name of a product or supplier, in characters.
    pub const MAX_NAME_LENGTH: usize = 200;
    const DESCRIPTION: usize = 2_000;

    impl ProductData {
        /// Overwrites the values with the fields of `input`.
        pub fn update(&mut self, input: &mut Input) {
            let pieces = optional(number(0..=Qty::MAX.0));
            input.update("name", &mut self.name, line(MAX_NAME_LENGTH));
            input.update(
                "description",
                &mut self.description,
                optional(lines(DESCRIPTION)),
            );
            input.update("min_stock", &mut self.min_stock, |text| {
                Ok(pieces(text)?.unwrap_or(0))
            });
            input.update("buy_price_eur", &mut self.buy_price_eur, optional(eur));
            input.update("sell_price_rub", &mut self.sell_price_rub, optional(rub));
            input.update(
                "supplier_name",
                &mut self.supplier_name,
                optional(line(MAX_NAME_LENGTH)),
            );
            input.update("codes", &mut self.codes, Codes::read);
        }
    }

    impl Request for ProductData {
        const PERMISSION: Permission = Permission::EditProducts;

        fn read(input: &mut Input) -> Self {
            let mut data = Self::default();
            data.update(input);
            data
        }
    }
}
