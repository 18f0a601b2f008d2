//! Keeps a file until it is confirmed, plans what it does, and does it.

use super::{Counts, Kind, Preview, PreviewRow, RowState};
use crate::{
    act::{Tx, new_key, sha256},
    db,
    error::{Error, FieldError, Problem, Stale},
    log::{
        self, Action, Change, Entity,
        service::{Entry, record, record_all},
    },
    moment::Moment,
    products,
    schema::{imports, uploads},
    sheet::read::{Row, Table, decode},
    supplies,
};
use chrono::TimeDelta;
use diesel::prelude::*;

/// Rows of a plan that are shown.
const SHOWN: usize = 200;
/// Hours after which a file that nobody confirmed is forgotten.
const KEPT: i64 = 24;

/// A row of a file, and what it would do: nothing, when it is wrong or the same.
pub struct Planned<A> {
    pub line: u64,
    pub title: String,
    pub changes: Vec<Change>,
    pub outcome: Outcome<A>,
}

/// What a row comes to.
pub enum Outcome<A> {
    New(A),
    Changed(A),
    Same,
    Wrong(Vec<FieldError>),
}

impl<A> Planned<A> {
    fn state(&self) -> RowState {
        match self.outcome {
            Outcome::New(_) => RowState::New,
            Outcome::Changed(_) => RowState::Changed,
            Outcome::Same => RowState::Same,
            Outcome::Wrong(_) => RowState::Wrong,
        }
    }

    fn problems(&self) -> &[FieldError] {
        match &self.outcome {
            Outcome::Wrong(problems) => problems,
            Outcome::New(_) | Outcome::Changed(_) | Outcome::Same => &[],
        }
    }
}

/// Keeps a file that was sent, and gives its name.
pub fn keep(tx: &mut Tx<'_>, kind: Kind, file_name: &str, bytes: &[u8]) -> Result<String, Error> {
    tx.actor.may(kind.permission())?;
    let old = tx.now.utc() - TimeDelta::hours(KEPT);
    diesel::delete(uploads::table.filter(uploads::created_at.lt(old))).execute(tx.conn)?;
    let id = new_key();
    diesel::insert_into(uploads::table)
        .values((
            uploads::id.eq(&id),
            uploads::kind.eq(kind),
            uploads::user_id.eq(tx.actor.username()),
            uploads::file_name.eq(crate::text::tidy(file_name)),
            // PostgreSQL keeps no NUL in a text; a table has none.
            uploads::content.eq(decode(bytes).replace('\0', "")),
            uploads::created_at.eq(tx.now),
        ))
        .execute(tx.conn)?;
    Ok(id)
}

/// What a file that was sent would do.
pub fn preview(tx: &mut Tx<'_>, kind: Kind, id: &str) -> Result<Preview, Error> {
    tx.actor.may(kind.permission())?;
    let (file_name, text) = kept(tx, kind, id)?;
    match kind {
        Kind::Products => {
            let table = products::import::table(&text)?;
            Ok(shown(&products::import::plan(tx, &table)?, id, file_name))
        }
        Kind::Supplies => {
            let table = supplies::import::table(&text)?;
            Ok(shown(&supplies::import::plan(tx, &table)?, id, file_name))
        }
    }
}

/// Does what was shown: all of it, as one act. Refused when it would do anything else by now.
pub fn confirm(tx: &mut Tx<'_>, kind: Kind, id: &str, digest: &str) -> Result<Counts, Error> {
    tx.actor.may(kind.permission())?;
    // Nobody adds, edits or moves products between the plan and its end.
    db::lock_table(tx.conn, "products")?;
    let (file_name, text) = kept(tx, kind, id)?;
    let (entity, preview) = match kind {
        Kind::Products => {
            let table = products::import::table(&text)?;
            let plan = products::import::plan(tx, &table)?;
            let preview = shown(&plan, id, &file);
            let apply = products::import::apply;
            run(tx, plan, &preview, digest, Entity::Product, apply)?;
            (Entity::Product, preview)
        }
        Kind::Supplies => {
            let table = supplies::import::table(&text)?;
            let plan = supplies::import::plan(tx, &table)?;
            let preview = shown(&plan, id, &file);
            let apply = supplies::import::apply;
            run(tx, plan, &preview, digest, Entity::Supply, apply)?;
            (Entity::Supply, preview)
        }
    };
    diesel::delete(uploads::table.find(id)).execute(tx.conn)?;
    let changes = [
        log::set("file", &preview.file_name),
        log::set("new", preview.new),
        log::set("changed", preview.changed),
        log::set("same", preview.same),
    ];
    record(tx, Action::Import, entity, "csv", &changes)?;
    Ok(Counts {
        new: preview.new,
        changed: preview.changed,
        same: preview.same,
    })
}

fn run<A>(
    tx: &mut Tx<'_>,
    plan: Vec<Planned<A>>,
    preview: &Preview,
    digest: &str,
    entity: Entity,
    apply: fn(&mut Tx<'_>, A, &mut Vec<Change>) -> Result<(Action, i64), Error>,
) -> Result<(), Error> {
    if preview.wrong > 0 {
        let problems = plan.iter().flat_map(Planned::problems).take(1);
        return Err(Error::Invalid(problems.cloned().collect()));
    }
    if preview.digest != digest {
        return Err(Error::Stale(Stale::new(0, Vec::new())));
    }
    for row in plan {
        match row.outcome {
            Outcome::New(act) | Outcome::Changed(act) => {
                let mut changes = row.changes;
                let (action, id) = apply(tx, act, &mut changes)?;
                changes.push(log::set("file", &preview.file_name));
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

/// A file that waits to be confirmed.
struct Kept {
    name: String,
    text: String,
    earlier: Option<Earlier>,
}

/// A file, for whoever sent it.
fn kept(tx: &mut Tx<'_>, kind: Kind, id: &str) -> Result<(String, String), Error> {
    let mine = uploads::table
        .find(id)
        .filter(uploads::kind.eq(kind))
        .select((uploads::user_id, uploads::file_name, uploads::content));
    let (user, file_name, text) = mine.first::<(Option<String>, String, String)>(tx.conn)?;
    if user.as_deref() == tx.actor.username() {
        Ok((file_name, text))
    } else {
        Err(Error::NotFound)
    }
}

fn shown<A>(plan: &[Planned<A>], upload: &str, file_name: String) -> Preview {
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
    let mut entries = Vec::new();
    };
    Preview {
        upload: upload.to_owned(),
        file_name,
        digest: sha256(&format!("{everything:?}")),
        new: count(RowState::New),
        changed: count(RowState::Changed),
        same: count(RowState::Same),
        wrong: count(RowState::Wrong),
        rows: rows.into_iter().take(SHOWN).map(row).collect(),
    }
}

/// The wrong cells of a row, as a check tells them.
pub fn problems(error: Error) -> Result<Vec<FieldError>, Error> {
    match error {
        Error::Invalid(problems) => Ok(problems),
        error => Err(error),
    }
}

/// Reads a file with these columns.
pub fn table(text: &str, fields: &[&'static str], needed: &[&str]) -> Result<Table, Error> {
    Table::read(text, fields, needed)
}
/// What a row does that cannot be read: nothing.
pub fn unreadable<A>(row: &Row, title: &str) -> Option<Planned<A>> {
    row.problem.as_ref().map(|problem| Planned {
        line: row.line,
        title: title.to_owned(),
        changes: Vec::new(),
        outcome: Outcome::Wrong(vec![problem.clone()]),
    })
}

