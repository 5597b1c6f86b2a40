//! The log: JSON lines on standard error, or plain text for people.

use tracing_subscriber::EnvFilter;

/// Begins to log; `RUST_LOG` says how much.
pub fn start(plain: bool, default: &str) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(default));
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr);
    // A second start (in tests of this very function) keeps the first.
    let started = if plain {
        log.try_init()
    } else {
        log.json().flatten_event(true).try_init()
    };
    if started.is_err() {
        tracing::debug!("the log was started before");
    }
}
