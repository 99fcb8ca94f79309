//! The write path. Whoever wants a change queues a command; whatever has gathered when the previous commit is done
//! becomes the next batch.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use futures_util::FutureExt as _;
use tokio::sync::{mpsc, oneshot};

use super::{
    Store, StoreError,
    answers::{self, Answers, Asker},
    apart, batch,
    batch::Committed,
    gathering::{self, Entrance, Gathering, Returning},
    patience::{self, Patience, Waiting},
    riding::Riding,
    started::{Started, started},
    tally,
};
use crate::{
    crypto::KeyRing,
    domain::{
        check::{Check, CheckOutcome},
        clock::{Clock, Timestamp},
        delivery::Report,
        ending::{Cancel, CancelOutcome},
        fallback::{FallBack, FallBackOutcome},
        id::Id,
        idempotency::{Answer, Keep},
        ledger::Op,
        outbox::{DeliveryReport, ReportOutcome},
        random::Random,
        send::{Send, SendOutcome},
        speak::{Speak, SpeakOutcome},
        take_back::TakeBack,
    },
    telemetry::{
        Context, Metrics,
        labels::{Place, Rerun},
    },
};

/// Commands that may wait; more are refused at once.
const QUEUE: usize = 4096;
/// Runs of one batch that the database asks to run again.
const RUNS: usize = 3;
/// Lost connections that one batch survives: a restarted PostgreSQL leaves a pool of dead ones behind.
const LOST_CONNECTIONS: usize = 16;
/// Batches that PostgreSQL may work on at once. SQLite has one writer.
const POSTGRES_WRITERS: usize = 3;

/// The entrance. Cheap to clone; the journal ends when the last one is dropped.
#[derive(Clone)]
pub struct Journal {
    queue: Entrance,
    random: Random,
    metrics: Metrics,
    pub(super) riding: Riding,
}

pub(super) enum Command {
    Send(Arc<Send>),
    Check(Check),
    Cancel(Cancel),
    Report(DeliveryReport),
    Speak(Speak),
    FallBack(Box<FallBack>),
    Keep(Keep),
    Expire(Id),
    TakeBack(TakeBack),
}

pub(super) enum Outcome {
    Send(SendOutcome),
    Check(CheckOutcome),
    Cancel(CancelOutcome),
    Report(ReportOutcome),
    Spoke(SpeakOutcome),
    FellBack(FallBackOutcome),
    Kept(Answer),
    Expired,
    TakenBack,
}

type Answered = Result<Outcome, StoreError>;

pub(super) struct Entry {
    pub(super) command: Command,
    pub(super) op: Op,
    tell: Option<oneshot::Sender<Report>>,
    asker: Asker<Answered>,
    context: Context,
    pub(super) waiting: Waiting,
}

/// What all writers of one process share.
pub(super) struct Shared {
    pub(super) store: Store,
    ring: KeyRing,
    pub(super) clock: Clock,
    /// The latest `now` that a batch was given: time never runs backwards.
    latest: AtomicI64,
    gathering: Gathering,
    started: mpsc::Sender<Started>,
}

impl Journal {
    /// Starts the writers. Deliveries that became durable come out of the receiver.
    pub async fn start(
        store: Store,
        ring: KeyRing,
        clock: Clock,
        random: Random,
    ) -> Result<(Self, mpsc::Receiver<Started>), StoreError> {
        let latest = store.highest_now().await?;
        let metrics = store.metrics().clone();
        let returning = Returning::with_all_processors(store.is_sqlite());
        let (queue, gathering) = gathering::queue(QUEUE, returning);
        // As many as can wait in the queue can start at once; a delivery that finds no room is resumed by its lease.
        let (started, deliveries) = mpsc::channel(QUEUE);
        let shared = Arc::new(Shared {
            store,
            ring,
            clock,
            latest: AtomicI64::new(latest.as_millis()),
            gathering,
            started,
        });
        if shared.store.is_sqlite() {
            apart::start(shared)?;
        } else {
            for _ in 0..POSTGRES_WRITERS {
                tokio::spawn(write(shared.clone()));
            }
        }
        let journal = Self {
            queue,
            random,
            metrics,
            riding: Riding::new(),
        };
        Ok((journal, deliveries))
    }

