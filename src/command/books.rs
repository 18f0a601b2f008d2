//! `sirius check`: compares ledger, counters, orders and rollups.

use super::{say, words};
use sirius::{act::Shop, check, error::Error};

/// Prints what was compared and each row that disagrees. Returns an error if there are any.
pub async fn check(shop: &Shop, repair: bool) -> Result<(), String> {
    if repair {
        match check::repair(shop).await {
            Ok(rows) => say(&format!("rebuilt: rollups ({rows})"))?,
            // Nothing was changed. The comparison below names the rows.
            Err(error @ Error::SumTooLarge) => {
                say(&format!("could not rebuild the rollups: {}", words(error)))?;
            }
            Err(error) => return Err(words(error)),
        }
    }
    let report = shop.db.read(check::check).await.map_err(words)?;
    for (name, rows) in &report.compared {
        say(&format!("compared: {name} ({rows})"))?;
    }
    if report.wrong.is_empty() {
        return say("everything agrees");
    }
    for line in &report.wrong {
        say(line)?;
    }
    Err(format!("{} rows disagree", report.wrong.len()))
}
