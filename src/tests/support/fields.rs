//! Requests built from form fields.

use crate::{
    auth::Actor,
    error::Error,
    fields::Fields,
    validation::{Input, Request},
};

/// Builds form fields: `fields! { phone: PHONE, qty: 2 }`.
macro_rules! fields {
    ($($name:ident: $value:expr),* $(,)?) => {
        $crate::fields::Fields::default()$(.with(stringify!($name), $value))*
    };
}

impl Fields {
    /// Returns these fields with one more.
    pub fn with(mut self, name: &str, value: impl ToString) -> Self {
        self.0.insert(name.to_owned(), value.to_string());
        self
    }

    /// Parses the fields into a request.
    pub fn read<R: Request>(&self) -> Result<R, Error> {
        Input::new(self.clone()).request(&Actor::System)
    }
}
