//! Sliding limits on sends. Up to 64 in a window the instants themselves are kept, so that "3 in 10 minutes" is exact;
//! larger limits are GCRA (the generic cell rate algorithm), which needs one number whatever the count.

use std::{fmt, time::Duration};

use super::clock::Timestamp;

/// Limits up to this count are exact.
const EXACT_UP_TO: u32 = 64;

/// At most `count` sends in any window of `window`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    pub count: u32,
    pub window: Duration,
}

/// Which limit held a send back, as callers see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LimitName {
    PerNumber,
    PerIp,
    PerPrefix,
    PerCountry,
    PerKey,
    PerTenant,
}

/// What is remembered about one subject (a number, an address, a key, a tenant).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counter {
    /// Exact limits: when the sends of the longest window were, oldest first.
    pub instants: Vec<Timestamp>,
    /// GCRA: by limit, the theoretical arrival time in microseconds since the epoch.
    pub arrivals: Vec<(Rate, i64)>,
    /// After this instant the counter says nothing any more.
    pub until: Timestamp,
}

impl Counter {
    /// Whether one more send at `now` stays within every rate.
    ///
    /// # Errors
    /// The earliest instant at which it would.
    pub fn admits(&self, rates: &[Rate], now: Timestamp) -> Result<(), Timestamp> {
        let held_until = rates
            .iter()
            .filter_map(|rate| self.held_until(*rate, now))
            .max();
        held_until.map_or(Ok(()), Err)
    }

    /// Counts one send at `now`.
    pub fn charge(&mut self, rates: &[Rate], now: Timestamp) {
        let (exact, spaced): (Vec<Rate>, Vec<Rate>) =
            rates.iter().partition(|rate| rate.is_exact());
        if let Some(longest) = exact.iter().map(|rate| rate.window).max() {
            let most = exact
                .iter()
                .map(|rate| rate.count as usize)
                .max()
                .unwrap_or(0);
            self.instants.retain(|at| now < at.plus(longest));
            self.instants.push(now);
            // Another replica's clock may be ahead.
            self.instants.sort_unstable();
            let surplus = self.instants.len().saturating_sub(most);
            self.instants.drain(..surplus);
            self.until = self.until.max(now.plus(longest));
        }
        self.arrivals
            .retain(|(rate, arrival)| rates.contains(rate) && micros(now) < *arrival);
        for rate in spaced {
            let next = self.arrival(rate, now) + rate.spacing();
            self.arrivals.retain(|(known, _)| *known != rate);
            self.arrivals.push((rate, next));
            self.until = self.until.max(Timestamp::from_millis(next / 1000 + 1));
        }
    }

    /// Takes back the send that was charged at `at`: nothing left the house.
    pub fn give_back(&mut self, at: Timestamp, now: Timestamp) {
        if let Some(position) = self.instants.iter().rposition(|instant| *instant == at) {
            self.instants.remove(position);
        }
        for (rate, arrival) in &mut self.arrivals {
            // What is older than the window has run off by itself.
            if now < at.plus(rate.window) {
                *arrival -= rate.spacing();
            }
        }
    }

    /// Counts the send that was charged at `from` as one at `to`: another message took its place.
    pub fn move_charge(&mut self, from: Timestamp, to: Timestamp) {
        if let Some(position) = self.instants.iter().rposition(|instant| *instant == from) {
            self.instants.remove(position);
            self.instants.push(to);
            self.instants.sort_unstable();
            self.until = self.until.plus(from.until(to));
        }
    }

    /// Changes a row that stands for nothing, so that it is written: it says nothing, and may go at once.
    pub fn touch(&mut self, now: Timestamp) {
        if self.instants.pop().is_none() {
            self.instants.push(now);
        }
        self.until = now;
    }

    /// Takes over what another counter of the same subject saw (it was kept under an older key).
    pub fn absorb(&mut self, other: Self) {
        self.instants.extend(other.instants);
        self.instants.sort_unstable();
        for (rate, arrival) in other.arrivals {
            match self.arrivals.iter_mut().find(|(known, _)| *known == rate) {
                Some((_, mine)) => *mine = (*mine).max(arrival),
                None => self.arrivals.push((rate, arrival)),
            }
        }
        self.until = self.until.max(other.until);
    }

    fn held_until(&self, rate: Rate, now: Timestamp) -> Option<Timestamp> {
        if rate.is_exact() {
            let within = self.instants.iter().filter(|at| now < at.plus(rate.window));
            // The send that must leave the window before one more fits.
            let count = rate.count as usize;
            let seen = within.clone().count();
            return (count <= seen).then(|| {
                let blocking = within.copied().nth(seen - count).unwrap_or(now);
                blocking.plus(rate.window)
            });
        }
        let earliest = self.arrival(rate, now) + rate.spacing() - rate.window_micros();
        // Rounded up to the millisecond.
        let free_at = Timestamp::from_millis((earliest + 999).div_euclid(1000));
        (micros(now) < earliest).then_some(free_at)
    }

    fn arrival(&self, rate: Rate, now: Timestamp) -> i64 {
        let known = self
            .arrivals
            .iter()
            .find(|(known, _)| *known == rate)
            .map_or(i64::MIN, |(_, at)| *at);
        known.max(micros(now))
    }
}

