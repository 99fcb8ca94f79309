//! How long something takes that is too short to be timed once.

use std::{
    hint::black_box,
    time::{Duration, Instant},
};

/// A round lasts about this long.
const ROUND: Duration = Duration::from_millis(40);

pub(crate) struct Stopwatch {
    /// Parts of names; none: everything is measured.
    wanted: Vec<String>,
}

impl Stopwatch {
    pub(crate) fn for_what_is_named(wanted: Vec<String>) -> Self {
        Self { wanted }
    }

    /// Prints what `work` takes.
    pub(crate) fn time<T>(&self, name: &str, mut work: impl FnMut() -> T) {
        self.time_each(name, 1, || (), |()| work());
    }

    /// Prints what one of the `parts` of `work` takes; what `prepare` takes is not counted.
    pub(crate) fn time_each<P, T>(
        &self,
        name: &str,
        parts: u32,
        mut prepare: impl FnMut() -> P,
        mut work: impl FnMut(P) -> T,
    ) {
        let is_wanted = |part: &String| name.contains(part.as_str());
        if !self.wanted.is_empty() && !self.wanted.iter().any(is_wanted) {
            return;
        }
        let mut round = |count: u32| {
            let prepared: Vec<P> = (0..count).map(|_| prepare()).collect();
            elapsed(|| {
                for one in prepared {
                    black_box(work(black_box(one)));
                }
            })
        };
        let mut count = 1;
        while round(count) < ROUND / 8 && count < 1 << 20 {
            count *= 2;
        }
        let count = count * 4;
        let best = (0..5).map(|_| round(count)).min().unwrap_or_default();
        let each = best.as_secs_f64() * 1e9 / f64::from(count) / f64::from(parts);
        println!("{name:<44} {each:>9.0} ns");
    }
}

#[expect(clippy::disallowed_methods, reason = "a stopwatch")]
fn elapsed(work: impl FnOnce()) -> Duration {
    let start = Instant::now();
    work();
    start.elapsed()
}