    /// Decides a send. `tell` learns what became of the hand-off.
    pub async fn send(
        &self,
        send: Send,
        tell: Option<oneshot::Sender<Report>>,
    ) -> Result<SendOutcome, StoreError> {
        let Outcome::Send(outcome) = self.run(Command::Send(Arc::new(send)), tell).await? else {
            unreachable!("a send is answered by a send");
        };
        Ok(outcome)
    }

    pub async fn check(&self, check: Check) -> Result<CheckOutcome, StoreError> {
        let Outcome::Check(outcome) = self.run(Command::Check(check), None).await? else {
            unreachable!("a check is answered by a check");
        };
        Ok(outcome)
    }

    pub async fn cancel(&self, cancel: Cancel) -> Result<CancelOutcome, StoreError> {
        let Outcome::Cancel(outcome) = self.run(Command::Cancel(cancel), None).await? else {
            unreachable!("a cancel is answered by a cancel");
        };
        Ok(outcome)
    }

    pub async fn report(&self, report: DeliveryReport) -> Result<ReportOutcome, StoreError> {
        let Outcome::Report(outcome) = self.run(Command::Report(report), None).await? else {
            unreachable!("a report is answered by a report");
        };
        Ok(outcome)
    }

    pub async fn speak(&self, speak: Speak) -> Result<SpeakOutcome, StoreError> {
        let Outcome::Spoke(outcome) = self.run(Command::Speak(speak), None).await? else {
            unreachable!("a call that asks is answered with what to say");
        };
        Ok(outcome)
    }

    pub async fn fall_back(&self, due: FallBack) -> Result<FallBackOutcome, StoreError> {
        let command = Command::FallBack(Box::new(due));
        let Outcome::FellBack(outcome) = self.run(command, None).await? else {
            unreachable!("a fallback is answered by a fallback");
        };
        Ok(outcome)
    }

    /// Notes the answer to a send that may be repeated, unless another was noted before; gives the one that counts.
    pub async fn keep(&self, keep: Keep) -> Result<Answer, StoreError> {
        let Outcome::Kept(answer) = self.run(Command::Keep(keep), None).await? else {
            unreachable!("an answer is kept or found");
        };
        Ok(answer)
    }

    /// Notes that a verification is over, if it is.
    pub async fn expire(&self, id: Id) -> Result<(), StoreError> {
        self.run(Command::Expire(id), None).await.map(drop)
    }

    async fn run(
        &self,
        command: Command,
        tell: Option<oneshot::Sender<Report>>,
    ) -> Result<Outcome, StoreError> {
        let (asker, waiter) = answers::channel();
        let entry = Entry {
            command,
            op: self.random.name(),
            tell,
            asker,
            context: Context::current(),
            waiting: Waiting::begins(),
        };
        // Before it is in, so that it is never taken out uncounted.
        self.metrics.journal_queue.inc();
        if let Some(refused) = self.queue.put(entry) {
            self.metrics.journal_queue.dec();
            self.metrics.journal_refused.inc();
            let command = refused.command;
            tally::answer(&self.metrics, &command, Err(&StoreError::Full));
            return Err(StoreError::Full);
        }
        let stopped = || StoreError::Unavailable("the journal has stopped".to_owned());
        patience::answer(async { waiter.answer().await.ok_or_else(stopped)? }).await
    }
}

pub(super) async fn write(shared: Arc<Shared>) {
    while let Some((batch, _at_work)) = shared.gathering.next().await {
        let metrics = shared.store.metrics();
        metrics
            .journal_queue
            .sub(i64::try_from(batch.len()).unwrap_or(0));
        let batch = shared.refuse_late(batch);
        if batch.is_empty() {
            continue;
        }
        // A decision that panics must not end the journal: its callers are told that it was not done.
        if std::panic::AssertUnwindSafe(shared.settle(batch, Patience::begins()))
            .catch_unwind()
            .await
            .is_err()
        {
            metrics.panics.count(Place::Journal);
            tracing::error!("journal.panicked");
        }
    }
}

