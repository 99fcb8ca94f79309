//! The arithmetic of the results. It stands by itself, so that the tests can take it in (tests/it/arithmetic.rs).

use serde::Serialize;

/// A figure over all rounds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(crate) struct Spread {
    pub(crate) median: f64,
    pub(crate) min: f64,
    pub(crate) max: f64,
}

impl Spread {
    /// `None` without any value.
    pub(crate) fn of(values: impl Iterator<Item = f64>) -> Option<Self> {
        let values: Vec<f64> = values.collect();
        let any = !values.is_empty();
        any.then(|| Self {
            median: median(values.iter().copied()),
            min: values.iter().copied().fold(f64::INFINITY, f64::min),
            max: values.iter().copied().fold(f64::NEG_INFINITY, f64::max),
        })
    }
}

/// The middle one, or what lies between the two in the middle; 0 without any.
pub(crate) fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    match values.len() {
        0 => 0.0,
        count if count % 2 == 1 => values[count / 2],
        count => f64::midpoint(values[count / 2 - 1], values[count / 2]),
    }
}

/// Which rounds count: those whose `echoes` are at most a share of `tolerance` off the usual one, which is the median of
/// all rounds that took turns.
pub(crate) fn undisturbed(echoes: &[f64], usual: f64, tolerance: f64) -> Vec<usize> {
    let near = |echo: f64| (echo - usual).abs() <= usual * tolerance;
    let places = 0..echoes.len();
    places.filter(|place| near(echoes[*place])).collect()
}

/// The rate of a server that does one thing at `first` and another at `second` a second, in turn.
pub(crate) fn rate_in_turn(first: f64, second: f64) -> f64 {
    2.0 / (1.0 / first + 1.0 / second)
}

/// The longest that a check may take for 99 of 100: twice the echo's, and two waits for the disk.
pub(crate) fn longest_check(echo: f64, fsync: f64) -> f64 {
    2.0 * echo + 2.0 * fsync
}

/// Where a value stands on a logarithmic axis: 0 is at `low`, 1 at `high`.
pub(crate) fn on_logarithmic_axis(value: f64, low: f64, high: f64) -> f64 {
    (value / low).ln() / (high / low).ln()
}

/// The powers of ten that enclose all `values`, at least one decade.
pub(crate) fn decades(values: impl Iterator<Item = f64> + Clone) -> (f64, f64) {
    let low = values.clone().fold(f64::INFINITY, f64::min).log10().floor();
    let high = values.fold(f64::NEG_INFINITY, f64::max).log10().ceil();
    (10_f64.powf(low), 10_f64.powf(high.max(low + 1.0)))
}
