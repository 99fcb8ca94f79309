//! How long anybody waits for the database. A server may go silent without closing a connection, a disk may hang, a lock
//! may be held for ever: whoever asks is told within 10 seconds, whatever happens.
//!
//! A command waits in the queue, then with its batch: 2 s and 8 s.

use std::time::Duration;

use futures_util::FutureExt as _;
use tokio::time::{Instant, error::Elapsed, timeout, timeout_at};

use super::StoreError;

/// A command that waited longer before its batch began is refused: batches fail one after the other, or are too slow.
const IN_QUEUE: Duration = Duration::from_secs(2);
/// For all runs of a batch, up to the last commit. Longer than a connection and a lock are waited for, so that their own
/// errors come first; the server's own limit on a statement is as long.
const WORK: Duration = Duration::from_secs(4);
/// From the beginning of a batch until its commit is taken to be of unknown fate.
const COMMIT: Duration = Duration::from_secs(6);
/// From the beginning of a batch until its fate stays unknown: callers must hear of it. A database that restarts may be
/// back until then.
const READ_BACK: Duration = Duration::from_secs(8);
const READ: Duration = Duration::from_secs(4);
/// A read of a whole table, which nobody waits for.
const LONG_READ: Duration = Duration::from_mins(1);
const HOUSEKEEPING: Duration = Duration::from_secs(8);

/// Until when a command may wait in the queue.
#[derive(Clone, Copy)]
pub(super) struct Waiting(Instant);

/// How long a batch may still take.
#[derive(Clone, Copy)]
pub(super) struct Patience(Instant);

impl Waiting {
    pub(super) fn begins() -> Self {
        Self(Instant::now() + IN_QUEUE)
    }

    pub(super) fn is_over(self) -> bool {
        self.0 < Instant::now()
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
