//! `paydesk dev`: the first five minutes.

use std::fs;
use std::process::Command;

use reqwest::Method;
use rustix::process::Signal;
use serde_json::Value;

use crate::support::{Caller, Credentials, Installation, Process, Ran, send};

/// A running `paydesk dev`.
struct Dev {
    process: Process,
    /// What it printed.
    greeting: String,
    url: String,
    caller: Caller,
}

impl Dev {
    async fn start(installation: &Installation) -> Self {
        let arguments = [
            "dev",
            "--listen",
            "127.0.0.1:0",
            "--admin-listen",
            "127.0.0.1:0",
        ];
        let mut process = Process::start(&mut installation.command(&arguments));
        let (out, log) = (process.out.clone(), process.err.clone());
        let last = process.line_with(&out, "any future expiry").await;
        last.unwrap_or_else(|| panic!("it does not start: {}", log.text()));
        let greeting = out.text();
        let from = greeting.find("http://").unwrap();
        let url = greeting[from..]
            .split_whitespace()
            .next()
            .unwrap()
            .to_owned();
        let kept = fs::read_to_string(installation.path("paydesk-dev.json")).unwrap();
        let credentials = Credentials::read(&serde_json::from_str(&kept).unwrap());
        Self {
            caller: Caller::new(&url, &credentials),
            process,
            greeting,
            url,
        }
    }

    /// The one command that is printed to be pasted: its first line to the first that does not go on.
    fn curl(&self) -> String {
        let commands = self
            .greeting
            .lines()
            .filter(|line| line.starts_with("curl"));
        assert_eq!(commands.count(), 1, "{}", self.greeting);
        let lines = self
            .greeting
            .lines()
            .skip_while(|line| !line.starts_with("curl"));
        let mut command = Vec::new();
        for line in lines {
            command.push(line);
            if !line.ends_with('\\') {
                break;
            }
        }
        command.join("\n")
    }

    /// Pastes the command into a shell and answers with the session.
    fn paste(&self) -> Value {
        let pasted: Ran = Command::new("sh")
            .args(["-c", &self.curl()])
            .output()
            .unwrap()
            .into();
        assert_eq!(pasted.code, Some(0), "{pasted:?}");
        serde_json::from_str(&pasted.out).unwrap()
    }

    async fn stop(mut self, signal: Signal) {
        self.process.signal(signal);
        let status = self.process.ended().await;
        assert_eq!(status.code(), Some(0), "{}", self.process.err.text());
    }
}

/// The status of an address that was printed, and of where it leads to.
async fn opens(dev: &Dev, address: &str) -> u16 {
    let path = address
        .strip_prefix(&dev.url)
        .expect("one of this server's");
    let mut response = dev.caller.request(Method::GET, path).send().await.unwrap();
    if let Some(next) = response.headers().get("location") {
        let path = next
            .to_str()
            .unwrap()
            .trim_start_matches(&dev.url)
            .to_owned();
        response = dev.caller.request(Method::GET, &path).send().await.unwrap();
    }
    response.status().as_u16()
}

#[tokio::test]
async fn the_printed_command_works_as_pasted_and_so_do_the_printed_pages() {
    let installation = Installation::empty();
    let dev = Dev::start(&installation).await;
    let session = dev.paste();
    let id = session["id"].as_str().unwrap();
    assert_eq!(session["status"], "created");
    let address = dev
        .greeting
        .split_whitespace()
        .find(|word| word.contains("sessionId=ID"));
    let address = address.unwrap().replace("ID&", &format!("{id}&"));
    assert!(address.contains(id));
    assert_eq!(opens(&dev, &address).await, 200);
    let ready = dev
        .greeting
        .split_whitespace()
        .find(|word| word.contains("/pay/"));
    assert_eq!(opens(&dev, ready.unwrap()).await, 200);
    dev.stop(Signal::INT).await;
}

#[tokio::test]
async fn what_was_made_is_there_after_a_restart() {
    let installation = Installation::empty();
    let dev = Dev::start(&installation).await;
    let (curl, session) = (dev.curl(), dev.paste());
    let secret = |curl: &str| {
        curl.lines()
            .find(|line| line.contains("-u "))
            .unwrap()
            .to_owned()
    };
    let first = secret(&curl);
    dev.stop(Signal::TERM).await;

    let dev = Dev::start(&installation).await;
    assert_eq!(secret(&dev.curl()), first, "the same credentials");
    let path = format!("/sessions/{}", session["id"].as_str().unwrap());
    let again = send(dev.caller.xanpay(Method::GET, &path))
        .await
        .unwrap()
        .ok();
    assert_eq!(again, session);
    dev.stop(Signal::TERM).await;
}

#[tokio::test]
async fn a_second_dev_in_the_same_folder_says_that_one_is_running() {
    let installation = Installation::empty();
    let dev = Dev::start(&installation).await;
    let arguments = [
        "dev",
        "--listen",
        "127.0.0.1:0",
        "--admin-listen",
        "127.0.0.1:0",
    ];
    let second = installation.run(&arguments);
    assert_eq!(second.code, Some(1), "{second:?}");
    assert!(
        second.err.contains("another server is running"),
        "{second:?}"
    );
    dev.stop(Signal::TERM).await;
}
