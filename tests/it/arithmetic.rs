//! The arithmetic of the load bench, which cargo runs no tests of.

#[path = "../../benches/load/statistics.rs"]
mod statistics;

use statistics::{
    Spread, decades, longest_check, median, on_logarithmic_axis, rate_in_turn, undisturbed,
};

#[test]
fn the_median_is_the_middle_one_or_lies_between_the_two_in_the_middle() {
    for (values, expected) in [
        (&[][..], 0.0),
        (&[7.0], 7.0),
        (&[9.0, 1.0], 5.0),
        (&[3.0, 100.0, 1.0], 3.0),
        (&[4.0, 1.0, 3.0, 100.0], 3.5),
    ] {
        let found = median(values.iter().copied());
        assert!((found - expected).abs() < 1e-9, "{values:?}: {found}");
    }
}

#[test]
fn a_spread_has_the_lowest_and_the_highest_and_there_is_none_of_nothing() {
    assert_eq!(Spread::of([].into_iter()), None);
    let spread = Spread {
        median: 2.0,
        min: 1.0,
        max: 9.0,
    };
    assert_eq!(Spread::of([9.0, 1.0, 2.0].into_iter()), Some(spread));
}

#[test]
fn a_round_counts_when_its_echo_is_within_the_tolerance_of_the_median_echo() {
    for (echoes, expected) in [
        (&[][..], &[][..]),
        (&[100.0], &[0]),
        // Just within, and just beyond.
        (&[100.0, 90.0, 110.0, 89.9, 110.1], &[0, 1, 2]),
        // One that is far off does not move the median, and so spoils no other.
        (&[100.0, 5.0, 101.0], &[0, 2]),
        // Two camps: neither is near the middle between them.
        (&[50.0, 150.0], &[]),
    ] {
        let usual = median(echoes.iter().copied());
        assert_eq!(undisturbed(echoes, usual, 0.1), expected, "{echoes:?}");
    }
    // What is usual is told by all that take turns: this one was disturbed all the time.
    assert_eq!(undisturbed(&[70.0, 71.0, 95.0], 100.0, 0.1), [2]);
}

#[test]
fn who_does_two_things_in_turn_spends_the_time_of_both() {
    // 1/100 s and 1/300 s: two requests in 4/300 s.
    assert!((rate_in_turn(100.0, 300.0) - 150.0).abs() < 1e-9);
    assert!((rate_in_turn(80.0, 80.0) - 80.0).abs() < 1e-9);
}

#[test]
fn a_check_may_take_twice_as_long_as_the_echo_and_two_waits_for_the_disk() {
    assert!((longest_check(700.0, 135.0) - 1670.0).abs() < 1e-9);
}

#[test]
fn each_decade_of_a_logarithmic_axis_is_as_long_as_any_other() {
    for (value, place) in [(1.0, 0.0), (10.0, 0.25), (100.0, 0.5), (10_000.0, 1.0)] {
        assert!((on_logarithmic_axis(value, 1.0, 10_000.0) - place).abs() < 1e-9);
    }
}

#[test]
fn decades_enclose_all_values_and_are_never_none() {
    let of = |values: &[f64]| decades(values.iter().copied());
    for (values, low, high) in [
        (&[0.07, 42.0][..], 0.01, 100.0),
        (&[3.0], 1.0, 10.0),
        (&[10.0], 10.0, 100.0),
    ] {
        let found = of(values);
        assert!((found.0 / low - 1.0).abs() < 1e-9, "{values:?}: {found:?}");
        assert!((found.1 / high - 1.0).abs() < 1e-9, "{values:?}: {found:?}");
    }
}
