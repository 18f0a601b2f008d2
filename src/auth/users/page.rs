//! The admin page of one account: its details, the operations on it, and its history.

use super::{Account, list::StateBadge};
use crate::{
    audit::history::History,
    auth::{Role, UserState},
    error::Error,
    fields::Fields,
    ui::{
        self,
        drawn::Drawn,
        failure::DraftFailure,
        form::{Form, FormAction, Submit},
        live,
        pager::parameter,
        secret::Secret,
    },
};
use leptos::{prelude::*, server_fn::codec::GetUrl};
use leptos_i18n::td_string;
use leptos_meta::Title;
use leptos_router::hooks::use_params_map;
use serde::{Deserialize, Serialize};

/// An account with its history.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct UserDetails {
    pub account: Account,
    pub history: Drawn,
    pub has_second_factor: bool,
    /// A one-time password that has just been set; shown only once.
    pub password: Option<String>,
}

/// Returns an account with its history.
#[server(endpoint = "read_user", input = GetUrl)]
pub async fn read_user(username: String) -> Result<UserDetails, Error> {
    use crate::{audit, auth::totp::enrolment, server_context};
    let (account, history, secret) = server_context::read(move |tx| {
        let account = super::service::get(tx, &username)?;
        let history = audit::service::history(tx, audit::Entity::User, &account.username)?;
        let secret = enrolment::sealed_secret(tx.conn, &account.username)?;
        Ok((account, history, secret))
    })
    .await?;
    Ok(UserDetails {
        account,
        history: audit::history::draw(history),
        has_second_factor: secret.is_some(),
        password: server_context::shown_once("password"),
    })
}

/// Changes the role of an account.
#[server(endpoint = "change_role")]
pub async fn change_role(username: String, #[server(flatten)] fields: Fields) -> Result<(), Error> {
    use super::service::{self, RoleChange};
    crate::server_context::submit(fields, move |tx, change: &RoleChange| {
        service::change_role(tx, &username, change.role)
    })
    .await?;
    saved()
}

/// Approves a pending account.
#[server(endpoint = "activate_user")]
pub async fn activate_user(username: String) -> Result<(), Error> {
    crate::server_context::write(move |tx| super::service::activate(tx, &username)).await?;
    saved()
}

/// Blocks an account.
#[server(endpoint = "block_user")]
pub async fn block_user(username: String) -> Result<(), Error> {
    crate::server_context::write(move |tx| super::service::block(tx, &username)).await?;
    saved()
}

/// Unblocks an account.
#[server(endpoint = "unblock_user")]
pub async fn unblock_user(username: String) -> Result<(), Error> {
    crate::server_context::write(move |tx| super::service::unblock(tx, &username)).await?;
    saved()
}

/// Sets a one-time password. The page shows it, because it cannot be retrieved later.
#[server(endpoint = "reset_password")]
pub async fn reset_password(username: String) -> Result<(), Error> {
    use crate::{
        server_context,
        ui::{banner::Success, secret},
    };
    let made = match server_context::actor() {
        Ok(actor) => super::service::one_time_password(&server_context::app_state(), &actor).await,
        Err(error) => Err(error),
    };
    let (password, hash) = server_context::set_status(made)?;
    server_context::write(move |tx| super::service::reset_password(tx, &username, &hash, true))
        .await?;
    server_context::show_once("password", &password);
    server_context::redirect_back_to(secret::ANCHOR, Success::PasswordReset);
    Ok(())
}

/// Removes the second factor of an account.
#[server(endpoint = "reset_second_factor")]
pub async fn reset_second_factor(username: String) -> Result<(), Error> {
    crate::server_context::write(move |tx| super::service::reset_second_factor(tx, &username))
        .await?;
    saved()
}

/// Deletes an account permanently.
#[server(endpoint = "delete_user")]
pub async fn delete_user(username: String) -> Result<(), Error> {
    use crate::{server_context, ui::banner::Success};
    server_context::write(move |tx| super::service::delete(tx, &username)).await?;
    server_context::redirect("/admin/users", Success::UserDeleted);
    Ok(())
}

#[cfg(feature = "ssr")]
fn saved() -> Result<(), Error> {
    crate::server_context::redirect_back(crate::ui::banner::Success::UserSaved);
    Ok(())
}

/// The form actions of the page.
#[derive(Clone, Copy)]
struct Actions {
    role: FormAction,
    activate: FormAction,
    block: FormAction,
    unblock: FormAction,
    reset: FormAction,
    reset_factor: FormAction,
    delete: FormAction,
}

/// The admin page of one account.
#[component]
pub fn UserPage() -> impl IntoView {
    let locale = ui::locale();
    let params = use_params_map();
    let actions = Actions {
        role: FormAction::new::<ChangeRole>(),
        activate: FormAction::new::<ActivateUser>(),
        block: FormAction::new::<BlockUser>(),
        unblock: FormAction::new::<UnblockUser>(),
        reset: FormAction::new::<ResetPassword>(),
        reset_factor: FormAction::new::<ResetSecondFactor>(),
        delete: FormAction::new::<DeleteUser>(),
    };
    let changing = [
        actions.role,
        actions.activate,
        actions.block,
        actions.unblock,
        actions.reset,
        actions.reset_factor,
    ];
    let times = changing.map(FormAction::success_count);
    let elsewhere = live::page(move |kind, id| {
        kind == "user"
            && params.with_untracked(|params| params.get("username").as_deref() == Some(id))
    });
    // Reloaded after each successful action.
    let file = ui::data(
        move || {
            (
                parameter(&params.read(), "username"),
                times.map(|times| times.get()),
                elsewhere.get(),
            )
        },
        |(username, ..)| read_user(username),
    );
    Effect::new(move || {
        if changing.iter().any(|action| action.has_succeeded()) {
            ui::announce(td_string!(locale, banner.user_saved).to_owned());
        }
    });
    view! {
        <p class="crumb">
            <a class="link" href="/admin/users">
                "← "
                {td_string!(locale, nav.users)}
            </a>
        </p>
        <DraftFailure />
        {ui::loaded(file, move |file| view! { <UserView file actions /> })}
    }
}

