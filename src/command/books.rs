//! `sirius check`: what was compared, and what disagrees.

use super::{say, words};
use sirius::{act::Shop, check};

/// Prints what was compared; an error says that rows disagree.
pub async fn check(shop: &Shop, repair: bool) -> Result<(), String> {
    if repair {
        let rows = check::repair(shop).await.map_err(words)?;
        say(&format!("made anew: roll-ups ({rows})"))?;
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
