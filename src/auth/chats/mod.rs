//! Chats with the bot that are linked to an account, as a section of the account page.

#[cfg(feature = "ssr")]
pub mod api;
#[cfg(feature = "ssr")]
pub mod service;

use crate::{
    error::Error,
    moment::Moment,
    ui::{
        self,
        form::{Form, FormAction, Submit},
        secret::Secret,
    },
};
use leptos::{prelude::*, server_fn::codec::GetUrl};
use leptos_i18n::td_string;
use serde::{Deserialize, Serialize};

/// A chat that is linked to an account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(diesel::Queryable))]
pub struct Chat {
    pub id: i64,
    /// The person's name on Telegram.
    pub name: String,
    pub created_at: Moment,
}

/// The chats of an account, and a code that has just been created.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ChatList {
    /// Whether a bot is configured.
    pub is_on: bool,
    /// User name of the bot, once it is known from Telegram.
    pub bot: Option<String>,
    pub chats: Vec<Chat>,
    /// The new code; shown only once.
    pub code: Option<String>,
}

/// Lists the chats of the signed-in user.
#[server(endpoint = "list_chats", input = GetUrl)]
pub async fn list_chats() -> Result<ChatList, Error> {
    use crate::{notifications::access, server_context};
    let is_on = server_context::app_state()
        .config
        .notifications
        .telegram
        .is_some();
    let (chats, bot) =
        server_context::read(|tx| Ok((service::list(tx)?, access::bot_name(tx.conn)?))).await?;
    Ok(ChatList {
        is_on,
        bot,
        chats,
        code: server_context::shown_once("chat_code"),
    })
}

/// Creates a code that links a chat and redirects to the account page, which shows it.
#[server(endpoint = "make_chat_code")]
pub async fn make_chat_code() -> Result<(), Error> {
    use crate::{
        server_context,
        ui::{banner::Success, secret},
    };
    let (code, _) = server_context::write(service::new_code).await?;
    server_context::show_once("chat_code", &code);
    server_context::redirect(&format!("/account{}", secret::ANCHOR), Success::ChatCode);
    Ok(())
}

/// Unlinks a chat.
#[server(endpoint = "unlink_chat")]
pub async fn unlink_chat(id: i64) -> Result<(), Error> {
    use crate::{server_context, ui::banner::Success};
    server_context::write(move |tx| service::unlink(tx, id)).await?;
    server_context::redirect("/account", Success::ChatUnlinked);
    Ok(())
}

/// The section for chats with the bot: the linked chats, and a code for a new one.
#[component]
pub fn Chats() -> impl IntoView {
    let chats = ui::data(|| (), |()| list_chats());
    ui::loaded(chats, |list| {
        (list.is_on || !list.chats.is_empty()).then(|| view! { <ChatSection list /> })
    })
}

#[component]
fn ChatSection(list: ChatList) -> impl IntoView {
    let locale = ui::locale();
    let make = FormAction::new::<MakeChatCode>();
    let unlink = FormAction::in_row::<UnlinkChat>();
    let link = list.bot.clone().filter(|_| list.is_on).map(|bot| {
        let start = list.code.as_ref().map(|code| format!("?start={code}"));
        let href = format!("https://t.me/{bot}{}", start.unwrap_or_default());
        let words = td_string!(locale, bot.open, name = bot).to_string();
        view! {
            <p class="mb-4">
                <a class="link" href=href rel="external noreferrer">
                    {words}
                </a>
            </p>
        }
    });
    let row = move |chat: Chat| {
        let label = td_string!(locale, bot.unlink_named, name = chat.name.as_str()).to_string();
        let since =
            td_string!(locale, bot.since, moment = chat.created_at.display(locale)).to_string();
        view! {
            <li class="device">
                <div>
                    <strong>{chat.name}</strong>
                    <p class="text-sm opacity-80">{since}</p>
                </div>
                <form method="post" action=unlink.path()>
                    <input type="hidden" name="id" value=chat.id.to_string() />
                    <button class="btn btn-sm" type="submit" aria-label=label>
                        {td_string!(locale, bot.unlink)}
                    </button>
                </form>
            </li>
        }
    };
    let rows = (!list.chats.is_empty()).then(|| {
        view! {
            <h3 class="mt-4 font-bold" id="chats">
                {td_string!(locale, bot.chats)}
            </h3>
            <ul class="devices" aria-labelledby="chats">
                {list.chats.into_iter().map(row).collect_view()}
            </ul>
        }
    });
    view! {
        <section aria-labelledby="telegram">
            <h2 id="telegram">{td_string!(locale, bot.title)}</h2>
            <p class="mb-4">{td_string!(locale, bot.account_about)}</p>
            {list.code.map(|code| view! { <Secret label=td_string!(locale, bot.code) secret=code /> })}
            {link}
            {list
                .is_on
                .then(|| {
                    view! {
                        <Form action=make full_load=true>
                            <Submit label=td_string!(locale, bot.get_code) class="btn" />
                        </Form>
                    }
                })}
            {rows}
        </section>
    }
}
