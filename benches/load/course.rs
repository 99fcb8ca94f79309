//! The course of a round: each side once, in turn.

use std::{rc::Rc, time::Duration};

use tokio::time::sleep;

use crate::{
    Outcome,
    measure::{Load, Measured, Target, measure},
    numbers::{Known, Numbers},
    requests::Requests,
    round::Sides,
    sides::Side,
    stopwatch::Stopwatch,
};

/// Requests to the limits, sent again and again.
const CYCLE: usize = 20_000;
/// What a side still does after its last answer is over by then.
const PAUSE: Duration = Duration::from_millis(150);
/// Checks have a limited supply, and what they need is warm.
const CHECK_WARM_UP: Duration = Duration::from_millis(100);
/// Connections that prepare what shall be checked.
const PREPARING: usize = 64;

struct Course<'a> {
    sides: &'a Sides,
    load: Load,
    numbers: &'a mut Numbers,
    /// What can be checked.
    supply: Vec<Known>,
    /// Of the sends that made it, by the second.
    rate: f64,
}

impl Sides {
    /// Both limits, then what of the service is wanted.
    pub(crate) async fn round(
        &self,
        load: Load,
        wanted: &[Side],
        numbers: &mut Numbers,
        mut says: impl FnMut(&'static str),
    ) -> Outcome<Vec<(Side, Measured)>> {
        let mut course = Course {
            sides: self,
            load,
            numbers,
            supply: Vec::new(),
            rate: f64::INFINITY,
        };
        let mut all = Vec::new();
        for side in [Side::Echo, Side::Relay].iter().chain(wanted) {
            says(side.name());
            all.push((*side, course.measure(*side).await?));
            sleep(PAUSE).await;
        }
        Ok(all)
    }
}

impl Course<'_> {
    async fn measure(&mut self, side: Side) -> Outcome<Measured> {
        let sides = self.sides;
        let known = self.take(side).await?;
        let requests = match side {
            Side::Echo => return self.limit(&sides.echo).await,
            Side::Relay => return self.limit(&sides.relay).await,
            Side::Send => return self.send().await,
            Side::RespondAsync => return self.send_asynchronously().await,
            Side::Mixed => return self.mix(&known).await,
            Side::Check => Requests::checks(&known, &sides.key),
            Side::Wrong => Requests::wrong_checks(&known, &sides.key),
            Side::Status => Requests::questions(&known, &sides.key),
        };
        let load = Load {
            warm_up: CHECK_WARM_UP,
            ..self.load
        };
        Ok(measure(&sides.service, load, Rc::new(requests)).await?.0)
    }

    async fn limit(&mut self, target: &Target) -> Outcome<Measured> {
        let some = self.numbers.take(CYCLE);
        let requests = Rc::new(Requests::sends_again(&some, &self.sides.key));
        let (measured, _) = measure(target, self.load, requests).await?;
        // The service has not seen these, and the codes that Restcomm saw are none.
        self.numbers.put_back(some);
        self.sides.codes().await?;
        Ok(measured)
    }

    async fn send(&mut self) -> Outcome<Measured> {
        let sends = self.sides.send(self.load, self.numbers, Requests::sends);
        let (measured, begun) = sends.await?;
        self.rate = measured.rate().max(1.0);
        self.supply.extend(self.sides.known(begun).await?);
        Ok(measured)
    }

    /// The hand-offs cost the service something, too, also those that come after the window.
    async fn send_asynchronously(&mut self) -> Outcome<Measured> {
        let sides = self.sides;
        let requests = Requests::sends_asynchronously;
        let (mut measured, begun) = sides.send(self.load, self.numbers, requests).await?;
        let (clock, before) = (Stopwatch::start(), sides.service.used());
        let known = sides.known(begun).await?;
        let after = sides.service.used();
        measured.server = measured.server + (after.0 - before.0);
        if let Some(((database, after), before)) = measured.database.zip(after.1).zip(before.1) {
            measured.database = Some(database + (after - before));
        }
        measured.afterwards = Some(clock.elapsed());
        self.supply.extend(known);
        Ok(measured)
    }

    async fn mix(&mut self, known: &[Known]) -> Outcome<Measured> {
        let sides = self.sides;
        let mut fresh = self.numbers.take(known.len());
        let requests = Rc::new(Requests::mixed(&fresh, known, &sides.key));
        let (measured, _) = measure(&sides.service, self.load, requests.clone()).await?;
        // Every other request was a send.
        let sent = requests.handed_out().div_ceil(2);
        self.numbers.put_back(fresh.split_off(sent));
        sides.codes().await?;
        Ok(measured)
    }

    /// Verifications for a window of `side`: of those there are, and as many more as it takes.
    async fn take(&mut self, side: Side) -> Outcome<Vec<Known>> {
        let wanted = self.load.window.mul_f64(side.appetite());
        #[expect(clippy::cast_precision_loss, reason = "counts far below 2^53")]
        let there = Duration::from_secs_f64(self.supply.len() as f64 / self.rate);
        let missing = wanted.saturating_sub(there);
        if missing.is_zero() {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "a count"
            )]
            let enough = (wanted.as_secs_f64() * self.rate) as usize;
            let enough = enough.min(self.supply.len());
            return Ok(self.supply.drain(..enough).collect());
        }
        let load = Load {
            connections: self.load.connections.max(PREPARING),
            warm_up: Duration::ZERO,
            window: missing,
        };
        let sends = self.sides.send(load, self.numbers, Requests::sends);
        let (_, begun) = sends.await?;
        let mut known = self.sides.known(begun).await?;
        known.append(&mut self.supply);
        sleep(PAUSE).await;
        Ok(known)
    }
}
