//! The choices of the account page that a cookie stores: light or dark pages, and whether single keys act.

use crate::{
    error::Error,
    ui::{self, keys::Keys, theme::Theme},
};
use leptos::{prelude::*, server_fn::ServerFn};
use leptos_i18n::td_string;

/// Stores the chosen colours in a cookie for a year and redirects back to the same page.
#[server(endpoint = "set_theme")]
pub async fn set_theme(theme: String) -> Result<(), Error> {
    let theme: Theme = read_choice("theme", &theme)?;
    crate::server_context::keep_choice(ui::theme::COOKIE, theme.code())
}

/// Stores whether single keys act in a cookie for a year and redirects back to the same page.
#[server(endpoint = "set_keys")]
pub async fn set_keys(keys: String) -> Result<(), Error> {
    let keys: Keys = read_choice("keys", &keys)?;
    crate::server_context::keep_choice(ui::keys::COOKIE, keys.code())
}

/// Reads the code of a choice; the response to a wrong one has the status of the error.
#[cfg(feature = "ssr")]
fn read_choice<T: std::str::FromStr>(field: &str, code: &str) -> Result<T, Error> {
    use crate::{error::Problem, server_context};
    let choice = code.parse();
    server_context::set_status(choice.map_err(|_| Error::field(field, Problem::NotOffered)))
}

/// The form that chooses the colours.
#[component]
pub fn Appearance() -> impl IntoView {
    let locale = ui::locale();
    let chosen = ui::theme();
    let choices = Theme::ALL.iter().copied();
    let choices = choices.map(|theme| (theme.code(), theme.label(locale), theme == chosen));
    view! {
        <ChoiceForm
            action=SetTheme::PATH
            name="theme"
            title=td_string!(locale, theme.title)
            choices=choices.collect()
        />
    }
}

/// The form that turns single keys off.
#[component]
pub fn KeysSwitch() -> impl IntoView {
    let locale = ui::locale();
    let chosen = ui::keys();
    let choices = Keys::ALL.iter().copied();
    let choices = choices.map(|keys| (keys.code(), keys.label(locale), keys == chosen));
    view! {
        <ChoiceForm
            action=SetKeys::PATH
            name="keys"
            title=td_string!(locale, keys.title)
            hint=td_string!(locale, keys.hint)
            choices=choices.collect()
        />
    }
}

/// A form that offers a few choices. It always loads the page anew.
#[component]
fn ChoiceForm(
    action: &'static str,
    name: &'static str,
    title: &'static str,
    #[prop(optional)] hint: Option<&'static str>,
    /// The code and the label of each choice, and whether it is chosen.
    choices: Vec<(&'static str, &'static str, bool)>,
) -> impl IntoView {
    let locale = ui::locale();
    let choices = choices
        .into_iter()
        .map(|(code, label, is_chosen)| {
            view! {
                <label class="field-check">
                    <input class="radio" type="radio" name=name value=code checked=is_chosen />
                    {label}
                </label>
            }
        })
        .collect_view();
    view! {
        <section aria-labelledby=name>
            <h2 id=name>{title}</h2>
            {hint.map(|hint| view! { <p class="mb-2">{hint}</p> })}
            <form method="post" action=action>
                <div class="mb-3 flex flex-wrap gap-x-6" role="radiogroup" aria-labelledby=name>
                    {choices}
                </div>
                <button class="btn" type="submit">
                    {td_string!(locale, ui.save)}
                </button>
            </form>
        </section>
    }
}
