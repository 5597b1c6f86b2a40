//! The log: JSON lines on standard error, or plain text for people.

use tracing::{Level, Metadata};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

/// Begins to log; `RUST_LOG` says how much.
pub fn start(plain: bool, default: &str) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(default));
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr);
    let is_fit = filter_fn(is_fit_to_be_read);
    // A second start (in tests of this very function) keeps the first.
    let started = if plain {
        log.finish().with(is_fit).try_init()
    } else {
        log.json()
            .flatten_event(true)
            .finish()
            .with(is_fit)
            .try_init()
    };
    if started.is_err() {
        tracing::debug!("the log was started before");
    }
}

/// Whatever `RUST_LOG` says: the driver of the database tells every value that it sends, customers and whole answers
/// among them, to whoever wants to know more than the usual.
fn is_fit_to_be_read(about: &Metadata<'_>) -> bool {
    !about.target().starts_with("tokio_postgres") || *about.level() <= Level::INFO
}
