//! Commands that waited too long for their batch.

use super::{
    StoreError,
    answers::Answers,
    journal::{Entry, Shared},
};

impl Shared {
    /// Refuses those who waited too long already, and gives the others.
    pub(super) fn refuse_late(&self, entries: Vec<Entry>) -> Vec<Entry> {
        let is_failing = self.store.refuses_changes();
        let (late, in_time): (Vec<_>, Vec<_>) = entries
            .into_iter()
            .partition(|entry| entry.waiting.is_over(is_failing));
        if !late.is_empty() {
            let error = "they waited too long in the queue";
            tracing::warn!(error, commands = late.len(), "journal.refused");
        }
        let mut answers = Answers::default();
        for entry in late {
            self.store.metrics().journal_refused.inc();
            let error = StoreError::Unavailable("it is too slow".to_owned());
            self.answer(entry, Err(error), &mut answers);
        }
        in_time
    }
}