#[component]
fn UserView(file: UserDetails, actions: Actions) -> impl IntoView {
    let locale = ui::locale();
    let UserDetails {
        account,
        history,
        has_second_factor,
        password,
    } = file;
    let is_me = ui::me().is_some_and(|me| me.username == account.username);
    let seen = account.last_seen_at.map_or_else(
        || td_string!(locale, users.never).to_owned(),
        |seen| seen.display(locale),
    );
    view! {
        <Title text=account.username.clone() />
        <h1>{account.username.clone()}</h1>
        {password
            .map(|password| view! { <Secret label=td_string!(locale, users.one_time_password) secret=password /> })}
        <dl class="facts">
            <dt>{td_string!(locale, fields.role)}</dt>
            <dd>{account.role.display(|role| role.label(locale))}</dd>
            <dt>{td_string!(locale, fields.state)}</dt>
            <dd>
                <StateBadge state=account.state.clone() />
            </dd>
            <dt>{td_string!(locale, fields.created_at)}</dt>
            <dd>{account.created_at.display(locale)}</dd>
            <dt>{td_string!(locale, fields.last_seen_at)}</dt>
            <dd>{seen}</dd>
            <dt>{td_string!(locale, totp.title)}</dt>
            <dd>{if has_second_factor { td_string!(locale, totp.on) } else { td_string!(locale, totp.off) }}</dd>
        </dl>
        {account
            .must_change_password
            .then(|| view! { <p class="alert alert-info alert-soft my-4">{td_string!(locale, users.must_change)}</p> })}
        {if is_me {
            view! {
                <p class="mt-4">
                    {td_string!(locale, users.this_is_you)} " " <a class="link" href="/account">
                        {td_string!(locale, auth.account)}
                    </a>
                </p>
            }
                .into_any()
        } else {
            view! { <UserForms account has_second_factor actions /> }.into_any()
        }}
        <section aria-labelledby="history">
            <h2 id="history">{td_string!(locale, ui.history)}</h2>
            <History operations=history />
        </section>
    }
}

#[component]
fn UserForms(account: Account, has_second_factor: bool, actions: Actions) -> impl IntoView {
    let locale = ui::locale();
    let [name, acted, reset, factor, deleted] = std::array::from_fn(|_| account.username.clone());
    let role = account.role;
    let unknown = role.known().is_none().then(|| {
        view! {
            <option value="" disabled selected>
                {role.to_string()}
            </option>
        }
    });
    let option = move |other: &Role| {
        view! {
            <option value=other.code() selected=role == *other>
                {other.label(locale)}
            </option>
        }
    };
    let (action, label, hint) = match account.state.known() {
        Some(UserState::Pending) => (
            actions.activate,
            td_string!(locale, users.activate),
            td_string!(locale, users.activate_hint),
        ),
        Some(UserState::Active) | None => (
            actions.block,
            td_string!(locale, users.block),
            td_string!(locale, users.block_hint),
        ),
        Some(UserState::Blocked) => (
            actions.unblock,
            td_string!(locale, users.unblock),
            td_string!(locale, users.unblock_hint),
        ),
    };
    view! {
        <div class="form-columns">
            <section aria-labelledby="role">
                <h2 id="role">{td_string!(locale, fields.role)}</h2>
                <p class="mb-2">{td_string!(locale, users.role_hint)}</p>
                <Form action=actions.role class="filters">
                    <input type="hidden" name="username" value=name />
                    <label class="filter">
                        <span class="field-label">{td_string!(locale, fields.role)}</span>
                        <select class="select w-full" name="role">
                            {unknown}
                            {[Role::User, Role::Manager, Role::Admin].iter().map(option).collect_view()}
                        </select>
                    </label>
                    <Submit label=td_string!(locale, users.change_role) />
                </Form>
            </section>
            <section aria-labelledby="access">
                <h2 id="access">{td_string!(locale, users.access)}</h2>
                <Act action username=acted label hint />
                <Act
                    action=actions.reset
                    username=reset
                    label=td_string!(locale, users.reset_password)
                    hint=td_string!(locale, users.reset_hint)
                />
                {has_second_factor
                    .then(|| {
                        view! {
                            <Act
                                action=actions.reset_factor
                                username=factor
                                label=td_string!(locale, users.reset_second_factor)
                                hint=td_string!(locale, users.reset_second_factor_hint)
                            />
                        }
                    })}
                <details class="mt-4">
                    <summary class="btn btn-outline btn-error">{td_string!(locale, users.delete)}</summary>
                    <div class="panel mt-2">
                        <Act
                            action=actions.delete
                            username=deleted
                            label=td_string!(locale, users.do_delete)
                            hint=td_string!(locale, users.delete_question)
                            class="btn btn-outline btn-error"
                        />
                    </div>
                </details>
            </section>
        </div>
    }
}

/// A button for one action on the account, with an explanation.
#[component]
fn Act(
    action: FormAction,
    username: String,
    label: &'static str,
    hint: &'static str,
    #[prop(default = "btn")] class: &'static str,
) -> impl IntoView {
    view! {
        <Form action class="mb-4">
            <p class="mb-2">{hint}</p>
            <input type="hidden" name="username" value=username />
            <Submit label class />
        </Form>
    }
}
