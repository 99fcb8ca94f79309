//! The only place that knows what time it is.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use tokio::sync::watch;

/// An instant in milliseconds since the Unix epoch, as the database stores it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The end of time: what stands until somebody takes it away.
    pub const MAX: Self = Self(i64::MAX);

    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// `self + duration`, stopping at the end of time.
    #[must_use]
    pub fn plus(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(millis(duration)))
    }

    /// `self - duration`.
    #[must_use]
    pub fn minus(self, duration: Duration) -> Self {
        Self(self.0.saturating_sub(millis(duration)))
    }

    /// How long from `self` until `later`; zero when `later` has passed.
    pub fn until(self, later: Self) -> Duration {
        Duration::from_millis(u64::try_from(later.0.saturating_sub(self.0)).unwrap_or(0))
    }

    /// Whole seconds from `self` until `later`, rounded up and at least 1, as `Retry-After` wants them.
    pub fn whole_seconds_until(self, later: Self) -> u64 {
        u64::try_from(self.until(later).as_millis().div_ceil(1000))
            .unwrap_or(u64::MAX)
            .max(1)
    }

    /// RFC 3339 in whole seconds UTC, rounded down.
    pub fn rfc3339(self) -> String {
        let at =
            jiff::Timestamp::from_second(self.0.div_euclid(1000)).unwrap_or(jiff::Timestamp::MAX);
        at.to_string()
    }

    /// RFC 3339 in whole seconds UTC, rounded up: for "not before" instants, which must not be early.
    pub fn rfc3339_not_before(self) -> String {
        Self(self.0.saturating_add(999)).rfc3339()
    }
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

/// Where the time comes from. Production reads the system; tests hold the hands themselves.
#[derive(Clone)]
pub struct Clock(Source);

#[derive(Clone)]
enum Source {
    System(Arc<System>),
    Manual(Arc<watch::Sender<Timestamp>>),
}

/// The system's clock, until it follows the database's. From then on the system's is not looked at: the time is what the
/// database said, and what has passed since by a clock that never jumps, whoever sets this machine's.
struct System {
    /// The time at which [`uptime`] was zero, in milliseconds; [`UNKNOWN`]: nobody is followed.
    origin: AtomicI64,
}

const UNKNOWN: i64 = i64::MIN;
/// An answer that took longer tells the time less well than what was known before.
const PROMPT: Duration = Duration::from_secs(1);

impl System {
    fn now(&self) -> Timestamp {
        match self.origin.load(Ordering::Relaxed) {
            UNKNOWN => system_now(),
            origin => Timestamp(origin).plus(uptime()),
        }
    }

    fn follow(&self, theirs: Timestamp, took: Duration) {
        if took <= PROMPT || self.origin.load(Ordering::Relaxed) == UNKNOWN {
            // They looked at their clock at some moment of it: in the middle, the error is least.
            let origin = theirs.plus(took / 2).minus(uptime());
            self.origin.store(origin.0, Ordering::Relaxed);
        }
    }
}

impl Clock {
    pub fn system() -> Self {
        Self(Source::System(Arc::new(System {
            origin: AtomicI64::new(UNKNOWN),
        })))
    }

    /// A clock that stands still until [`Clock::advance`] moves it.
    pub fn manual(start: Timestamp) -> Self {
        Self(Source::Manual(Arc::new(watch::Sender::new(start))))
    }

    pub fn now(&self) -> Timestamp {
        match &self.0 {
            Source::System(system) => system.now(),
            Source::Manual(hands) => *hands.borrow(),
        }
    }

    /// Sleeps until the clock shows `instant`; on a manual clock, until somebody has moved it there.
    pub async fn sleep_until(&self, instant: Timestamp) {
        match &self.0 {
            Source::System(_) => tokio::time::sleep(self.now().until(instant)).await,
            Source::Manual(hands) => {
                // The sender lives in `self`, so the channel cannot close while we wait.
                let _ = hands.subscribe().wait_for(|now| instant <= *now).await;
            }
        }
    }

    /// Begins to measure how long something takes. Unlike the time, this never jumps.
    pub fn stopwatch(&self) -> Stopwatch {
        Stopwatch(match &self.0 {
            Source::System(_) => Since::System(uptime()),
            Source::Manual(_) => Since::Manual(self.clone(), self.now()),
        })
    }

    /// How far this clock is away from the system's.
    pub fn offset_millis(&self) -> i64 {
        match &self.0 {
            Source::System(system) => system.now().0.saturating_sub(system_now().0),
            Source::Manual(_) => 0,
        }
    }

    pub async fn sleep(&self, duration: Duration) {
        self.sleep_until(self.now().plus(duration)).await;
    }

