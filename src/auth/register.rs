//! Registering an account.

use super::Role;
use crate::{
    error::Error,
    fields::Fields,
    ui::{
        self,
        form::{Field, Form, FormAction, Submit},
        pager::parameter,
    },
};
use leptos::prelude::*;
use leptos_i18n::td_string;
use leptos_meta::Title;
use leptos_router::hooks::use_query_map;
use serde::{Deserialize, Serialize};

/// The rules that currently apply to a registration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Terms {
    /// The first account becomes admin.
    First,
    Open,
    /// An admin must activate the account.
    Approval,
    Closed,
    /// The invitation gives the account this role.
    Invited(Role),
    /// The invitation was used, was revoked or has expired.
    InvitationOver,
}

/// Returns the rules that currently apply to a registration, with the invitation if it is not empty.
#[server(endpoint = "registration_terms")]
pub async fn registration_terms(#[server(default)] invitation: String) -> Result<Terms, Error> {
    use crate::{auth::users::invitations, config::Registration, crypto::sha256, door};
    if !invitation.is_empty() {
        let hash = sha256(&invitation);
        return match door::shop()
            .look(super::Actor::Nobody, move |tx| {
                invitations::role_of(tx, &hash)
            })
            .await
        {
            Ok(role) => Ok(Terms::Invited(role)),
            Err(Error::InvitationOver) => Ok(Terms::InvitationOver),
            Err(error) => door::answer(Err(error)),
        };
    }
    let any = door::look(super::service::any_user).await?;
    Ok(match (any, door::shop().config.registration) {
        (false, _) => Terms::First,
        (true, Registration::Open) => Terms::Open,
        (true, Registration::Approval) => Terms::Approval,
        (true, Registration::Closed) => Terms::Closed,
    })
}

/// Registers an account and signs it in. If an admin must approve it first, redirects to a page that says so.
#[server(endpoint = "register")]
pub async fn register(#[server(flatten)] fields: Fields) -> Result<(), Error> {
    use super::{UserState, service, session};
    use crate::{door, ui::banner::Success, validation::Input};
    let place = door::place();
    let registrant = door::answer(service::Registrant::read(Input::new(fields)))?;
    let registered = service::register(&door::shop(), registrant, &place).await;
    let (account, admitted) = door::answer(registered)?;
    match account.state.known() {
        Some(UserState::Active) => {
            session::begin(&door::request_session()?, &admitted, place).await?;
            door::go("/", Success::Registered);
        }
        Some(UserState::Pending | UserState::Blocked) | None => leptos_axum::redirect(PENDING),
    }
    Ok(())
}

/// The path of the page for an account that must be approved first.
#[cfg(feature = "ssr")]
const PENDING: &str = "/register/pending";

/// The page that says that an admin must approve the account first.
#[component]
pub fn PendingPage() -> impl IntoView {
    let l = ui::locale();
    view! {
        <Title text=td_string!(l, auth.pending_title) />
        <div class="narrow">
            <h1>{td_string!(l, auth.pending_title)}</h1>
            <p class="alert alert-info alert-soft mb-4" role="status">{td_string!(l, auth.pending)}</p>
            <p><a class="link" href="/login">{td_string!(l, nav.sign_in)}</a></p>
        </div>
    }
}

/// The registration page.
#[component]
pub fn RegisterPage() -> impl IntoView {
    let l = ui::locale();
    let params = use_query_map();
    let terms = ui::data(
        move || parameter(&params.read(), "invitation"),
        registration_terms,
    );
    view! {
        <Title text=td_string!(l, nav.register) />
        <div class="narrow">
            <h1>{td_string!(l, nav.register)}</h1>
            {ui::loaded(terms, |terms| view! { <RegisterForm terms /> })}
            <p class="mt-4">{td_string!(l, auth.have_account)} " " <a class="link" href="/login">{td_string!(l, nav.sign_in)}</a></p>
        </div>
    }
}

#[component]
fn RegisterForm(terms: Terms) -> impl IntoView {
    let l = ui::locale();
    let action = FormAction::new::<Register>();
    let note = match terms {
        Terms::First => td_string!(l, auth.first_account),
        Terms::Open => "",
        Terms::Approval => td_string!(l, auth.approval),
        Terms::Closed => td_string!(l, errors.registration_closed),
        Terms::Invited(Role::User) => td_string!(l, auth.invited_as_user),
        Terms::Invited(Role::Manager) => td_string!(l, auth.invited_as_manager),
        Terms::Invited(Role::Admin) => td_string!(l, auth.invited_as_admin),
        Terms::InvitationOver => td_string!(l, errors.invitation_over),
    };
    let invitation = parameter(&use_query_map().read_untracked(), "invitation");
    let is_shut = matches!(terms, Terms::Closed | Terms::InvitationOver);
    view! {
        {(!note.is_empty()).then(|| view! { <p class="alert alert-info alert-soft mb-4">{note}</p> })}
        {(!is_shut).then(|| view! {
            <Form action full_load=true>
                <input type="hidden" name="invitation" value=invitation />
                <Field name="username" label=td_string!(l, fields.username) hint=td_string!(l, auth.username_hint) autocomplete="username" required=true autofocus=true />
                <Field name="password" label=td_string!(l, fields.password) hint=td_string!(l, auth.password_hint) kind="password" autocomplete="new-password" required=true />
                <Field name="password_repeated" label=td_string!(l, fields.password_repeated) kind="password" autocomplete="new-password" required=true />
                <Submit label=td_string!(l, auth.register) />
            </Form>
        })}
    }
}
