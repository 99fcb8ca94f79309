//! What an answered call does: the verbs of its RCML, one after the other.

use std::{pin::pin, time::Duration};

use reqwest::Url;

use super::{
    fetch::{Page, fetch},
    life::{End, Live},
    lines::Order,
    parameters::rcml_parameters,
    rcml::{Gather, Say, Verb},
};
use crate::{
    domain::clock::{Clock, Stopwatch, Timestamp},
    simulator::errand::{Address, Errand, Method},
};

/// Even a script without end ends.
const LONGEST_TALK: Duration = Duration::from_hours(1);
const MOST_VERBS: u32 = 2000;
const MOST_PAGES: u32 = 100;

/// What a call has spent of what it may.
#[derive(Default)]
pub(super) struct Budget {
    verbs: u32,
    pages: u32,
    hang_up_at: Timestamp,
}

/// Where to go on, and with which keys.
struct Next {
    address: Address,
    digits: Option<String>,
}

impl Live {
    pub(super) async fn talk(&mut self) -> End {
        self.budget.hang_up_at = self.at.plus(LONGEST_TALK);
        match self.run().await {
            Ok(()) => End::Completed,
            Err(end) => end,
        }
    }

    async fn run(&mut self) -> Result<(), End> {
        let mut address = self.call.rcml.clone();
        let mut page = self.fetch(&address, None).await?;
        let fallback = self.call.fallback.clone();
        if let (Page::Missing | Page::Failed(_), Some(fallback)) = (&page, fallback) {
            address = fallback;
            page = self.fetch(&address, None).await?;
        }
        loop {
            match page {
                Page::Verbs(verbs) => match self.perform(&verbs, &address).await? {
                    Some(next) => {
                        address = next.address;
                        page = self.fetch(&address, next.digits).await?;
                    }
                    None => return Ok(()),
                },
                Page::Ignored | Page::Missing => return self.stay().await,
                Page::Failed(reason) => {
                    tracing::warn!(call.sid = %self.call.sid, error = %reason, "simulator.rcml_failed");
                    return Err(End::Failed);
                }
            }
        }
    }

    /// Until the last verb, or one that leads elsewhere.
    async fn perform(&mut self, verbs: &[Verb], base: &Address) -> Result<Option<Next>, End> {
        for verb in verbs {
            self.spend_verb()?;
            match verb {
                Verb::Say(say) => {
                    self.say(say);
                    if say.times.is_none() {
                        self.stay().await?;
                    }
                }
                Verb::Pause(length) => self.pause(*length).await?,
                Verb::Play => {}
                Verb::Gather(gather) => {
                    if let Some(digits) = self.gather(gather).await?
                        && let Some(action) = &gather.action
                    {
                        let address = resolve(base, action, gather.method)?;
                        let digits = Some(digits);
                        return Ok(Some(Next { address, digits }));
                    }
                }
                Verb::Redirect { to, method } => {
                    let address = resolve(base, to, *method)?;
                    return Ok(Some(Next {
                        address,
                        digits: None,
                    }));
                }
                Verb::HangUp => return Ok(None),
            }
        }
        Ok(None)
    }

    /// Takes no time.
    fn say(&mut self, say: &Say) {
        let mut state = self.simulator.state();
        state.with_line(&self.call.sid, |line, phones| {
            for _ in 0..say.times.unwrap_or(1) {
                line.say(&say.text, say.language);
            }
            line.show(phones, self.at);
        });
    }

    async fn pause(&mut self, length: Duration) -> Result<(), End> {
        let until = self.at.plus(length);
        // Keys that nobody waits for are lost.
        while self.keys(until).await?.is_some() {
            self.settle(true);
        }
        Ok(())
    }

    /// In silence, until somebody hangs up.
    async fn stay(&mut self) -> Result<(), End> {
        self.pause(LONGEST_TALK).await
    }

    /// The keys that were pressed, if any was.
    async fn gather(&mut self, gather: &Gather) -> Result<Option<String>, End> {
        let mut digits = Digits::new(gather);
        for prompt in &gather.prompts {
            self.spend_verb()?;
            match prompt {
                Verb::Say(say) => self.say(say),
                Verb::Pause(length) => {
                    self.listen(true);
                    // A key interrupts whatever would still be said.
                    if let Some(keys) = self.keys(self.at.plus(*length)).await? {
                        digits.press(&keys);
                        break;
                    }
                }
                Verb::Play | Verb::Gather(_) | Verb::Redirect { .. } | Verb::HangUp => {}
            }
        }
        self.listen(true);
        while !digits.done {
            self.settle(true);
            match self.keys(self.at.plus(gather.timeout)).await? {
                Some(keys) => digits.press(&keys),
                None => break,
            }
        }
        self.listen(false);
        self.settle(true);
        Ok(Some(digits.pressed).filter(|pressed| !pressed.is_empty()))
    }

