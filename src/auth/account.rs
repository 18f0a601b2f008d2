//! The account page of the signed-in user.

use super::{
    Me, Permission,
    appearance::{Appearance, KeysSwitch},
    devices::Devices,
    tokens::TokenSection,
    totp::section::SecondFactorSection,
};
use crate::{
    auth::chats::Chats,
    error::Error,
    fields::Fields,
    ui::{
        self,
        form::{CheckBox, Field, Form, FormAction, Submit},
    },
};
use leptos::prelude::*;
use leptos_i18n::td_string;
use leptos_meta::Title;

/// Returns the signed-in user.
#[server(endpoint = "account")]
pub async fn account() -> Result<Me, Error> {
    crate::server_context::read(super::service::me).await
}

/// Changes the password of the signed-in user, signs out their other devices and, if asked, revokes their tokens and
/// chats.
#[server(endpoint = "change_password")]
pub async fn change_password(#[server(flatten)] fields: Fields) -> Result<(), Error> {
    use super::{service, session};
    use crate::{server_context, ui::banner::Success, validation::Input};
    let me = server_context::set_status(server_context::me())?;
    let change = service::PasswordChange::read(Input::new(fields), &me.username);
    let change = server_context::set_status(change)?;
    let place = server_context::client_origin();
    let changed = service::change_password(&server_context::app_state(), me, change, &place).await;
    let admitted = server_context::set_status(changed)?;
    session::begin(&server_context::request_session()?, &admitted, place).await?;
    server_context::redirect("/account", Success::PasswordChanged);
    Ok(())
}

/// The account page of the signed-in user.
#[component]
pub fn AccountPage() -> impl IntoView {
    let locale = ui::locale();
    let account = ui::data(|| (), |()| account());
    let may_work = ui::may(Permission::OwnKeys);
    let has_own_password = ui::me().is_some_and(|me| !me.must_change_password);
    view! {
        <Title text=td_string!(locale, auth.account) />
        <div class="narrow">
            <h1>{td_string!(locale, auth.account)}</h1>
            {ui::loaded(
                account,
                move |me| {
                    view! {
                        <dl class="facts">
                            <dt>{td_string!(locale, fields.username)}</dt>
                            <dd>{me.username}</dd>
                            <dt>{td_string!(locale, fields.role)}</dt>
                            <dd>{me.role.display(|role| role.label(locale))}</dd>
                        </dl>
                        <section aria-labelledby="password-change">
                            <h2 id="password-change">{td_string!(locale, auth.change_password)}</h2>
                            <PasswordForm />
                        </section>
                    }
                },
            )}
            <Appearance />
            {ui::may(Permission::Orders).then(|| view! { <KeysSwitch /> })}
            {has_own_password.then(|| view! { <SecondFactorSection /> })}
            {may_work
                .then(|| {
                    view! {
                        <Devices />
                        <Chats />
                        <TokenSection />
                    }
                })}
        </div>
    }
}

#[component]
fn PasswordForm() -> impl IntoView {
    let locale = ui::locale();
    let action = FormAction::new::<ChangePassword>();
    view! {
        <Form action full_load=true>
            <Field
                name="current_password"
                label=td_string!(locale, fields.current_password)
                kind="password"
                autocomplete="current-password"
                required=true
            />
            <Field
                name="password"
                label=td_string!(locale, fields.new_password)
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
            <CheckBox
                name="revoke_access"
                label=td_string!(locale, auth.revoke_access)
                hint=td_string!(locale, auth.revoke_access_hint)
                checked=true
            />
            <Submit label=td_string!(locale, auth.change_password) />
        </Form>
    }
}
