//! Parts shared by all pages: the visitor, banners, forms and lists.

pub mod banner;
#[cfg(feature = "hydrate")]
pub mod click_guard;
pub mod draft;
pub mod drawn;
pub mod entity_link;
pub mod failure;
pub mod form;
pub mod keys;
pub mod labels;
pub mod live;
mod messages;
pub mod pager;
pub mod presets;
pub mod secret;
pub mod shortcuts;
pub mod theme;
mod url;

#[cfg(not(feature = "ssr"))]
mod document;
#[cfg(feature = "ssr")]
mod request;
#[cfg(feature = "hydrate")]
pub mod scroll;
pub mod undo;

#[cfg(not(feature = "ssr"))]
pub use document::{draft, post, request_id, title, today, visitor};
#[cfg(feature = "ssr")]
pub use request::{
    chosen_theme, draft, language, page_language, post, request_id, title, today, visitor,
};

use crate::{
    auth::{Me, Permission},
    error::Error,
    i18n::Locale,
};
use codee::{Decoder, Encoder};
use leptos::prelude::*;
use serde::{Serialize, de::DeserializeOwned};

/// Returns the dash that stands for a missing value.
pub fn dash() -> String {
    "—".to_owned()
}

/// The user who views the page, and their language. Known before anything is drawn, and fixed until the next full page
/// load.
#[derive(Clone, Debug, Default)]
pub struct Visitor {
    pub locale: Locale,
    pub theme: theme::Theme,
    pub keys: keys::Keys,
    pub me: Option<Me>,
    /// Whether the user could not be identified, because the database was unavailable or busy.
    pub is_unknown: bool,
}

/// Returns the language of the page.
pub fn locale() -> Locale {
    with_context(|visitor: &Visitor| visitor.locale).unwrap_or_default()
}

/// Returns the colours that the user chose.
pub fn theme() -> theme::Theme {
    with_context(|visitor: &Visitor| visitor.theme).unwrap_or_default()
}

/// Returns whether single keys act, as the user chose.
pub fn keys() -> keys::Keys {
    with_context(|visitor: &Visitor| visitor.keys).unwrap_or_default()
}

/// Returns the signed-in user.
pub fn me() -> Option<Me> {
    use_context::<Visitor>().and_then(|visitor| visitor.me)
}

/// Returns whether the user could not be identified.
pub fn is_unknown() -> bool {
    with_context(|visitor: &Visitor| visitor.is_unknown).unwrap_or_default()
}

/// Returns whether the user has a permission. This only decides what is drawn: the services check again.
pub fn may(permission: Permission) -> bool {
    with_context(|visitor: &Visitor| visitor.me.as_ref().is_some_and(|me| me.may(permission)))
        .unwrap_or_default()
}

/// Tells screen readers what changed without a page load.
#[derive(Clone, Copy)]
pub struct Announcer(pub RwSignal<String>);

/// Makes lists read their data again, because something that they may show was changed elsewhere on the page.
#[derive(Clone, Copy)]
pub struct Refresh(pub RwSignal<u32>);

impl Announcer {
    /// Announces a sentence, also where there is no context: after an `await`, and in a listener of the window.
    pub fn say(self, sentence: String) {
        self.0.set(sentence);
    }
}

/// Announces a sentence to screen readers.
pub fn announce(sentence: String) {
    if let Some(announcer) = use_context::<Announcer>() {
        announcer.say(sentence);
    }
}

/// The data of a page: read on the server, sent with the page, and read again when its source changes.
pub type Data<T> = Resource<Result<T, Error>, Json>;

/// Reads data for a page, and reads it again whenever `source` changes. The server sends the page only once the
/// data is there.
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

/// JSON for [`Data`], decoded by the same code as the answers of server functions, so that the client contains that
/// code once instead of twice.
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

/// Draws data once it is loaded, or the error if it could not be loaded. While the data is read again, the current
/// contents stay.
pub fn loaded<T, V>(
    resource: Data<T>,
    draw: impl Fn(T) -> V + Clone + Send + Sync + 'static,
) -> impl IntoView
where
    T: Clone + Serialize + DeserializeOwned + Send + Sync + 'static,
    V: IntoView + 'static,
{
    loaded_or(resource, None, draw)
}

/// Like [`loaded`], but `expected` gives one error the message that fits the page.
pub fn loaded_or<T, V>(
    resource: Data<T>,
    expected: Option<(Error, &'static str)>,
    draw: impl Fn(T) -> V + Clone + Send + Sync + 'static,
) -> impl IntoView
where
    T: Clone + Serialize + DeserializeOwned + Send + Sync + 'static,
    V: IntoView + 'static,
{
    let locale = locale();
    let contents = move || {
        let (draw, expected) = (draw.clone(), expected.clone());
        Suspend::new(async move {
            match resource.await {
                Ok(data) => draw(data).into_any(),
                Err(error) => {
                    let expected = expected.filter(|(expected, _)| *expected == error);
                    let words = expected.map(|(_, words)| words);
                    // `browser/connection.js` reads the page again once the server can be reached.
                    let unread = (error == Error::Offline).then_some("");
                    view! {
                        <div data-unread=unread>
                            <failure::Failure error words />
                        </div>
                    }
                    .into_any()
                }
            }
        })
    };
    view! {
        <Transition fallback=move || {
            view! { <p class="loading-note">{leptos_i18n::td_string!(locale, ui.loading)}</p> }
        }>{contents}</Transition>
    }
}

/// Handles an event of an element and of those in it. The browser forgets the handler together with the element.
pub fn listen<E>(element: &leptos::web_sys::HtmlElement, name: &str, handle: impl Fn(E) + 'static)
where
    E: leptos::wasm_bindgen::JsCast + leptos::wasm_bindgen::convert::FromWasmAbi + 'static,
{
    use leptos::wasm_bindgen::JsCast;
    let handle: leptos::wasm_bindgen::JsValue =
        leptos::wasm_bindgen::closure::Closure::<dyn Fn(E)>::new(handle).into_js_value();
    let _ = element.add_event_listener_with_callback(name, handle.unchecked_ref());
}
