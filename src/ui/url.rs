//! Reads the URL of a page.

use crate::page::UrlQuery;
use leptos_router::params::ParamsMap;

/// Returns a parameter of the URL; empty if it is missing.
pub fn parameter(query: &ParamsMap, name: &str) -> String {
    query.get(name).unwrap_or_default()
}

/// Reads the query of a page from its URL. The router's own `Params` is not used, because it refuses missing
/// parameters.
pub fn query_of<Q: UrlQuery>(params: &ParamsMap) -> Q {
    Q::read(&|name| parameter(params, name))
}

/// One-time parameters of a URL: they describe the answer to a single request.
pub const ONE_TIME: [&str; 6] = ["undo", "success", "counts", "error", "refused", DRAFT];

/// The parameter with the key of a [`Draft`](crate::ui::draft::Draft).
pub const DRAFT: &str = "draft";
