//! How far overdue verifications were ended: a walk through the instants at which they expire. It goes on where it was, also
//! after a restart.

use std::{collections::BTreeMap, time::Duration};

use crate::domain::{clock::Timestamp, id::Id};

/// How often the latest stretch is walked through once more, and it is noted how far all has ended.
const AGAIN_EVERY: Duration = Duration::from_mins(1);
/// What expires may be written so long after that: by a replica whose clock is 5 s behind, and whose commit took 10 s.
const LATE: Duration = Duration::from_secs(15);

#[derive(Debug)]
pub(super) struct Expiries {
    /// The walk has come so far.
    from: Timestamp,
    /// Whatever expired before this was written before the walk came by: it has ended, or is `left`.
    sure: Timestamp,
    /// What cannot be read, here and now, and when it expired.
    left: BTreeMap<Id, Timestamp>,
    /// When the latest stretch is walked through once more.
    again_at: Timestamp,
    is_again: bool,
    /// Something expired since it was noted how far all has ended.
    has_moved: bool,
}

impl Expiries {
    /// All that expired before `ended_until` had ended when it was noted.
    pub(super) fn after(ended_until: Timestamp) -> Self {
        Self {
            from: ended_until,
            sure: ended_until,
            left: BTreeMap::new(),
            again_at: Timestamp::default(),
            is_again: false,
            has_moved: false,
        }
    }

    /// The walk goes on. Tells what was left, whenever it is time to try that again.
    pub(super) fn goes_on(&mut self, now: Timestamp) -> Vec<(Id, Timestamp)> {
        // A clock that was ahead, and was set back: what expires until then was not walked through.
        let is_again = self.again_at <= now || now.plus(AGAIN_EVERY) < self.again_at;
        self.from = self.from.min(now);
        self.sure = self.sure.min(now.minus(LATE));
        if !is_again {
            return Vec::new();
        }
        self.again_at = now.plus(AGAIN_EVERY);
        self.is_again = true;
        self.from = self.sure;
        self.left.iter().map(|(id, at)| (*id, *at)).collect()
    }

    /// Where the next stretch begins.
    pub(super) fn from(&self) -> Timestamp {
        self.from
    }

    /// One could not be ended. The walk goes on all the same.
    pub(super) fn leaves(&mut self, id: Id, expired_at: Timestamp) {
        self.left.insert(id, expired_at);
    }

    /// One was ended that may have been left.
    pub(super) fn ended(&mut self, id: &Id) {
        self.left.remove(id);
    }

    /// A stretch was walked through, in which so many expired.
    pub(super) fn went(&mut self, until: Timestamp, count: i64) {
        self.from = until;
        self.has_moved |= 0 < count;
    }

    /// The walk has come to `now`. Tells until when all has ended, if that is to be noted.
    pub(super) fn arrives(&mut self, now: Timestamp) -> Option<Timestamp> {
        if !std::mem::take(&mut self.is_again) {
            return None;
        }
        self.sure = self.sure.max(now.minus(LATE));
        let first_left = self.left.values().min();
        let until = first_left.map_or(self.sure, |left| self.sure.min(*left));
        std::mem::take(&mut self.has_moved).then_some(until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis(seconds * 1000)
    }

    fn id() -> Id {
        Id::new(at(1), [1; 16])
    }

    /// One walk up to `now`, in which `count` expired. Tells where it began, and what is noted.
    fn walk(expiries: &mut Expiries, now: Timestamp, count: i64) -> (Timestamp, Option<Timestamp>) {
        expiries.goes_on(now);
        let from = expiries.from();
        expiries.went(now, count);
        (from, expiries.arrives(now))
    }

    #[test]
    fn it_begins_where_all_had_ended_and_goes_on_from_there() {
        let mut expiries = Expiries::after(at(100));
        assert_eq!(walk(&mut expiries, at(1000), 5), (at(100), Some(at(985))));
        assert_eq!(walk(&mut expiries, at(1001), 5), (at(1000), None));
        assert_eq!(walk(&mut expiries, at(1002), 5), (at(1001), None));
    }

    #[test]
    fn every_minute_it_looks_for_what_was_written_late_and_notes_how_far_all_has_ended() {
        let mut expiries = Expiries::after(at(100));
        walk(&mut expiries, at(1000), 5);
        assert_eq!(walk(&mut expiries, at(1059), 5), (at(1000), None));
        assert_eq!(walk(&mut expiries, at(1060), 5), (at(985), Some(at(1045))));
        assert_eq!(walk(&mut expiries, at(1120), 5), (at(1045), Some(at(1105))));
    }

    #[test]
    fn where_nothing_expires_nothing_is_noted() {
        let mut expiries = Expiries::after(at(100));
        for now in [1000, 1060, 1120] {
            assert_eq!(walk(&mut expiries, at(now), 0).1, None);
        }
        assert_eq!(walk(&mut expiries, at(1150), 1), (at(1120), None));
        assert_eq!(walk(&mut expiries, at(1180), 0).1, Some(at(1165)));
    }

    #[test]
    fn what_cannot_be_ended_is_tried_again_every_minute_and_keeps_the_rest_from_being_forgotten() {
        let mut expiries = Expiries::after(at(100));
        assert!(expiries.goes_on(at(1000)).is_empty());
        expiries.leaves(id(), at(700));
        expiries.went(at(1000), 9);
        assert_eq!(expiries.arrives(at(1000)), Some(at(700)));
        // The walk itself is not held up.
        assert_eq!(walk(&mut expiries, at(1001), 9), (at(1000), None));
        assert_eq!(expiries.goes_on(at(1060)), [(id(), at(700))]);
        // The database was away just then.
        assert!(expiries.goes_on(at(1061)).is_empty());
        expiries.went(at(1061), 9);
        assert_eq!(expiries.arrives(at(1061)), Some(at(700)));
        assert_eq!(expiries.goes_on(at(1120)), [(id(), at(700))]);
        expiries.ended(&id());
        expiries.went(at(1120), 9);
        assert_eq!(expiries.arrives(at(1120)), Some(at(1105)));
    }

    #[test]
    fn what_expires_until_a_clock_that_was_ahead_is_walked_through_when_it_was_set_back() {
        let mut expiries = Expiries::after(at(9000));
        assert_eq!(walk(&mut expiries, at(1000), 5), (at(985), Some(at(985))));
        walk(&mut expiries, at(5000), 5);
        assert_eq!(walk(&mut expiries, at(1001), 5).0, at(986));
        assert_eq!(walk(&mut expiries, at(1002), 5).0, at(1001));
    }

    #[test]
    fn a_stretch_that_failed_is_walked_through_once_more() {
        let mut expiries = Expiries::after(at(100));
        expiries.goes_on(at(1000));
        expiries.went(at(500), 9);
        // The next one failed.
        assert_eq!(walk(&mut expiries, at(1001), 9), (at(500), Some(at(986))));
    }
}
