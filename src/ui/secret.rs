//! A secret that is shown once: whoever made it must see it at once.

use leptos::{html, prelude::*};

/// Where a page shows a secret: whoever made it is led there.
pub const PLACE: &str = "#secret";

/// Something to copy, that is shown this once. It takes the focus, which brings it into view;
/// without JavaScript [`PLACE`] leads to it.
#[component]
pub fn Secret(
    #[prop(into)] label: String,
    /// What to copy.
    secret: String,
) -> impl IntoView {
    let root = NodeRef::<html::Div>::new();
    Effect::new(move || {
        if let Some(root) = root.get() {
            // It may not stand on the page yet.
            request_animation_frame(move || {
                let _ = root.focus();
            });
        }
    });
    view! {
        <div class="alert alert-success alert-soft mb-4 scroll-mt-6" id=PLACE.trim_start_matches('#') tabindex="-1" node_ref=root>
            <div class="min-w-0">
                <p>{label}</p>
                <code class="secret">{secret}</code>
            </div>
        </div>
    }
}
