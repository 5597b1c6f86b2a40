//! A child process, and all that it has written.

use std::io::{BufRead as _, BufReader, Read};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;

use rustix::process::{Pid, Signal, kill_process};

use super::{SOON, wait_for};

/// A running child; it ends with this value at the latest.
pub struct Process {
    child: Child,
    pub out: Output,
    pub err: Output,
}

/// What a process has written to one of its outputs.
#[derive(Clone, Default)]
pub struct Output(Arc<Mutex<Vec<String>>>);

impl Output {
    fn follow(source: impl Read + Send + 'static) -> Self {
        let output = Self::default();
        let lines = output.clone();
        thread::spawn(move || {
            for line in BufReader::new(source).lines() {
                let Ok(line) = line else { return };
                lines.0.lock().unwrap().push(line);
            }
        });
        output
    }

    /// All of it so far.
    pub fn text(&self) -> String {
        self.0.lock().unwrap().join("\n")
    }

    fn line_with(&self, words: &str) -> Option<String> {
        let lines = self.0.lock().unwrap();
        lines.iter().find(|line| line.contains(words)).cloned()
    }
}

impl Process {
    pub fn start(command: &mut Command) -> Self {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program was built");
        let out = Output::follow(child.stdout.take().unwrap());
        let err = Output::follow(child.stderr.take().unwrap());
        Self { child, out, err }
    }

    /// The first line with these words in the output, once it is there; nothing if the process ends without.
    pub async fn line_with(&mut self, output: &Output, words: &str) -> Option<String> {
        wait_for(words, SOON, async || {
            match (output.line_with(words), self.status()) {
                (Some(line), _) => Some(Some(line)),
                (None, Some(_)) => Some(None),
                (None, None) => None,
            }
        })
        .await
    }

    /// How it ended, if it has.
    pub fn status(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().unwrap()
    }

    /// How it ends, within the time that a clean end may take.
    pub async fn ended(&mut self) -> ExitStatus {
        wait_for("the process ends", SOON, async || self.status()).await
    }

    pub fn signal(&self, signal: Signal) {
        self::signal(self.child.id(), signal);
    }

    /// Ends it as a power cut would, as far as its memory goes.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Signals a process that was started here and has not been waited for.
pub fn signal(id: u32, signal: Signal) {
    let id = i32::try_from(id).unwrap();
    kill_process(Pid::from_raw(id).unwrap(), signal).expect("it is running");
}
