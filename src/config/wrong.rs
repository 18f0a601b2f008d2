//! Collects the wrong settings, so that all of them are reported together.

use std::fmt::Display;

/// The wrong settings found so far.
#[derive(Default)]
pub struct SettingErrors(Vec<String>);

impl SettingErrors {
    /// Returns the value of a setting, or notes what is wrong with it.
    pub fn take<T, E: Display>(&mut self, name: &str, read: Result<T, E>) -> Option<T> {
        read.map_err(|error| self.note(name, error)).ok()
    }

    /// Notes what is wrong with a setting.
    pub fn note(&mut self, name: &str, why: impl Display) {
        self.0.push(format!("{name}: {why}"));
    }

    /// Returns whether no setting is wrong.
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns a line for each wrong setting.
    pub fn into_lines(self) -> Vec<String> {
        self.0
    }
}

/// Parses `true` or `false`.
pub fn flag(text: &str) -> Result<bool, &'static str> {
    match text {
        "true" | "1" => Ok(true),
        "false" | "0" | "" => Ok(false),
        _ => Err("must be true or false"),
    }
}
