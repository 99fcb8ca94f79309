//! Who waits for the next batch.

use std::{
    num::NonZero,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering, fence},
    },
    thread::available_parallelism,
    time::Duration,
};

use tokio::sync::{Mutex, Notify, mpsc};

use super::{batch::Took, journal::Entry};

/// Commands in one batch.
const BATCH: usize = 256;
/// While other batches run, one of this size is worth a transaction of its own. Smaller ones gather for as long as those
/// take: a database does many small batches at once no faster, but with many times the work.
const ENOUGH: usize = 128;
/// But they do not wait for a batch that is stuck, behind a lock of another replica's for instance.
const PATIENCE: Duration = Duration::from_millis(10);

/// Where so many are at it, a batch also waits for those who were just answered: they may come back at once.
const MANY: usize = 32;
/// For no longer than this.
const LINGER: Duration = Duration::from_millis(1);

/// Where a commit takes longer than so many times the work before it, the disk is what callers wait for, and not a processor:
/// then two batches that take turns make each caller wait for two commits.
const LONGEST_COMMIT: u32 = 2;

/// How many the next batch waits for, of as many as the last one had; no more than `ENOUGH`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Returning {
    /// Nearly all. Two batches that take turns cost more than one of all: a server that others use as well, or the one
    /// processor that reads what is asked for in between.
    Most,
    /// Half: two batches take turns, and while one processor works on the one, another reads what the other half asks for.
    Half,
}

/// Where commands come in. Cheap to clone.
#[derive(Clone)]
pub(super) struct Entrance {
    queue: mpsc::Sender<Entry>,
    arrivals: Arc<Arrivals>,
}

/// Of those who come, only one wakes whoever waits for many: waking another thread costs a system call each time.
#[derive(Default)]
struct Arrivals {
    /// How many must be there; 0: nobody waits for many.
    wanted: AtomicUsize,
    enough: Notify,
}

pub(super) struct Gathering {
    queue: Mutex<mpsc::Receiver<Entry>>,
    returning: Returning,
    /// Whether the last commit was longer than that.
    waits_for_disk: AtomicBool,
    arrivals: Arc<Arrivals>,
    at_work: AtomicUsize,
    /// Commands in the batch that was done last.
    answered: AtomicUsize,
    done: Notify,
}

/// A batch of so many commands is being worked on until this is dropped.
pub(super) struct AtWork<'a>(&'a Gathering, usize);

/// So many may wait.
pub(super) fn queue(room: usize, returning: Returning) -> (Entrance, Gathering) {
    let (queue, entries) = mpsc::channel(room);
    let arrivals = Arc::new(Arrivals::default());
    let gathering = Gathering {
        queue: Mutex::new(entries),
        returning,
        waits_for_disk: AtomicBool::default(),
        arrivals: arrivals.clone(),
        at_work: AtomicUsize::new(0),
        answered: AtomicUsize::new(0),
        done: Notify::new(),
    };
    (Entrance { queue, arrivals }, gathering)
}

impl Entrance {
    /// Gives it back where there is no room, or nobody who would take it.
    #[must_use]
    pub(super) fn put(&self, entry: Entry) -> Option<Entry> {
        if let Err(refused) = self.queue.try_send(entry) {
            return Some(refused.into_inner());
        }
        fence(Ordering::SeqCst);
        let wanted = self.arrivals.wanted.load(Ordering::Relaxed);
        if wanted != 0 && wanted <= self.queue.max_capacity() - self.queue.capacity() {
            self.arrivals.enough.notify_one();
        }
        None
    }
}

impl Arrivals {
    /// Waits until so many are in the queue.
    async fn come(&self, queue: &mpsc::Receiver<Entry>, count: usize) {
        self.wanted.store(count, Ordering::Relaxed);
        let _wanted = Wanted(self);
        // What was there before it was said how many are wanted woke nobody.
        fence(Ordering::SeqCst);
        while queue.len() < count {
            self.enough.notified().await;
        }
    }
}

