use super::*;

fn at(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

#[test]
fn no_second_holds_more_than_it_may_wherever_it_begins() {
    for rate in [1, 3, 7, 100, 999, 1000, 4096] {
        let mut shaper = Shaper::new(rate);
        let mut left = Vec::new();
        // Arrivals in bursts, with idle time between them.
        for burst in 0..20_u64 {
            let now = at(burst * 377);
            while let Some(wait) = shaper.take(now, PATIENCE) {
                left.push(now + wait);
            }
        }
        let rate = usize::try_from(rate).unwrap();
        for (first, later) in left.iter().zip(&left[rate.min(left.len())..]) {
            assert!(*first + at(1000) <= *later, "{rate}: {first:?} {later:?}");
        }
        assert!(rate < left.len(), "{rate}: {}", left.len());
    }
}

#[test]
fn nobody_waits_where_there_is_nobody_before() {
    let mut shaper = Shaper::new(10);
    assert_eq!(shaper.take(at(0), PATIENCE), Some(at(0)));
    assert_eq!(shaper.take(at(40), PATIENCE), Some(at(60)));
    assert_eq!(shaper.take(at(5000), PATIENCE), Some(at(0)));
}

#[test]
fn who_would_wait_too_long_takes_nothing() {
    let mut shaper = Shaper::new(1);
    assert_eq!(shaper.take(at(0), PATIENCE), Some(at(0)));
    assert_eq!(shaper.take(at(0), at(999)), None);
    assert_eq!(shaper.take(at(0), at(1000)), Some(at(1000)));
}

#[test]
fn those_who_are_put_off_come_back_at_the_pace_in_the_order_of_their_coming() {
    let mut shaper = Shaper::new(10);
    while shaper.take(at(0), PATIENCE).is_some() {}
    let waits: Vec<_> = (0..100).map(|_| shaper.put_off(at(0), 0)).collect();
    for (n, wait) in (0..).zip(&waits) {
        assert_eq!(*wait, at(2100 + n * 100));
    }
    let beyond: Vec<_> = (0..100).map(|n| shaper.put_off(at(0), n * 10)).collect();
    assert!(beyond.iter().all(|wait| *wait <= LONGEST), "{beyond:?}");
    assert!(at(7500) <= beyond[99]);
}

#[test]
fn who_is_new_goes_behind_those_who_were_put_off_unless_these_are_gone() {
    let mut shaper = Shaper::new(10);
    while shaper.take(at(0), PATIENCE).is_some() {}
    assert!(!shaper.is_crowded(at(0)));
    shaper.put_off(at(0), 0);
    assert!(shaper.is_crowded(at(0)));
    assert!(!shaper.is_crowded(at(300)), "there is room within sight");
    for _ in 0..50 {
        shaper.put_off(at(0), 0);
    }
    assert!(shaper.is_crowded(at(2500)));
    assert!(!shaper.is_crowded(at(2600)), "nobody came back");
}
