//! A server under test as a child process, and what the kernel says it used.

use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};

/// Linux counts a process's CPU time in hundredths of a second for user space, on every architecture.
const TICK: Duration = Duration::from_millis(10);
/// A server that is not ready by then will not be.
const READY_WITHIN: Duration = Duration::from_mins(1);
const STOP_WITHIN: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_millis(2);

/// A running child; it ends with this value at the latest.
pub struct Process {
    child: Child,
    log: PathBuf,
    spawned: Instant,
}

impl Process {
    /// Starts `command` with its output going to the file `log`.
    pub fn spawn(command: &mut Command, log: PathBuf) -> anyhow::Result<Self> {
        let output = File::options().create(true).append(true).open(&log)?;
        without_settings(command)
            .stdin(Stdio::null())
            .stdout(output.try_clone()?)
            .stderr(output);
        let spawned = Instant::now();
        let child = command
            .spawn()
            .with_context(|| format!("start {}", command.get_program().display()))?;
        Ok(Self {
            child,
            log,
            spawned,
        })
    }

    /// Asks `path` at `address` until it answers 200; returns the time since the process was started.
    pub fn wait_until_ready(
        &mut self,
        address: SocketAddr,
        path: &str,
    ) -> anyhow::Result<Duration> {
        loop {
            if is_ready(address, path) {
                return Ok(self.spawned.elapsed());
            }
            if let Some(status) = self.child.try_wait()? {
                bail!(
                    "the server ended with {status} before it was ready:\n{}",
                    self.log_tail()
                );
            }
            if self.spawned.elapsed() > READY_WITHIN {
                bail!(
                    "the server was not ready within {READY_WITHIN:?}:\n{}",
                    self.log_tail()
                );
            }
            std::thread::sleep(POLL);
        }
    }

    /// User and system time used so far, of all threads.
    pub fn cpu(&self) -> anyhow::Result<Duration> {
        cpu_of(
            Path::new("/proc")
                .join(self.child.id().to_string())
                .as_path(),
        )
    }

    /// The largest resident memory so far, in bytes.
    pub fn peak_memory(&self) -> anyhow::Result<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let peak = status
            .lines()
            .find_map(|line| line.strip_prefix("VmHWM:"))
            .context("no VmHWM in /proc")?;
        let kibibytes: u64 = peak.trim().trim_end_matches("kB").trim().parse()?;
        Ok(kibibytes * 1024)
    }

    /// Waits until the process ends by itself, and answers the largest resident memory that it was seen with, in bytes.
    pub fn peak_memory_until_end(&mut self) -> anyhow::Result<u64> {
        let mut peak = 0;
        loop {
            // Between its end and being waited for, a process has no memory to tell of.
            peak = peak.max(self.peak_memory().unwrap_or(0));
            if let Some(status) = self.child.try_wait()? {
                ensure!(
                    status.success(),
                    "the program ended with {status}:\n{}",
                    self.log_tail()
                );
                return Ok(peak);
            }
            std::thread::sleep(POLL);
        }
    }

    /// Asks the process to end (SIGTERM) and waits for it; anything but a clean exit is an error.
    pub fn stop(mut self) -> anyhow::Result<()> {
        // The shell's own `kill`: sending a signal from here would take unsafe code or one more dependency.
        Command::new("sh")
            .args(["-c", r#"kill -TERM "$0""#, &self.child.id().to_string()])
            .status()?;
        let asked = Instant::now();
        while asked.elapsed() < STOP_WITHIN {
            if let Some(status) = self.child.try_wait()? {
                ensure!(
                    status.success(),
                    "the server ended with {status}:\n{}",
                    self.log_tail()
                );
                return Ok(());
            }
            std::thread::sleep(POLL);
        }
        bail!(
            "the server did not stop within {STOP_WITHIN:?} of SIGTERM:\n{}",
            self.log_tail()
        );
    }

    /// Ends the process at once (SIGKILL), as a crash would.
    pub fn kill(mut self) -> anyhow::Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// The end of what the process wrote, for a message.
    pub fn log_tail(&self) -> String {
        let log = fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        lines
            .get(lines.len().saturating_sub(15)..)
            .unwrap_or_default()
            .join("\n")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Both fail only when the process has already ended and been waited for.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Removes Paydesk's settings from a child's environment: a run measures the defaults and its own flags.
pub fn without_settings(command: &mut Command) -> &mut Command {
    for (name, _) in
        std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("PAYDESK_"))
    {
        command.env_remove(name);
    }
    command
}

/// User and system time used so far by this process, the load generator.
pub fn own_cpu() -> anyhow::Result<Duration> {
    cpu_of(Path::new("/proc/self"))
}

/// A loopback address that was free a moment ago.
pub fn free_address() -> anyhow::Result<SocketAddr> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}

fn cpu_of(process: &Path) -> anyhow::Result<Duration> {
    let stat = fs::read_to_string(process.join("stat"))?;
    ticks(&stat)
        .map(|ticks| TICK * ticks)
        .with_context(|| format!("unexpected /proc stat line: {stat}"))
}

/// `utime + stime`, fields 14 and 15 of proc(5). The second field is the program's name in parentheses and may
/// itself hold spaces and parentheses, so counting starts after the last one.
fn ticks(stat: &str) -> Option<u32> {
    let mut fields = stat
        .get(stat.rfind(')')? + 1..)?
        .split_whitespace()
        .skip(11);
    let user: u32 = fields.next()?.parse().ok()?;
    let system: u32 = fields.next()?.parse().ok()?;
    user.checked_add(system)
}

fn is_ready(address: SocketAddr, path: &str) -> bool {
    let ask = || -> std::io::Result<bool> {
        let mut stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(Duration::from_secs(5)))?;
        write!(
            stream,
            "GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n"
        )?;
        let mut head = [0; 12];
        stream.read_exact(&mut head)?;
        Ok(head.ends_with(b" 200"))
    };
    ask().unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cpu_time_is_read_past_a_name_with_spaces_and_parentheses() {
        let stat = "42 (a b) c) S 1 42 42 0 -1 4194304 100 0 0 0 31 11 0 0 20 0 5 0 100 1000 10 0";
        assert_eq!(ticks(stat), Some(42));
    }

    #[test]
    fn a_child_that_ends_before_it_is_ready_is_an_error_with_its_log() {
        let directory = tempfile::tempdir().unwrap();
        let mut command = Command::new("sh");
        command.args(["-c", "echo no such database >&2; exit 3"]);
        let mut process = Process::spawn(&mut command, directory.path().join("log")).unwrap();
        let error = process
            .wait_until_ready(free_address().unwrap(), "/readyz")
            .unwrap_err();
        assert!(error.to_string().contains("no such database"), "{error}");
    }

    #[test]
    fn a_child_that_exits_with_a_fault_when_asked_to_stop_is_an_error() {
        let directory = tempfile::tempdir().unwrap();
        let mut command = Command::new("sh");
        command.args([
            "-c",
            "trap 'exit 7' TERM; echo ready; while :; do sleep 0.01; done",
        ]);
        let log = directory.path().join("log");
        let process = Process::spawn(&mut command, log.clone()).unwrap();
        while fs::read_to_string(&log).unwrap().is_empty() {
            std::thread::sleep(POLL);
        }
        assert!(process.stop().is_err());
    }
}
