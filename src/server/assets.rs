//! Serves the static files of the client.

use axum::{
    Router,
    body::Body,
    http::{HeaderMap, HeaderValue, StatusCode, Uri, header},
    response::{IntoResponse, Response},
    routing::get,
};
use std::collections::HashMap;

/// The built client: wasm, JavaScript, styles and icons. Release builds embed the files in the binary.
#[derive(rust_embed::Embed)]
#[folder = "target/site"]
#[allow_missing = true]
struct Assets;

/// The service worker.
const WORKER: &str = "sw.js";
/// The start of the name of the shared worker, which receives the stream of changes.
const LIVE_WORKER: &str = "pkg/live.";
/// The start of the name of the worker that reads the pictures of the camera.
const CAMERA_WORKER: &str = "pkg/camera-worker.";
/// The policy of the workers themselves: they may only request what the pages request.
const WORKER_POLICY: &str = "default-src 'none'; connect-src 'self'; form-action 'none'; base-uri 'none'; \
    frame-ancestors 'none'";
/// The policy of the worker that runs WebAssembly.
const CAMERA_WORKER_POLICY: &str = "default-src 'none'; script-src 'wasm-unsafe-eval'; connect-src 'self'; \
    form-action 'none'; base-uri 'none'; frame-ancestors 'none'";

/// A response extension that marks a static file.
#[derive(Clone, Copy, Debug)]
pub struct IsAsset;

/// Returns one route for each file.
pub fn router() -> Router {
    Assets::iter()
        .filter(|path| !path.ends_with(".br") && !path.ends_with(".gz"))
        .fold(Router::new(), |routes, path| {
            routes.route(&format!("/{path}"), get(serve))
        })
}

async fn serve(uri: Uri, headers: HeaderMap) -> Response {
    let encodings = headers
        .get(header::ACCEPT_ENCODING)
        .and_then(|accept| accept.to_str().ok())
        .unwrap_or_default();
    let path = uri.path().trim_start_matches('/');
    asset(path, encodings).unwrap_or_else(|| StatusCode::NOT_FOUND.into_response())
}

/// Returns a file, in its compressed version if the client accepts it.
fn asset(path: &str, encodings: &str) -> Option<Response> {
    let plain = || Assets::get(path).map(|file| (file, None));
    let packed = |suffix: &str, encoding: &'static str| {
        accepts(encodings, encoding)
            .then(|| Assets::get(&format!("{path}.{suffix}")))
            .flatten()
            .map(|file| (file, Some(encoding)))
    };
    let (file, encoding) = packed("br", "br")
        .or_else(|| packed("gz", "gzip"))
        .or_else(plain)?;
    // The names of built files contain a hash of their content. Browsers look for a new worker once a day.
    let cache = if path.starts_with("pkg/") {
        "public, max-age=31536000, immutable"
    } else if path == WORKER {
        "no-cache"
    } else {
        "public, max-age=3600"
    };
    let mime = mime_guess::from_path(path).first_or_octet_stream();
    let mut response = (
        [
            (header::CONTENT_TYPE, mime.as_ref()),
            (header::CACHE_CONTROL, cache),
            (header::VARY, "accept-encoding"),
        ],
        Body::from(file.data),
    )
        .into_response();
    response.extensions_mut().insert(IsAsset);
    let policy = if path == WORKER || path.starts_with(LIVE_WORKER) {
        Some(WORKER_POLICY)
    } else if path.starts_with(CAMERA_WORKER) {
        Some(CAMERA_WORKER_POLICY)
    } else {
        None
    };
    if let Some(policy) = policy {
        response.headers_mut().insert(
            header::CONTENT_SECURITY_POLICY,
            HeaderValue::from_static(policy),
        );
    }
    if let Some(encoding) = encoding {
        response
            .headers_mut()
            .insert(header::CONTENT_ENCODING, HeaderValue::from_static(encoding));
    }
    Some(response)
}

/// Returns whether `Accept-Encoding` allows an encoding. A weight of zero forbids it.
fn accepts(encodings: &str, encoding: &str) -> bool {
    let is_nothing = |parameter: &str| {
        let weight = parameter.split_once('=').map(|(_, weight)| weight.trim());
        weight.is_some_and(|weight| weight.chars().all(|sign| matches!(sign, '0' | '.')))
    };
    encodings.split(',').any(|offer| {
        let mut parts = offer.split(';').map(str::trim);
        parts.next() == Some(encoding) && !parts.any(is_nothing)
    })
}

/// The URL paths of the built files, with their hashed names. They are empty if the client has not been built.
#[derive(Clone, Debug, Default)]
pub struct BuiltFiles {
    pub script: String,
    /// The main part of the client.
    pub wasm: String,
    /// The files of each other part.
    pub parts: HashMap<String, Vec<String>>,
    pub style: String,
    /// The Cyrillic letters, which every page needs.
    pub font: String,
    /// Receives the changes of others.
    pub live: String,
    pub camera: CameraFiles,
}

/// The files of the page that scans codes.
#[derive(Clone, Debug, Default)]
pub struct CameraFiles {
    pub script: String,
    pub worker: String,
    /// The WebAssembly of the worker.
    pub wasm: String,
}

impl BuiltFiles {
    /// Finds the built files among the assets.
    pub fn find() -> Self {
        let find_named = |prefix: &str, suffix: &str| {
            Assets::iter()
                .find(|name| name.starts_with(prefix) && name.ends_with(suffix))
                .map(|name| format!("/{name}"))
                .unwrap_or_default()
        };
        let find = |suffix| find_named("pkg/sirius.", suffix);
        let parts = Assets::get("parts.json")
            .and_then(|file| serde_json::from_slice(&file.data).ok())
            .unwrap_or_default();
        Self {
            script: find(".js"),
            wasm: find(".wasm"),
            parts,
            style: find(".css"),
            live: find_named(LIVE_WORKER, ".js"),
            camera: CameraFiles {
                script: find_named("pkg/camera.", ".js"),
                worker: find_named(CAMERA_WORKER, ".js"),
                wasm: find_named("pkg/zxing.", ".wasm"),
            },
            font: find_named("pkg/golos-text-cyrillic-wght-normal.", ".woff2"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_encoding_with_a_quality_of_zero_is_refused() {
        for (offered, accepted) in [
            ("br", true),
            ("gzip, br;q=0.1", true),
            ("gzip, deflate , br ; q=1.0", true),
            ("br;q=0", false),
            ("gzip, br; q=0.000", false),
            ("brotli", false),
            ("", false),
        ] {
            assert_eq!(accepts(offered, "br"), accepted, "{offered}");
        }
    }
}
