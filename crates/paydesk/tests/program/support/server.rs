//! A running server.

use rustix::process::Signal;
use serde_json::Value;

use super::{Caller, Credentials, Process};

pub struct Server {
    pub process: Process,
    /// What merchants and payers call.
    pub caller: Caller,
    /// What the operator calls.
    pub admin: Caller,
    pub url: String,
}

impl Server {
    /// Waits until it serves; nothing if it ends instead.
    pub async fn started(mut process: Process, credentials: &Credentials) -> Option<Self> {
        let log = process.err.clone();
        let line = process.line_with(&log, r#""message":"serving""#).await?;
        let line: Value = serde_json::from_str(&line).unwrap();
        let at = |name: &str| format!("http://{}", line[name].as_str().unwrap());
        let url = at("listen");
        Some(Self {
            caller: Caller::new(&url, credentials),
            admin: Caller::new(&at("admin"), credentials),
            url,
            process,
        })
    }

    /// All that it has written.
    pub fn log(&self) -> String {
        self.process.err.text()
    }

    /// Stops it as an operator does. That it ends well is part of every test.
    pub async fn stop(mut self) -> String {
        self.process.signal(Signal::TERM);
        let status = self.process.ended().await;
        let log = self.log();
        assert_eq!(status.code(), Some(0), "{log}");
        assert!(!log.contains("panicked at"), "{log}");
        assert!(!log.contains(r#""level":"ERROR""#), "{log}");
        log
    }
}
