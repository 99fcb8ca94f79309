//! Moves what was committed from SQLite's log into its file, beside the journal.
//!
//! SQLite would do so inside a commit, every few thousand pages, and all who wait for that batch would wait for the disk
//! twice more. So another thread copies; only the last bit, what was committed meanwhile, is copied in between two batches:
//! without that the log would never begin anew, since there would always be something that is not copied yet.

use std::{
    cell::Cell,
    thread::{self, JoinHandle},
};

use rusqlite::Connection;

/// Pages in the log before they are copied: 8 MiB. A page that was written several times meanwhile is copied once.
pub(super) const WAL_PAGES: i32 = 2048;
/// When the other thread does not come to its end for so many times that, everybody waits for the copying after all.
const TOO_LONG: i32 = 4;

/// Each time it copies what was committed during the time before, so that little is left to wait for.
const PASSES: usize = 4;

thread_local! {
    /// Pages in the log after the last commit of this thread.
    static LOGGED: Cell<i32> = const { Cell::new(0) };
}

/// Of one connection, and its log.
pub(super) struct Checkpoints {
    every: i32,
    /// Of the thread that copies, while it rests.
    connection: Option<Connection>,
    at_work: Option<JoinHandle<Connection>>,
    /// Pages that the log had when it was last copied. They stay in it for as long as somebody reads an old state.
    copied: i32,
}

impl Checkpoints {
    /// From now on `committing` does not copy by itself; `copying` is another connection to the same file.
    pub(super) fn of(committing: &Connection, copying: Connection, every: i32) -> Self {
        committing.wal_hook(Some(|_, pages| {
            LOGGED.set(pages);
            Ok(())
        }));
        Self {
            every,
            connection: Some(copying),
            at_work: None,
            copied: 0,
        }
    }

    /// After each commit. A fault shows where it matters: the log grows, until the disk is full.
    pub(super) fn committed(&mut self, committing: &Connection) {
        let logged = LOGGED.get();
        if logged < self.copied {
            // The log has begun anew.
            self.copied = 0;
        }
        if let Some(done) = self.at_work.take_if(|at_work| at_work.is_finished()) {
            self.connection = done.join().ok();
            copy(committing);
            self.copied = logged;
        } else if self.copied + self.every <= logged {
            match self.connection.take() {
                Some(connection) => self.begin(connection),
                None if logged < self.copied + TOO_LONG * self.every => {}
                None => {
                    copy(committing);
                    self.copied = logged;
                }
            }
        }
    }

    fn begin(&mut self, connection: Connection) {
        let work = move || {
            for _ in 0..PASSES {
                copy(&connection);
            }
            connection
        };
        let thread = thread::Builder::new().name("checkpoint".to_owned());
        // Without a thread it is done between batches, as without a connection.
        self.at_work = thread.spawn(work).ok();
    }
}

impl Drop for Checkpoints {
    fn drop(&mut self) {
        // Whoever closes a database may move its file next.
        if let Some(at_work) = self.at_work.take() {
            let _ = at_work.join();
        }
    }
}

/// Copies all that nobody is just writing or still reading in its old state.
fn copy(connection: &Connection) {
    let copied = connection.query_row("pragma wal_checkpoint(passive)", [], |_| Ok(()));
    if let Err(error) = copied {
        tracing::warn!(%error, "journal.checkpoint_failed");
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn the_log_begins_anew_although_somebody_always_writes() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("data.db");
        let open = || Connection::open(&path).unwrap();
        let writer = open();
        let mode = writer.query_row("pragma journal_mode = wal", [], |row| row.get(0));
        assert_eq!(mode, Ok("wal".to_owned()));
        writer
            .execute_batch("create table notes (text text)")
            .unwrap();
        let mut checkpoints = Checkpoints::of(&writer, open(), 10);
        for _ in 0..1000 {
            // Two pages at least: that of the row, and the first.
            writer
                .execute("insert into notes values (randomblob(2000))", [])
                .unwrap();
            checkpoints.committed(&writer);
        }
        drop(checkpoints);
        let pages = fs::metadata(directory.path().join("data.db-wal"))
            .unwrap()
            .len()
            / 4096;
        assert!(pages < 1000, "{pages} pages");
        let copied = fs::metadata(&path).unwrap().len() / 4096;
        assert!(200 < copied, "{copied} pages");
    }
}
