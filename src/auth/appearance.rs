//! The choice of light or dark pages on the account page.

use crate::{
    error::Error,
    ui::{self, theme::Theme},
};
use leptos::{prelude::*, server_fn::ServerFn};
use leptos_i18n::td_string;

/// Stores the chosen colours in a cookie for a year and redirects back to the same page.
#[server(endpoint = "set_theme")]
pub async fn set_theme(theme: String) -> Result<(), Error> {
    use crate::{error::Problem, server_context};
    let theme: Theme = server_context::set_status(
        theme
            .parse()
            .map_err(|_| Error::field("theme", Problem::NotOffered)),
    )?;
    server_context::keep_choice(ui::theme::COOKIE, theme.code())?;
    Ok(())
}

/// The form that chooses the colours. It always loads the page anew.
#[component]
pub fn Appearance() -> impl IntoView {
    let locale = ui::locale();
    let chosen = ui::theme();
    let choices = Theme::ALL
        .iter()
        .map(|theme| {
            view! {
                <label class="field-check">
                    <input class="radio" type="radio" name="theme" value=theme.code() checked=*theme == chosen />
                    {theme.label(locale)}
                </label>
            }
        })
        .collect_view();
    view! {
        <section aria-labelledby="appearance">
            <h2 id="appearance">{td_string!(locale, theme.title)}</h2>
            <form method="post" action=SetTheme::PATH>
                <div class="mb-3 flex flex-wrap gap-x-6" role="radiogroup" aria-labelledby="appearance">
                    {choices}
                </div>
                <button class="btn" type="submit">
                    {td_string!(locale, ui.save)}
                </button>
            </form>
        </section>
    }
}
