//! Requests as people enter them.

use crate::{
    auth::Actor,
    error::Error,
    fields::Fields,
    validation::{Input, Request},
};

/// Fields by name: `fields! { phone: PHONE, qty: 2 }`.
macro_rules! fields {
    ($($name:ident: $value:expr),* $(,)?) => {
        $crate::fields::Fields::default()$(.with(stringify!($name), $value))*
    };
}

impl Fields {
    /// The same with a field more.
    pub fn with(mut self, name: &str, value: impl ToString) -> Self {
        self.0.insert(name.to_owned(), value.to_string());
        self
    }

    /// The request that they make.
    pub fn read<R: Request>(&self) -> Result<R, Error> {
        Input::new(self.clone()).request(&Actor::System)
    }
}
