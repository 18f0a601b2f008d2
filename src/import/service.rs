//! Stores an uploaded file until it is confirmed, plans its import and applies the plan.

use super::{
    Kind, Preview, PreviewRow, PreviousImport, RowState, UploadState,
    plan::{Outcome, Planned},
};
use crate::{
    audit::{
        self, Action, Change, Entity,
        service::{Entry, record, record_all},
    },
    crypto::{new_key, sha256},
    db,
    error::{Error, Problem, Stale},
    moment::Moment,
    products,
    schema::{imports, uploads},
    sheet::read::{Table, decode},
    supplies,
    transaction::Tx,
    ui::banner::Counts,
};
use chrono::TimeDelta;
use diesel::prelude::*;

/// Maximum number of rows in a preview.
const SHOWN: usize = 200;
/// Hours for which an uploaded file and the record of an import are kept.
const KEPT: i64 = 24;

/// Stores an uploaded file and returns its id. Deletes files and records of imports that are too old.
pub fn keep(tx: &mut Tx<'_>, kind: Kind, file_name: &str, bytes: &[u8]) -> Result<String, Error> {
    tx.actor.may(kind.permission())?;
    let old = tx.now.utc() - TimeDelta::hours(KEPT);
    diesel::delete(uploads::table.filter(uploads::created_at.lt(old))).execute(tx.conn)?;
    diesel::delete(imports::table.filter(imports::created_at.lt(old))).execute(tx.conn)?;
    let id = new_key();
    diesel::insert_into(uploads::table)
        .values((
            uploads::id.eq(&id),
            uploads::kind.eq(kind),
            uploads::user_id.eq(tx.actor.username()),
            uploads::file_name.eq(crate::text::tidy(file_name)),
            // PostgreSQL cannot store NUL characters in text, and a table needs none.
            uploads::content.eq(decode(bytes).replace('\0', "")),
            uploads::created_at.eq(tx.now),
        ))
        .execute(tx.conn)?;
    Ok(id)
}

/// Returns the state of an uploaded file.
pub fn sent(tx: &mut Tx<'_>, kind: Kind, id: &str) -> Result<UploadState, Error> {
    tx.actor.may(kind.permission())?;
    match confirmed(tx, kind, id)? {
        Some(counts) => Ok(UploadState::Done(counts)),
        None => preview(tx, kind, id).map(UploadState::Waits),
    }
}

/// Returns the preview of an uploaded file.
pub fn preview(tx: &mut Tx<'_>, kind: Kind, id: &str) -> Result<Preview, Error> {
    tx.actor.may(kind.permission())?;
    let file = pending_upload(tx, kind, id)?;
    match kind {
        Kind::Products => {
            let table = products::import::table(&file.text)?;
            build_preview(&products::import::plan(tx, &table)?, id, &file)
        }
        Kind::Supplies => {
            let table = supplies::import::table(&file.text)?;
            build_preview(&supplies::import::plan(tx, &table)?, id, &file)
        }
    }
}

/// Imports a file as shown in its preview, in one transaction.
///
/// Returns an error if the effect has changed since the preview, or if the same content was imported within 24 hours
/// and `again` is not set. A repeated confirmation returns the first result.
pub fn confirm(
    tx: &mut Tx<'_>,
    kind: Kind,
    id: &str,
    digest: &str,
    again: bool,
) -> Result<Counts, Error> {
    tx.actor.may(kind.permission())?;
    // Locks out other changes of products until the plan has been applied.
    db::lock_table(tx.conn, "products")?;
    if let Some(counts) = confirmed(tx, kind, id)? {
        return Ok(counts);
    }
    let file = pending_upload(tx, kind, id)?;
    if file.earlier.is_some() && !again {
        return Err(Error::field("file", Problem::ImportedAlready));
    }
    let (entity, preview) = match kind {
        Kind::Products => {
            let table = products::import::table(&file.text)?;
            let plan = products::import::plan(tx, &table)?;
            let preview = build_preview(&plan, id, &file)?;
            let apply = products::import::apply;
            run(tx, plan, &preview, digest, Entity::Product, apply)?;
            (Entity::Product, preview)
        }
        Kind::Supplies => {
            let table = supplies::import::table(&file.text)?;
            let plan = supplies::import::plan(tx, &table)?;
            let preview = build_preview(&plan, id, &file)?;
            let apply = supplies::import::apply;
            run(tx, plan, &preview, digest, Entity::Supply, apply)?;
            (Entity::Supply, preview)
        }
    };
    let rows = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
    let counts = Counts {
        new: rows(preview.new),
        changed: rows(preview.changed),
        same: rows(preview.same),
    };
    diesel::delete(uploads::table.find(id)).execute(tx.conn)?;
    diesel::insert_into(imports::table)
        .values((
            imports::upload_id.eq(id),
            imports::kind.eq(kind),
            imports::user_id.eq(tx.actor.username()),
            imports::content_hash.eq(sha256(&file.text)),
            imports::new_rows.eq(counts.new),
            imports::changed_rows.eq(counts.changed),
            imports::same_rows.eq(counts.same),
            imports::created_at.eq(tx.now),
        ))
        .execute(tx.conn)?;
    let changes = [
        audit::set("file", &preview.file_name),
        audit::set("new", counts.new),
        audit::set("changed", counts.changed),
        audit::set("same", counts.same),
    ];
    record(tx, Action::Import, entity, "csv", &changes)?;
    Ok(counts)
}

