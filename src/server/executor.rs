//! What runs the tasks of Leptos.

use any_spawner::{CustomExecutor, Executor, PinnedFuture, PinnedLocalFuture};
use tracing::Instrument;

/// Lets what a page reads belong to its request in the log: Leptos gives it to tasks of their own.
pub fn follow_tasks() {
    let is_first = Executor::init_custom_executor(Tasks).is_ok();
    tracing::debug!(is_first, "tasks of pages are followed");
}

struct Tasks;

impl CustomExecutor for Tasks {
    fn spawn(&self, task: PinnedFuture<()>) {
        tokio::spawn(task.in_current_span());
    }

    fn spawn_local(&self, task: PinnedLocalFuture<()>) {
        tokio::task::spawn_local(task.in_current_span());
    }

    fn poll_local(&self) {}
}