/// Nobody waits for many any more when this is dropped.
struct Wanted<'a>(&'a Arrivals);

impl Drop for Wanted<'_> {
    fn drop(&mut self) {
        self.0.wanted.store(0, Ordering::Relaxed);
    }
}

impl Gathering {
    /// The next batch; `None`: there will be no more.
    pub(super) async fn next(&self) -> Option<(Vec<Entry>, AtWork<'_>)> {
        let mut batch = Vec::new();
        // Held only while gathering, so that batches run side by side where the database can.
        let mut queue = self.queue.lock().await;
        if queue.recv_many(&mut batch, BATCH).await == 0 {
            return None;
        }
        let waited = self.wait_for_others(&mut queue, &mut batch).await;
        self.linger(&mut queue, &mut batch, waited).await;
        self.at_work.fetch_add(1, Ordering::SeqCst);
        let size = batch.len();
        Some((batch, AtWork(self, size)))
    }

    /// Notes how long the last batch took.
    pub(super) fn took(&self, Took { work, commit }: Took) {
        let waits = LONGEST_COMMIT * work < commit;
        self.waits_for_disk.store(waits, Ordering::Relaxed);
    }

    /// Waits for another batch, if one runs; tells how many commands were there when it was done.
    async fn wait_for_others(
        &self,
        queue: &mut mpsc::Receiver<Entry>,
        batch: &mut Vec<Entry>,
    ) -> usize {
        let done = self.done.notified();
        tokio::pin!(done);
        // From here on no end is missed.
        done.as_mut().enable();
        if ENOUGH <= batch.len() || self.at_work.load(Ordering::SeqCst) == 0 {
            return 0;
        }
        tokio::select! {
            biased;
            () = self.arrivals.come(queue, ENOUGH - batch.len()) => {}
            () = done => {}
            () = tokio::time::sleep(PATIENCE) => {}
        }
        take(queue, batch);
        batch.len()
    }

    /// Waits for those who were just answered. `waited`: commands that were there before.
    async fn linger(
        &self,
        queue: &mut mpsc::Receiver<Entry>,
        batch: &mut Vec<Entry>,
        waited: usize,
    ) {
        let all = self.answered.load(Ordering::SeqCst) + waited;
        let returning = if self.waits_for_disk.load(Ordering::Relaxed) {
            Returning::Most
        } else {
            self.returning
        };
        let enough = returning.of(all).min(ENOUGH);
        if all < MANY || enough <= batch.len() {
            return;
        }
        tokio::select! {
            biased;
            () = self.arrivals.come(queue, enough - batch.len()) => {}
            () = tokio::time::sleep(LINGER) => {}
        }
        take(queue, batch);
    }
}

impl Returning {
    /// `in_process`: batches are worked on by a thread of this process, and not by a server.
    pub(super) fn with_all_processors(in_process: bool) -> Self {
        Self::with(in_process, available_parallelism().map_or(1, NonZero::get))
    }

    const fn with(in_process: bool, processors: usize) -> Self {
        if in_process && 1 < processors {
            Self::Half
        } else {
            Self::Most
        }
    }

    const fn of(self, all: usize) -> usize {
        match self {
            // The last ones are not worth the wait.
            Self::Most => all * 7 / 8,
            Self::Half => all / 2,
        }
    }
}

/// Whoever is there, and finds room.
fn take(queue: &mut mpsc::Receiver<Entry>, batch: &mut Vec<Entry>) {
    while batch.len() < BATCH
        && let Ok(entry) = queue.try_recv()
    {
        batch.push(entry);
    }
}

impl Drop for AtWork<'_> {
    fn drop(&mut self) {
        self.0.answered.store(self.1, Ordering::SeqCst);
        self.0.at_work.fetch_sub(1, Ordering::SeqCst);
        self.0.done.notify_waiters();
    }
}

#[cfg(test)]
mod tests;
