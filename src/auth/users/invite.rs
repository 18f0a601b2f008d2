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
    use crate::door;
    let invitations = door::look(super::invitations::list).await?;
    Ok(Invited {
        invitations,
        link: door::shown_once("invitation").map(|token| link(&token)),
    })
}

/// Creates an invitation. The page shows its link, which cannot be retrieved later.
#[server(endpoint = "invite_user")]
pub async fn invite_user(#[server(flatten)] fields: Fields) -> Result<(), Error> {
    use crate::{
        crypto, door,
        ui::{banner::Success, secret},
    };
    let token = crypto::new_key();
    let kept = token.clone();
    door::submit(fields, move |tx, change: &super::service::RoleChange| {
        super::invitations::invite(tx, change.role, &kept)
    })
    .await?;
    door::show_once("invitation", &token);
    door::back_to(secret::PLACE, Success::Invited);
    Ok(())
}

/// Revokes an invitation.
#[server(endpoint = "revoke_invitation")]
pub async fn revoke_invitation(id: i64) -> Result<(), Error> {
    use crate::{door, ui::banner::Success};
    door::act(move |tx| super::invitations::revoke(tx, id)).await?;
    door::back(Success::InvitationRevoked);
    Ok(())
}

#[cfg(feature = "ssr")]
fn link(token: &str) -> String {
    format!("{}/register?invitation={token}", crate::door::origin())
}

/// The form that creates invitations, and the list of the valid ones.
#[component]
pub fn Invitations() -> impl IntoView {
    let l = ui::locale();
    let invite = FormAction::new::<InviteUser>();
    let revoke = FormAction::in_row::<RevokeInvitation>();
    let acts = [invite, revoke].map(FormAction::times_done);
    let invited = ui::data(
        move || acts.map(|times| times.get()),
        |_| list_invitations(),
    );
    let role = move |role: &Role| {
        view! { <option value=role.code() selected=*role == Role::User>{role.label(l)}</option> }
    };
    view! {
        <section class="panel" aria-labelledby="invitations">
            <h2 id="invitations">{td_string!(l, users.invitations)}</h2>
            <p class="mb-2">{td_string!(l, users.invitation_hint)}</p>
            <Form action=invite class="filters">
                <label class="filter">
                    <span class="field-label">{td_string!(l, fields.role)}</span>
                    <select class="select w-full" name="role">{[Role::User, Role::Manager, Role::Admin].iter().map(role).collect_view()}</select>
                </label>
                <Submit label=td_string!(l, users.invite) />
            </Form>
            {ui::loaded(invited, move |Invited { invitations, link }| {
                view! {
                    {link.map(|link| view! { <Secret label=td_string!(l, users.invited) secret=link /> })}
                    <InvitationList invitations revoke />
                }
            })}
        </section>
    }
}

#[component]
fn InvitationList(invitations: Vec<Invitation>, revoke: FormAction) -> impl IntoView {
    let l = ui::locale();
    let row = move |invitation: Invitation| {
        let by = invitation
            .user_id
            .unwrap_or_else(|| td_string!(l, ui.system).to_owned());
        let holds = td_string!(
            l,
            users.holds_until,
            moment = invitation.expires_at.shown(l),
            name = by
        )
        .to_string();
        view! {
            <li class="device">
                <div>
                    <strong>{invitation.role.words(|role| role.label(l))}</strong>
                    <p class="text-sm opacity-80">{holds}</p>
                </div>
                <Form action=revoke>
                    <input type="hidden" name="id" value=invitation.id.to_string() />
                    <Submit label=td_string!(l, users.revoke) class="btn btn-sm" />
                </Form>
            </li>
        }
    };
    (!invitations.is_empty()).then(
        || view! { <ul class="devices">{invitations.into_iter().map(row).collect_view()}</ul> },
    )
}
