//! The server function that takes operations back.

use crate::error::Error;
use leptos::prelude::*;

/// Takes operations of the log back, all or none: numbers with points between them.
#[server(endpoint = "undo_operations")]
pub async fn undo_operations(operations: String) -> Result<(), Error> {
    use crate::{
        server_context,
        ui::{banner::Success, undo},
    };
    let is_new = server_context::write(move |tx| {
        let operations = undo::split(&operations).ok_or(Error::NotUndoable)?;
        super::service::undo_all(tx, &operations)
    })
    .await?;
    server_context::redirect_back(if is_new {
        Success::Undone
    } else {
        Success::AlreadyUndone
    });
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use leptos::server_fn::ServerFn;

    #[test]
    fn the_form_is_sent_to_the_function() {
        assert_eq!(crate::ui::undo::PATH, UndoOperations::PATH);
    }
}
