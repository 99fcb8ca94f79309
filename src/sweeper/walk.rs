//! A walk through the failure budgets, of which some are unused: a stretch after another, over many rounds.

/// Rows that are looked at together.
pub(super) const STRETCH: i64 = 5000;
/// Stretches of a round in which little is found: ten million rows are walked through in less than an hour.
const STRETCHES: u32 = 10;
/// Where at least one row in so many is unused, the round goes on.
const WORTH: usize = 10;

#[derive(Default)]
pub(super) struct Walk {
    /// The id after which the next stretch begins.
    pub(super) after: Vec<u8>,
    stretches: u32,
}

impl Walk {
    /// After a stretch with so many `unused` budgets that ended with the id `end`, or with the table. Tells whether the round
    /// goes on.
    pub(super) fn goes_on(&mut self, unused: usize, end: Option<Vec<u8>>) -> bool {
        self.stretches += 1;
        let is_worth = usize::try_from(STRETCH).unwrap_or(0) <= unused * WORTH;
        let goes_on = end.is_some() && (is_worth || self.stretches < STRETCHES);
        if !goes_on {
            self.stretches = 0;
        }
        self.after = end.unwrap_or_default();
        goes_on
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A stretch with so many unused rows, and more after it.
    fn goes_on(walk: &mut Walk, unused: usize) -> bool {
        walk.goes_on(unused, Some(vec![7]))
    }

    #[test]
    fn a_round_goes_on_for_as_long_as_it_is_worth_it() {
        let mut walk = Walk::default();
        for _ in 0..100 {
            assert!(goes_on(&mut walk, 500));
        }
        assert!(!goes_on(&mut walk, 499));
        assert_eq!(
            walk.after,
            [7],
            "the next round begins where this one ended"
        );
        for _ in 1..STRETCHES {
            assert!(goes_on(&mut walk, 0));
        }
        assert!(!goes_on(&mut walk, 0));
    }

    #[test]
    fn a_round_ends_with_the_table_and_the_next_begins_at_its_beginning() {
        let mut walk = Walk::default();
        assert!(goes_on(&mut walk, 500));
        assert!(!walk.goes_on(5000, None));
        assert!(walk.after.is_empty());
    }
}
