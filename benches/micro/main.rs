//! What the steps of a send and of a check cost by themselves, in one thread and without a database.
//!
//!     cargo bench --bench micro
//!     cargo bench --bench micro -- seal check

#![expect(clippy::print_stdout, reason = "its results are for a person to read")]
#![expect(
    clippy::unwrap_used,
    reason = "what is measured must work, or there is nothing to measure"
)]

mod decisions;
mod stopwatch;
mod texts;
mod values;

use stopwatch::Stopwatch;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() {
    // Cargo adds a flag of its own.
    let wanted = std::env::args()
        .skip(1)
        .filter(|word| !word.starts_with('-'));
    let stopwatch = Stopwatch::for_what_is_named(wanted.collect());
    println!("best of five rounds, each");
    values::measure(&stopwatch);
    decisions::measure(&stopwatch);
    texts::measure(&stopwatch);
}
