//! What it costs to read a phone number, and how much memory the numbering plans take.
//!
//!     cargo bench --bench phone

#![expect(clippy::print_stdout, reason = "its results are for a person to read")]

use std::{
    fs,
    hint::black_box,
    time::{Duration, Instant},
};

use countersign::domain::phone::PhoneNumber;

/// Numbers of eleven countries.
const VALID: [&str; 11] = [
    "+14155552671",
    "+442079460018",
    "+447911123456",
    "+351912345678",
    "+4915123456789",
    "+33612345678",
    "+34612345678",
    "+393123456789",
    "+5511961234567",
    "+919812345678",
    "+8613123456789",
];
const INVALID: [&str; 3] = ["+14155552", "+449999999999", "+351012345678"];
/// These go to the library, which takes the trunk zero out.
const TRUNK_ZERO: [&str; 2] = ["+4402079460018", "+33 (0)6 12 34 56 78"];

fn main() {
    println!("resident at start: {} KiB", resident_kib());
    let first = stopwatch(|| drop(black_box(PhoneNumber::parse(VALID[0]))));
    println!("first number: {first:?}, resident {} KiB", resident_kib());
    let all = stopwatch(PhoneNumber::warm_up);
    println!("all plans: {all:?}, resident {} KiB", resident_kib());
    assert!(
        VALID
            .iter()
            .chain(&TRUNK_ZERO)
            .all(|number| PhoneNumber::parse(number).is_ok())
    );
    assert!(
        INVALID
            .iter()
            .all(|number| PhoneNumber::parse(number).is_err())
    );
    measure("mixed valid", &VALID);
    measure("one hot number", &VALID[..1]);
    measure("invalid", &INVALID);
    measure("trunk zero", &TRUNK_ZERO);
    println!("resident at the end: {} KiB", resident_kib());
}

/// The best of five rounds, which is the one least disturbed by others on the machine.
fn measure(name: &str, numbers: &[&str]) {
    const ROUND: u32 = 100_000;
    let round = || {
        for number in numbers.iter().cycle().take(ROUND as usize) {
            let _ = black_box(PhoneNumber::parse(black_box(number)));
        }
    };
    let best = (0..5).map(|_| stopwatch(round)).min().unwrap_or_default();
    println!("{name}: {:?} per number", best / ROUND);
}

#[expect(clippy::disallowed_methods, reason = "a stopwatch")]
fn stopwatch(work: impl Fn()) -> Duration {
    let start = Instant::now();
    work();
    start.elapsed()
}

/// Linux only; 0 elsewhere.
fn resident_kib() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok())
        .unwrap_or(0)
}
