//! What a run's machine did while it was at work: of each measure a bounded line of peaks, and its mean
//! and peak over everything.

use crate::session::system::Sampled;
use crate::session::{Finite, Time};

/// What a measure counts in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// A share, 0 to 1.
    Share,
    /// Bytes.
    Bytes,
    /// Watts.
    Watts,
    /// Degrees Celsius.
    Celsius,
}

/// One measure.
#[derive(Clone, Debug, PartialEq)]
pub struct Measure {
    /// What is measured.
    pub name: String,
    /// In what.
    pub unit: Unit,
    /// The newest value.
    pub last: f64,
    /// The greatest.
    pub most: f64,
    /// What there is of it, where that is known: the end of its scale.
    pub all: Option<f64>,
    sum: f64,
    count: u64,
    /// A peak a span; nothing where the sample had none.
    peaks: Vec<Option<f64>>,
}

/// Spans kept; when there are more, two become one.
const KEPT: usize = 512;

/// All measures of a run's machine.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DeviceHistory {
    /// In the order they are shown in.
    pub measures: Vec<Measure>,
    /// Samples taken in.
    pub samples: u64,
    /// Times of the first and of the last.
    pub span: Option<(Time, Time)>,
    /// Samples a span.
    stride: u64,
    spans: usize,
}

impl Measure {
    /// The mean of all values.
    #[must_use]
    pub fn mean(&self) -> f64 {
        self.sum / self.count.max(1) as f64
    }

    /// Peaks in at most so many columns, each of equal length of the history.
    #[must_use]
    pub fn columns(&self, columns: usize) -> Vec<Option<f64>> {
        let count = self.peaks.len();
        let columns = columns.min(count);
        let column = |at: usize| {
            let (from, to) = (at * count / columns, (at + 1) * count / columns);
            self.peaks[from..to].iter().fold(None, |peak, value| greater(peak, *value))
        };
        (0..columns).map(column).collect()
    }
}

fn greater(a: Option<f64>, b: Option<f64>) -> Option<f64> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.max(b)),
        (a, b) => a.or(b),
    }
}

impl DeviceHistory {
    /// Takes one more sample in.
    pub fn apply(&mut self, time: Time, sample: &Sampled) {
        self.stride = self.stride.max(1);
        if self.samples.is_multiple_of(self.stride) {
            if self.spans == KEPT {
                self.halve();
            }
            self.spans += 1;
            for measure in &mut self.measures {
                measure.peaks.push(None);
            }
        }
        self.samples += 1;
        self.span = Some((self.span.map_or(time, |(first, _)| first), time));
        let bytes = |bytes: u64| bytes as f64;
        self.put("cpu", Unit::Share, sample.cores_used.get(), Some(1.0));
        self.put("busiest core", Unit::Share, sample.busiest_core.get(), Some(1.0));
        let all = Some(bytes(sample.memory_total)).filter(|all| *all > 0.0);
        self.put("memory", Unit::Bytes, bytes(sample.memory_used), all);
        self.put("the runner's", Unit::Bytes, bytes(sample.process_bytes), all);
        for (at, gpu) in sample.gpus.iter().enumerate() {
            let mut of = |what: &str, unit, value: Option<f64>, all| {
                if let Some(value) = value {
                    self.put(&format!("gpu {at}{what}"), unit, value, all);
                }
            };
            of("", Unit::Share, gpu.utilisation.map(Finite::get), Some(1.0));
            of(" memory", Unit::Bytes, gpu.memory_used.map(bytes), gpu.memory_total.map(bytes));
            of(" power", Unit::Watts, gpu.watts.map(Finite::get), None);
            of(" heat", Unit::Celsius, gpu.celsius.map(Finite::get), None);
        }
    }

    fn put(&mut self, name: &str, unit: Unit, value: f64, all: Option<f64>) {
        let at = self.measures.iter().position(|measure| measure.name == name);
        let at = at.unwrap_or_else(|| {
            self.measures.push(Measure {
                name: name.to_owned(),
                unit,
                last: value,
                most: value,
                all,
                sum: 0.0,
                count: 0,
                peaks: vec![None; self.spans],
            });
            self.measures.len() - 1
        });
        let measure = &mut self.measures[at];
        (measure.last, measure.all) = (value, all.or(measure.all));
        measure.most = measure.most.max(value);
        measure.sum += value;
        measure.count += 1;
        if let Some(peak) = measure.peaks.last_mut() {
            *peak = greater(*peak, Some(value));
        }
    }

    /// Spans twice as long.
    fn halve(&mut self) {
        self.stride *= 2;
        for measure in &mut self.measures {
            let pairs = measure.peaks.chunks(2);
            let peak =
                |pair: &[Option<f64>]| pair.iter().fold(None, |peak, value| greater(peak, *value));
            measure.peaks = pairs.map(peak).collect();
        }
        self.spans = self.spans.div_ceil(2);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::system::GpuSampled;
    use crate::session::system::tests::sampled;

    fn sample(cpu: f64, watts: Option<f64>) -> Sampled {
        let gpu = |watts| GpuSampled { watts: Finite::new(watts), ..GpuSampled::default() };
        Sampled {
            cores_used: Finite::new(cpu).unwrap(),
            gpus: watts.map(gpu).into_iter().collect(),
            ..sampled()
        }
    }

    #[test]
    fn a_long_history_is_bounded_and_loses_no_peak() {
        let mut history = DeviceHistory::default();
        let count = 20_000;
        for at in 0..count {
            let time = Time::from_millis(at * 2000).unwrap();
            let cpu = if at == 7777 { 0.99 } else { 0.25 };
            history.apply(time, &sample(cpu, (at > 100).then_some(80.0)));
        }
        assert_eq!(history.samples, count as u64);
        let cpu = &history.measures[0];
        assert!(cpu.peaks.len() <= KEPT && cpu.peaks.len() > KEPT / 2);
        assert!((cpu.most - 0.99).abs() < 1e-12 && (cpu.mean() - 0.25).abs() < 1e-3);
        let columns = cpu.columns(60);
        assert_eq!(columns.len(), 60);
        let high: Vec<usize> =
            (0..60).filter(|at| columns[*at].is_some_and(|peak| peak > 0.9)).collect();
        assert_eq!(high.len(), 1);
        assert!((22..=25).contains(&high[0]), "{high:?}");
        let power = history.measures.iter().find(|measure| measure.name == "gpu 0 power").unwrap();
        assert_eq!((power.unit, power.last), (Unit::Watts, 80.0));
        assert_eq!(power.peaks.len(), cpu.peaks.len());
        assert_eq!(power.columns(1), [Some(80.0)]);
        assert!(DeviceHistory::default().measures.is_empty());
    }
}
