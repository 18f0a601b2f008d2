//! Which settings are wrong.

use std::fmt::Display;

/// The wrong settings found so far.
#[derive(Default)]
pub struct Wrong(Vec<String>);

impl Wrong {
    /// A setting, or a note of what is wrong with it.
    pub fn take<T, E: Display>(&mut self, name: &str, read: Result<T, E>) -> Option<T> {
        read.map_err(|error| self.note(name, error)).ok()
    }

    /// Notes what is wrong with a setting.
    pub fn note(&mut self, name: &str, why: impl Display) {
        self.0.push(format!("{name}: {why}"));
    }

    /// Whether nothing is wrong.
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// A line for each.
    pub fn into_lines(self) -> Vec<String> {
        self.0
    }
}

/// Reads `true` or `false`.
pub fn flag(text: &str) -> Result<bool, &'static str> {
    match text {
        "true" | "1" => Ok(true),
        "false" | "0" | "" => Ok(false),
        _ => Err("must be true or false"),
    }
}
