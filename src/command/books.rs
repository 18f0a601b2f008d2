//! `sirius check`: compares ledger, counters, orders and rollups.

use super::{error_message, say};
use sirius::{error::Error, integrity, transaction::AppState};

/// Prints what was compared and each row that disagrees. Returns an error if there are any.
pub async fn check(app: &AppState, repair: bool) -> Result<(), String> {
    if repair {
        match integrity::repair(app).await {
            Ok(rows) => say(&format!("rebuilt: rollups ({rows})"))?,
            // Nothing was changed. The comparison below names the rows.
            Err(error @ Error::SumTooLarge) => {
                say(&format!(
                    "could not rebuild the rollups: {}",
                    error_message(error)
                ))?;
            }
            Err(error) => return Err(error_message(error)),
        }
    }
    let report = app.db.read(integrity::check).await.map_err(error_message)?;
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
