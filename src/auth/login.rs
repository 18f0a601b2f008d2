//! Signing in and out.

use super::Me;
use crate::{
    error::Error,
    ui::{
        self,
        failure::Failure,
        form::{Field, Form, FormAction, Interrupted, Submit, fields_of},
    },
};
use leptos::{ev::SubmitEvent, html, prelude::*, server_fn::ServerFn};
use leptos_i18n::td_string;
use leptos_meta::Title;
use leptos_router::hooks::use_query_map;

/// Signs in and redirects to `next`, or to the home page if `next` is not a page of this site. If the account has a
/// second factor, redirects to the page that asks for its code.
#[server(endpoint = "sign_in")]
pub async fn sign_in(
    username: String,
    password: String,
    #[server(default)] next: String,
) -> Result<(), Error> {
    use super::{session, totp::sign_in::Admission};
    use crate::server_context;
    let session = server_context::request_session()?;
    match check_password(&username, password).await? {
        Admission::SignedIn(_, admitted) => {
            session::begin(&session, &admitted, server_context::client_origin()).await?;
            leptos_axum::redirect(if is_our_page(&next) { &next } else { "/" });
        }
        Admission::NeedsCode(pending) => {
            pending.keep(&session).await?;
            leptos_axum::redirect(&server_context::code_page(&next));
        }
    }
    Ok(())
}

/// Signs in without leaving the page and returns the user. If the account has a second factor, `code` is needed, too.
#[server(endpoint = "sign_in_again")]
pub async fn sign_in_again(
    username: String,
    password: String,
    #[server(default)] code: String,
) -> Result<Me, Error> {
    use super::{
        session,
        totp::sign_in::{self, Admission},
    };
    use crate::server_context;
    let place = server_context::client_origin();
    let (me, admitted) = match check_password(&username, password).await? {
        Admission::SignedIn(me, admitted) => (me, admitted),
        Admission::NeedsCode(pending) => {
            let app = server_context::app_state();
            let completed = sign_in::complete(&app, pending, &code, false, &place).await;
            server_context::set_status(completed)?
        }
    };
    session::begin(&server_context::request_session()?, &admitted, place).await?;
    Ok(me)
}

#[cfg(feature = "ssr")]
async fn check_password(
    username: &str,
    password: String,
) -> Result<super::totp::sign_in::Admission, Error> {
    use crate::server_context;
    let (app, place) = (server_context::app_state(), server_context::client_origin());
    let checked = super::service::sign_in(&app, username, password, &place).await;
    server_context::set_status(checked)
}

/// Signs out.
#[server(endpoint = "sign_out")]
pub async fn sign_out() -> Result<(), Error> {
    use super::{service, session};
    use crate::{server_context, ui::banner::Success};
    let session = server_context::request_session()?;
    let own = session::key(&session);
    server_context::write(move |tx| service::sign_out(tx, &own)).await?;
    session::end(&session).await?;
    server_context::redirect("/login", Success::SignedOut);
    Ok(())
}

/// Returns whether `next` is a path on this site, so that a redirect to it cannot lead elsewhere.
#[cfg_attr(
    not(feature = "ssr"),
    expect(dead_code, reason = "used only on the server")
)]
pub(super) fn is_our_page(next: &str) -> bool {
    next.starts_with('/')
        && !next.starts_with("//")
        && !next.contains('\\')
        && next.bytes().all(|sign| sign.is_ascii_graphic())
}

/// The sign-in page.
#[component]
pub fn LoginPage() -> impl IntoView {
    let locale = ui::locale();
    let action = FormAction::new::<SignIn>();
    let next = use_query_map()
        .read_untracked()
        .get("next")
        .unwrap_or_default();
    view! {
        <Title text=td_string!(locale, nav.sign_in) />
        <div class="sign-in-card">
            <h1>{td_string!(locale, nav.sign_in)}</h1>
            <Form action full_load=true>
                <input type="hidden" name="next" value=next />
                <Field
                    name="username"
                    label=td_string!(locale, fields.username)
                    autocomplete="username"
                    required=true
                    autofocus=true
                />
                <Field
                    name="password"
                    label=td_string!(locale, fields.password)
                    kind="password"
                    autocomplete="current-password"
                    required=true
                />
                <Submit label=td_string!(locale, auth.sign_in) />
            </Form>
            <p class="mt-4">
                {td_string!(locale, auth.no_account)} " " <a class="link" href="/register">
                    {td_string!(locale, nav.register)}
                </a>
            </p>
        </div>
    }
}

