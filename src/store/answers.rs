//! Answers to those who waited for a batch.
//!
//! Waking another thread costs a system call each time. So of those who wait on one thread, one is woken from here, with
//! all their answers, and wakes the others.

use std::thread::{self, ThreadId};

use tokio::sync::oneshot;

use super::{StoreError, journal::Outcome};

type Answer = Result<Outcome, StoreError>;

/// Who is to be answered.
pub(super) struct Asker {
    answer: oneshot::Sender<Answered>,
    home: ThreadId,
}

/// Who waits for the answer.
pub(super) struct Waiter(oneshot::Receiver<Answered>);

struct Answered {
    answer: Answer,
    others: Others,
}

/// Answers for one thread; whoever drops them passes them on.
#[derive(Default)]
struct Others(Vec<(oneshot::Sender<Answered>, Answer)>);

/// The answers to a batch. They are given when this is dropped.
#[derive(Default)]
pub(super) struct Answers(Vec<(ThreadId, Others)>);

/// For a command of the thread that calls.
pub(super) fn channel() -> (Asker, Waiter) {
    let (answer, answered) = oneshot::channel();
    let home = thread::current().id();
    (Asker { answer, home }, Waiter(answered))
}

impl Waiter {
    pub(super) async fn answer(self) -> Answer {
        match self.0.await {
            Ok(Answered { answer, others }) => {
                drop(others);
                answer
            }
            Err(_) => Err(StoreError::Unavailable(
                "the journal has stopped".to_owned(),
            )),
        }
    }
}

impl Answers {
    pub(super) fn add(&mut self, asker: Asker, answer: Answer) {
        let known = self.0.iter().position(|(home, _)| *home == asker.home);
        let place = known.unwrap_or_else(|| {
            self.0.push((asker.home, Others::default()));
            self.0.len() - 1
        });
        self.0[place].1.0.push((asker.answer, answer));
    }
}

impl Drop for Answers {
    fn drop(&mut self) {
        for (_, mut others) in std::mem::take(&mut self.0) {
            while let Some((first, answer)) = others.0.pop() {
                let Err(unheard) = first.send(Answered { answer, others }) else {
                    break;
                };
                // Whoever asked may have gone; what was decided stands. The next one is woken instead.
                others = unheard.others;
            }
        }
    }
}

impl Drop for Others {
    fn drop(&mut self) {
        for (asker, answer) in std::mem::take(&mut self.0) {
            let others = Self::default();
            let _ = asker.send(Answered { answer, others });
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    /// So many who wait, and the answers for all of them.
    fn answered(count: usize) -> (Vec<Waiter>, Answers) {
        let mut answers = Answers::default();
        let all = (0..count).map(|_| {
            let (asker, waiter) = channel();
            answers.add(asker, Ok(Outcome::Expired));
            waiter
        });
        (all.collect(), answers)
    }

    fn is_answered(waiter: Waiter) -> bool {
        matches!(waiter.answer().now_or_never(), Some(Ok(Outcome::Expired)))
    }

    #[tokio::test]
    async fn one_is_woken_and_wakes_the_others() {
        let (mut all, answers) = answered(3);
        drop(answers);
        assert!(all[0].0.try_recv().is_err() && all[1].0.try_recv().is_err());
        let first = all.pop().unwrap();
        assert!(is_answered(first));
        assert!(all.into_iter().all(is_answered));
    }

    #[tokio::test]
    async fn whoever_has_gone_keeps_no_answer_from_the_others() {
        let (mut all, answers) = answered(3);
        drop(all.pop());
        drop(answers);
        // The next in turn has been told, and goes without listening.
        drop(all.pop());
        assert!(all.into_iter().all(is_answered));
    }

    #[tokio::test]
    async fn each_thread_has_one_that_is_woken() {
        let mut answers = Answers::default();
        let (asker, here) = channel();
        answers.add(asker, Ok(Outcome::Expired));
        let (asker, there) = thread::spawn(channel).join().unwrap();
        answers.add(asker, Ok(Outcome::Expired));
        drop(answers);
        assert!(is_answered(here) && is_answered(there));
    }

    #[tokio::test]
    async fn who_is_never_answered_is_told_that_the_journal_has_stopped() {
        let (asker, waiter) = channel();
        drop(asker);
        let error = waiter.answer().await.err().unwrap();
        assert_eq!(
            error.to_string(),
            "the database is not available: the journal has stopped"
        );
    }
}
