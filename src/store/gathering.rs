//! Who waits for the next batch.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use tokio::{
    sync::{Mutex, Notify, mpsc},
    time::Instant,
};

use super::journal::Entry;

/// Commands in one batch.
const BATCH: usize = 256;
/// While other batches run, one of this size is worth a transaction of its own. Smaller ones gather for as long as those
/// take: a database does many small batches at once no faster, but with many times the work.
const ENOUGH: usize = 128;
/// But they do not wait for a batch that is stuck, behind a lock of another replica's for instance.
const PATIENCE: Duration = Duration::from_millis(10);

/// Where so many are at it, a batch also waits for those who were just answered: they may come back at once, and two batches
/// that take turns cost a database more than one of all.
const MANY: usize = 32;
/// For no longer than this.
const LINGER: Duration = Duration::from_millis(1);

pub(super) struct Gathering {
    queue: Mutex<mpsc::Receiver<Entry>>,
    at_work: AtomicUsize,
    /// Commands in the batch that was done last.
    answered: AtomicUsize,
    lingers: bool,
    done: Notify,
}

/// A batch of so many commands is being worked on until this is dropped.
pub(super) struct AtWork<'a>(&'a Gathering, usize);

impl Gathering {
    /// `lingers`: each transaction is dear, whatever is in it.
    pub(super) fn of(queue: mpsc::Receiver<Entry>, lingers: bool) -> Self {
        Self {
            queue: Mutex::new(queue),
            at_work: AtomicUsize::new(0),
            answered: AtomicUsize::new(0),
            lingers,
            done: Notify::new(),
        }
    }

    /// The next batch; `None`: there will be no more.
    pub(super) async fn next(&self) -> Option<(Vec<Entry>, AtWork<'_>)> {
        let mut batch = Vec::new();
        // Held only while gathering, so that batches run side by side where the database can.
        let mut queue = self.queue.lock().await;
        if queue.recv_many(&mut batch, BATCH).await == 0 {
            return None;
        }
        let until = Instant::now() + PATIENCE;
        let mut waited = 0;
        while batch.len() < ENOUGH {
            let done = self.done.notified();
            tokio::pin!(done);
            // From here on no end is missed.
            done.as_mut().enable();
            if self.at_work.load(Ordering::SeqCst) == 0 {
                break;
            }
            let room = BATCH - batch.len();
            waited = batch.len();
            tokio::select! {
                // Whoever is there already comes along.
                biased;
                taken = queue.recv_many(&mut batch, room) => if taken == 0 { break },
                () = done => break,
                () = tokio::time::sleep_until(until) => break,
            }
        }
        if self.lingers {
            self.linger(&mut queue, &mut batch, waited).await;
        }
        self.at_work.fetch_add(1, Ordering::SeqCst);
        let size = batch.len();
        Some((batch, AtWork(self, size)))
    }

    /// Waits for those who were just answered, as long as they come. `waited`: commands that were there before.
    async fn linger(
        &self,
        queue: &mut mpsc::Receiver<Entry>,
        batch: &mut Vec<Entry>,
        waited: usize,
    ) {
        let all = self.answered.load(Ordering::SeqCst) + waited;
        if all < MANY {
            return;
        }
        // The last ones are not worth the wait.
        let enough = (all * 7 / 8).min(ENOUGH);
        let until = Instant::now() + LINGER;
        while batch.len() < enough {
            let room = BATCH - batch.len();
            tokio::select! {
                biased;
                taken = queue.recv_many(batch, room) => if taken == 0 { return },
                () = tokio::time::sleep_until(until) => return,
            }
        }
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
mod tests {
    use super::*;
    use crate::{
        domain::{clock::Timestamp, id::Id},
        store::journal::Command,
    };

    fn entry() -> Entry {
        let id = Id::new(Timestamp::default(), [0; 16]);
        Entry::unattended(Command::Expire(id), [0; 16])
    }

    #[tokio::test]
    async fn whoever_comes_while_nobody_works_is_taken_at_once() {
        let (queue, entries) = mpsc::channel(1000);
        let gathering = Gathering::of(entries, true);
        queue.try_send(entry()).ok().unwrap();
        let (batch, at_work) = gathering.next().await.unwrap();
        assert_eq!(batch.len(), 1);
        drop(at_work);
        drop(queue);
        assert!(gathering.next().await.is_none());
    }

    #[tokio::test]
    async fn while_a_batch_runs_the_next_one_gathers_until_it_is_done() {
        let (queue, entries) = mpsc::channel(1000);
        let gathering = Gathering::of(entries, true);
        queue.try_send(entry()).ok().unwrap();
        let (_, first) = gathering.next().await.unwrap();
        queue.try_send(entry()).ok().unwrap();
        let mut next = std::pin::pin!(gathering.next());
        assert!(futures_util::poll!(&mut next).is_pending());
        queue.try_send(entry()).ok().unwrap();
        drop(first);
        assert_eq!(next.await.unwrap().0.len(), 2);
    }

    #[tokio::test]
    async fn many_do_not_wait_for_a_batch_that_runs_and_few_not_for_ever() {
        let (queue, entries) = mpsc::channel(1000);
        let gathering = Gathering::of(entries, true);
        queue.try_send(entry()).ok().unwrap();
        let (_, _stuck) = gathering.next().await.unwrap();
        for _ in 0..ENOUGH {
            queue.try_send(entry()).ok().unwrap();
        }
        let mut many = std::pin::pin!(gathering.next());
        assert!(futures_util::poll!(&mut many).is_ready());
        queue.try_send(entry()).ok().unwrap();
        let (few, _) = gathering.next().await.unwrap();
        assert_eq!(few.len(), 1);
    }

    /// A batch of `MANY`, done while nobody waits.
    async fn after_many(lingers: bool) -> (mpsc::Sender<Entry>, Gathering) {
        let (queue, entries) = mpsc::channel(1000);
        let gathering = Gathering::of(entries, lingers);
        for _ in 0..MANY {
            queue.try_send(entry()).ok().unwrap();
        }
        drop(gathering.next().await);
        queue.try_send(entry()).ok().unwrap();
        (queue, gathering)
    }

    #[tokio::test]
    async fn after_a_large_batch_those_who_come_back_share_the_next() {
        let (queue, gathering) = after_many(true).await;
        let mut next = std::pin::pin!(gathering.next());
        assert!(futures_util::poll!(&mut next).is_pending());
        for _ in 1..MANY {
            queue.try_send(entry()).ok().unwrap();
        }
        let std::task::Poll::Ready(Some((batch, _))) = futures_util::poll!(&mut next) else {
            panic!("nobody else is waited for")
        };
        assert_eq!(batch.len(), MANY);
    }

    #[tokio::test]
    async fn whoever_does_not_come_back_is_not_waited_for_long() {
        let (_queue, gathering) = after_many(true).await;
        assert_eq!(gathering.next().await.unwrap().0.len(), 1);
    }

    #[tokio::test]
    async fn where_transactions_are_cheap_nobody_is_waited_for() {
        let (_queue, gathering) = after_many(false).await;
        let mut next = std::pin::pin!(gathering.next());
        assert!(futures_util::poll!(&mut next).is_ready());
    }
}
