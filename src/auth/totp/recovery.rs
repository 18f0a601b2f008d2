//! Recovery codes, which replace a code of the authenticator app when it is lost.

use crate::{
    crypto::sha256, error::Error, schema::recovery_codes, text::tidy_code, transaction::Tx,
};
use diesel::prelude::*;
use rand::seq::IndexedRandom;

/// Number of codes of an account.
const CODES: usize = 10;
/// The characters of a code, without those that look alike.
const LETTERS: &[u8] = b"23456789abcdefghjkmnpqrstuvwxyz";
/// Length of a code: enough random characters (118 bits) that a plain hash of it protects it.
const LENGTH: usize = 24;
/// Number of characters between two hyphens.
const GROUP: usize = 6;

/// Replaces the codes of an account and returns the new ones, of which only the hashes are stored.
pub fn replace(tx: &mut Tx<'_>, username: &str) -> Result<Vec<String>, Error> {
    remove(tx, username)?;
    let codes: Vec<String> = (0..CODES).map(|_| generate()).collect();
    for code in &codes {
        diesel::insert_into(recovery_codes::table)
            .values((
                recovery_codes::user_id.eq(username),
                recovery_codes::hash.eq(sha256(&tidy_code(code))),
            ))
            .execute(tx.conn)?;
    }
    Ok(codes)
}

/// Uses up a code. Returns whether it was right and not used before.
pub fn use_up(tx: &mut Tx<'_>, username: &str, code: &str) -> Result<bool, Error> {
    let code = recovery_codes::table.find((username, sha256(&tidy_code(code))));
    let used = diesel::update(code.filter(recovery_codes::used_at.is_null()))
        .set(recovery_codes::used_at.eq(tx.now))
        .execute(tx.conn)?;
    Ok(used == 1)
}

/// Counts the codes of an account that are not used yet.
pub fn left(tx: &mut Tx<'_>, username: &str) -> Result<i64, Error> {
    recovery_codes::table
        .filter(recovery_codes::user_id.eq(username))
        .filter(recovery_codes::used_at.is_null())
        .count()
        .get_result(tx.conn)
        .map_err(Error::from)
}

/// Deletes the codes of an account.
pub fn remove(tx: &mut Tx<'_>, username: &str) -> Result<(), Error> {
    diesel::delete(recovery_codes::table.filter(recovery_codes::user_id.eq(username)))
        .execute(tx.conn)?;
    Ok(())
}

fn generate() -> String {
    let mut random = rand::rng();
    let letters = (0..LENGTH).filter_map(|_| LETTERS.choose(&mut random));
    let letters: Vec<char> = letters.map(|letter| char::from(*letter)).collect();
    let groups: Vec<String> = letters
        .chunks(GROUP)
        .map(|group| group.iter().collect())
        .collect();
    groups.join("-")
}