    /// Takes over the database's idea of now, which it `took` that long to ask for, so that replicas on different machines
    /// agree. A manual clock ignores it: whoever holds the hands is right.
    pub fn follow(&self, theirs: Timestamp, took: Duration) {
        if let Source::System(system) = &self.0 {
            system.follow(theirs, took);
        }
    }

    /// Moves a manual clock forward.
    ///
    /// # Panics
    /// On the system's clock, which nobody moves.
    pub fn advance(&self, duration: Duration) {
        match &self.0 {
            Source::System(_) => panic!("only a manual clock can be moved"),
            Source::Manual(hands) => hands.send_modify(|now| *now = now.plus(duration)),
        }
    }
}

/// Measures how long something takes.
pub struct Stopwatch(Since);

enum Since {
    System(Duration),
    Manual(Clock, Timestamp),
}

impl Stopwatch {
    pub fn elapsed(&self) -> Duration {
        match &self.0 {
            Since::System(start) => uptime().saturating_sub(*start),
            Since::Manual(clock, start) => start.until(clock.now()),
        }
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Clock({:?})", self.now())
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the one place that may ask the system"
)]
fn system_now() -> Timestamp {
    Timestamp(jiff::Timestamp::now().as_millisecond())
}

/// What has passed since an instant before this process, also while the machine slept. [`std::time::Instant`] leaves that out
/// on Linux, and codes that expired meanwhile would be good until the database is asked again.
#[cfg(target_os = "linux")]
#[expect(
    clippy::disallowed_methods,
    reason = "the one place that may ask the system"
)]
fn uptime() -> Duration {
    let uptime = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    Duration::try_from(uptime).unwrap_or_default()
}

#[cfg(not(target_os = "linux"))]
#[expect(
    clippy::disallowed_methods,
    reason = "the one place that may ask the system"
)]
fn uptime() -> Duration {
    use std::{sync::LazyLock, time::Instant};
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    START.elapsed()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_seconds_are_rounded_up_and_never_zero() {
        let now = Timestamp::from_millis(10_000);
        assert_eq!(now.whole_seconds_until(Timestamp::from_millis(10_001)), 1);
        assert_eq!(now.whole_seconds_until(Timestamp::from_millis(11_001)), 2);
        assert_eq!(now.whole_seconds_until(Timestamp::from_millis(9_000)), 1);
    }

    #[test]
    fn times_are_written_in_whole_seconds() {
        let at = Timestamp::from_millis(1_769_860_800_999);
        assert_eq!(at.rfc3339(), "2026-01-31T12:00:00Z");
        assert_eq!(at.rfc3339_not_before(), "2026-01-31T12:00:01Z");
    }

    #[test]
    fn who_follows_the_database_shows_its_time_whatever_the_machine_shows() {
        let prompt = Duration::from_millis(400);
        for theirs in [0, 1_769_860_800_000, 99_769_860_800_000] {
            let theirs = Timestamp::from_millis(theirs);
            let clocks = [Clock::system(), Clock::system()];
            for clock in &clocks {
                clock.follow(theirs, prompt);
                let now = clock.now();
                assert!(theirs.plus(prompt / 2) <= now, "{now:?}");
                assert!(now < theirs.plus(Duration::from_mins(1)), "{now:?}");
                let offset = now.as_millis() - system_now().as_millis();
                assert!((clock.offset_millis() - offset).abs() < 60_000);
            }
        }
    }

    #[test]
    fn a_late_answer_sets_only_a_clock_that_knows_nothing_better() {
        let clock = Clock::system();
        let late = Duration::from_secs(8);
        clock.follow(Timestamp::from_millis(1_000_000), late);
        let set = clock.now();
        assert!(Timestamp::from_millis(1_004_000) <= set, "{set:?}");
        clock.follow(Timestamp::from_millis(9_000_000), late);
        assert!(clock.now() < Timestamp::from_millis(2_000_000));
        clock.follow(Timestamp::from_millis(9_000_000), PROMPT);
        assert!(Timestamp::from_millis(9_000_000) < clock.now());
    }

    #[test]
    fn who_follows_nobody_shows_what_the_machine_shows() {
        let clock = Clock::system();
        assert!((clock.now().as_millis() - system_now().as_millis()).abs() < 60_000);
    }

    #[tokio::test]
    async fn a_manual_clock_wakes_those_who_wait_for_it() {
        let clock = Clock::manual(Timestamp::from_millis(0));
        let alarm = clock.now().plus(Duration::from_mins(1));
        let sleeper = tokio::spawn({
            let clock = clock.clone();
            async move { clock.sleep_until(alarm).await }
        });
        clock.advance(Duration::from_mins(1));
        sleeper.await.expect("the sleeper wakes");
    }
}
