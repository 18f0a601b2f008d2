//! A form that was sent without JavaScript and refused. The server keeps it for some minutes, see
//! `server/form_drafts.rs`, because an address that contained it would be in histories and logs.

use crate::error::Error;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What was typed into a form, and why it was refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Draft {
    /// The path of the server function to which the form was sent.
    pub function: String,
    /// `None` if the form was not sent because the session had ended.
    pub error: Option<Error>,
    /// The fields, except those with secrets.
    pub fields: BTreeMap<String, String>,
}
