//! How fast the service is, beside two limits that are measured in the same run.
//!
//!     cargo bench --bench load -- --help

#![cfg_attr(
    target_os = "linux",
    expect(clippy::print_stdout, reason = "its results are for a person to read")
)]

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[cfg(target_os = "linux")]
mod batches;
#[cfg(target_os = "linux")]
mod block;
#[cfg(target_os = "linux")]
mod client;
#[cfg(target_os = "linux")]
mod comparison;
#[cfg(target_os = "linux")]
mod cost;
#[cfg(target_os = "linux")]
mod course;
#[cfg(target_os = "linux")]
mod deployment;
#[cfg(target_os = "linux")]
mod direct;
#[cfg(target_os = "linux")]
mod echo;
#[cfg(target_os = "linux")]
mod fill;
#[cfg(target_os = "linux")]
mod growth;
#[cfg(target_os = "linux")]
mod latency;
#[cfg(target_os = "linux")]
mod machine;
#[cfg(target_os = "linux")]
mod measure;
#[cfg(target_os = "linux")]
mod notes;
#[cfg(target_os = "linux")]
mod numbers;
#[cfg(target_os = "linux")]
mod options;
#[cfg(target_os = "linux")]
mod paced;
#[cfg(target_os = "linux")]
mod picture;
#[cfg(target_os = "linux")]
mod postgres;
#[cfg(target_os = "linux")]
mod processes;
#[cfg(target_os = "linux")]
mod progress;
#[cfg(target_os = "linux")]
mod purge;
#[cfg(target_os = "linux")]
mod relay;
#[cfg(target_os = "linux")]
mod report;
#[cfg(target_os = "linux")]
mod requests;
#[cfg(target_os = "linux")]
mod restcomm;
#[cfg(target_os = "linux")]
mod round;
#[cfg(target_os = "linux")]
mod run;
#[cfg(target_os = "linux")]
mod service;
#[cfg(target_os = "linux")]
mod sides;
#[cfg(target_os = "linux")]
mod statistics;
#[cfg(target_os = "linux")]
mod stopwatch;
#[cfg(target_os = "linux")]
mod strace;
#[cfg(target_os = "linux")]
mod summary;
#[cfg(target_os = "linux")]
mod table;
#[cfg(target_os = "linux")]
mod ticker;
#[cfg(target_os = "linux")]
mod usage;

#[cfg(target_os = "linux")]
type Outcome<T = ()> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

#[cfg(target_os = "linux")]
fn main() -> std::process::ExitCode {
    use options::Role;

    let options = <options::Options as clap::Parser>::parse();
    let outcome = match options.role {
        None => run::run(&options.settings),
        Some(Role::Echo(place)) => echo::serve(&place).map(|()| true),
        Some(Role::Relay { place, restcomm }) => relay::serve(&place, restcomm).map(|()| true),
        Some(Role::Restcomm(place)) => restcomm::serve(&place).map(|()| true),
        Some(Role::Exec { place, program }) => processes::become_program(&place, &program),
    };
    match outcome {
        Ok(true) => std::process::ExitCode::SUCCESS,
        Ok(false) => std::process::ExitCode::FAILURE,
        Err(error) => {
            eprintln!("load: {error}");
            std::process::ExitCode::FAILURE
        }
    }
}

#[cfg(not(target_os = "linux"))]
fn main() {
    eprintln!("load: it reads /proc and places processes on processors, and so needs Linux");
}
