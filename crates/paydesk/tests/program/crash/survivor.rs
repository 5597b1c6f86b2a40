//! A server that dies at one of its failpoints, and is started again without.

use std::os::unix::process::ExitStatusExt as _;

use reqwest::RequestBuilder;
use rustix::process::Signal;
use serde_json::Value;

use super::shop::{self, SETTLED_WITHIN};
use crate::support::{Answer, Caller, Installation, Process, Sandbox, Server, send, wait_for};

/// `SIGABRT`: a failpoint ended it.
const ABORTED: i32 = 6;

/// What was being done.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Step {
    Starting,
    Opening,
    Paying,
    Refunding,
    Stopping,
}

pub struct Survivor {
    pub installation: Installation,
    sandbox_url: String,
    server: Server,
    /// What is being done now.
    pub step: Step,
    /// What was being done when it died.
    pub died: Option<Step>,
}

impl Survivor {
    /// Starts a server that dies the time after the `spared`th that it comes to a failpoint.
    pub async fn start(sandbox: &Sandbox, failpoint: &str, spared: usize) -> Self {
        let installation = Installation::new();
        let sandbox_url = sandbox.url.clone();
        let action = match spared {
            0 => format!("{failpoint}=return"),
            _ => format!("{failpoint}={spared}*off->return"),
        };
        let options = ["--sandbox-url", &sandbox_url];
        let process = installation.start_serving(&options, &[("FAILPOINTS", &action)]);
        let log = process.err.clone();
        let started = Server::started(process, &installation.credentials).await;
        let died = started.is_none().then_some(Step::Starting);
        let server = if let Some(server) = started {
            server
        } else {
            assert!(!log.text().contains("panicked at"), "{}", log.text());
            installation.serve(&options).await
        };
        Self {
            installation,
            sandbox_url,
            server,
            step: Step::Opening,
            died,
        }
    }

    /// Sends a request until it is answered, whatever dies.
    pub async fn call(&mut self, request: impl Fn(&Caller) -> RequestBuilder) -> Answer {
        loop {
            match send(request(&self.server.caller)).await {
                Ok(answer) => return answer,
                Err(_) => self.restart().await,
            }
        }
    }

    /// Asks for a session until none of its transactions is under way any more, whatever dies.
    pub async fn settled(&mut self, id: &str) -> Value {
        wait_for("every outcome is known", SETTLED_WITHIN, async || {
            shop::if_settled(self.call(|caller| caller.session(id)).await.ok())
        })
        .await
    }

    async fn restart(&mut self) {
        let process: &mut Process = &mut self.server.process;
        let status = process.ended().await;
        assert_eq!(status.signal(), Some(ABORTED), "{}", self.server.log());
        assert_eq!(self.died, None, "it dies once");
        self.died = Some(self.step);
        let options = ["--sandbox-url", &self.sandbox_url];
        self.server = self.installation.serve(&options).await;
    }

    /// Stops the server, and says where it died. Stopping, too, is something to die at.
    pub async fn stop(mut self) -> Option<Step> {
        if self.died.is_some() {
            self.server.stop().await;
            return self.died;
        }
        self.server.process.signal(Signal::TERM);
        let status = self.server.process.ended().await;
        if status.success() {
            return None;
        }
        assert_eq!(status.signal(), Some(ABORTED), "{}", self.server.log());
        Some(Step::Stopping)
    }
}
