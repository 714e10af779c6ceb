//! Round times along an axis: whole seconds, minutes, hours and days.

use super::{Axis, label};

const DAY: f64 = 86_400.0;

/// Steps in which time is counted, in seconds: up to ten days.
const STEPS: [f64; 21] = [
    1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 900.0, 1800.0, 3600.0, 7200.0,
    10_800.0, 21_600.0, 43_200.0, 86_400.0, 172_800.0, 432_000.0, 864_000.0,
];

/// Round times within an axis of seconds, at most `most` of them.
pub(super) fn ticks(axis: Axis, most: usize) -> Vec<f64> {
    let most = most.max(1);
    if axis.log {
        let within = |step: &f64| *step >= axis.low && *step <= axis.high;
        let all: Vec<f64> = STEPS.into_iter().filter(within).collect();
        if all.len() < 2 {
            return axis.ticks(most);
        }
        let every = all.len().div_ceil(most);
        return all.into_iter().step_by(every).collect();
    }
    let span = axis.high - axis.low;
    // Less than a second from one to the next is counted in tens.
    if !span.is_finite() || span < most as f64 {
        return axis.ticks(most);
    }
    for step in STEPS {
        let (first, last) = ((axis.low / step).ceil(), (axis.high / step).floor());
        let count = last - first + 1.0;
        if count <= most as f64 {
            return (0..count.max(0.0) as usize).map(|at| (first + at as f64) * step).collect();
        }
    }
    let days = Axis { low: axis.low / DAY, high: axis.high / DAY, log: false };
    days.ticks(most).into_iter().map(|tick| tick * DAY).collect()
}

/// A time since the beginning, as short as it can be said.
pub(super) fn words(seconds: f64) -> String {
    if !seconds.is_finite() || seconds < 0.0 {
        return label(seconds);
    }
    let whole = seconds.round() as u64;
    if seconds < 60.0 && (seconds - whole as f64).abs() > 1e-6 {
        return format!("{} s", label(seconds));
    }
    match whole {
        0 => "0".to_owned(),
        1..60 => format!("{whole} s"),
        60..3600 if whole.is_multiple_of(60) => format!("{} m", whole / 60),
        60..3600 => format!("{}:{:02} m", whole / 60, whole % 60),
        3600..172_800 if whole.is_multiple_of(3600) => format!("{} h", whole / 3600),
        3600..172_800 => format!("{}:{:02} h", whole / 3600, whole % 3600 / 60),
        _ if whole.is_multiple_of(86_400) => format!("{} d", whole / 86_400),
        _ => format!("{} d {} h", whole / 86_400, whole % 86_400 / 3600),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn said(low: f64, high: f64, log: bool, most: usize) -> Vec<String> {
        ticks(Axis { low, high, log }, most).into_iter().map(words).collect()
    }

    #[test]
    fn times_are_round_in_what_they_are_counted_in() {
        assert_eq!(said(0.0, 3300.0, false, 6), ["0", "10 m", "20 m", "30 m", "40 m", "50 m"]);
        assert_eq!(said(0.0, 8000.0, false, 5), ["0", "30 m", "1 h", "1:30 h", "2 h"]);
        assert_eq!(said(30.0, 95.0, false, 5), ["30 s", "45 s", "1 m", "1:15 m", "1:30 m"]);
        assert_eq!(said(0.0, 1.0, false, 6)[..3], ["0", "0.2 s", "0.4 s"]);
        assert_eq!(said(5.0, 8000.0, true, 12)[..3], ["5 s", "10 s", "15 s"]);
        assert_eq!(words(300_000.0), "3 d 11 h");
    }

    proptest! {
        #[test]
        fn there_are_no_more_than_asked_for_and_all_lie_within(low in 0f64..1e7, span in 1e-3f64..1e9, most in 2usize..12, log in any::<bool>()) {
            let low = if log { low + 0.1 } else { low };
            let axis = Axis { low, high: low + span, log };
            let found = ticks(axis, most);
            prop_assert!(found.len() <= most, "{found:?}");
            for tick in found {
                prop_assert!(axis.share(tick).is_some_and(|share| (-1e-3..=1.001).contains(&share)));
                prop_assert!(!words(tick).is_empty());
            }
        }
    }
}
