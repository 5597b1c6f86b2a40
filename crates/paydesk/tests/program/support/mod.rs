//! Processes of the real program, and what is said to them.

mod call;
mod installation;
mod network;
mod process;
mod sandbox;
mod server;

pub use call::{Answer, Caller, send};
pub use installation::{Credentials, Installation, Ran};
pub use network::{Fate, Network};
pub use process::Process;
pub use sandbox::{Charged, Sandbox};
pub use server::Server;

use std::time::Duration;

/// A card that is charged, as people write it.
pub const GOOD_CARD: &str = "4242 4242 4242 4242";
/// A card that is declined.
pub const BAD_CARD: &str = "4000 0000 0000 0002";
/// A card that is charged, but nobody hears of it.
pub const LOST_ANSWER_CARD: &str = "4000 0000 0000 5126";
/// Processes start within this, also on a machine that is busy with other tests.
pub const SOON: Duration = Duration::from_mins(2);
/// How often something is looked at that is waited for.
pub const POLL: Duration = Duration::from_millis(20);

/// Calls `look` until it finds something, for at most `within`; panics with `what` if it never does.
pub async fn wait_for<T>(
    what: &str,
    within: Duration,
    mut look: impl AsyncFnMut() -> Option<T>,
) -> T {
    let start = tokio::time::Instant::now();
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(start.elapsed() < within, "{what}: not within {within:?}");
        tokio::time::sleep(POLL).await;
    }
}

/// Waits until `left` says that nothing is left, for as long as it gets less: how much there is to do is another
/// matter than whether it is done. Panics with `what` once it has not got less for `within`.
pub async fn none_left(what: &str, within: Duration, mut left: impl AsyncFnMut() -> usize) {
    let mut least = usize::MAX;
    let mut since = tokio::time::Instant::now();
    loop {
        let now = left().await;
        if now == 0 {
            return;
        }
        if now < least {
            (least, since) = (now, tokio::time::Instant::now());
        }
        assert!(
            since.elapsed() < within,
            "{what}: {now} are left, and no fewer for {within:?}"
        );
        tokio::time::sleep(POLL).await;
    }
}
