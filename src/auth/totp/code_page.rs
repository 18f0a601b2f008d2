//! The page that asks for the code of the second factor, after the password.

use crate::{
    error::Error,
    ui::{
        self,
        form::{CheckBox, Field, Form, FormAction, Submit},
        pager::parameter,
    },
};
use leptos::prelude::*;
use leptos_i18n::td_string;
use leptos_meta::Title;
use leptos_router::{hooks::use_query_map, location::Url};

/// Completes a sign-in whose password was right, and redirects to `next`, or to the home page if `next` is not a page
/// of this site. If the password was entered too long ago, redirects to the sign-in page.
#[server(endpoint = "sign_in_code")]
pub async fn sign_in_code(
    #[server(default)] code: String,
    #[server(default)] remember: bool,
    #[server(default)] next: String,
) -> Result<(), Error> {
    use super::{pending::PendingSignIn, sign_in};
    use crate::{
        auth::{login::is_our_page, session},
        server_context,
    };
    let session = server_context::request_session()?;
    let Some(pending) = PendingSignIn::of(&session).await? else {
        server_context::redirect_to_sign_in(&next);
        return Ok(());
    };
    let (app, place) = (server_context::app_state(), server_context::client_origin());
    let completed = sign_in::complete(&app, pending, &code, remember, &place).await;
    let (_, admitted) = server_context::set_status(completed)?;
    session::begin(&session, &admitted, place).await?;
    leptos_axum::redirect(if is_our_page(&next) { &next } else { "/" });
    Ok(())
}

/// The page that asks for the code. With `recovery` in its URL it asks for a recovery code, which has letters: phones
/// show another keyboard for it.
#[component]
pub fn CodePage() -> impl IntoView {
    let locale = ui::locale();
    let action = FormAction::new::<SignInCode>();
    let query = use_query_map().get_untracked();
    let next = parameter(&query, "next");
    let is_recovery = !parameter(&query, "recovery").is_empty();
    let (label, hint, inputmode) = if is_recovery {
        (
            td_string!(locale, totp.recovery_code),
            td_string!(locale, totp.recovery_code_hint),
            "text",
        )
    } else {
        (
            td_string!(locale, totp.code),
            td_string!(locale, totp.code_hint),
            "numeric",
        )
    };
    let (recovery, other_label) = if is_recovery {
        ("", td_string!(locale, totp.use_app))
    } else {
        ("true", td_string!(locale, totp.use_recovery_code))
    };
    let other = format!(
        "/login/code?recovery={recovery}&next={}",
        Url::escape(&next)
    );
    view! {
        <Title text=td_string!(locale, totp.code_title) />
        <div class="sign-in-card">
            <h1>{td_string!(locale, totp.code_title)}</h1>
            <Form action full_load=true>
                <input type="hidden" name="next" value=next />
                <Field
                    name="code"
                    label
                    hint
                    inputmode
                    autocomplete="one-time-code"
                    required=true
                    autofocus=true
                />
                <CheckBox
                    name="remember"
                    label=td_string!(locale, totp.remember)
                    hint=td_string!(locale, totp.remember_hint)
                    checked=false
                />
                <Submit label=td_string!(locale, auth.sign_in) />
            </Form>
            <p class="mt-4">
                <a class="link" href=other rel="external">
                    {other_label}
                </a>
            </p>
            <p class="mt-4">{td_string!(locale, totp.lost)}</p>
        </div>
    }
}
