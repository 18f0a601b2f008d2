//! Paginated lists and their parameters.

use crate::problem::FieldError;
use serde::{Deserialize, Serialize};

/// One page of a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Page<T> {
    pub items: Vec<T>,
    /// Cursor of the previous page; `None` on the first page.
    pub before: Option<String>,
    /// Cursor of the next page; `None` on the last page.
    pub after: Option<String>,
}

#[cfg(feature = "ssr")]
impl<T> Page<T> {
    /// Converts the items.
    pub fn map<U>(self, convert: impl FnMut(T) -> U) -> Page<U> {
        Page {
            items: self.items.into_iter().map(convert).collect(),
            before: self.before,
            after: self.after,
        }
    }
}

/// The result of a list whose invalid filters were ignored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Filtered<T> {
    pub found: T,
    /// The filters that were ignored, each with its problem.
    pub errors: Vec<FieldError>,
}

#[cfg(feature = "ssr")]
impl<T> Filtered<T> {
    /// Converts the result of the list.
    pub fn map<U>(self, convert: impl FnOnce(T) -> U) -> Filtered<U> {
        Filtered {
            found: convert(self.found),
            errors: self.errors,
        }
    }
}

/// The query parameters of a list.
#[cfg(feature = "ssr")]
pub trait ListQuery {
    /// Returns the cursors `before` and `after`, in this order.
    fn cursors(&mut self) -> [&mut String; 2];
}

/// What a page reads from its URL. The code that serde would generate for this is a hundredth of the client.
pub trait UrlQuery {
    /// Reads the parameters; `text` returns one by its name, or an empty text.
    fn read(text: &dyn Fn(&str) -> String) -> Self;
}

/// Declares the parameters of a list, as text: they are the state of a page's URL and the query parameters of the API.
///
/// Each field is declared with its type and attributes for the OpenAPI document. Every list also gets a page size and
/// cursors.
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
            /// Number of rows per page
            #[cfg_attr(
                feature = "ssr",
                param(value_type = Option<i64>, minimum = 1, maximum = 500, default = 50, example = 50)
            )]
            pub limit: String,
            /// `next` of the previous page
            #[serde(alias = "cursor")]
            #[cfg_attr(
                feature = "ssr",
                param(rename = "cursor", value_type = Option<String>, example = "W3siSW50Ijo0Mn1d")
            )]
            pub after: String,
            #[cfg_attr(feature = "ssr", param(ignore))]
            pub before: String,
        }

        impl $crate::page::UrlQuery for $name {
            fn read(text: &dyn Fn(&str) -> String) -> Self {
                Self {
                    $($field: text(stringify!($field)),)+
                    limit: String::new(),
                    after: text("after"),
                    before: text("before"),
                }
            }
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
