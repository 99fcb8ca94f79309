//! Counting what the platform is asked.

use std::sync::atomic::{AtomicU64, Ordering};

use serde::Serialize;

/// What the resources of one kind have been asked since the start, refused requests included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Counters {
    /// To send, or to place a call.
    pub posts: u64,
    /// For lists.
    pub gets: u64,
    /// For one message, or one call.
    pub polls: u64,
    /// How many were accepted.
    pub stored: u64,
}

#[derive(Default)]
pub(super) struct Count(AtomicU64);

impl Count {
    pub(super) fn add(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

#[derive(Default)]
pub(super) struct Tally {
    pub(super) posts: Count,
    pub(super) gets: Count,
    pub(super) polls: Count,
    pub(super) stored: Count,
}

impl Tally {
    pub(super) fn read(&self) -> Counters {
        Counters {
            posts: self.posts.get(),
            gets: self.gets.get(),
            polls: self.polls.get(),
            stored: self.stored.get(),
        }
    }
}
