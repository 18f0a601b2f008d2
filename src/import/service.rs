//! Plans the import of an uploaded file, and applies the plan when it is confirmed.

use super::{
    Kind, Preview, PreviewRow, RowState, UploadState,
    plan::{Basis, Outcome, Plan, Planned},
    waiting::{self, WaitingFile},
};
use crate::{
    audit::{
        self, Action, Change, Entity,
        service::{Entry, record, record_all},
    },
    auth::Actor,
    crypto::sha256,
    db,
    error::{Error, Problem, Stale},
    products,
    schema::imports,
    supplies,
    transaction::{AppState, Tx},
    ui::banner::Counts,
};
use diesel::prelude::*;

/// Maximum number of rows in a preview.
const SHOWN: usize = 200;
/// How often a confirmation is planned anew because somebody changed one of its products between plan and transaction.
const ATTEMPTS: usize = 3;

/// Returns the state of an uploaded file.
pub fn sent(tx: &mut Tx<'_>, kind: Kind, id: &str) -> Result<UploadState, Error> {
    tx.actor.may(kind.permission())?;
    // The other order would find neither while a confirmation turns the file into a result.
    let waiting = preview(tx, kind, id);
    match confirmed(tx, kind, id)? {
        Some(counts) => Ok(UploadState::Done(counts)),
        None => waiting.map(UploadState::Waits),
    }
}

/// Returns the preview of an uploaded file.
pub fn preview(tx: &mut Tx<'_>, kind: Kind, id: &str) -> Result<Preview, Error> {
    tx.actor.may(kind.permission())?;
    let file = waiting::find(tx, kind, id)?;
    match kind {
        Kind::Products => {
            let table = products::import::table(&file.text)?;
            build_preview(&products::import::plan(tx, &table)?.rows, id, &file)
        }
        Kind::Supplies => {
            let table = supplies::import::table(&file.text)?;
            build_preview(&supplies::import::plan(tx, &table)?.rows, id, &file)
        }
    }
}

/// The confirmation of a preview.
#[derive(Clone, Debug)]
pub struct Confirmation {
    pub kind: Kind,
    /// Id of the uploaded file.
    pub upload: String,
    /// Hash of the planned changes that were shown.
    pub digest: String,
    /// Import the content even if it was imported within 24 hours.
    pub again: bool,
}

/// What a confirmation leads to.
pub enum Decision {
    /// The file was confirmed before, with this result.
    Done(Counts),
    /// The file is to be written.
    Write(Box<PlannedImport>),
}

/// An import as it was shown, ready to be written.
pub struct PlannedImport {
    asked: Confirmation,
    file_name: String,
    content_hash: String,
    counts: Counts,
    rows: PlannedRows,
    basis: Basis,
}

enum PlannedRows {
    Products(Vec<Planned<products::import::Write>>),
    Supplies(Vec<Planned<supplies::import::Receive>>),
}

/// Imports a file as shown in its preview, in one transaction.
///
/// The file is read and planned before the transaction, because that takes long and others must be able to write
/// meanwhile. The transaction only compares the versions of the products with those in the plan.
///
/// Returns an error if the effect has changed since the preview, or if the same content was imported within 24 hours
/// and `again` is not set. A repeated confirmation returns the first result.
pub async fn confirm(app: &AppState, actor: Actor, asked: Confirmation) -> Result<Counts, Error> {
    for _ in 0..ATTEMPTS {
        let asked = asked.clone();
        let plan = match app.read(actor.clone(), |tx| plan(tx, asked)).await? {
            Decision::Done(counts) => return Ok(counts),
            Decision::Write(plan) => plan,
        };
        if let Some(counts) = app.write(actor.clone(), |tx| write(tx, *plan)).await? {
            return Ok(counts);
        }
    }
    Err(Error::Locked)
}

/// Plans the import of a confirmed file, which must have the effect that was shown.
pub fn plan(tx: &mut Tx<'_>, asked: Confirmation) -> Result<Decision, Error> {
    tx.actor.may(asked.kind.permission())?;
    // The other order would find neither while another confirmation turns the file into a result.
    let file = waiting::find(tx, asked.kind, &asked.upload);
    if let Some(counts) = confirmed(tx, asked.kind, &asked.upload)? {
        return Ok(Decision::Done(counts));
    }
    let file = file?;
    if file.earlier.is_some() && !asked.again {
        return Err(Error::field("file", Problem::ImportedAlready));
    }
    let (rows, basis, counts) = match asked.kind {
        Kind::Products => {
            let table = products::import::table(&file.text)?;
            let Plan { rows, basis } = products::import::plan(tx, &table)?;
            let counts = accept(&rows, &asked, &file)?;
            (PlannedRows::Products(rows), basis, counts)
        }
        Kind::Supplies => {
            let table = supplies::import::table(&file.text)?;
            let Plan { rows, basis } = supplies::import::plan(tx, &table)?;
            let counts = accept(&rows, &asked, &file)?;
            (PlannedRows::Supplies(rows), basis, counts)
        }
    };
    Ok(Decision::Write(Box::new(PlannedImport {
        asked,
        file_name: file.name,
        content_hash: sha256(&file.text),
        counts,
        rows,
        basis,
    })))
}

