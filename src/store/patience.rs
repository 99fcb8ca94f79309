//! How long anybody waits for the database. A server may go silent without closing a connection, a disk may hang, a lock
//! may be held for ever: whoever asks is told within 10 seconds.
//!
//! A command waits in the queue, then with its batch: 2 s and 8 s where the database fails. One that only is slow, or has much
//! to do, is waited for a little longer in the queue, and takes less time for a batch.

use std::time::Duration;

use futures_util::FutureExt as _;
use tokio::time::{Instant, error::Elapsed, timeout, timeout_at};

use super::StoreError;

/// A command that waited longer before its batch began is refused, when batches fail one after the other.
const IN_FAILING_QUEUE: Duration = Duration::from_secs(2);
/// The same, when they succeed.
const IN_QUEUE: Duration = Duration::from_secs(5);
/// For all runs of a batch, up to the last commit. Longer than a connection and a lock are waited for, so that their own
/// errors come first; the server's own limit on a statement is as long.
const WORK: Duration = Duration::from_secs(4);
/// From the beginning of a batch until its commit is taken to be of unknown fate.
const COMMIT: Duration = Duration::from_secs(6);
/// From the beginning of a batch until its fate stays unknown: callers must hear of it. A database that restarts may be
/// back until then.
const READ_BACK: Duration = Duration::from_secs(8);
/// Callers are told by then, whatever hangs: a disk holds up the thread that waits for it, and nobody else can say so.
const ANSWER: Duration = Duration::from_secs(10);
/// What is decided so late may have been answered already.
const TOO_LATE: Duration = Duration::from_millis(9500);
const READ: Duration = Duration::from_secs(4);
/// A read of a whole table, which nobody waits for.
const LONG_READ: Duration = Duration::from_mins(1);
const HOUSEKEEPING: Duration = Duration::from_secs(8);

/// Since when a command waits in the queue.
#[derive(Clone, Copy)]
pub(super) struct Waiting(Instant);

/// How long a batch may still take.
#[derive(Clone, Copy)]
pub(super) struct Patience(Instant);

impl Waiting {
    pub(super) fn begins() -> Self {
        Self(Instant::now())
    }

    pub(super) fn is_over(self, is_failing: bool) -> bool {
        let most = if is_failing {
            IN_FAILING_QUEUE
        } else {
            IN_QUEUE
        };
        most < self.0.elapsed()
    }

    /// Whether the caller may have been told already that nothing was done.
    pub(super) fn was_in_vain(self) -> bool {
        TOO_LATE < self.0.elapsed()
    }
}

impl Patience {
    /// With a batch that begins now.
    pub(super) fn begins() -> Self {
        Self(Instant::now())
    }

    pub(super) fn to_work<T>(
        self,
        work: impl Future<Output = Result<T, StoreError>>,
    ) -> impl Future<Output = Result<T, StoreError>> {
        timeout_at(self.0 + WORK, Box::pin(work)).map(in_time)
    }

    /// `None`: it may have been committed or not.
    pub(super) fn to_commit(
        self,
        commit: impl Future<Output = Result<(), StoreError>>,
    ) -> impl Future<Output = Option<Result<(), StoreError>>> {
        timeout_at(self.0 + COMMIT, commit).map(Result::ok)
    }

    pub(super) fn to_read_back<T>(
        self,
        look: impl Future<Output = Result<T, StoreError>>,
    ) -> impl Future<Output = Result<T, StoreError>> {
        timeout_at(self.0 + READ_BACK, Box::pin(look)).map(in_time)
    }
}

/// What the journal answers.
pub(super) fn answer<T>(
    answer: impl Future<Output = Result<T, StoreError>>,
) -> impl Future<Output = Result<T, StoreError>> {
    timeout(ANSWER, answer).map(in_time)
}

pub(super) fn read<T>(
    read: impl Future<Output = Result<T, StoreError>>,
) -> impl Future<Output = Result<T, StoreError>> {
    timeout(READ, Box::pin(read)).map(in_time)
}

pub(super) fn long_read<T>(
    read: impl Future<Output = Result<T, StoreError>>,
) -> impl Future<Output = Result<T, StoreError>> {
    timeout(LONG_READ, Box::pin(read)).map(in_time)
}

/// A transaction outside the journal.
pub(super) fn housekeeping<T>(
    work: impl Future<Output = Result<T, StoreError>>,
) -> impl Future<Output = Result<T, StoreError>> {
    timeout(HOUSEKEEPING, Box::pin(work)).map(in_time)
}

fn in_time<T>(done: Result<Result<T, StoreError>, Elapsed>) -> Result<T, StoreError> {
    done.unwrap_or_else(|_| {
        Err(StoreError::Unavailable(
            "it does not answer in time".to_owned(),
        ))
    })
}
