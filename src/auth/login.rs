//! Signing in and out.

use crate::{
    error::Error,
    ui::{
        self,
        form::{Field, Form, FormAction, Submit},
    },
};
use leptos::{prelude::*, server_fn::ServerFn};
use leptos_i18n::td_string;
use leptos_meta::Title;
use leptos_router::hooks::use_query_map;

/// Signs in and goes on to `next`, a page of ours.
#[server(endpoint = "sign_in")]
pub async fn sign_in(
    username: String,
    password: String,
    #[server(default)] next: String,
) -> Result<(), Error> {
    use super::{service, session};
    use crate::door;
    let place = door::place();
    let signed_in = service::sign_in(&door::shop(), &username, password, &place).await;
    let (_, admitted) = door::answer(signed_in)?;
    session::begin(&door::request_session()?, &admitted, place).await?;
    leptos_axum::redirect(if is_our_page(&next) { &next } else { "/" });
    Ok(())
}

/// Signs out.
#[server(endpoint = "sign_out")]
pub async fn sign_out() -> Result<(), Error> {
    use super::{service, session};
    use crate::{door, ui::banner::Success};
    door::act(service::sign_out).await?;
    session::end(&door::request_session()?).await?;
    door::go("/login", Success::SignedOut);
    Ok(())
}

/// Whether a path leads to a page of this site, and nowhere else.
#[cfg_attr(
    not(feature = "ssr"),
    expect(dead_code, reason = "asked by the server only")
)]
fn is_our_page(next: &str) -> bool {
    next.starts_with('/')
        && !next.starts_with("//")
        && !next.contains('\\')
        && next.bytes().all(|sign| sign.is_ascii_graphic())
}

/// The page to sign in.
#[component]
pub fn LoginPage() -> impl IntoView {
    let l = ui::locale();
    let action = FormAction::new::<SignIn>();
    let next = use_query_map()
        .read_untracked()
        .get("next")
        .unwrap_or_default();
    view! {
        <Title text=td_string!(l, nav.sign_in) />
        <div class="narrow">
            <h1>{td_string!(l, nav.sign_in)}</h1>
            <Form action full_load=true>
                <input type="hidden" name="next" value=next />
                <Field name="username" label=td_string!(l, fields.username) autocomplete="username" required=true autofocus=true />
                <Field name="password" label=td_string!(l, fields.password) kind="password" autocomplete="current-password" required=true />
                <Submit label=td_string!(l, auth.sign_in) />
            </Form>
            <p class="mt-4">{td_string!(l, auth.no_account)} " " <a class="link" href="/register">{td_string!(l, nav.register)}</a></p>
        </div>
    }
}

/// The button in the menu that signs out.
#[component]
pub fn SignOutForm() -> impl IntoView {
    let l = ui::locale();
    view! {
        <form method="post" action=SignOut::PATH>
            <button class="menu-link" type="submit">{td_string!(l, nav.sign_out)}</button>
        </form>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sign_in_leads_to_our_own_pages_only() {
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