/// Returns the number of rows by effect, if the plan has no invalid row and is the one that was shown.
fn accept<A>(
    rows: &[Planned<A>],
    asked: &Confirmation,
    file: &WaitingFile,
) -> Result<Counts, Error> {
    let preview = build_preview(rows, &asked.upload, file)?;
    if preview.wrong > 0 {
        let problems = rows.iter().flat_map(Planned::problems).take(1);
        return Err(Error::Invalid(problems.cloned().collect()));
    }
    if preview.digest != asked.digest {
        return Err(Error::Stale(Stale::new(0, Vec::new(), None)));
    }
    let count = |rows: usize| i64::try_from(rows).unwrap_or(i64::MAX);
    Ok(Counts {
        new: count(preview.new),
        changed: count(preview.changed),
        same: count(preview.same),
    })
}

/// Writes a planned import as a whole. Returns `None`, and changes nothing, if a product of the plan has changed since.
pub fn write(tx: &mut Tx<'_>, plan: PlannedImport) -> Result<Option<Counts>, Error> {
    let Confirmation {
        kind,
        upload,
        again,
        ..
    } = plan.asked;
    tx.actor.may(kind.permission())?;
    // Locks out other changes of products until the plan has been applied.
    db::lock_table(tx.conn, "products")?;
    if let Some(counts) = confirmed(tx, kind, &upload)? {
        return Ok(Some(counts));
    }
    if !again && waiting::earlier_import(tx, kind, &plan.content_hash)?.is_some() {
        return Err(Error::field("file", Problem::ImportedAlready));
    }
    if !products::import::is_current(tx, &plan.basis)? {
        return Ok(None);
    }
    waiting::remove(tx, &upload)?;
    let entity = match plan.rows {
        PlannedRows::Products(rows) => {
            let apply = products::import::apply;
            write_rows(tx, rows, &plan.file_name, Entity::Product, apply)?
        }
        PlannedRows::Supplies(rows) => {
            let apply = supplies::import::apply;
            write_rows(tx, rows, &plan.file_name, Entity::Supply, apply)?
        }
    };
    let counts = plan.counts;
    diesel::insert_into(imports::table)
        .values((
            imports::upload_id.eq(upload),
            imports::kind.eq(kind),
            imports::user_id.eq(tx.actor.username()),
            imports::content_hash.eq(plan.content_hash),
            imports::new_rows.eq(counts.new),
            imports::changed_rows.eq(counts.changed),
            imports::same_rows.eq(counts.same),
            imports::created_at.eq(tx.now),
        ))
        .execute(tx.conn)?;
    let changes = [
        audit::set("file", &plan.file_name),
        audit::set("new", counts.new),
        audit::set("changed", counts.changed),
        audit::set("same", counts.same),
    ];
    record(tx, Action::Import, entity, "csv", &changes)?;
    Ok(Some(counts))
}

/// Writes the rows of a plan that change something, and returns what the operation log records of each.
type Apply<A> = fn(&mut Tx<'_>, Vec<(A, Vec<Change>)>) -> Result<Vec<Entry>, Error>;

fn write_rows<A>(
    tx: &mut Tx<'_>,
    rows: Vec<Planned<A>>,
    file_name: &str,
    entity: Entity,
    apply: Apply<A>,
) -> Result<Entity, Error> {
    let act = |row: Planned<A>| match row.outcome {
        Outcome::New(act) | Outcome::Changed(act) => Some((act, row.changes)),
        Outcome::Same | Outcome::Wrong(_) => None,
    };
    let mut entries = apply(tx, rows.into_iter().filter_map(act).collect())?;
    for entry in &mut entries {
        entry.changes.push(audit::set("file", file_name));
    }
    record_all(tx, entity, &entries)?;
    Ok(entity)
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
    file: &WaitingFile,
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
