//! The table of `make storm`: each test adds its row to the file in `FAULTS`, if that is set.

use crate::{database::Database, storm::Outcome};
use std::{env, fs::OpenOptions, io::Write};

/// Adds a row: the fault, how often it was caused, and the outcome of the storm. There is an outcome only if
/// `sirius check` found nothing wrong.
pub fn note(fault: &str, database: &Database, times: usize, outcome: &Outcome) {
    let Some(file) = env::var_os("FAULTS") else {
        return;
    };
    let Outcome {
        journal,
        answered,
        found,
        twice,
        lasted,
    } = outcome;
    #[expect(clippy::cast_precision_loss, reason = "the rate is only displayed")]
    let rate = *answered as f64 / lasted.as_secs_f64();
    let line = format!(
        "| {fault} | {} | {times} | {answered} | {found} | {twice} | {} | green | {rate:.0} |\n",
        database.kind(),
        journal.repeated,
    );
    let mut table = OpenOptions::new()
        .create(true)
        .append(true)
        .open(file)
        .unwrap();
    table.write_all(line.as_bytes()).unwrap();
}
