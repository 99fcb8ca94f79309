//! Answers to those who waited for a batch: of commands, or of questions.
//!
//! Waking another thread costs a system call each time. So of those who wait on one thread, one is woken from here, with
//! all their answers, and wakes the others.

use std::thread::{self, ThreadId};

use tokio::sync::oneshot;

/// Who is to be answered.
pub(super) struct Asker<A> {
    answer: oneshot::Sender<Answered<A>>,
    home: ThreadId,
}

/// Who waits for the answer.
pub(super) struct Waiter<A>(oneshot::Receiver<Answered<A>>);

struct Answered<A> {
    answer: A,
    others: Others<A>,
}

/// Answers for one thread; whoever drops them passes them on.
struct Others<A>(Vec<(oneshot::Sender<Answered<A>>, A)>);

/// The answers to a batch. They are given when this is dropped.
pub(super) struct Answers<A>(Vec<(ThreadId, Others<A>)>);

/// For what the thread that calls asks for.
pub(super) fn channel<A>() -> (Asker<A>, Waiter<A>) {
    let (answer, answered) = oneshot::channel();
    let home = thread::current().id();
    (Asker { answer, home }, Waiter(answered))
}

impl<A> Asker<A> {
    /// Nobody waits for the answer any more.
    pub(super) fn has_gone(&self) -> bool {
        self.answer.is_closed()
    }
}

impl<A> Waiter<A> {
    /// `None`: there will never be one.
    pub(super) async fn answer(self) -> Option<A> {
        let Answered { answer, others } = self.0.await.ok()?;
        drop(others);
        Some(answer)
    }
}

impl<A> Answers<A> {
    pub(super) fn add(&mut self, asker: Asker<A>, answer: A) {
        let known = self.0.iter().position(|(home, _)| *home == asker.home);
        let place = known.unwrap_or_else(|| {
            self.0.push((asker.home, Others(Vec::new())));
            self.0.len() - 1
        });
        self.0[place].1.0.push((asker.answer, answer));
    }
}

impl<A> Default for Answers<A> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<A> Drop for Answers<A> {
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

impl<A> Drop for Others<A> {
    fn drop(&mut self) {
        for (asker, answer) in std::mem::take(&mut self.0) {
            let others = Self(Vec::new());
            let _ = asker.send(Answered { answer, others });
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    /// So many who wait, and the answers for all of them.
    fn answered(count: usize) -> (Vec<Waiter<&'static str>>, Answers<&'static str>) {
        let mut answers = Answers::default();
        let all = (0..count).map(|_| {
            let (asker, waiter) = channel();
            answers.add(asker, "told");
            waiter
        });
        (all.collect(), answers)
    }

    fn is_answered(waiter: Waiter<&str>) -> bool {
        matches!(waiter.answer().now_or_never(), Some(Some("told")))
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
        answers.add(asker, "told");
        let (asker, there) = thread::spawn(channel).join().unwrap();
        answers.add(asker, "told");
        drop(answers);
        assert!(is_answered(here) && is_answered(there));
    }

    #[tokio::test]
    async fn who_is_never_answered_does_not_wait() {
        let (asker, waiter) = channel::<&str>();
        assert!(!asker.has_gone());
        drop(asker);
        assert_eq!(waiter.answer().await, None);
    }
}
