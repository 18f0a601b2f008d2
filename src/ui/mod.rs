//! What every page uses: the visitor, banners, forms, lists.

pub mod banner;
#[cfg(feature = "hydrate")]
pub mod click_guard;
pub mod entity_link;
pub mod failure;
pub mod form;
mod messages;
pub mod pager;
pub mod secret;
mod url;
pub mod words;

#[cfg(not(feature = "ssr"))]
mod document;
#[cfg(feature = "ssr")]
mod request;
#[cfg(feature = "hydrate")]
pub mod scroll;

#[cfg(not(feature = "ssr"))]
pub use document::{post, request_id, title, visitor};
#[cfg(feature = "ssr")]
pub use request::{KEEP_REQUEST_ID, language, post, request_id, title, visitor};

use crate::{
    auth::{Me, Permission},
    error::Error,
    i18n::Locale,
};
use codee::{Decoder, Encoder};
use leptos::prelude::*;
use serde::{Serialize, de::DeserializeOwned};

/// What stands where there is nothing to show.
pub fn dash() -> String {
    "—".to_owned()
}

/// Who looks at the page, and in which language. Known before anything is drawn, and the same until the next full load.
#[derive(Clone, Debug, Default)]
pub struct Visitor {
    pub locale: Locale,
    pub me: Option<Me>,
    /// Who it is could not be found out: the database is away.
    pub is_unknown: bool,
}

/// The language of the page.
pub fn locale() -> Locale {
    use_context::<Visitor>().unwrap_or_default().locale
}

/// Who is signed in.
pub fn me() -> Option<Me> {
    use_context::<Visitor>().and_then(|visitor| visitor.me)
}

/// Whether it could not be found out who looks at the page.
pub fn is_unknown() -> bool {
    use_context::<Visitor>().is_some_and(|visitor| visitor.is_unknown)
}

/// Whether the visitor has a right. For drawing only: the services ask again.
pub fn may(permission: Permission) -> bool {
    me().is_some_and(|me| me.may(permission))
}

/// Tells screen readers what changed without a new page.
#[derive(Clone, Copy)]
pub struct Announcer(pub RwSignal<String>);

/// Says a sentence to screen readers.
pub fn announce(sentence: String) {
    if let Some(Announcer(said)) = use_context() {
        said.set(sentence);
    }
}

/// Data of a page: read on the server, sent along with the page, read again when its source changes.
pub type Data<T> = Resource<Result<T, Error>, Json>;

/// Reads data for a page, again whenever `source` changes. The page waits for it.
pub fn data<S, T, F>(
    source: impl Fn() -> S + Send + Sync + 'static,
    read: impl Fn(S) -> F + Send + Sync + 'static,
) -> Data<T>
where
    S: Clone + PartialEq + Send + Sync + 'static,
    T: Serialize + DeserializeOwned + Send + Sync + 'static,
    F: Future<Output = Result<T, Error>> + Send + 'static,
{
    Resource::new_with_options(source, read, true)
}

/// JSON, read by the same code as the answers of server functions: once in the client instead of twice.
#[derive(Debug)]
pub struct Json;

impl<T: Serialize> Encoder<T> for Json {
    type Error = serde_json::Error;
    type Encoded = String;

    fn encode(value: &T) -> Result<String, Self::Error> {
        serde_json::to_string(value)
    }
}

impl<T: DeserializeOwned> Decoder<T> for Json {
    type Error = serde_json::Error;
    type Encoded = str;

    fn decode(text: &str) -> Result<T, Self::Error> {
        serde_json::from_slice(text.as_bytes())
    }
}

/// Draws data once it is there, or what went wrong.
/// While a later page of the same data loads, the present one stays.
pub fn loaded<T, V>(
    resource: Data<T>,
    draw: impl Fn(T) -> V + Clone + Send + Sync + 'static,
) -> impl IntoView
where
    T: Clone + Serialize + DeserializeOwned + Send + Sync + 'static,
    V: IntoView + 'static,
{
    let l = locale();
    let contents = move || {
        let draw = draw.clone();
        Suspend::new(async move {
            match resource.await {
                Ok(data) => draw(data).into_any(),
                Err(error) => view! { <failure::Failure error /> }.into_any(),
            }
        })
    };
    view! {
        <Transition fallback=move || view! { <p class="loading-note">{leptos_i18n::td_string!(l, ui.loading)}</p> }>{contents}</Transition>
    }
}
