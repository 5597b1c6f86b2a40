//! The payment session server, as one program: its command line, its configuration, its wiring.
#![allow(
    clippy::print_stdout,
    reason = "a command's answer goes to standard output"
)]

mod backup;
mod cli;
mod dev;
mod developer;
mod doctor;
mod export;
mod key_file;
mod logs;
mod merchant;
mod migrate_store;
mod parts;
mod prune;
mod sandbox;
mod serve;
mod verify_page;

use std::process::ExitCode;

use clap::{CommandFactory as _, Parser as _};

use cli::{Cli, Command, KeyCommand, MerchantCommand};

/// The system's allocator makes threads wait for each other where one frees what another made, as the writer and the
/// requests do all the time.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    #[cfg(feature = "failpoints")]
    let _failpoints = fail::FailScenario::setup();
    let cli = Cli::parse();
    let ran = match cli.command {
        Command::Dev(options) => run(dev::run(options)),
        Command::Serve(options) => run(serve::run(options)),
        Command::Merchant(MerchantCommand::Create(options)) => run(merchant::create(options)),
        Command::Merchant(MerchantCommand::RotateSecret(options)) => {
            run(merchant::rotate_secret(options))
        }
        Command::Merchant(MerchantCommand::RotateWebhookSecret(options)) => {
            run(merchant::rotate_webhook_secret(options))
        }
        Command::Migrate(options) => run(parts::migrate(options)),
        Command::Backup(options) => run(backup::run(options)),
        Command::MigrateStore(options) => run(migrate_store::run(options)),
        Command::Doctor(options) => run(doctor::run(options)),
        Command::Key(KeyCommand::Rotate(options)) => run(key_file::rotate(options)),
        Command::Sandbox(options) => run(sandbox::run(options)),
        Command::VerifyPage(options) => run(verify_page::run(options)),
        Command::Export(options) => run(export::run(options)),
        Command::Prune(options) => run(prune::run(options)),
        Command::Listen(options) => run(developer::listen::run(options)),
        Command::Trigger(options) => run(developer::trigger::run(options)),
        Command::Sessions(command) => run(developer::sessions::run(command)),
        Command::Events(command) => run(developer::events::run(command)),
        Command::Completions { shell } => {
            clap_complete::generate(
                shell,
                &mut Cli::command(),
                "paydesk",
                &mut std::io::stdout(),
            );
            Ok(())
        }
    };
    match ran {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("paydesk: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Runs a command to its end on all cores.
fn run(command: impl Future<Output = anyhow::Result<()>>) -> anyhow::Result<()> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?
        .block_on(command)
}
