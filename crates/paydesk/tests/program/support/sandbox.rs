//! The sandbox as a process of its own: the witness of what was really charged.

use std::collections::BTreeMap;

use serde_json::Value;
use tempfile::TempDir;

use super::installation::program;
use super::{Caller, Credentials, Process, send};

pub struct Sandbox {
    pub process: Process,
    pub url: String,
    caller: Caller,
    #[cfg_attr(not(feature = "failpoints"), expect(dead_code))]
    folder: TempDir,
}

/// What of a charge came and went, in minor units.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Charged {
    pub captured: i64,
    pub refunded: i64,
}

impl Sandbox {
    pub async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self::on(folder, "127.0.0.1:0", &[]).await
    }

    async fn on(folder: TempDir, listen: &str, settings: &[(&str, &str)]) -> Self {
        let mut command = program();
        command.args(["sandbox", "--listen", listen, "--data"]);
        command.arg(folder.path().join("ledger.db"));
        command.envs(settings.iter().copied());
        let mut process = Process::start(&mut command);
        let log = process.err.clone();
        let line = process.line_with(&log, "http://").await;
        let line = line.unwrap_or_else(|| panic!("it does not start: {}", log.text()));
        let url = line[line.find("http://").unwrap()..].to_owned();
        let caller = Caller::new(&url, &Credentials::none());
        Self {
            process,
            url,
            caller,
            folder,
        }
    }

    /// With something that goes wrong in it.
    #[cfg(feature = "failpoints")]
    pub async fn failing(failpoints: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self::on(folder, "127.0.0.1:0", &[("FAILPOINTS", failpoints)]).await
    }

    /// Kills it, and starts it again at the same address with the same books.
    #[cfg(feature = "failpoints")]
    pub async fn crash_and_restart(mut self) -> Self {
        self.process.kill();
        let address = self.url.trim_start_matches("http://").to_owned();
        Self::on(self.folder, &address, &[]).await
    }

    /// What was charged for a merchant, by transaction.
    pub async fn charges(&self, merchant: &str) -> BTreeMap<String, Charged> {
        let mut charges = BTreeMap::new();
        let mut path = "/charges".to_owned();
        loop {
            let request = self.caller.request(reqwest::Method::GET, &path);
            let page = send(request).await.unwrap().ok();
            for charge in page["charges"].as_array().unwrap() {
                if charge["merchant"] != merchant {
                    continue;
                }
                let amount = |name: &str| charge[name].as_i64().unwrap();
                let money = Charged {
                    captured: amount("captured"),
                    refunded: amount("refunded"),
                };
                charges.insert(text(&charge["reference"]), money);
            }
            match page["nextAfter"].as_str() {
                Some(after) => path = format!("/charges?after={after}"),
                None => return charges,
            }
        }
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}
