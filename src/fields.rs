//! The fields that people enter, as text.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The fields of a form or a JSON object by name, as they were entered. `validation::Input` reads them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Fields(pub BTreeMap<String, String>);
