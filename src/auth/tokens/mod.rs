//! Personal API tokens, with which a program acts on behalf of its owner and with their current permissions.

#[cfg(feature = "ssr")]
pub mod api;
#[cfg(feature = "ssr")]
pub mod service;

use crate::{
    error::Error,
    fields::Fields,
    moment::Moment,
    ui::{
        self,
        form::{Field, Form, FormAction, Submit},
        secret::Secret,
    },
};
use leptos::{prelude::*, server_fn::codec::GetUrl};
use leptos_i18n::td_string;
use serde::{Deserialize, Serialize};

/// An API token without its secret, which is shown only when the token is created.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(
    feature = "ssr",
    derive(diesel::Queryable, diesel::Selectable),
    diesel(table_name = crate::schema::api_tokens)
)]
pub struct Token {
    pub id: i64,
    pub name: String,
    pub created_at: Moment,
    /// Accurate to the minute.
    pub last_used_at: Option<Moment>,
    /// From then on, the token is refused.
    pub expires_at: Moment,
}

/// The tokens of an account.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TokenList {
    pub tokens: Vec<Token>,
    /// When the list was read.
    pub now: Moment,
    /// The secret of a token that has just been created; shown only once.
    pub fresh: Option<String>,
}

/// Lists the tokens of the signed-in user.
#[server(endpoint = "list_tokens", input = GetUrl)]
pub async fn list_tokens() -> Result<TokenList, Error> {
    let (tokens, now) = crate::server_context::read(|tx| Ok((service::list(tx)?, tx.now))).await?;
    Ok(TokenList {
        tokens,
        now,
        fresh: crate::server_context::shown_once("token"),
    })
}

/// Creates a token, which the user confirms with their password, and redirects to the account page, which shows its
/// secret.
#[server(endpoint = "create_token")]
pub async fn create_token(#[server(flatten)] fields: Fields) -> Result<(), Error> {
    use crate::{
        server_context,
        ui::{banner::Success, secret},
        validation::Input,
    };
    let actor = server_context::set_status(server_context::actor())?;
    let app = server_context::app_state();
    let place = server_context::client_origin();
    let created = service::create(&app, actor, Input::new(fields), &place).await;
    let (_, token) = server_context::set_status(created)?;
    server_context::show_once("token", &token);
    server_context::redirect(
        &format!("/account{}", secret::ANCHOR),
        Success::TokenCreated,
    );
    Ok(())
}

/// Revokes a token.
#[server(endpoint = "revoke_token")]
pub async fn revoke_token(id: i64) -> Result<(), Error> {
    use crate::{server_context, ui::banner::Success};
    server_context::write(move |tx| service::revoke(tx, id)).await?;
    server_context::redirect("/account", Success::TokenRevoked);
    Ok(())
}

/// The section of the account page for tokens.
#[component]
pub fn TokenSection() -> impl IntoView {
    let locale = ui::locale();
    let tokens = ui::data(|| (), |()| list_tokens());
    let action = FormAction::new::<CreateToken>();
    view! {
        <section aria-labelledby="tokens">
            <h2 id="tokens">{td_string!(locale, tokens.title)}</h2>
            <p class="mb-4">
                {td_string!(locale, tokens.about)} " " <a class="link" href="/docs/" rel="external">
                    {td_string!(locale, tokens.docs)}
                </a>
            </p>
            {ui::loaded(
                tokens,
                move |list| {
                    view! {
                        {list
                            .fresh
                            .map(|token| view! { <Secret label=td_string!(locale, tokens.fresh) secret=token /> })}
                        <TokenTable tokens=list.tokens now=list.now />
                    }
                },
            )}
            <Form action full_load=true class="mt-4">
                <Field
                    name="name"
                    label=td_string!(locale, fields.name)
                    hint=td_string!(locale, tokens.name_hint)
                    required=true
                />
                <Field
                    name="password"
                    id="token-password"
                    label=td_string!(locale, tokens.password)
                    kind="password"
                    autocomplete="current-password"
                    required=true
                />
                <Submit label=td_string!(locale, tokens.create) class="btn" />
            </Form>
        </section>
    }
}

#[component]
fn TokenTable(tokens: Vec<Token>, now: Moment) -> impl IntoView {
    let locale = ui::locale();
    if tokens.is_empty() {
        return view! { <p class="empty">{td_string!(locale, tokens.none)}</p> }.into_any();
    }
    let rows = tokens
        .into_iter()
        .map(|token| view! { <TokenRow token now /> })
        .collect_view();
    view! {
        <table class="table cards mb-4" role="table">
            <thead role="rowgroup">
                <tr role="row">
                    <th scope="col" role="columnheader">
                        {td_string!(locale, fields.name)}
                    </th>
                    <th scope="col" role="columnheader">
                        {td_string!(locale, fields.created_at)}
                    </th>
                    <th scope="col" role="columnheader">
                        {td_string!(locale, tokens.last_used)}
                    </th>
                    <th scope="col" role="columnheader">
                        {td_string!(locale, tokens.expires)}
                    </th>
                    <th scope="col" role="columnheader">
                        <span class="sr-only">{td_string!(locale, ui.actions)}</span>
                    </th>
                </tr>
            </thead>
            <tbody role="rowgroup">{rows}</tbody>
        </table>
    }
    .into_any()
}

#[component]
fn TokenRow(token: Token, now: Moment) -> impl IntoView {
    let locale = ui::locale();
    let action = FormAction::in_row::<RevokeToken>();
    let last_used = token.last_used_at.map_or_else(
        || td_string!(locale, tokens.never).to_owned(),
        |moment| moment.display(locale),
    );
    let is_expired = token.expires_at.utc() <= now.utc();
    let label = td_string!(locale, tokens.revoke_named, name = token.name.as_str()).to_string();
    view! {
        <tr role="row">
            <td role="cell" class="row-title">
                {token.name}
            </td>
            <td role="cell" data-label=td_string!(locale, fields.created_at)>
                {token.created_at.display(locale)}
            </td>
            <td role="cell" data-label=td_string!(locale, tokens.last_used)>
                {last_used}
            </td>
            <td role="cell" data-label=td_string!(locale, tokens.expires)>
                {token.expires_at.display(locale)}
                {is_expired
                    .then(|| {
                        view! {
                            " "
                            <span class="badge badge-warning badge-soft">{td_string!(locale, tokens.expired)}</span>
                        }
                    })}
            </td>
            <td role="cell">
                <form method="post" action=action.path()>
                    <input type="hidden" name="id" value=token.id.to_string() />
                    <button class="btn btn-sm" type="submit" aria-label=label>
                        {td_string!(locale, tokens.revoke)}
                    </button>
                </form>
            </td>
        </tr>
    }
}
