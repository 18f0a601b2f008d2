//! Invitations, each a link for one new account: an admin creates and revokes them.

use super::Invitation;
use crate::{
    auth::Role,
    error::Error,
    fields::Fields,
    ui::{
        self,
        form::{Form, FormAction, Submit},
        secret::Secret,
    },
};
use leptos::{prelude::*, server_fn::codec::GetUrl};
use leptos_i18n::td_string;
use serde::{Deserialize, Serialize};

/// The valid invitations, and the link of one that has just been created.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Invited {
    pub invitations: Vec<Invitation>,
    pub link: Option<String>,
}

/// Lists the valid invitations.
#[server(endpoint = "list_invitations", input = GetUrl)]
pub async fn list_invitations() -> Result<Invited, Error> {
    use crate::server_context;
    let invitations = server_context::read(super::invitations::list).await?;
    Ok(Invited {
        invitations,
        link: server_context::shown_once("invitation").map(|token| link(&token)),
    })
}

/// Creates an invitation. The page shows its link, which cannot be retrieved later.
#[server(endpoint = "invite_user")]
pub async fn invite_user(#[server(flatten)] fields: Fields) -> Result<(), Error> {
    use crate::{
        crypto, server_context,
        ui::{banner::Success, secret},
    };
    let token = crypto::new_key();
    let kept = token.clone();
    server_context::submit(fields, move |tx, change: &super::service::RoleChange| {
        super::invitations::invite(tx, change.role, &kept)
    })
    .await?;
    server_context::show_once("invitation", &token);
    server_context::redirect_back_to(secret::ANCHOR, Success::Invited);
    Ok(())
}

/// Revokes an invitation.
#[server(endpoint = "revoke_invitation")]
pub async fn revoke_invitation(id: i64) -> Result<(), Error> {
    use crate::{server_context, ui::banner::Success};
    server_context::write(move |tx| super::invitations::revoke(tx, id)).await?;
    server_context::redirect_back(Success::InvitationRevoked);
    Ok(())
}

#[cfg(feature = "ssr")]
fn link(token: &str) -> String {
    format!(
        "{}/register?invitation={token}",
        crate::server_context::origin()
    )
}

/// The form that creates invitations, and the list of the valid ones.
#[component]
pub fn Invitations() -> impl IntoView {
    let locale = ui::locale();
    let invite = FormAction::new::<InviteUser>();
    let revoke = FormAction::in_row::<RevokeInvitation>();
    let acts = [invite, revoke].map(FormAction::success_count);
    let invited = ui::data(
        move || acts.map(|times| times.get()),
        |_| list_invitations(),
    );
    let role = move |role: &Role| {
        view! {
            <option value=role.code() selected=*role == Role::User>
                {role.label(locale)}
            </option>
        }
    };
    view! {
        <section class="panel" aria-labelledby="invitations">
            <h2 id="invitations">{td_string!(locale, users.invitations)}</h2>
            <p class="mb-2">{td_string!(locale, users.invitation_hint)}</p>
            <Form action=invite class="filters">
                <label class="filter">
                    <span class="field-label">{td_string!(locale, fields.role)}</span>
                    <select class="select w-full" name="role">
                        {[Role::User, Role::Manager, Role::Admin].iter().map(role).collect_view()}
                    </select>
                </label>
                <Submit label=td_string!(locale, users.invite) />
            </Form>
            {ui::loaded(
                invited,
                move |Invited { invitations, link }| {
                    view! {
                        {link.map(|link| view! { <Secret label=td_string!(locale, users.invited) secret=link /> })}
                        <InvitationList invitations revoke />
                    }
                },
            )}
        </section>
    }
}

#[component]
fn InvitationList(invitations: Vec<Invitation>, revoke: FormAction) -> impl IntoView {
    let locale = ui::locale();
    let row = move |invitation: Invitation| {
        let by = invitation
            .user_id
            .unwrap_or_else(|| td_string!(locale, ui.system).to_owned());
        let holds = td_string!(
            locale,
            users.holds_until,
            moment = invitation.expires_at.display(locale),
            name = by
        )
        .to_string();
        view! {
            <li class="device">
                <div>
                    <strong>{invitation.role.display(|role| role.label(locale))}</strong>
                    <p class="text-sm opacity-80">{holds}</p>
                </div>
                <Form action=revoke>
                    <input type="hidden" name="id" value=invitation.id.to_string() />
                    <Submit label=td_string!(locale, users.revoke) class="btn btn-sm" />
                </Form>
            </li>
        }
    };
    (!invitations.is_empty()).then(
        || view! { <ul class="devices">{invitations.into_iter().map(row).collect_view()}</ul> },
    )
}
