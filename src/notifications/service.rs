//! The rules of the admin's notifications page: the overview, the list, the test, and resending.

use super::{
    Channel, Delivery, Kind, MailFacts, Overview, Query, Refused, State, TelegramFacts,
    message::{Markup, MessageWriter},
    notice::Notice,
    outbox,
};
use crate::{
    audit::{self, Action, Entity, service::record},
    auth::Permission,
    codes::Code,
    config::notifications::Config,
    db::{self, Column, Dialect, Keyset, SortKey},
    error::{Error, Problem},
    i18n::Locale,
    moment::Moment,
    page::Page,
    schema::{notification_channels as channels, notifications},
    transaction::Tx,
    validation::Validator,
};
use chrono::NaiveDateTime;
use diesel::{dsl::sql, prelude::*, sql_types::Untyped};

/// Returns the notification settings, the channels that reject our credentials, and the number of waiting
/// notifications.
pub fn overview(tx: &mut Tx<'_>, config: &Config) -> Result<Overview, Error> {
    tx.actor.may(Permission::AdminArea)?;
    let known = channels::table
        .select((
            channels::channel,
            channels::name,
            channels::refused_at,
            channels::error,
        ))
        .load::<(
            Code<Channel>,
            Option<String>,
            Option<Moment>,
            Option<String>,
        )>(tx.conn)?;
    let bot = known
        .iter()
        .find(|(channel, ..)| *channel == Channel::Telegram)
        .and_then(|(_, name, ..)| name.clone());
    let is_on = |channel: &Channel| match channel {
        Channel::Telegram => config.telegram.is_some(),
        Channel::Mail => config.mail.is_some(),
    };
    let refused = known.into_iter().filter_map(|(channel, _, since, why)| {
        Some(Refused {
            channel: channel.known().filter(is_on)?,
            since: since?,
            why: why.unwrap_or_default(),
        })
    });
    let waiting = notifications::table.filter(notifications::state.eq(State::Waiting));
    let oldest = waiting
        .order(notifications::id)
        .select(notifications::created_at)
        .first::<Moment>(tx.conn)
        .optional()?;
    Ok(Overview {
        telegram: config.telegram.as_ref().map(|telegram| TelegramFacts {
            bot,
            chats: telegram.chats.clone(),
        }),
        mail: config.mail.as_ref().map(|mail| MailFacts {
            server: mail.server.clone(),
            from: mail.from.to_string(),
            to: mail.to.iter().map(ToString::to_string).collect(),
        }),
        orders: config.orders,
        language: config.language,
        site: config.site.clone(),
        refused: refused.collect(),
        waiting: waiting.count().get_result(tx.conn)?,
        oldest,
    })
}

/// Returns a page of notifications, newest first, with summaries in the language `locale`.
pub fn list(tx: &mut Tx<'_>, query: &Query, locale: Locale) -> Result<Page<Delivery>, Error> {
    tx.actor.may(Permission::AdminArea)?;
    let mut validator = Validator::default();
    let state: Option<State> = validator.code("state", &query.state);
    let limit = validator.page_size(&query.limit);
    validator.done()?;
    let order = db::SortOrder {
        columns: &[Column::Int("id")],
        descending: true,
    };
    let keyset = Keyset::new(order, &query.after, &query.before, limit)?;
    let mut rows = notifications::table
        .select(Row::as_select())
        .filter(keyset.seek_after())
        .into_boxed::<Dialect>();
    if let Some(state) = state {
        rows = rows.filter(notifications::state.eq(state));
    }
    let rows: Vec<Row> = rows
        .order(sql::<Untyped>(&keyset.order()))
        .limit(keyset.fetch())
        .load(tx.conn)?;
    let rows = rows.into_iter().map(|row| row.display(locale)).collect();
    Ok(keyset.page(rows, |delivery: &Delivery| vec![SortKey::Int(delivery.id)]))
}

/// Sends a test notification to every recipient.
pub fn send_test(tx: &mut Tx<'_>, config: &Config) -> Result<(), Error> {
    tx.actor.may(Permission::AdminArea)?;
    let recipients = outbox::recipients(config);
    if recipients.is_empty() {
        return Err(Error::field("recipient", Problem::NobodyToTell));
    }
    let notice = Notice::Test {
        by: tx.actor.username().map(str::to_owned),
    };
    for (channel, recipient) in &recipients {
        outbox::insert(tx, &notice, *channel, recipient)?;
    }
    let changes = [audit::set("recipients", recipients.len())];
    record(tx, Action::SendTest, Entity::Notification, "test", &changes)
}

/// Sends a failed notification again, with as much time for retries as a new one. Leaves a notification that has not
/// failed unchanged.
pub fn resend(
    tx: &mut Tx<'_>,
    id: i64,
    config: &Config,
    locale: Locale,
) -> Result<Delivery, Error> {
    tx.actor.may(Permission::AdminArea)?;
    let failed = notifications::table
        .find(id)
        .filter(notifications::state.eq(State::Failed));
    let renewed = diesel::update(failed)
        .set((
            notifications::state.eq(State::Waiting),
            notifications::created_at.eq(tx.now),
            notifications::due_at.eq(tx.now),
            notifications::attempts.eq(0),
            notifications::ended_at.eq(None::<NaiveDateTime>),
        ))
        .returning((notifications::channel, notifications::recipient))
        .get_result::<(Code<Channel>, String)>(tx.conn)
        .optional()?;
    if let Some((channel, recipient)) = renewed {
        let is_recipient = |channel| outbox::recipients(config).contains(&(channel, recipient));
        if !channel.known().is_some_and(is_recipient) {
            return Err(Error::field("recipient", Problem::NobodyToTell));
        }
        tx.events.request_callback();
        record(tx, Action::Resend, Entity::Notification, id, &[])?;
    }
    get(tx, id, locale)
}

/// Returns one notification.
pub fn get(tx: &mut Tx<'_>, id: i64, locale: Locale) -> Result<Delivery, Error> {
    tx.actor.may(Permission::AdminArea)?;
    let row: Row = notifications::table
        .find(id)
        .select(Row::as_select())
        .first(tx.conn)?;
    Ok(row.display(locale))
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = notifications)]
struct Row {
    id: i64,
    kind: Code<Kind>,
    channel: Code<Channel>,
    recipient: String,
    notice: String,
    state: Code<State>,
    attempts: i64,
    created_at: Moment,
    due_at: Moment,
    ended_at: Option<Moment>,
    last_error: Option<String>,
}

impl Row {
    fn display(self, locale: Locale) -> Delivery {
        let writer = MessageWriter {
            locale,
            site: "",
            markup: Markup::Plain,
        };
        Delivery {
            id: self.id,
            subject: match serde_json::from_str(&self.notice) {
                Ok(notice) => writer.subject(&notice),
                Err(_) => self.kind.to_string(),
            },
            kind: self.kind,
            channel: self.channel,
            recipient: self.recipient,
            state: self.state,
            attempts: self.attempts,
            created_at: self.created_at,
            due_at: self.due_at,
            ended_at: self.ended_at,
            last_error: self.last_error,
        }
    }
}
