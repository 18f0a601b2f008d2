//! The table of faults, for whoever asks for it: each test adds its line to the file that `FAULTS` names.

use crate::{database::Database, storm::Outcome};
use std::{env, fs::OpenOptions, io::Write};

/// Notes what was done to the server, how often, and what became of the storm meanwhile. Only a storm after
/// which the books agree has an outcome.
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
    #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
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
