//! What the URL of a page says.

use leptos_router::params::ParamsMap;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// A parameter of the URL; empty when it is missing.
pub fn parameter(query: &ParamsMap, name: &str) -> String {
    query.get(name).unwrap_or_default()
}

/// What a list shows, as its URL says it. The router's own `Params` refuses parameters that are missing.
pub fn query_of<Q: DeserializeOwned + Default>(params: &ParamsMap) -> Q {
    let texts = params
        .clone()
        .into_iter()
        // The parameters of the API that pages do not have.
        .filter(|(name, _)| !matches!(&**name, "limit" | "cursor"))
        .map(|(name, text)| (name.into_owned(), Value::String(text)));
    serde_json::from_value(Value::Object(texts.collect())).unwrap_or_default()
}

/// Parameters of a URL that speak of one answer only.
pub const PASSING: [&str; 6] = ["success", "counts", "error", "__path", "__err", "__typed"];
