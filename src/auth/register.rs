//! Registering an account.

use super::Role;
use crate::{
    error::Error,
    fields::Fields,
    ui::{
        self,
        form::{Field, Form, FormAction, Submit},
    },
};
use leptos::prelude::*;
use leptos_i18n::td_string;
use leptos_meta::Title;
use serde::{Deserialize, Serialize};

/// The rules that currently apply to a registration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Terms {
    /// The first account becomes admin. From another machine it needs the setup code.
    First {
        needs_code: bool,
    },
    Open,
    /// An admin must activate the account.
    Approval,
    Closed,
    /// The invitation gives the account this role.
    Invited(Role),
    /// The invitation was used, was revoked or has expired.
    InvitationOver,
}

/// Returns the rules that currently apply to a registration, with the visitor's invitation if there is one.
#[server(endpoint = "registration_terms")]
pub async fn registration_terms() -> Result<Terms, Error> {
    use super::{invitation_cookie, users::invitations};
    use crate::{config::Registration, crypto::sha256, server_context};
    let invitation = invitation_cookie::token();
    if !invitation.is_empty() {
        let hash = sha256(&invitation);
        return match server_context::app_state()
            .read(super::Actor::Nobody, move |tx| {
                invitations::redeemable(tx, &hash).map(|invitation| invitation.role)
            })
            .await
        {
            Ok(role) => Ok(Terms::Invited(role)),
            Err(Error::InvitationOver) => {
                invitation_cookie::forget();
                Ok(Terms::InvitationOver)
            }
            Err(error) => server_context::set_status(Err(error)),
        };
    }
    let any = server_context::read(super::service::any_user).await?;
    Ok(
        match (any, server_context::app_state().config.registration) {
            (false, _) => Terms::First {
                needs_code: !server_context::client_origin().is_local,
            },
            (true, Registration::Open) => Terms::Open,
            (true, Registration::Approval) => Terms::Approval,
            (true, Registration::Closed) => Terms::Closed,
        },
    )
}

/// Registers an account and signs it in. If an admin must approve it first, redirects to a page that says so.
#[server(endpoint = "register")]
pub async fn register(#[server(flatten)] fields: Fields) -> Result<(), Error> {
    use super::{UserState, invitation_cookie, service, session};
    use crate::{server_context, ui::banner::Success, validation::Input};
    let place = server_context::client_origin();
    let mut fields = fields;
    let invitation = invitation_cookie::token();
    if !invitation.is_empty() {
        fields.0.insert("invitation".to_owned(), invitation);
    }
    let registrant = server_context::set_status(service::Registrant::read(Input::new(fields)))?;
    let registered = service::register(&server_context::app_state(), registrant, &place).await;
    let (account, admitted) = server_context::set_status(registered)?;
    invitation_cookie::forget();
    match account.state.known() {
        Some(UserState::Active) => {
            session::begin(&server_context::request_session()?, &admitted, place).await?;
            server_context::redirect("/", Success::Registered);
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
    let locale = ui::locale();
    view! {
        <Title text=td_string!(locale, auth.pending_title) />
        <div class="sign-in-card">
            <h1>{td_string!(locale, auth.pending_title)}</h1>
            <p class="alert alert-info alert-soft mb-4" role="status">
                {td_string!(locale, auth.pending)}
            </p>
            <p>
                <a class="link" href="/login">
                    {td_string!(locale, nav.sign_in)}
                </a>
            </p>
        </div>
    }
}

/// The registration page.
#[component]
pub fn RegisterPage() -> impl IntoView {
    let locale = ui::locale();
    let terms = ui::data(|| (), |()| registration_terms());
    view! {
        <Title text=td_string!(locale, nav.register) />
        <div class="sign-in-card">
            <h1>{td_string!(locale, nav.register)}</h1>
            {ui::loaded(terms, |terms| view! { <RegisterForm terms /> })}
            <p class="mt-4">
                {td_string!(locale, auth.have_account)} " " <a class="link" href="/login">
                    {td_string!(locale, nav.sign_in)}
                </a>
            </p>
        </div>
    }
}

#[component]
fn RegisterForm(terms: Terms) -> impl IntoView {
    let locale = ui::locale();
    let action = FormAction::new::<Register>();
    let note = match terms {
        Terms::First { .. } => td_string!(locale, auth.first_account),
        Terms::Open => "",
        Terms::Approval => td_string!(locale, auth.approval),
        Terms::Closed => td_string!(locale, errors.registration_closed),
        Terms::Invited(Role::User) => td_string!(locale, auth.invited_as_user),
        Terms::Invited(Role::Manager) => td_string!(locale, auth.invited_as_manager),
        Terms::Invited(Role::Admin) => td_string!(locale, auth.invited_as_admin),
        Terms::InvitationOver => td_string!(locale, errors.invitation_over),
    };
    let needs_code = matches!(terms, Terms::First { needs_code: true });
    let is_shut = matches!(terms, Terms::Closed | Terms::InvitationOver);
    view! {
        {(!note.is_empty()).then(|| view! { <p class="alert alert-info alert-soft mb-4">{note}</p> })}
        {(!is_shut)
            .then(|| {
                view! {
                    <Form action full_load=true>
                        <Field
                            name="username"
                            label=td_string!(locale, fields.username)
                            hint=td_string!(locale, auth.username_hint)
                            autocomplete="username"
                            required=true
                            autofocus=true
                        />
                        <Field
                            name="password"
                            label=td_string!(locale, fields.password)
                            hint=td_string!(locale, auth.password_hint)
                            kind="password"
                            autocomplete="new-password"
                            required=true
                        />
                        <Field
                            name="password_repeated"
                            label=td_string!(locale, fields.password_repeated)
                            kind="password"
                            autocomplete="new-password"
                            required=true
                        />
                        {needs_code
                            .then(|| {
                                view! {
                                    <Field
                                        name="setup_code"
                                        label=td_string!(locale, fields.setup_code)
                                        hint=td_string!(locale, auth.setup_code_hint)
                                        autocomplete="off"
                                        required=true
                                    />
                                }
                            })}
                        <Submit label=td_string!(locale, auth.register) />
                    </Form>
                }
            })}
    }
}
