//! The section of the account page for the second factor.

use super::{Fresh, SecondFactor, State};
use crate::{
    error::Error,
    fields::Fields,
    ui::{
        self,
        failure::Failure,
        form::{Field, Form, FormAction, Submit},
        secret::Secret,
    },
};
use leptos::{prelude::*, server_fn::codec::GetUrl};
use leptos_i18n::td_string;

/// The cookie that passes a new secret to the page.
#[cfg(feature = "ssr")]
const SECRET: &str = "totp";
/// The cookie that passes new recovery codes to the page.
#[cfg(feature = "ssr")]
const CODES: &str = "recovery";
/// The section on the account page.
#[cfg(feature = "ssr")]
const PLACE: &str = "/account#second-factor";

/// Returns the second factor of the signed-in user.
#[server(endpoint = "read_second_factor", input = GetUrl)]
pub async fn read_second_factor() -> Result<SecondFactor, Error> {
    use super::{authenticator::Authenticator, service};
    use crate::server_context;
    let state = server_context::read(service::state).await?;
    let me = server_context::me()?;
    let secret = |secret: String| {
        let authenticator = Authenticator::read(&me.username, &secret).ok()?;
        let qr_code = authenticator.qr_code().ok()?;
        Some(Fresh::Secret { secret, qr_code })
    };
    let codes = || {
        let codes = server_context::shown_once(CODES)?;
        Some(Fresh::RecoveryCodes(codes.replace('.', "\n")))
    };
    let fresh = match state {
        State::Off => None,
        State::Waiting => server_context::shown_once(SECRET).and_then(secret),
        State::On { .. } => codes(),
    };
    Ok(SecondFactor { state, fresh })
}

/// Creates a secret, after the user has confirmed with their password. The account page shows it.
#[server(endpoint = "begin_totp")]
pub async fn begin_totp(#[server(flatten)] fields: Fields) -> Result<(), Error> {
    use super::service::{self, OwnPassword};
    use crate::{server_context, ui::banner::Success, validation::Input};
    let begun = async {
        let me = server_context::me()?;
        let password = OwnPassword::read(Input::new(fields))?;
        let place = server_context::client_origin();
        service::begin(&server_context::app_state(), me, password, &place).await
    };
    let authenticator = server_context::set_status(begun.await)?;
    server_context::show_once(SECRET, &authenticator.secret());
    server_context::redirect(PLACE, Success::TotpBegun);
    Ok(())
}

/// Turns the second factor on, with a code of the app. The account page shows the recovery codes.
#[server(endpoint = "confirm_totp")]
pub async fn confirm_totp(#[server(flatten)] fields: Fields) -> Result<(), Error> {
    use super::service::{self, TotpCode};
    use crate::{
        server_context,
        ui::{banner::Success, secret},
        validation::Input,
    };
    let finished = async {
        let me = server_context::me()?;
        let code = TotpCode::read(Input::new(fields))?;
        let place = server_context::client_origin();
        service::finish(&server_context::app_state(), me, code, &place).await
    };
    let codes = server_context::set_status(finished.await)?;
    server_context::show_once(CODES, &codes.join("."));
    server_context::redirect(&format!("/account{}", secret::ANCHOR), Success::TotpEnabled);
    Ok(())
}

/// Turns the second factor off, after the user has confirmed with their password.
#[server(endpoint = "disable_totp")]
pub async fn disable_totp(#[server(flatten)] fields: Fields) -> Result<(), Error> {
    use super::service::{self, OwnPassword};
    use crate::{server_context, ui::banner::Success, validation::Input};
    let disabled = async {
        let me = server_context::me()?;
        let password = OwnPassword::read(Input::new(fields))?;
        let place = server_context::client_origin();
        service::disable(&server_context::app_state(), me, password, &place).await
    };
    server_context::set_status(disabled.await)?;
    server_context::redirect(PLACE, Success::TotpDisabled);
    Ok(())
}

