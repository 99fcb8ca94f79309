//! The command line: one file per command.

mod dev;
mod healthcheck;
mod key;
mod keygen;
mod serve;
mod simulator;
mod tenant;

use std::{
    error::Error,
    io::{Write as _, stdout},
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::{Parser, Subcommand, ValueEnum};

use crate::{
    app,
    config::{Environment, StoreConfig},
    http::openapi,
    store::Store,
    telemetry::{self, Shape},
};

type Outcome = Result<(), Box<dyn Error + Send + Sync>>;

/// Proves that a person holds a phone number: sends one-time codes through Restcomm, keeps them hashed, and accepts
/// each of them once.
///
/// Begin with `countersign dev`: it needs no configuration, and prints requests to try.
#[derive(Parser)]
#[command(name = "countersign", version, max_term_width = 100)]
struct Arguments {
    /// The configuration, a TOML file. Variables named `COUNTERSIGN__SECTION__KEY` go before it.
    #[arg(long, global = true, env = "COUNTERSIGN_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    /// How log lines look: text for people, json for machines. By default text on a terminal and with `dev`, else json
    #[arg(
        long,
        global = true,
        env = "COUNTERSIGN_LOG_FORMAT",
        value_name = "FORMAT"
    )]
    log_format: Option<LogFormat>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Clone, Copy, ValueEnum)]
enum LogFormat {
    Text,
    Json,
}

#[derive(Subcommand)]
enum Command {
    /// Run everything on this machine, without any configuration: SQLite, a simulated Restcomm, simulated phones
    Dev(dev::Arguments),
    /// Run the service. An unsafe or incomplete configuration is refused, every fault named at once
    Serve(serve::Arguments),
    /// Create or upgrade the schema of the database
    Migrate,
    /// Tenants: applications with their own policy and keys
    #[command(subcommand)]
    Tenant(tenant::Command),
    /// API keys of tenants
    #[command(subcommand)]
    Key(key::Command),
    #[command(about = "Print a fresh [keys] section for the configuration")]
    Keygen,
    /// Print the OpenAPI document
    Openapi,
    /// Run the simulated Restcomm alone, SMS and calls, for the tests of other projects
    Simulator(simulator::Arguments),
    /// Exit with 0 when the service on this machine is ready
    Healthcheck(healthcheck::Arguments),
}

/// Runs the program.
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let environment = Environment::of_process();
    let last_lines = match telemetry::start(environment.log_levels(), arguments.log_shape()) {
        Ok(last_lines) => last_lines,
        Err(error) => return fail(&format!("cannot start: {error}")),
    };
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => return fail(&format!("cannot start: {error}")),
    };
    let outcome = runtime.block_on(run(arguments, environment));
    drop(last_lines);
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&error.to_string()),
    }
}

impl Arguments {
    /// What was asked for; `None`: as standard error likes it.
    fn log_shape(&self) -> Option<Shape> {
        match (self.log_format, &self.command) {
            (Some(LogFormat::Json), _) => Some(Shape::Json),
            (Some(LogFormat::Text), _) | (None, Command::Dev(_)) => Some(Shape::Text),
            (None, _) => None,
        }
    }
}

async fn run(arguments: Arguments, environment: Environment) -> Outcome {
    let config = arguments.config.as_deref();
    match arguments.command {
        Command::Dev(arguments) => dev::run(arguments, config, &environment).await,
        Command::Serve(arguments) => serve::run(arguments, config, &environment).await,
        Command::Migrate => migrate(config, &environment).await,
        Command::Tenant(command) => tenant::run(command, config, &environment).await,
        Command::Key(command) => key::run(command, config, &environment).await,
        Command::Keygen => keygen::run(),
        Command::Openapi => print(openapi::text()),
        Command::Simulator(arguments) => simulator::run(arguments).await,
        Command::Healthcheck(arguments) => healthcheck::run(arguments, config, &environment).await,
    }
}

async fn migrate(config: Option<&Path>, environment: &Environment) -> Outcome {
    let store = app::open(&StoreConfig::load(config, environment)?.database).await?;
    store.migrate().await?;
    store.close().await;
    Ok(())
}

/// Opens the database of a command that works beside the service, its schema up to date.
async fn open(config: &StoreConfig) -> Result<Store, Box<dyn Error + Send + Sync>> {
    let store = app::open(&config.database).await?;
    store.migrate().await?;
    Ok(store)
}

/// Resolves when the process is asked to stop.
async fn stopped() {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate()).expect("the runtime handles signals");
    let mut interrupt = signal(SignalKind::interrupt()).expect("the runtime handles signals");
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
}

fn print(text: &str) -> Outcome {
    stdout().write_all(text.as_bytes())?;
    Ok(())
}

fn fail(message: &str) -> ExitCode {
    let _ = writeln!(std::io::stderr(), "countersign: {message}");
    ExitCode::FAILURE
}