/// The dialog that asks for the password, and for the code of a second factor, when a form was sent after its session
/// had ended.
///
/// Signing in again sends the form. Signing in as another user, or with other permissions, reloads the page instead,
/// because it was rendered for the previous user.
#[component]
pub fn SignInDialog(interrupted: Interrupted) -> impl IntoView {
    let locale = ui::locale();
    let unsent = interrupted.0;
    let action = FormAction::new::<SignInAgain>();
    let (dialog, form) = (NodeRef::<html::Dialog>::new(), NodeRef::<html::Form>::new());
    Effect::new(move || {
        if let Some(dialog) = dialog.get() {
            let _ = dialog.show_modal();
        }
    });
    Effect::new(move || {
        let Some(me) = action.made::<Me>() else {
            return;
        };
        if let Some(dialog) = dialog.get_untracked() {
            let waiting = unsent.get_untracked();
            dialog.close();
            match waiting {
                Some(waiting) if ui::me().as_ref() == Some(&me) => waiting.send(),
                _ => {
                    let _ = location().reload();
                }
            }
        }
    });
    // The field stays when a wrong code is refused.
    let needs_code = Memo::new(move |_| matches!(action.error(), Some(Error::SecondFactor(_))));
    let code = NodeRef::<html::Input>::new();
    Effect::new(move || {
        if let Some(code) = code.get() {
            let _ = code.focus();
        }
    });
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        if let Some(fields) = form.get_untracked().and_then(|form| fields_of(&form)) {
            action.send(fields);
        }
    };
    let cancel = move |_| {
        if let Some(dialog) = dialog.get_untracked() {
            dialog.close();
        }
    };
    view! {
        <dialog class="question" node_ref=dialog aria-labelledby="sign-in-again" on:close=move |_| unsent.set(None)>
            <h2 id="sign-in-again">{td_string!(locale, auth.session_ended)}</h2>
            {move || action.error().map(|error| view! { <Failure error /> })}
            <form node_ref=form method="post" action=action.path() novalidate on:submit=submit>
                <label class="field">
                    <span class="field-label">{td_string!(locale, fields.username)}</span>
                    <input
                        class="input mb-3 w-full"
                        name="username"
                        autocomplete="username"
                        value=ui::me().map(|me| me.username)
                    />
                </label>
                <label class="field">
                    <span class="field-label">{td_string!(locale, fields.password)}</span>
                    <input
                        class="input mb-4 w-full"
                        name="password"
                        type="password"
                        autocomplete="current-password"
                        autofocus
                    />
                </label>
                {move || {
                    needs_code
                        .get()
                        .then(|| {
                            view! {
                                <label class="field">
                                    <span class="field-label">{td_string!(locale, totp.code)}</span>
                                    <input
                                        class="input mb-4 w-full"
                                        name="code"
                                        autocomplete="one-time-code"
                                        node_ref=code
                                    />
                                </label>
                            }
                        })
                }}
                <div class="question-buttons">
                    <button class="btn btn-primary" type="submit" disabled=move || action.is_pending()>
                        {td_string!(locale, auth.sign_in_and_send)}
                    </button>
                    <button class="btn" type="button" on:click=cancel>
                        {td_string!(locale, ui.cancel)}
                    </button>
                </div>
            </form>
        </dialog>
    }
}

/// The sign-out button of the menu.
#[component]
pub fn SignOutForm() -> impl IntoView {
    let locale = ui::locale();
    view! {
        <form method="post" action=SignOut::PATH>
            <button class="menu-link" type="submit">
                {td_string!(locale, nav.sign_out)}
            </button>
        </form>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sign_in_redirects_only_to_pages_of_this_site() {
        assert!(is_our_page("/orders?status=paid_not_issued"));
        for next in [
            "",
            "orders",
            "//evil.example",
            "/\\evil.example",
            "https://evil.example",
            "/\t/evil.example",
            "/\u{1}",
            "/ü",
        ] {
            assert!(!is_our_page(next), "{next}");
        }
    }
}
