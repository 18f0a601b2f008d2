//! The table of what was measured.

use crate::{
    Outcome,
    load::{Cost, Target},
};
use std::fmt;

/// The rows of the table, in the order in which they were measured first.
#[derive(Default)]
pub struct Report {
    rows: Vec<Row>,
    memory: Vec<(String, f64, f64)>,
}

/// What one load cost in each round.
pub struct Row {
    database: &'static str,
    name: &'static str,
    large: Vec<Cost>,
    floor: Vec<Cost>,
    small: Vec<Cost>,
}

impl Report {
    /// Returns the row of this name.
    pub fn row(&mut self, database: &'static str, name: &'static str) -> &mut Row {
        let found = self
            .rows
            .iter()
            .position(|row| row.database == database && row.name == name);
        let index = found.unwrap_or_else(|| {
            self.rows.push(Row {
                database,
                name,
                large: Vec::new(),
                floor: Vec::new(),
                small: Vec::new(),
            });
            self.rows.len() - 1
        });
        &mut self.rows[index]
    }

    /// Notes how much memory a server uses now.
    pub fn memory(&mut self, database: &str, when: &str, target: &Target) -> Outcome {
        self.memory.push((
            format!("{database}, {when}"),
            target.memory("VmRSS")?,
            target.memory("RssAnon")?,
        ));
        Ok(())
    }
}

impl Row {
    pub fn add(&mut self, cost: Cost) {
        self.large.push(cost);
    }

    pub fn add_floor(&mut self, cost: Cost) {
        self.floor.push(cost);
    }

    pub fn add_small(&mut self, cost: Cost) {
        self.small.push(cost);
    }
}

/// Returns the median of what was measured, or `None` if nothing was.
fn median(costs: &[Cost], of: impl Fn(&Cost) -> f64) -> Option<f64> {
    let mut values: Vec<f64> = costs.iter().map(of).collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}

/// Returns the ratio of two medians.
fn ratio(above: &[Cost], below: &[Cost], of: impl Fn(&Cost) -> f64) -> Option<f64> {
    Some(median(above, &of)? / median(below, &of)?).filter(|ratio| ratio.is_finite())
}

/// Shows a number with some decimals, and what is unknown as an empty cell.
fn cell(number: Option<f64>, decimals: usize) -> String {
    number.map_or_else(String::new, |number| format!("{number:.decimals$}"))
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "| | database | CPU, ms | p50, ms | p99, ms | per second | CPU, floor : Sirius | per second, Sirius : floor \
             | CPU, large : small | per second, large : small |"
        )?;
        writeln!(
            f,
            "| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |"
        )?;
        for row in &self.rows {
            let Row {
                name,
                database,
                large,
                floor,
                small,
            } = row;
            let milliseconds =
                |of: fn(&Cost) -> f64| cell(median(large, of).map(|time| time * 1e3), 2);
            let cells = [
                milliseconds(|cost| cost.cpu),
                milliseconds(|cost| cost.p50),
                milliseconds(|cost| cost.p99),
                cell(median(large, |cost| cost.per_second), 0),
                cell(ratio(floor, large, |cost| cost.cpu), 2),
                cell(ratio(large, floor, |cost| cost.per_second), 2),
                cell(ratio(large, small, |cost| cost.cpu), 2),
                cell(ratio(large, small, |cost| cost.per_second), 2),
            ];
            writeln!(f, "| {name} | {database} | {} |", cells.join(" | "))?;
        }
        writeln!(
            f,
            "\n| memory | resident, MB | of it anonymous, MB |\n| --- | ---: | ---: |"
        )?;
        for (when, resident, anonymous) in &self.memory {
            writeln!(f, "| {when} | {resident:.0} | {anonymous:.0} |")?;
        }
        Ok(())
    }
}