impl Shared {
    /// Brings a batch to its end: committed, or refused.
    async fn settle(self: &Arc<Self>, entries: Vec<Entry>, patience: Patience) {
        match self.run(&entries, patience).await {
            Ok(outcomes) => {
                let outcomes = self.disown_late(&entries, outcomes);
                let mut answers = Answers::default();
                for (entry, outcome) in entries.into_iter().zip(outcomes) {
                    self.answer(entry, outcome, &mut answers);
                }
            }
            Err(error @ (StoreError::Unavailable(_) | StoreError::Lost(_) | StoreError::Again)) => {
                self.store.was_refused();
                tracing::warn!(%error, commands = entries.len(), "journal.refused");
                let mut answers = Answers::default();
                for entry in entries {
                    let error = StoreError::Unavailable(error.to_string());
                    self.answer(entry, Err(error), &mut answers);
                }
            }
            // One command is at fault: run them one by one, so that it fails alone. They have no more time together.
            Err(error) if 1 < entries.len() => {
                tracing::warn!(%error, commands = entries.len(), "journal.split");
                for entry in entries {
                    Box::pin(self.settle(vec![entry], patience)).await;
                }
            }
            Err(error) => {
                if let Some(entry) = entries.into_iter().next() {
                    let context = entry.context;
                    context.in_scope(|| tracing::error!(%error, "journal.failed"));
                    self.answer(entry, Err(error), &mut Answers::default());
                }
            }
        }
    }

    pub(super) async fn run(
        self: &Arc<Self>,
        entries: &[Entry],
        patience: Patience,
    ) -> Result<Vec<Outcome>, StoreError> {
        let (mut runs, mut lost) = (0, 0);
        let mut was_in_the_way = false;
        loop {
            // Where nothing was committed, running again does nothing twice.
            let run = async {
                if was_in_the_way {
                    batch::make_way(&self.store, entries, patience).await?;
                }
                self.run_once(entries, patience).await
            };
            let error = match run.await {
                Ok(Committed::Yes(decided)) => return Ok(self.committed(decided)),
                Ok(Committed::Perhaps(decided, traces)) => {
                    let outcomes = &decided.outcomes;
                    if self.find_out(entries, outcomes, &traces, patience).await? {
                        return Ok(self.committed(decided));
                    }
                    StoreError::Lost("while committing".to_owned())
                }
                Err(error) => error,
            };
            let reruns = &self.store.metrics().journal_reruns;
            self.store.count_error(&error);
            if matches!(error, StoreError::Again) && runs < RUNS {
                runs += 1;
                was_in_the_way = true;
                reruns.count(Rerun::Conflict);
            } else if matches!(error, StoreError::Lost(_)) && lost < LOST_CONNECTIONS {
                lost += 1;
                reruns.count(Rerun::LostConnection);
            } else {
                return Err(error);
            }
        }
    }

    async fn run_once(
        &self,
        entries: &[Entry],
        patience: Patience,
    ) -> Result<Committed, StoreError> {
        let watch = self.clock.stopwatch();
        let committed = batch::run(&self.store, &self.ring, entries, self.now(), patience).await;
        self.store.metrics().batch(entries.len(), watch.elapsed());
        committed
    }

    /// What ended is counted where it is known to be durable.
    fn committed(&self, decided: batch::Decided) -> Vec<Outcome> {
        self.gathering.took(decided.took);
        decided.ended.count(self.store.metrics());
        decided.outcomes
    }

    fn now(&self) -> Timestamp {
        let now = self.clock.now().as_millis();
        Timestamp::from_millis(self.latest.fetch_max(now, Ordering::Relaxed).max(now))
    }

    /// Tells the courier of a delivery that is durable now, then answers.
    pub(super) fn answer(
        &self,
        entry: Entry,
        outcome: Result<Outcome, StoreError>,
        answers: &mut Answers<Answered>,
    ) {
        entry.context.in_scope(|| {
            tally::answer(self.store.metrics(), &entry.command, outcome.as_ref());
        });
        if let Ok(outcome) = &outcome
            && let Some((tenant, dispatch)) = started(&entry.command, outcome)
        {
            let started = Started {
                tenant: tenant.clone(),
                dispatch: dispatch.clone(),
                tell: entry.tell,
                context: entry.context,
            };
            if self.started.try_send(started).is_err() {
                tracing::warn!("courier.behind");
            }
        }
        answers.add(entry.asker, outcome);
    }
}

impl Entry {
    /// An entry that nobody waits for.
    pub(super) fn unattended(command: Command, op: Op) -> Self {
        Self {
            command,
            op,
            tell: None,
            asker: answers::channel().0,
            context: Context::none(),
            waiting: Waiting::begins(),
        }
    }
}
