//! `sirius check`: what was compared, and what disagrees.

use super::{say, words};
use sirius::{act::Shop, check, error::Error};

/// Prints what was compared; an error says that rows disagree.
pub async fn check(shop: &Shop, repair: bool) -> Result<(), String> {
    if repair {
        match check::repair(shop).await {
            Ok(rows) => say(&format!("made anew: roll-ups ({rows})"))?,
            // Nothing was changed. What is compared below names the rows.
            Err(error @ Error::SumTooLarge) => say(&format!("not made anew: {}", words(error)))?,
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
