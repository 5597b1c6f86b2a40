//! Runs a command beside a PostgreSQL server of its own, which ends with it.
//!
//! ```text
//! cargo run -p paydesk-testing-postgres -- node --test
//! ```
//!
//! The command finds the server's address in `PAYDESK_TEST_POSTGRES_URL`, as `postgres://user@host:port`, and the
//! server's own programs, `psql` say, before all others. What is stored there is gone afterwards.
#![allow(
    clippy::print_stderr,
    clippy::expect_used,
    reason = "a tool for those who test"
)]

use std::env;
use std::ffi::OsString;
use std::process::{Command, ExitCode};

use paydesk_testing_postgres::{Server, programs};

fn main() -> ExitCode {
    let mut words = env::args_os().skip(1);
    let Some(program) = words.next() else {
        eprintln!("Name the command to run beside a PostgreSQL server.");
        return ExitCode::FAILURE;
    };
    let server = Server::start(&[]);
    let mut path = OsString::from(programs());
    path.push(":");
    path.push(env::var_os("PATH").unwrap_or_default());
    let ended = Command::new(&program)
        .args(words)
        .env("PATH", path)
        .env("PAYDESK_TEST_POSTGRES_URL", server.address())
        .status();
    // Before this process ends: what it leaves behind, nobody waits for.
    drop(server);
    match ended {
        Ok(status) if status.success() => ExitCode::SUCCESS,
        Ok(status) => ExitCode::from(u8::try_from(status.code().unwrap_or(1)).unwrap_or(1)),
        Err(error) => {
            eprintln!("{} cannot be run: {error}", program.display());
            ExitCode::FAILURE
        }
    }
}