/// The section of the account page for the second factor.
#[component]
pub fn SecondFactorSection() -> impl IntoView {
    let locale = ui::locale();
    let must_set_up = ui::me().is_some_and(|me| me.must_set_up_totp);
    let factor = ui::data(|| (), |()| read_second_factor());
    let begin = FormAction::new::<BeginTotp>();
    let confirm = FormAction::new::<ConfirmTotp>();
    let disable = FormAction::new::<DisableTotp>();
    let draw = move |SecondFactor { state, fresh }| {
        // A form that was sent too late is not on the page any more.
        let missed = match state {
            State::Off => confirm.error().or_else(|| disable.error()),
            State::Waiting => disable.error(),
            State::On { .. } => begin.error().or_else(|| confirm.error()),
        };
        let contents = match state {
            State::Off => view! { <PasswordForm action=begin label=td_string!(locale, totp.enable) /> }.into_any(),
            State::Waiting => view! {
                <CodeForm action=confirm />
                <PasswordForm action=begin label=td_string!(locale, totp.begin_again) class="btn" />
            }
            .into_any(),
            State::On { since, left } => view! {
                <p class="mb-4">
                    {td_string!(locale, totp.on_since, moment = since.display(locale), left = left).to_string()}
                </p>
                <details open=move || disable.error().is_some()>
                    <summary class="btn">{td_string!(locale, totp.disable)}</summary>
                    <div class="panel mt-2">
                        <p class="mb-4">{td_string!(locale, totp.disable_hint)}</p>
                        <PasswordForm action=disable label=td_string!(locale, totp.do_disable) />
                    </div>
                </details>
            }
            .into_any(),
        };
        view! {
            {missed.map(|error| view! { <Failure error /> })}
            {fresh.map(|fresh| view! { <FreshSecret fresh /> })}
            {contents}
        }
    };
    view! {
        <section aria-labelledby="second-factor">
            <h2 id="second-factor" class="scroll-mt-6">
                {td_string!(locale, totp.title)}
            </h2>
            <p class="mb-4">{td_string!(locale, totp.about)}</p>
            {must_set_up
                .then(|| view! { <p class="alert alert-info alert-soft mb-4">{td_string!(locale, totp.required)}</p> })}
            {ui::loaded(factor, draw)}
        </section>
    }
}

/// A secret with its QR code, or the recovery codes.
#[component]
fn FreshSecret(fresh: Fresh) -> impl IntoView {
    let locale = ui::locale();
    match fresh {
        Fresh::Secret { secret, qr_code } => view! {
            <p>{td_string!(locale, totp.scan)}</p>
            <img class="qr-code" src=qr_code alt=td_string!(locale, totp.qr_code) />
            <p>{td_string!(locale, totp.type_secret)}</p>
            <code class="secret mb-4">{secret}</code>
        }
        .into_any(),
        Fresh::RecoveryCodes(codes) => {
            view! { <Secret label=td_string!(locale, totp.recovery_codes) secret=codes /> }
                .into_any()
        }
    }
}

#[component]
fn CodeForm(action: FormAction) -> impl IntoView {
    let locale = ui::locale();
    view! {
        <Form action full_load=true class="mb-4">
            <Field
                name="code"
                label=td_string!(locale, totp.code)
                hint=td_string!(locale, totp.code_hint)
                inputmode="numeric"
                autocomplete="one-time-code"
                required=true
            />
            <Submit label=td_string!(locale, totp.confirm) />
        </Form>
    }
}

#[component]
fn PasswordForm(
    action: FormAction,
    label: &'static str,
    #[prop(default = "btn btn-primary")] class: &'static str,
) -> impl IntoView {
    let locale = ui::locale();
    view! {
        <Form action full_load=true>
            <Field
                name="password"
                id="second-factor-password"
                label=td_string!(locale, totp.password)
                kind="password"
                autocomplete="current-password"
                required=true
            />
            <Submit label class />
        </Form>
    }
}
