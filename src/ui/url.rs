//! Reads the URL of a page.

use leptos_router::params::ParamsMap;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// Returns a parameter of the URL; empty if it is missing.
pub fn parameter(query: &ParamsMap, name: &str) -> String {
    query.get(name).unwrap_or_default()
}

/// Reads the query of a list from its URL. The router's own `Params` is not used, because it refuses missing
/// parameters.
pub fn query_of<Q: DeserializeOwned + Default>(params: &ParamsMap) -> Q {
    let texts = params
        .clone()
        .into_iter()
        // Parameters of the API that pages do not accept.
        .filter(|(name, _)| !matches!(&**name, "limit" | "cursor"))
        .map(|(name, text)| (name.into_owned(), Value::String(text)));
    serde_json::from_value(Value::Object(texts.collect())).unwrap_or_default()
}

/// One-time parameters of a URL: they describe the answer to a single request.
pub const ONE_TIME: [&str; 5] = ["undo", "success", "counts", "error", DRAFT];

/// The parameter with the key of a [`Draft`](crate::ui::draft::Draft).
pub const DRAFT: &str = "draft";
