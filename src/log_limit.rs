//! Bounds how many warnings clients can cause in the program's log.

use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use std::{num::NonZeroU32, sync::LazyLock};

/// How many warnings of one kind are logged at once, and how many more in each minute.
const PER_MINUTE: NonZeroU32 = NonZeroU32::MIN.saturating_add(29);

/// The limit for one kind of warning, in this process.
pub struct LogLimit(LazyLock<DefaultDirectRateLimiter>);

impl LogLimit {
    /// Creates a limit, for a `static`.
    #[expect(
        clippy::new_without_default,
        reason = "a static needs a constant function"
    )]
    pub const fn new() -> Self {
        Self(LazyLock::new(|| {
            RateLimiter::direct(Quota::per_minute(PER_MINUTE))
        }))
    }

    /// Returns whether one more warning may be logged now.
    pub fn allows_one(&self) -> bool {
        self.0.check().is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_of_warnings_is_bounded() {
        static FLOOD: LogLimit = LogLimit::new();
        let logged = (0..1_000).filter(|_| FLOOD.allows_one()).count();
        // A slow test may take long enough for another one.
        assert!((30..35).contains(&logged), "{logged}");
    }
}