impl Rate {
    fn is_exact(&self) -> bool {
        self.count <= EXACT_UP_TO
    }

    fn window_micros(self) -> i64 {
        i64::try_from(self.window.as_micros()).unwrap_or(i64::MAX / 4)
    }

    /// Microseconds between two sends that come as evenly as the rate allows.
    fn spacing(self) -> i64 {
        self.window_micros() / i64::from(self.count.max(1))
    }
}

impl LimitName {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::PerNumber => "per_number",
            Self::PerIp => "per_ip",
            Self::PerPrefix => "per_prefix",
            Self::PerCountry => "per_country",
            Self::PerKey => "per_key",
            Self::PerTenant => "per_tenant",
        }
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.window.as_secs();
        match seconds {
            s if s % 3600 == 0 => write!(f, "{}/{}h", self.count, s / 3600),
            s if s % 60 == 0 => write!(f, "{}/{}m", self.count, s / 60),
            s => write!(f, "{}/{s}s", self.count),
        }
    }
}

fn micros(at: Timestamp) -> i64 {
    at.as_millis().saturating_mul(1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Timestamp = Timestamp::from_millis(1_000_000_000);

    fn at(seconds: u64) -> Timestamp {
        START.plus(Duration::from_secs(seconds))
    }

    fn rate(count: u32, seconds: u64) -> Rate {
        Rate {
            count,
            window: Duration::from_secs(seconds),
        }
    }

    #[test]
    fn a_replica_whose_clock_is_behind_counts_in_the_order_of_time() {
        let twice = [Rate {
            count: 2,
            window: Duration::from_secs(10),
        }];
        let mut counter = Counter::default();
        counter.charge(&twice, at(5));
        counter.charge(&twice, at(0));
        assert_eq!(counter.instants, [at(0), at(5)]);
        assert_eq!(counter.admits(&twice, at(6)), Err(at(10)));
        assert_eq!(counter.admits(&twice, at(10)), Ok(()));
    }

    #[test]
    fn three_in_ten_minutes_is_exact_over_the_edge_of_any_window() {
        let rates = [rate(3, 600)];
        let mut counter = Counter::default();
        for second in [0, 300, 599] {
            assert_eq!(counter.admits(&rates, at(second)), Ok(()));
            counter.charge(&rates, at(second));
        }
        assert_eq!(counter.admits(&rates, at(599)), Err(at(600)));
        assert_eq!(
            counter.admits(&rates, at(600)),
            Ok(()),
            "the first has left the window"
        );
        counter.charge(&rates, at(600));
        assert_eq!(
            counter.admits(&rates, at(601)),
            Err(at(900)),
            "now the second must leave"
        );
    }

    #[test]
    fn of_several_rates_the_strictest_counts() {
        let rates = [rate(2, 60), rate(3, 3600)];
        let mut counter = Counter::default();
        counter.charge(&rates, at(0));
        counter.charge(&rates, at(1));
        assert_eq!(counter.admits(&rates, at(2)), Err(at(60)));
        counter.charge(&rates, at(61));
        assert_eq!(counter.admits(&rates, at(200)), Err(at(3600)));
    }

    #[test]
    fn what_is_given_back_can_be_used_again() {
        let rates = [rate(1, 60), rate(100, 60)];
        let mut counter = Counter::default();
        counter.charge(&rates, at(0));
        assert!(counter.admits(&rates, at(1)).is_err());
        counter.give_back(at(0), at(1));
        assert_eq!(counter.admits(&rates, at(1)), Ok(()));
    }

    #[test]
    fn a_send_that_another_took_the_place_of_is_given_back_with_that_one() {
        let rates = [rate(2, 100)];
        let mut counter = Counter::default();
        counter.charge(&rates, at(0));
        counter.charge(&rates, at(1));
        counter.move_charge(at(0), at(2));
        assert_eq!(counter.instants, [at(1), at(2)]);
        assert_eq!(counter.admits(&rates, at(100)), Err(at(101)));
        counter.move_charge(at(9), at(10));
        assert_eq!(counter.instants, [at(1), at(2)]);
        counter.give_back(at(2), at(3));
        assert_eq!(counter.admits(&rates, at(3)), Ok(()));
    }

    #[test]
    fn a_large_limit_lets_a_burst_of_its_count_pass_and_then_one_per_spacing() {
        let rates = [rate(100, 100)];
        let mut counter = Counter::default();
        for _ in 0..100 {
            assert_eq!(counter.admits(&rates, at(0)), Ok(()));
            counter.charge(&rates, at(0));
        }
        assert_eq!(counter.admits(&rates, at(0)), Err(at(1)));
        assert_eq!(counter.admits(&rates, at(1)), Ok(()));
        assert!(
            counter.instants.is_empty(),
            "a large limit keeps one number, not a list"
        );
    }

    #[test]
    fn no_rate_means_no_limit() {
        let mut counter = Counter::default();
        counter.charge(&[], at(0));
        assert_eq!(counter.admits(&[], at(0)), Ok(()));
        assert_eq!(counter, Counter::default());
    }
}
