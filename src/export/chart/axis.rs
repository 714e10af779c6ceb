//! Axes: round ticks, and where a value lies in pixels.

/// From values to pixels, linear or logarithmic.
#[derive(Clone, Debug, PartialEq)]
pub struct Axis {
    low: f64,
    high: f64,
    log: bool,
    pixels: (i32, i32),
}

impl Axis {
    /// An axis for values from `low` to `high`, from pixel `pixels.0` to pixel `pixels.1`. Both ends
    /// are moved out to round numbers. `log` needs a positive `low`.
    #[must_use]
    pub fn new(low: f64, high: f64, log: bool, pixels: (i32, i32)) -> Self {
        let (low, high) = if log { round_log(low, high) } else { round_linear(low, high) };
        Self { low, high, log, pixels }
    }

    /// The same without moving the ends.
    #[must_use]
    pub fn exact(low: f64, high: f64, pixels: (i32, i32)) -> Self {
        Self { low, high: if high > low { high } else { low + 1.0 }, log: false, pixels }
    }

    /// The pixel of a value, or none where it has no place: not finite, or not positive on a
    /// logarithmic axis.
    #[must_use]
    pub fn pixel(&self, value: f64) -> Option<i32> {
        if !value.is_finite() || (self.log && value <= 0.0) {
            return None;
        }
        let share = if self.log {
            (value / self.low).log10() / (self.high / self.low).log10()
        } else {
            (value - self.low) / (self.high - self.low)
        };
        let (from, to) = (f64::from(self.pixels.0), f64::from(self.pixels.1));
        Some((from + share.clamp(0.0, 1.0) * (to - from)).round() as i32)
    }

    /// Round values along the axis, at most about `most` of them.
    #[must_use]
    pub fn ticks(&self, most: usize) -> Vec<f64> {
        if self.log {
            return log_ticks(self.low, self.high, most);
        }
        let step = nice_step((self.high - self.low) / most.max(1) as f64);
        let first = (self.low / step - 1e-9).ceil() as i64;
        let last = (self.high / step + 1e-9).floor() as i64;
        (first..=last).map(|at| at as f64 * step).collect()
    }
}

/// The least of 1, 2, 2.5 and 5 times a power of ten that is at least this.
fn nice_step(least: f64) -> f64 {
    let power = 10f64.powf(least.log10().floor());
    let nice = [1.0, 2.0, 2.5, 5.0, 10.0].into_iter().find(|f| f * power >= least * (1.0 - 1e-9));
    nice.unwrap_or(10.0) * power
}

fn round_linear(low: f64, high: f64) -> (f64, f64) {
    if high <= low {
        let around = if low == 0.0 { 1.0 } else { low.abs() * 0.1 };
        return round_linear(low - around, low + around);
    }
    let step = nice_step((high - low) / 6.0);
    ((low / step + 1e-9).floor() * step, (high / step - 1e-9).ceil() * step)
}

fn round_log(low: f64, high: f64) -> (f64, f64) {
    let down = |value: f64| {
        let power = 10f64.powf((value.log10() + 1e-9).floor());
        let nice = [5.0, 2.0, 1.0].into_iter().find(|f| f * power <= value * (1.0 + 1e-9));
        nice.unwrap_or(1.0) * power
    };
    let up = |value: f64| {
        let power = 10f64.powf((value.log10() + 1e-9).floor());
        let nice = [1.0, 2.0, 5.0].into_iter().find(|f| f * power >= value * (1.0 - 1e-9));
        nice.unwrap_or(10.0) * power
    };
    let (low, high) = (down(low), up(high));
    (low, if high > low { high } else { low * 10.0 })
}

fn log_ticks(low: f64, high: f64, most: usize) -> Vec<f64> {
    let (first, last) = (low.log10().floor() as i32, high.log10().ceil() as i32);
    let within = |value: &f64| *value >= low * (1.0 - 1e-9) && *value <= high * (1.0 + 1e-9);
    let spread = |factors: &[f64], every: usize| -> Vec<f64> {
        let powers = (first..=last).step_by(every.max(1));
        powers.flat_map(|p| factors.iter().map(move |f| f * 10f64.powi(p))).filter(within).collect()
    };
    let fine = spread(&[1.0, 2.0, 5.0], 1);
    if fine.len() <= most {
        return fine;
    }
    let tens = (last - first + 1) as usize;
    spread(&[1.0], tens.div_ceil(most.max(1)))
}

/// A number as a tick shows it: no more digits than it has, thousands set apart, powers of ten
/// where plain digits would be long.
#[must_use]
pub fn label(value: f64) -> String {
    let size = value.abs();
    if size != 0.0 && !(1e-4..1e7).contains(&size) {
        let text = format!("{value:.2e}");
        let (digits, power) = text.split_once('e').unwrap_or((&text, "0"));
        let digits = digits.trim_end_matches('0').trim_end_matches('.');
        return format!("{digits}e{power}");
    }
    let text = format!("{value:.6}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    let (sign, text) = text.strip_prefix('-').map_or(("", text), |rest| ("\u{2212}", rest));
    let (whole, rest) = text.find('.').map_or((text, ""), |at| text.split_at(at));
    let mut grouped = String::new();
    for (at, digit) in whole.chars().enumerate() {
        if at > 0 && (whole.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    let zero = grouped == "0" && rest.is_empty();
    format!("{}{grouped}{rest}", if zero { "" } else { sign })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn ticks_lie_on_the_axis_and_are_neither_few_nor_many(
            low in -1e6f64..1e6, span in 1e-3f64..1e6,
        ) {
            let axis = Axis::new(low, low + span, false, (0, 600));
            let ticks = axis.ticks(7);
            prop_assert!((3..=9).contains(&ticks.len()), "{ticks:?}");
            for tick in ticks {
                let pixel = axis.pixel(tick).unwrap();
                prop_assert!((0..=600).contains(&pixel));
            }
            prop_assert!(axis.low <= low + span * 1e-6 && axis.high >= (low + span) - span * 1e-6);
        }

        #[test]
        fn a_logarithmic_axis_has_ticks_too(low in 1e-6f64..1e3, factor in 1.01f64..1e9) {
            let axis = Axis::new(low, low * factor, true, (0, 600));
            let ticks = axis.ticks(8);
            prop_assert!((1..=10).contains(&ticks.len()), "{ticks:?}");
            prop_assert!(axis.pixel(-1.0).is_none() && axis.pixel(low).is_some());
        }
    }

    #[test]
    fn labels_are_short_and_exact() {
        let cases = [
            (0.0, "0"),
            (0.25, "0.25"),
            (-0.5, "\u{2212}0.5"),
            (1500.0, "1,500"),
            (1234567.0, "1,234,567"),
            (0.00002, "2e-5"),
            (2.5e9, "2.5e9"),
            (0.30000000000000004, "0.3"),
        ];
        for (value, want) in cases {
            assert_eq!(label(value), want);
        }
    }

    #[test]
    fn a_constant_has_an_axis_around_it() {
        for value in [0.0, 3.0, -2.0] {
            let axis = Axis::new(value, value, false, (0, 100));
            let pixel = axis.pixel(value).unwrap();
            assert!((1..100).contains(&pixel), "{value} {pixel}");
        }
    }
}
