//! What happens to a placed call: it rings, is taken or not, and ends.

use std::time::Duration;

use tokio::{
    sync::{mpsc, oneshot},
    task::JoinHandle,
};

use super::{
    Call, CallReports, CallStatus,
    lines::{Asked, Line, Order},
    notice::{Notice, Progress},
    perform::Budget,
};
use crate::{
    domain::clock::Timestamp,
    simulator::{
        Simulator,
        phones::{Phones, canonical},
        script::CallFate,
    },
};

/// After this long the invitation is on its way.
const DIALED_AFTER: Duration = Duration::from_millis(10);
/// After this long the far end rings, or says why it does not.
const RINGS_AFTER: Duration = Duration::from_millis(50);
/// A phone that answers lets it ring this long.
const ANSWERED_AFTER: Duration = Duration::from_secs(2);

/// How a call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// After it was answered.
    Completed,
    /// It was given up while it rang.
    Canceled,
    Busy,
    Failed,
}

/// Stores the call and sets its clock going.
pub(super) fn begin(simulator: &Simulator, call: Call) {
    let number = canonical(&call.to).into_owned();
    simulator.0.phoning.stored.add();
    let mut state = simulator.state();
    let scripted = state.phones.script(&number).call;
    let (fate, orders) = state.lines.open(&call, number, scripted);
    state.calls.store(call.clone());
    drop(state);
    let live = Live {
        simulator: simulator.clone(),
        at: call.created,
        call,
        orders,
        asked: None,
        told: None,
        budget: Budget::default(),
    };
    tokio::spawn(live.follow(fate));
}

/// A call, as the task that leads it sees it.
pub(super) struct Live {
    pub(super) simulator: Simulator,
    pub(super) call: Call,
    /// How far it has come. Its instants follow from each other and not from when this task runs, so that
    /// a manual clock may be moved over several of them at once.
    pub(super) at: Timestamp,
    pub(super) orders: mpsc::Receiver<Asked>,
    /// The order that is being followed.
    pub(super) asked: Option<oneshot::Sender<bool>>,
    /// The previous report, which the next one waits for: Restcomm promises no order, tests like one.
    told: Option<JoinHandle<()>>,
    pub(super) budget: Budget,
}

impl Live {
    async fn follow(mut self, fate: CallFate) {
        let end = match self.connect(fate).await {
            Ok(()) => self.talk().await,
            Err(end) => end,
        };
        self.finish(end);
    }

    /// Until it is answered.
    async fn connect(&mut self, fate: CallFate) -> Result<(), End> {
        let placed = self.call.created;
        self.dial(placed.plus(DIALED_AFTER)).await?;
        self.tell(Progress::Initiated);
        self.dial(placed.plus(RINGS_AFTER)).await?;
        match fate {
            CallFate::Busy => Err(End::Busy),
            CallFate::Fail => Err(End::Failed),
            CallFate::Answer => self.ring(Some(ANSWERED_AFTER)).await,
            CallFate::Ignore => self.ring(None).await,
        }
    }

    /// Waits while nothing rings yet.
    async fn dial(&mut self, until: Timestamp) -> Result<(), End> {
        while let Some(order) = self.wait(until).await {
            match order {
                Order::Cancel | Order::Complete => return Err(End::Canceled),
                Order::Answer | Order::Decline | Order::HangUp | Order::Keys(_) => {
                    self.settle(false);
                }
            }
        }
        Ok(())
    }

    async fn ring(&mut self, answered_after: Option<Duration>) -> Result<(), End> {
        let at = self.at;
        self.change(
            CallStatus::Ringing,
            |_| {},
            |line, phones| line.ring(phones, at),
        );
        self.tell(Progress::Ringing);
        let given_up = at.plus(self.call.timeout);
        let answered = answered_after.map(|after| at.plus(after));
        let answered = answered.filter(|answered| *answered < given_up);
        loop {
            match self.wait(answered.unwrap_or(given_up)).await {
                None if answered.is_none() => return Err(End::Canceled),
                None | Some(Order::Answer) => {
                    self.answer();
                    return Ok(());
                }
                Some(Order::Decline) => return Err(End::Busy),
                Some(Order::Cancel | Order::Complete) => return Err(End::Canceled),
                Some(Order::HangUp | Order::Keys(_)) => self.settle(false),
            }
        }
    }

    fn answer(&mut self) {
        let at = self.at;
        self.change(
            CallStatus::InProgress,
            |call| {
                call.answered = true;
                call.ring_duration = Some(call.created.until(at).as_secs());
                call.started = at;
            },
            |line, phones| {
                line.answered = true;
                line.rang_until = Some(at);
                line.show(phones, at);
            },
        );
        self.tell(Progress::Answered);
        self.settle(true);
    }

    fn finish(&mut self, end: End) {
        let at = self.at;
        let lasted = self.call.started.until(at).as_secs();
        let (status, told) = match end {
            End::Completed => (CallStatus::Completed, lasted),
            End::Canceled => (CallStatus::Canceled, lasted),
            End::Busy => (CallStatus::Busy, 0),
            End::Failed => (CallStatus::Failed, 0),
        };
        let note = |call: &mut Call| match end {
            End::Completed | End::Canceled => {
                call.ended = Some(at);
                call.duration = Some(lasted);
            }
            End::Busy => {
                call.duration = Some(0);
                call.ring_duration = Some(lasted);
            }
            End::Failed => {}
        };
        self.call.status = status;
        self.call.updated = at;
        note(&mut self.call);
        // At once: whoever sees that the call is over finds the phone free.
        let mut state = self.simulator.state();
        state.keep(&self.call);
        if let Some(mut line) = state.lines.close(&self.call.sid) {
            line.rang_until.get_or_insert(at);
            line.show(&mut state.phones, at);
        }
        drop(state);
        self.tell(Progress::Completed(told));
        self.settle(true);
    }

    /// Until the instant, or until somebody wants something; then [`Live::settle`] tells whether it was done.
    pub(super) async fn wait(&mut self, until: Timestamp) -> Option<Order> {
        let clock = &self.simulator.0.clock;
        tokio::select! {
            biased;
            () = clock.sleep_until(until) => {
                self.at = self.at.max(until);
                None
            }
            Some((order, asked)) = self.orders.recv() => {
                self.at = self.at.max(clock.now());
                self.asked = Some(asked);
                Some(order)
            }
        }
    }

    pub(super) fn settle(&mut self, done: bool) {
        if let Some(asked) = self.asked.take() {
            // Whoever asked may have left.
            let _ = asked.send(done);
        }
    }

    /// Writes what became of the call, and of what its phone shows, at once.
    fn change(
        &mut self,
        status: CallStatus,
        note: impl FnOnce(&mut Call),
        show: impl FnOnce(&mut Line, &mut Phones),
    ) {
        self.call.status = status;
        self.call.updated = self.at;
        note(&mut self.call);
        let mut state = self.simulator.state();
        state.keep(&self.call);
        state.with_line(&self.call.sid, show);
    }

    fn tell(&mut self, progress: Progress) {
        let account = self.simulator.0.account.sid();
        let notice = Notice::about(&self.call, progress, account, self.at);
        let reports = self.simulator.state().call_reports;
        let Some(notice) = notice.filter(|_| reports == CallReports::Told) else {
            return;
        };
        let http = self.simulator.0.http.clone();
        let previous = self.told.take();
        self.told = Some(tokio::spawn(async move {
            if let Some(previous) = previous {
                // A report that panicked is over too.
                let _ = previous.await;
            }
            notice.send(&http).await;
        }));
    }
}
