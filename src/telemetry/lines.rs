//! Lines on their way to standard error. A request leaves its lines here and goes on: a thread writes down what has
//! gathered, so that a write costs the same for one line and for a hundred, and a reader that pauses holds up nobody.

use std::{
    io::{self, Write},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::Duration,
};

use tracing_subscriber::fmt::MakeWriter;

/// More than this waits only if nobody reads; then whoever has something to tell waits, too, and nothing is lost.
const MOST: usize = 4 * 1024 * 1024;
/// How long the end waits for the last lines to be read.
const LAST: Duration = Duration::from_secs(1);
/// For how long lines gather.
const GATHER: Duration = Duration::from_millis(1);

/// Where lines are left. Cheap to clone.
#[derive(Clone)]
pub(super) struct Lines(Arc<Shared>);

struct Shared {
    state: Mutex<State>,
    left: Condvar,
    taken: Condvar,
}

#[derive(Default)]
struct State {
    text: Vec<u8>,
    is_over: bool,
    is_written: bool,
}

/// Writes down all that was left before it is dropped, unless nobody reads.
pub struct LastLines(Lines);

impl Lines {
    /// Lines go to `to` until what is given back is dropped.
    pub(super) fn start(to: impl Write + Send + 'static) -> io::Result<(Self, LastLines)> {
        let lines = Self(Arc::new(Shared {
            state: Mutex::default(),
            left: Condvar::new(),
            taken: Condvar::new(),
        }));
        let thread = thread::Builder::new().name("log".to_owned());
        let writer = lines.clone();
        thread.spawn(move || writer.write_down(to))?;
        let last = LastLines(lines.clone());
        Ok((lines, last))
    }

    fn write_down(&self, mut to: impl Write) {
        let mut text = Vec::new();
        loop {
            let mut state = self.state();
            while state.text.is_empty() && !state.is_over {
                state = wait(&self.0.left, state);
            }
            if state.text.is_empty() {
                state.is_written = true;
                drop(state);
                self.0.taken.notify_all();
                return;
            }
            if !state.is_over {
                drop(state);
                thread::sleep(GATHER);
                state = self.state();
            }
            std::mem::swap(&mut text, &mut state.text);
            drop(state);
            self.0.taken.notify_all();
            // A log that cannot be written can be told to nobody.
            let _ = to.write_all(&text).and_then(|()| to.flush());
            text.clear();
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        let state = self.0.state.lock();
        state.unwrap_or_else(PoisonError::into_inner)
    }
}

fn wait<'a>(condition: &Condvar, state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
    condition
        .wait(state)
        .unwrap_or_else(PoisonError::into_inner)
}

impl Write for &Lines {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let mut state = self.state();
        while MOST < state.text.len() && !state.is_over {
            state = wait(&self.0.taken, state);
        }
        let was_empty = state.text.is_empty();
        state.text.extend_from_slice(line);
        drop(state);
        if was_empty {
            self.0.left.notify_one();
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = &'a Self;

    fn make_writer(&'a self) -> Self::Writer {
        self
    }
}

impl Drop for LastLines {
    fn drop(&mut self) {
        let shared = &self.0.0;
        let mut state = self.0.state();
        state.is_over = true;
        shared.left.notify_one();
        // Those who wait for room are let go: nobody needs to write any more.
        shared.taken.notify_all();
        // Whoever stops the service is not kept waiting by whoever does not read.
        drop(
            shared
                .taken
                .wait_timeout_while(state, LAST, |state| !state.is_written),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Clone, Default)]
    struct Page(Arc<Mutex<Vec<u8>>>);

    impl Write for Page {
        fn write(&mut self, text: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(text);
            Ok(text.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn what_was_told_is_written_down_whole_and_in_order_before_the_end() {
        let page = Page::default();
        let (lines, last) = Lines::start(page.clone()).unwrap();
        let mut expected = Vec::new();
        for number in 0..1000 {
            let line = format!("line {number}\n");
            (&lines).write_all(line.as_bytes()).unwrap();
            expected.extend_from_slice(line.as_bytes());
        }
        drop(last);
        assert_eq!(*page.0.lock().unwrap(), expected);
    }

    /// Takes nothing, as a pipe does that nobody reads.
    struct Blocked(std::sync::mpsc::Receiver<()>);

    impl Write for Blocked {
        fn write(&mut self, text: &[u8]) -> io::Result<usize> {
            let _ = self.0.recv();
            Ok(text.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn the_end_does_not_wait_for_whoever_does_not_read() {
        let (reads, blocked) = std::sync::mpsc::channel();
        let (lines, last) = Lines::start(Blocked(blocked)).unwrap();
        (&lines).write_all(b"line\n").unwrap();
        drop(last);
        assert!(!lines.state().is_written);
        drop(reads);
    }

    #[test]
    fn whoever_tells_something_after_the_end_does_not_wait() {
        let (lines, last) = Lines::start(io::sink()).unwrap();
        drop(last);
        for _ in 0..2 {
            (&lines).write_all(&vec![b'x'; MOST]).unwrap();
        }
    }
}
