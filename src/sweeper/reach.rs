//! How far a tenant's verifications are deleted: a walk through those that were born before some instant, over as many
//! rounds as it takes, and then the next one.

use std::time::Duration;

use crate::domain::{clock::Timestamp, id::Id};

/// Verifications end sooner than this after their birth.
const LONGEST_LIFE: Duration = Duration::from_hours(1);

pub(super) struct Reach {
    /// Ids begin with time, and whatever lies before this one is gone.
    from: Id,
    /// Of the walk under way: whatever expired before this had ended when it began, so none of it is passed over.
    certain: Option<Timestamp>,
}

impl Reach {
    pub(super) fn beginning() -> Self {
        Self {
            from: Id::smallest_at(Timestamp::default()),
            certain: None,
        }
    }

    pub(super) fn from(&self) -> Id {
        self.from
    }

    pub(super) fn is_under_way(&self) -> bool {
        self.certain.is_some()
    }

    /// A walk begins. `ended_until`: whatever expired before that has ended.
    pub(super) fn begins(&mut self, ended_before: Timestamp, ended_until: Timestamp) {
        self.certain = Some(ended_before.min(ended_until));
    }

    /// All that had ended is gone, up to `last`.
    pub(super) fn went(&mut self, last: Id) {
        self.from = last;
    }

    /// The walk came to its end. Whatever ended meanwhile may have been passed over: the next one begins before it.
    pub(super) fn ends(&mut self) {
        if let Some(certain) = self.certain.take() {
            self.from = Id::smallest_at(certain.minus(LONGEST_LIFE));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = 3_600_000;

    fn at(hours: i64) -> Timestamp {
        Timestamp::from_millis(hours * HOUR)
    }

    /// Where the next walk begins after one that deleted up to the 90th hour.
    fn next(ended_until: Timestamp) -> Id {
        let mut reach = Reach::beginning();
        reach.begins(at(100), ended_until);
        reach.went(Id::smallest_at(at(90)));
        assert!(reach.is_under_way() && reach.from() == Id::smallest_at(at(90)));
        reach.ends();
        assert!(!reach.is_under_way());
        reach.from()
    }

    #[test]
    fn the_next_walk_begins_before_whatever_may_have_ended_during_this_one() {
        assert_eq!(next(at(200)), Id::smallest_at(at(99)));
    }

    #[test]
    fn what_could_not_be_ended_when_a_walk_began_is_looked_for_by_the_next() {
        assert_eq!(next(at(50)), Id::smallest_at(at(49)));
    }
}
