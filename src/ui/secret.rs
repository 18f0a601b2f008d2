//! A secret that is shown only once, so the user must see it right after creating it.

use leptos::{html, prelude::*};

/// The anchor of a secret on its page. After creating a secret, the user is redirected to it.
pub const ANCHOR: &str = "#secret";

/// A secret to copy, shown only this once. It takes the focus, which scrolls it into view; without JavaScript, the
/// anchor [`ANCHOR`] does.
#[component]
pub fn Secret(
    #[prop(into)] label: String,
    /// What to copy.
    secret: String,
) -> impl IntoView {
    let root = NodeRef::<html::Div>::new();
    Effect::new(move || {
        if let Some(root) = root.get() {
            // The element may not be on the page yet.
            request_animation_frame(move || {
                let _ = root.focus();
            });
        }
    });
    view! {
        <div
            class="alert alert-success alert-soft mb-4 scroll-mt-6"
            id=ANCHOR.trim_start_matches('#')
            tabindex="-1"
            node_ref=root
        >
            <div class="min-w-0">
                <p>{label}</p>
                <code class="secret">{secret}</code>
            </div>
        </div>
    }
}
