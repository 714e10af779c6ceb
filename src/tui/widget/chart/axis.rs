//! An axis: a range, linear or logarithmic, and the round values along it.

/// A range of values mapped to 0..=1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Axis {
    /// The value at 0.
    pub low: f64,
    /// The value at 1.
    pub high: f64,
    /// Whether equal factors take equal room.
    pub log: bool,
}

/// Beyond this a range of two values, or their ratio, would soon be no number.
const FAR: f64 = 1e100;
/// Steps that are tried; each is half as long again as the one before.
const TRIES: usize = 32;

impl Axis {
    /// An axis over a range; one that is empty is widened. A logarithmic one needs a positive `low`.
    /// What is too far out to be counted with lies outside.
    #[must_use]
    pub fn new(low: f64, high: f64, log: bool) -> Self {
        let log = log && low > 0.0;
        let within = |value: f64| if value.is_nan() { 0.0 } else { value.clamp(-FAR, FAR) };
        let (low, high) = (within(low), within(high));
        let low = if log { low.max(1.0 / FAR) } else { low };
        if high > low {
            return Self { low, high, log };
        }
        let around = if low == 0.0 { 1.0 } else { low.abs() * 0.05 };
        Self { low: low - around, high: low + around, log }
    }

    /// A little more room at both ends.
    #[must_use]
    pub fn padded(self) -> Self {
        if self.log {
            let factor = (self.high / self.low).powf(0.04);
            return Self { low: self.low / factor, high: self.high * factor, ..self };
        }
        let more = (self.high - self.low) * 0.04;
        Self { low: self.low - more, high: self.high + more, ..self }
    }

    /// Where a value lies; below 0 and above 1 outside the range, nothing where it has no place.
    #[must_use]
    pub fn share(self, value: f64) -> Option<f64> {
        if !value.is_finite() || (self.log && value <= 0.0) {
            return None;
        }
        let share = if self.log {
            (value / self.low).ln() / (self.high / self.low).ln()
        } else {
            (value - self.low) / (self.high - self.low)
        };
        share.is_finite().then_some(share)
    }

    /// The value at a share.
    #[must_use]
    pub fn value(self, share: f64) -> f64 {
        if self.log {
            self.low * (self.high / self.low).powf(share)
        } else {
            self.low + share * (self.high - self.low)
        }
    }

    /// Round values within the range, at most `most` of them, at least one where there is any.
    #[must_use]
    pub fn ticks(self, most: usize) -> Vec<f64> {
        let most = most.max(1);
        let span = self.high - self.low;
        let factor = if self.log { self.high / self.low } else { 1.0 };
        if !span.is_finite() || !factor.is_finite() || (self.log && self.low <= 0.0) {
            return Vec::new();
        }
        if self.log && self.high / self.low >= 8.0 {
            let (first, last) = (self.low.log10().floor() as i32, self.high.log10().ceil() as i32);
            for factors in [&[1.0, 2.0, 5.0][..], &[1.0, 3.0], &[1.0]] {
                let all =
                    (first..=last).flat_map(|p| factors.iter().map(move |f| f * 10f64.powi(p)));
                let ticks: Vec<f64> =
                    all.filter(|tick| *tick >= self.low && *tick <= self.high).collect();
                if ticks.len() <= most {
                    return ticks;
                }
            }
            let every = ((last - first) as usize).div_ceil(most).max(1);
            let powers = (first..=last).step_by(every).map(|p| 10f64.powi(p));
            return powers.filter(|tick| *tick >= self.low && *tick <= self.high).collect();
        }
        let mut step = nice(span / most as f64);
        for _ in 0..TRIES {
            let (first, last) = ((self.low / step).ceil(), (self.high / step).floor());
            let count = last - first + 1.0;
            if count <= most as f64 {
                return (0..count.max(0.0) as usize).map(|at| (first + at as f64) * step).collect();
            }
            step = nice(step * 1.5);
        }
        Vec::new()
    }
}

/// The least of 1, 2 and 5 times a power of ten that is at least this.
fn nice(least: f64) -> f64 {
    if !least.is_finite() || least <= 0.0 {
        return 1.0;
    }
    let power = 10f64.powf(least.log10().floor());
    [1.0, 2.0, 5.0, 10.0].into_iter().find(|f| f * power >= least * (1.0 - 1e-9)).unwrap_or(10.0)
        * power
}

/// A tick as short as it can be said.
#[must_use]
pub fn label(value: f64) -> String {
    let size = value.abs();
    if size == 0.0 {
        return "0".to_owned();
    }
    let trim = |text: String| {
        if text.contains('.') {
            text.trim_end_matches('0').trim_end_matches('.').to_owned()
        } else {
            text
        }
    };
    for (unit, sign) in [(1e9, "G"), (1e6, "M"), (1e3, "k")] {
        if size >= unit * 10.0 || (size >= unit && sign != "k") {
            return format!("{}{sign}", trim(format!("{:.2}", value / unit)));
        }
    }
    if size < 1e-3 {
        let text = format!("{value:.1e}");
        let (digits, power) = text.split_once('e').unwrap_or((&text, "0"));
        return format!("{}e{power}", trim(digits.to_owned()));
    }
    trim(format!("{value:.4}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn ticks_lie_within_and_are_no_more_than_asked_for(low in -1e6f64..1e6, span in 1e-4f64..1e7, most in 1usize..12) {
            let axis = Axis::new(low, low + span, false);
            let ticks = axis.ticks(most);
            prop_assert!(ticks.len() <= most);
            for tick in ticks {
                let share = axis.share(tick).unwrap();
                prop_assert!((-1e-6..=1.0 + 1e-6).contains(&share));
                prop_assert!((axis.value(share) - tick).abs() <= span * 1e-6);
            }
        }

        #[test]
        fn logarithmic_ticks_too(low in 1e-6f64..1e3, factor in 1.01f64..1e9, most in 1usize..12) {
            let axis = Axis::new(low, low * factor, true);
            let ticks = axis.ticks(most);
            prop_assert!(ticks.len() <= most, "{ticks:?}");
            prop_assert!(axis.share(0.0).is_none() && axis.share(low).is_some());
        }
    }

    #[test]
    fn numbers_at_the_ends_of_what_floats_are_have_an_axis_too() {
        let ends = [-f64::MAX, -1e200, -0.0, 0.0, 5e-324, 1.0, 1e200, f64::MAX];
        for (low, high) in ends.iter().flat_map(|low| ends.map(|high| (*low, high))) {
            for log in [false, true] {
                let axis = Axis::new(low, high, log).padded();
                assert!(axis.low.is_finite() && axis.high.is_finite(), "{axis:?}");
                assert!(axis.ticks(5).len() <= 5, "{axis:?}");
            }
        }
        for odd in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            assert!(Axis::new(odd, odd, false).padded().ticks(5).len() <= 5);
            let axis = Axis { low: odd, high: 1.0, log: false };
            assert!(axis.ticks(5).is_empty() && Axis { log: true, ..axis }.ticks(5).is_empty());
        }
    }

    #[test]
    fn labels_are_short() {
        for (value, text) in [
            (0.0, "0"),
            (0.25, "0.25"),
            (12_000.0, "12k"),
            (1500.0, "1500"),
            (2.5e6, "2.5M"),
            (5e-4, "5e-4"),
            (-3.0, "-3"),
        ] {
            assert_eq!(label(value), text);
        }
    }
}
