//! How verifications stand, for whoever asks. What was asked for while others were read is read together: a read costs
//! more than what it reads, in turns of threads on SQLite and of the network on PostgreSQL. So there is one reader, and on
//! SQLite it has a thread and a connection of its own, as the journal has.

mod reader;

use std::{
    any::Any,
    panic::{AssertUnwindSafe, resume_unwind},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use futures_util::FutureExt as _;
use tokio::sync::{mpsc, oneshot};

pub(super) use self::reader::Reader;
use super::{
    Pool, Store, StoreError,
    answers::{self, Answers, Asker},
    patience,
};
use crate::domain::{delivery::Delivery, id::Id, verification::Verification};

/// Questions that are answered together.
const TOGETHER: usize = 256;
/// Questions that may wait; more are refused at once.
const QUEUE: usize = 4096;

/// A verification with all its deliveries, oldest first.
#[derive(Clone, Debug)]
pub struct Snapshot {
    pub verification: Verification,
    pub deliveries: Vec<Delivery>,
}

/// Which verification is asked for, and whose it must be.
pub(super) struct Question {
    tenant: String,
    id: Id,
}

type Found = Result<Option<Snapshot>, StoreError>;

/// What was found, or the panic of whoever looked.
type Answer = Result<Found, Box<dyn Any + Send>>;

enum Asked {
    Snapshot(Question, Asker<Answer>),
    Close(oneshot::Sender<()>),
}

/// Where questions are left. The reader ends when this is dropped.
pub(super) struct Snapshots {
    queue: mpsc::Sender<Asked>,
    is_busy: Arc<AtomicBool>,
}

impl Snapshot {
    /// Completes the latest delivery by what stands with the verification.
    fn join_follow_up(&mut self) {
        if let (Some(latest), Some(follow_up)) =
            (self.deliveries.last_mut(), &self.verification.follow_up)
            && latest.id == self.verification.delivery
        {
            latest.put_follow_up(follow_up.clone());
        }
    }
}

impl Store {
    /// How a verification of `tenant` stands.
    pub async fn snapshot(&self, tenant: &str, id: Id) -> Result<Option<Snapshot>, StoreError> {
        let (Pool::Sqlite { snapshots, .. } | Pool::Postgres { snapshots, .. }) = &*self.0;
        let tenant = tenant.to_owned();
        patience::read(snapshots.ask(Question { tenant, id })).await
    }
}

impl Snapshots {
    /// Starts `reader`, on a thread of its own if it holds up the one it is on.
    pub(super) fn start(reader: Reader) -> Result<Self, StoreError> {
        let (queue, asked) = mpsc::channel(QUEUE);
        let is_busy = Arc::new(AtomicBool::new(false));
        let holds_up = reader.holds_up_its_thread();
        let work = answer_all(asked, reader, is_busy.clone());
        if holds_up {
            let failed = |error: std::io::Error| StoreError::Unavailable(error.to_string());
            let own = tokio::runtime::Builder::new_current_thread()
                .build()
                .map_err(failed)?;
            let thread = std::thread::Builder::new().name("snapshots".to_owned());
            thread.spawn(move || own.block_on(work)).map_err(failed)?;
        } else {
            tokio::spawn(work);
        }
        Ok(Self { queue, is_busy })
    }

    async fn ask(&self, question: Question) -> Result<Option<Snapshot>, StoreError> {
        let (asker, waiter) = answers::channel();
        let snapshot = Asked::Snapshot(question, asker);
        self.queue
            .try_send(snapshot)
            .map_err(|refused| match refused {
                mpsc::error::TrySendError::Full(_) => StoreError::Full,
                mpsc::error::TrySendError::Closed(_) => closed(),
            })?;
        match waiter.answer().await {
            Some(Ok(found)) => found,
            Some(Err(panic)) => resume_unwind(panic),
            None => Err(closed()),
        }
    }

    /// For good; the reader has let go of the database then.
    pub(super) async fn close(&self) {
        let (closed, is_closed) = oneshot::channel();
        if self.queue.send(Asked::Close(closed)).await.is_ok() {
            // An error means that it was closed before.
            let _ = is_closed.await;
        }
    }

    pub(super) fn is_busy(&self) -> bool {
        self.is_busy.load(Ordering::Relaxed)
    }
}

fn closed() -> StoreError {
    StoreError::Unavailable("it was closed".to_owned())
}

async fn answer_all(
    mut queue: mpsc::Receiver<Asked>,
    mut reader: Reader,
    is_busy: Arc<AtomicBool>,
) {
    let mut batch = Vec::new();
    while queue.recv_many(&mut batch, TOGETHER).await != 0 {
        is_busy.store(true, Ordering::Relaxed);
        reader.let_others_ask();
        while batch.len() < TOGETHER
            && let Ok(asked) = queue.try_recv()
        {
            batch.push(asked);
        }
        let (mut questions, mut askers) = (Vec::new(), Vec::new());
        for asked in batch.drain(..) {
            match asked {
                // Whoever waited in vain has gone.
                Asked::Snapshot(_, asker) if asker.has_gone() => {}
                Asked::Snapshot(question, asker) => {
                    questions.push(question);
                    askers.push(asker);
                }
                Asked::Close(closed) => {
                    drop(reader);
                    let _ = closed.send(());
                    return;
                }
            }
        }
        let found = read(&mut reader, &questions).await;
        let mut answers = Answers::default();
        for (asker, found) in askers.into_iter().zip(found) {
            answers.add(asker, found);
        }
        is_busy.store(false, Ordering::Relaxed);
    }
}

/// An answer to each question. A panic is the fault of one of them, which fails alone.
async fn read(reader: &mut Reader, questions: &[Question]) -> Vec<Answer> {
    let found = AssertUnwindSafe(reader.read(questions))
        .catch_unwind()
        .await;
    match found {
        Ok(Ok(found)) => found.into_iter().map(Ok).collect(),
        Ok(Err(error)) if is_everybodys(&error) => {
            let same = |_| Ok(Err(for_another(&error)));
            questions.iter().map(same).collect()
        }
        Ok(Err(error)) if questions.len() < 2 => vec![Ok(Err(error))],
        Err(panic) if questions.len() < 2 => vec![Err(panic)],
        Ok(Err(_)) | Err(_) => {
            let mut answers = Vec::with_capacity(questions.len());
            for question in questions {
                answers.append(&mut Box::pin(read(reader, std::slice::from_ref(question))).await);
            }
            answers
        }
    }
}

/// The same error, for somebody else who has it too.
fn for_another(error: &StoreError) -> StoreError {
    match error {
        StoreError::Lost(why) => StoreError::Lost(why.clone()),
        StoreError::Full => StoreError::Full,
        StoreError::Again => StoreError::Again,
        StoreError::Damaged { table, what } => StoreError::Damaged { table, what },
        StoreError::Newer { table, what } => StoreError::Newer { table, what },
        StoreError::Unavailable(why) => StoreError::Unavailable(why.clone()),
        StoreError::Refused(_) | StoreError::NotOpened { .. } | StoreError::Migration(_) => {
            StoreError::Unavailable(error.to_string())
        }
    }
}

/// Whether nobody could be answered now.
fn is_everybodys(error: &StoreError) -> bool {
    match error {
        StoreError::Unavailable(_) | StoreError::Lost(_) | StoreError::Full | StoreError::Again => {
            true
        }
        StoreError::Damaged { .. }
        | StoreError::Newer { .. }
        | StoreError::Refused(_)
        | StoreError::NotOpened { .. }
        | StoreError::Migration(_) => false,
    }
}
