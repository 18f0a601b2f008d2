//! A list, a page at a time.

use crate::problem::FieldError;
use serde::{Deserialize, Serialize};

/// One page of a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Page<T> {
    pub items: Vec<T>,
    /// Cursor of the page before; `None` on the first.
    pub before: Option<String>,
    /// Cursor of the page after; `None` on the last.
    pub after: Option<String>,
}

/// What a list found by its filters; those that could not be taken were left out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Found<T> {
    pub found: T,
    /// The filters that were left out, and why.
    pub wrong: Vec<FieldError>,
}

/// The state of a list in its URL.
#[cfg(feature = "ssr")]
pub trait ListQuery {
    /// The cursors `before` and `after`, in this order.
    fn cursors(&mut self) -> [&mut String; 2];
}

/// Declares what a list shows: the state of its URL, as it was typed, which is also what the API takes as parameters.
///
/// Each field has the type and the attributes that the document of the API names; pages and cursors come with every list.
macro_rules! list_query {
    ($(#[$meta:meta])* pub struct $name:ident {
        $($(#[$field_meta:meta])* $field:ident: $type:ident { $($param:tt)* },)+
    }) => {
        $(#[$meta])*
        #[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
        #[cfg_attr(feature = "ssr", derive(utoipa::IntoParams), into_params(parameter_in = Query))]
        #[serde(default)]
        pub struct $name {
            $(
                $(#[$field_meta])*
                #[cfg_attr(feature = "ssr", param(value_type = Option<$type>, $($param)*))]
                pub $field: String,
            )+
            /// Rows of the page
            #[cfg_attr(feature = "ssr", param(value_type = Option<i64>, minimum = 1, maximum = 500, default = 50, example = 50))]
            pub limit: String,
            /// `next` of the page before
            #[serde(alias = "cursor")]
            #[cfg_attr(feature = "ssr", param(rename = "cursor", value_type = Option<String>, example = "W3siSW50Ijo0Mn1d"))]
            pub after: String,
            #[cfg_attr(feature = "ssr", param(ignore))]
            pub before: String,
        }

        #[cfg(feature = "ssr")]
        impl $crate::page::ListQuery for $name {
            fn cursors(&mut self) -> [&mut String; 2] {
                [&mut self.before, &mut self.after]
            }
        }
    };
}
pub(crate) use list_query;
