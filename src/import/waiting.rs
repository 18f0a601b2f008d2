//! Uploaded files that wait for their confirmation, in a bounded number and size.

use super::{Kind, PreviousImport};
use crate::{
    crypto::{new_key, sha256},
    db,
    error::{Error, Problem},
    moment::Moment,
    schema::{imports, uploads},
    sheet::read::decode,
    text::tidy,
    transaction::Tx,
};
use chrono::{NaiveDateTime, TimeDelta};
use diesel::{dsl::sql, prelude::*, sql_types::BigInt};

/// How long an uploaded file and the record of an import are kept.
const KEPT: TimeDelta = TimeDelta::hours(24);

/// How much the files may take up that wait for their confirmation.
pub struct Bounds {
    /// The most files of one user.
    pub files: usize,
    /// The most bytes of one user.
    pub bytes: usize,
    /// The most bytes of all users.
    pub total_bytes: usize,
}

/// The bounds of a shop.
pub const BOUNDS: Bounds = Bounds {
    files: 20,
    bytes: 64 << 20,
    total_bytes: 256 << 20,
};

/// A file that waits for its confirmation.
pub struct WaitingFile {
    pub name: String,
    pub text: String,
    pub earlier: Option<PreviousImport>,
}

/// Stores an uploaded file and returns its id. The oldest files of the same user make room for it.
pub fn keep(tx: &mut Tx<'_>, kind: Kind, file_name: &str, bytes: &[u8]) -> Result<String, Error> {
    keep_within(tx, &BOUNDS, kind, file_name, bytes)
}

/// Stores an uploaded file within these bounds.
pub fn keep_within(
    tx: &mut Tx<'_>,
    bounds: &Bounds,
    kind: Kind,
    file_name: &str,
    bytes: &[u8],
) -> Result<String, Error> {
    tx.actor.may(kind.permission())?;
    // PostgreSQL cannot store NUL characters in text, and a table needs none.
    let text = decode(bytes).replace('\0', "");
    make_room(tx, bounds, text.len())?;
    let id = new_key();
    diesel::insert_into(uploads::table)
        .values((
            uploads::id.eq(&id),
            uploads::kind.eq(kind),
            uploads::user_id.eq(tx.actor.username()),
            uploads::file_name.eq(tidy(file_name)),
            uploads::content.eq(text),
            uploads::created_at.eq(tx.now),
        ))
        .execute(tx.conn)?;
    Ok(id)
}

/// Deletes the oldest files of the user until another one fits. Fails if the files of the others leave no room for it.
fn make_room(tx: &mut Tx<'_>, bounds: &Bounds, new: usize) -> Result<(), Error> {
    // Files that are uploaded at the same time must not exceed the bounds together.
    db::lock_name(tx.conn, "uploads")?;
    let size = || sql::<BigInt>("CAST(octet_length(content) AS BIGINT)");
    let mine: Vec<(String, i64)> = uploads::table
        .filter(uploads::user_id.eq(tx.actor.username()))
        .order((uploads::created_at.desc(), uploads::id))
        .select((uploads::id, size()))
        .load(tx.conn)?;
    let mut taken = new;
    let mut surplus = Vec::new();
    for (newer, (id, size)) in mine.into_iter().enumerate() {
        taken = taken.saturating_add(usize::try_from(size).unwrap_or(0));
        if newer + 1 >= bounds.files || taken > bounds.bytes {
            surplus.push(id);
        }
    }
    diesel::delete(uploads::table.filter(uploads::id.eq_any(surplus))).execute(tx.conn)?;
    let total: i64 = uploads::table
        .select(sql::<BigInt>(
            "CAST(COALESCE(SUM(octet_length(content)), 0) AS BIGINT)",
        ))
        .first(tx.conn)?;
    if usize::try_from(total).unwrap_or(0).saturating_add(new) > bounds.total_bytes {
        return Err(Error::field("file", Problem::NoRoomForFile));
    }
    Ok(())
}

/// Returns a file that waits, but only to the user who uploaded it.
pub fn find(tx: &mut Tx<'_>, kind: Kind, id: &str) -> Result<WaitingFile, Error> {
    let (user, name, text) = uploads::table
        .find(id)
        .filter(uploads::kind.eq(kind))
        .filter(uploads::created_at.ge(oldest_kept(tx)))
        .select((uploads::user_id, uploads::file_name, uploads::content))
        .first::<(Option<String>, String, String)>(tx.conn)?;
    if user.as_deref() != tx.actor.username() {
        return Err(Error::NotFound);
    }
    let earlier = earlier_import(tx, kind, &sha256(&text))?;
    Ok(WaitingFile {
        name,
        text,
        earlier,
    })
}

/// Deletes a file that is being imported. Fails if it no longer waits.
pub fn remove(tx: &mut Tx<'_>, id: &str) -> Result<(), Error> {
    match diesel::delete(uploads::table.find(id)).execute(tx.conn)? {
        0 => Err(Error::NotFound),
        _ => Ok(()),
    }
}

/// Returns the last import of the same content within 24 hours.
pub fn earlier_import(
    tx: &mut Tx<'_>,
    kind: Kind,
    content_hash: &str,
) -> Result<Option<PreviousImport>, Error> {
    let earlier = imports::table
        .filter(imports::content_hash.eq(content_hash))
        .filter(imports::kind.eq(kind))
        .filter(imports::created_at.ge(oldest_kept(tx)))
        .order(imports::created_at.desc())
        .select((imports::created_at, imports::user_id))
        .first::<(Moment, Option<String>)>(tx.conn)
        .optional()?;
    Ok(earlier.map(|(at, user_id)| PreviousImport { at, user_id }))
}

/// Deletes the files and the records of imports that are too old.
pub fn delete_expired(tx: &mut Tx<'_>) -> Result<(), Error> {
    let oldest = oldest_kept(tx);
    diesel::delete(uploads::table.filter(uploads::created_at.lt(oldest))).execute(tx.conn)?;
    diesel::delete(imports::table.filter(imports::created_at.lt(oldest))).execute(tx.conn)?;
    Ok(())
}

fn oldest_kept(tx: &Tx<'_>) -> NaiveDateTime {
    tx.now.utc() - KEPT
}
