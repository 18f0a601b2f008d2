//! The executor for Leptos tasks.

use any_spawner::{CustomExecutor, Executor, PinnedFuture, PinnedLocalFuture};
use tracing::Instrument;

/// Installs an executor that runs Leptos tasks in the span of their request. Leptos loads the data of a page in
/// separate tasks, whose log lines would otherwise not show the request.
pub fn install() {
    let is_first = Executor::init_custom_executor(Tasks).is_ok();
    tracing::debug!(is_first, "set the executor for Leptos tasks");
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
