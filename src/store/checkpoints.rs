//! Moves what was committed from SQLite's log into its file, beside the journal.
//!
//! SQLite would do so inside a commit, every few thousand pages, and all who wait for that batch would wait for the disk
//! twice more. So another thread copies; only the last bit, what was committed meanwhile, is copied in between two batches:
//! without that the log would never begin anew, since there would always be something that is not copied yet.

use std::{
    cell::Cell,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
};

use rusqlite::{Connection, ErrorCode, InterruptHandle};

/// Pages in the log before they are copied: 16 MiB. A page that was written several times meanwhile is copied once.
pub(super) const WAL_PAGES: i32 = 4096;
/// When the other thread does not come to its end for so many times that, everybody waits for it: the log must not grow
/// faster than it is copied.
const TOO_LONG: i32 = 4;
/// Each time it copies what was committed during the time before, so that little is left to wait for.
const PASSES: usize = 4;
/// Pages that are little.
const LITTLE: i32 = 64;

thread_local! {
    /// Pages in the log after the last commit of this thread.
    static LOGGED: Cell<i32> = const { Cell::new(0) };
}

/// Of one connection, and its log.
pub(super) struct Checkpoints {
    every: i32,
    copier: Copier,
    /// Pages that the log had when it was last copied. They stay in it for as long as somebody reads an old state.
    copied: i32,
}

enum Copier {
    Rests(Connection),
    Works(JoinHandle<Connection>, InterruptHandle, Arc<AtomicBool>),
    /// There is no thread to be had: the log is copied between two batches.
    Gone,
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
            copier: Copier::Rests(copying),
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
        let grown = logged - self.copied;
        self.copier = match std::mem::replace(&mut self.copier, Copier::Gone) {
            Copier::Rests(connection) if self.every <= grown => begin(connection),
            Copier::Works(at_work, ..)
                if at_work.is_finished() || TOO_LONG * self.every <= grown =>
            {
                let rests = at_work.join().map(Copier::Rests);
                self.copy(committing, logged);
                rests.unwrap_or(Copier::Gone)
            }
            Copier::Gone if self.every <= grown => {
                self.copy(committing, logged);
                Copier::Gone
            }
            otherwise @ (Copier::Rests(_) | Copier::Works(..) | Copier::Gone) => otherwise,
        };
    }

    fn copy(&mut self, committing: &Connection, logged: i32) {
        if copy(committing).is_some() {
            self.copied = logged;
        }
    }
}

fn begin(connection: Connection) -> Copier {
    let stop = Arc::new(AtomicBool::new(false));
    let (interrupt, is_stopped) = (connection.get_interrupt_handle(), stop.clone());
    let work = move || {
        let mut before = 0;
        for _ in 0..PASSES {
            match copy(&connection) {
                Some(logged) if LITTLE < logged - before => before = logged,
                Some(_) | None => break,
            }
            if is_stopped.load(Ordering::Relaxed) {
                break;
            }
        }
        connection
    };
    let thread = thread::Builder::new().name("checkpoint".to_owned());
    match thread.spawn(work) {
        Ok(at_work) => Copier::Works(at_work, interrupt, stop),
        Err(_) => Copier::Gone,
    }
}

impl Drop for Checkpoints {
    fn drop(&mut self) {
        // Whoever closes a database may move its file next. What is not copied is found in the log.
        if let Copier::Works(at_work, interrupt, stop) =
            std::mem::replace(&mut self.copier, Copier::Gone)
        {
            stop.store(true, Ordering::Relaxed);
            interrupt.interrupt();
            let _ = at_work.join();
        }
    }
}

/// Copies all that nobody is just writing or still reading in its old state, and tells how many pages are in the log.
/// `None`: somebody else is copying, or it failed.
fn copy(connection: &Connection) -> Option<i32> {
    let copied = connection.query_row("pragma wal_checkpoint(passive)", [], |row| {
        let (is_busy, logged): (bool, i32) = (row.get(0)?, row.get(1)?);
        Ok((!is_busy).then_some(logged))
    });
    copied.unwrap_or_else(|error| {
        if error.sqlite_error_code() != Some(ErrorCode::OperationInterrupted) {
            tracing::warn!(%error, "journal.checkpoint_failed");
        }
        None
    })
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use super::*;

    /// A database with a table, and the connection that writes.
    fn database(directory: &Path) -> (Connection, Connection) {
        let open = || Connection::open(directory.join("data.db")).unwrap();
        let writer = open();
        let mode = writer.query_row("pragma journal_mode = wal", [], |row| row.get(0));
        assert_eq!(mode, Ok("wal".to_owned()));
        writer
            .execute_batch("create table notes (text text)")
            .unwrap();
        (writer, open())
    }

    /// Commits two pages at least: that of the row, and the first.
    fn commit(writer: &Connection) {
        let sql = "insert into notes values (randomblob(2000))";
        writer.execute(sql, []).unwrap();
    }

    #[test]
    fn who_writes_faster_than_is_copied_waits_for_the_copying() {
        let directory = tempfile::tempdir().unwrap();
        let (writer, copying) = database(directory.path());
        let (release, released) = std::sync::mpsc::channel::<()>();
        let mut checkpoints = Checkpoints::of(&writer, copying, 10);
        let Copier::Rests(connection) = std::mem::replace(&mut checkpoints.copier, Copier::Gone)
        else {
            unreachable!("it has nothing to do yet")
        };
        let interrupt = connection.get_interrupt_handle();
        let slow = thread::spawn(move || {
            let _ = released.recv();
            connection
        });
        checkpoints.copier = Copier::Works(slow, interrupt, Arc::default());
        let mut release = Some(release);
        for _ in 0..TOO_LONG * 10 {
            commit(&writer);
            if TOO_LONG * 10 <= LOGGED.get() {
                // Only now does it come to its end: who waits for it goes on.
                drop(release.take());
            }
            checkpoints.committed(&writer);
        }
        assert!(matches!(checkpoints.copier, Copier::Rests(_)));
        assert!(release.is_none());
    }

    #[test]
    fn without_a_thread_the_log_is_copied_between_two_batches() {
        let directory = tempfile::tempdir().unwrap();
        let (writer, copying) = database(directory.path());
        let mut checkpoints = Checkpoints::of(&writer, copying, 10);
        checkpoints.copier = Copier::Gone;
        let mut most = 0;
        for _ in 0..100 {
            commit(&writer);
            most = most.max(LOGGED.get());
            checkpoints.committed(&writer);
        }
        assert!(most < 20, "{most} pages");
    }

    #[test]
    fn the_log_begins_anew_although_somebody_always_writes() {
        let directory = tempfile::tempdir().unwrap();
        let (writer, copying) = database(directory.path());
        let mut checkpoints = Checkpoints::of(&writer, copying, 10);
        for _ in 0..1000 {
            commit(&writer);
            checkpoints.committed(&writer);
        }
        drop(checkpoints);
        let pages = fs::metadata(directory.path().join("data.db-wal"))
            .unwrap()
            .len()
            / 4096;
        assert!(pages < 1000, "{pages} pages");
        let copied = fs::metadata(directory.path().join("data.db"))
            .unwrap()
            .len()
            / 4096;
        assert!(200 < copied, "{copied} pages");
    }
}