/// Applies the plan of a row, and appends further changes to those of the row.
type Apply<A> = fn(&mut Tx<'_>, A, &mut Vec<Change>) -> Result<(Action, i64), Error>;

fn run<A>(
    tx: &mut Tx<'_>,
    plan: Vec<Planned<A>>,
    preview: &Preview,
    digest: &str,
    entity: Entity,
    apply: Apply<A>,
) -> Result<(), Error> {
    if preview.wrong > 0 {
        let problems = plan.iter().flat_map(Planned::problems).take(1);
        return Err(Error::Invalid(problems.cloned().collect()));
    }
    if preview.digest != digest {
        return Err(Error::Stale(Stale::new(0, Vec::new(), None)));
    }
    let mut entries = Vec::new();
    for row in plan {
        match row.outcome {
            Outcome::New(act) | Outcome::Changed(act) => {
                let mut changes = row.changes;
                let (action, id) = apply(tx, act, &mut changes)?;
                changes.push(audit::set("file", &preview.file_name));
                entries.push(Entry {
                    action,
                    id,
                    changes,
                });
            }
            Outcome::Same | Outcome::Wrong(_) => {}
        }
    }
    record_all(tx, entity, &entries)
}

/// An uploaded file that is not confirmed yet.
struct PendingUpload {
    name: String,
    text: String,
    earlier: Option<PreviousImport>,
}

/// Returns an uploaded file, but only to the user who uploaded it.
fn pending_upload(tx: &mut Tx<'_>, kind: Kind, id: &str) -> Result<PendingUpload, Error> {
    let mine = uploads::table
        .find(id)
        .filter(uploads::kind.eq(kind))
        .select((uploads::user_id, uploads::file_name, uploads::content));
    let (user, name, text) = mine.first::<(Option<String>, String, String)>(tx.conn)?;
    if user.as_deref() != tx.actor.username() {
        return Err(Error::NotFound);
    }
    let day_ago = tx.now.utc() - TimeDelta::hours(KEPT);
    let earlier = imports::table
        .filter(imports::content_hash.eq(sha256(&text)))
        .filter(imports::kind.eq(kind))
        .filter(imports::created_at.ge(day_ago))
        .order(imports::created_at.desc())
        .select((imports::created_at, imports::user_id))
        .first::<(Moment, Option<String>)>(tx.conn)
        .optional()?
        .map(|(at, user_id)| PreviousImport { at, user_id });
    Ok(PendingUpload {
        name,
        text,
        earlier,
    })
}

/// Returns the result of a file that was confirmed before, but only to the user who confirmed it.
fn confirmed(tx: &mut Tx<'_>, kind: Kind, id: &str) -> Result<Option<Counts>, Error> {
    let done = imports::table
        .find(id)
        .filter(imports::kind.eq(kind))
        .select((
            imports::user_id,
            imports::new_rows,
            imports::changed_rows,
            imports::same_rows,
        ))
        .first::<(Option<String>, i64, i64, i64)>(tx.conn)
        .optional()?;
    let mine = done.filter(|(user, ..)| user.as_deref() == tx.actor.username());
    Ok(mine.map(|(_, new, changed, same)| Counts { new, changed, same }))
}

fn build_preview<A>(
    plan: &[Planned<A>],
    upload: &str,
    file: &PendingUpload,
) -> Result<Preview, Error> {
    let count = |state| plan.iter().filter(|row| row.state() == state).count();
    let everything: Vec<_> = plan
        .iter()
        .map(|row| (row.line, &row.title, row.state(), &row.changes))
        .collect();
    let mut rows: Vec<_> = plan.iter().collect();
    rows.sort_by_key(|row| (row.state() as u8, row.line));
    let row = |row: &Planned<A>| PreviewRow {
        line: row.line,
        state: row.state(),
        title: row.title.clone(),
        changes: row.changes.clone(),
        problems: row.problems().to_vec(),
    };
    let everything = serde_json::to_string(&everything).map_err(|_| Error::Internal)?;
    Ok(Preview {
        upload: upload.to_owned(),
        file_name: file.name.clone(),
        earlier: file.earlier.clone(),
        digest: sha256(&everything),
        new: count(RowState::New),
        changed: count(RowState::Changed),
        same: count(RowState::Same),
        wrong: count(RowState::Wrong),
        rows: rows.into_iter().take(SHOWN).map(row).collect(),
    })
}

/// Reads a file with these columns, of which `needed` must be present.
pub fn table(text: &str, fields: &[&'static str], needed: &[&str]) -> Result<Table, Error> {
    Table::read(text, fields, needed)
}