    /// Waits for keys, which are settled by who wanted them; follows all other orders.
    async fn keys(&mut self, until: Timestamp) -> Result<Option<String>, End> {
        let last = self.budget.hang_up_at;
        while let Some(order) = self.wait(until.min(last)).await {
            if let Some(keys) = self.follow_order(order)? {
                return Ok(Some(keys));
            }
        }
        if last <= self.at {
            return Err(End::Completed);
        }
        Ok(None)
    }

    fn follow_order(&mut self, order: Order) -> Result<Option<String>, End> {
        match order {
            Order::Keys(keys) => return Ok(Some(keys)),
            Order::HangUp | Order::Complete => return Err(End::Completed),
            // An answered call cannot be canceled, and nobody is told.
            Order::Cancel => self.settle(true),
            Order::Answer | Order::Decline => self.settle(false),
        }
        Ok(None)
    }

    async fn fetch(&mut self, address: &Address, digits: Option<String>) -> Result<Page, End> {
        self.budget.pages += 1;
        if MOST_PAGES < self.budget.pages {
            return Err(End::Failed);
        }
        let errand = Errand {
            address: address.clone(),
            parameters: rcml_parameters(&self.call, self.simulator.0.account.sid(), digits),
        };
        let patience = Patience::begin(&self.simulator.0.clock);
        let mut fetched = pin!(fetch(self.simulator.0.http.clone(), errand));
        loop {
            tokio::select! {
                page = &mut fetched => {
                    self.at = self.at.plus(patience.spent());
                    return Ok(page);
                }
                Some((order, asked)) = self.orders.recv() => {
                    self.asked = Some(asked);
                    match self.follow_order(order) {
                        Ok(Some(_)) => self.settle(true),
                        Ok(None) => {}
                        Err(end) => {
                            self.at = self.at.max(self.simulator.0.clock.now());
                            return Err(end);
                        }
                    }
                }
            }
        }
    }

    fn listen(&self, listening: bool) {
        let mut state = self.simulator.state();
        state.with_line(&self.call.sid, |line, _| line.listening = listening);
    }

    fn spend_verb(&mut self) -> Result<(), End> {
        self.budget.verbs += 1;
        if self.budget.verbs <= MOST_VERBS {
            Ok(())
        } else {
            Err(End::Failed)
        }
    }
}

/// How long a document was waited for. A network takes its time whatever a manual clock shows, and such a
/// clock may be moved meanwhile: only seconds that passed on both count.
struct Patience {
    clock: Stopwatch,
    wall: Stopwatch,
}

impl Patience {
    fn begin(clock: &Clock) -> Self {
        Self {
            clock: clock.stopwatch(),
            wall: Clock::system().stopwatch(),
        }
    }

    fn spent(&self) -> Duration {
        let wall = Duration::from_secs(self.wall.elapsed().as_secs());
        self.clock.elapsed().min(wall)
    }
}

/// What a document names, seen from where it came from.
fn resolve(base: &Address, reference: &str, method: Method) -> Result<Address, End> {
    let url = Url::parse(&base.url).and_then(|base| base.join(reference));
    let url = url.map_err(|_| End::Failed)?;
    Ok(Address {
        url: url.into(),
        method,
    })
}

/// The keys that a `Gather` has taken so far.
struct Digits<'a> {
    pressed: String,
    done: bool,
    gather: &'a Gather,
}

impl<'a> Digits<'a> {
    const fn new(gather: &'a Gather) -> Self {
        Self {
            pressed: String::new(),
            done: false,
            gather,
        }
    }

    /// Keys after the last one that was waited for are lost.
    fn press(&mut self, keys: &str) {
        for key in keys.chars() {
            if self.done {
                return;
            }
            if self.gather.finish_on.contains(key) {
                self.done = true;
            } else {
                self.pressed.push(key);
                self.done = self.gather.digits == Some(self.pressed.len());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_is_moved_while_a_document_is_on_its_way_changes_nothing() {
        let clock = Clock::manual(Timestamp::from_millis(0));
        let patience = Patience::begin(&clock);
        clock.advance(Duration::from_hours(1));
        assert_eq!(patience.spent(), Duration::ZERO);
    }
}
