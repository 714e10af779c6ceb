//! What the machine did while a run was at work: the samples of `<run>.<segment>.system.jsonl`.
//!
//! Beside the run's own log, so that its numbers do not hang on them: nothing reads them to train,
//! and a run without them lacks nothing.

use super::event::events;
use super::finite::Finite;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

events! {
    /// Something the machine did.
    SystemEvent, durable: [];
    "sampled" Sampled: "The machine was looked at.",
}

/// The machine at one moment. Shares of time are of the time since the sample before.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sampled {
    /// Share of all cores' time that was used, by anyone, 0 to 1.
    pub cores_used: Finite,
    /// Share of the busiest core's.
    pub busiest_core: Finite,
    /// Cores that were looked at.
    pub cores: u32,
    /// Memory that is used, by anyone, in bytes.
    pub memory_used: u64,
    /// Memory there is, in bytes, or what a container allows of it.
    pub memory_total: u64,
    /// Memory the runner holds, in bytes.
    pub process_bytes: u64,
    /// Bytes free to an ordinary user where sessions are and where checkpoints are, by those names.
    pub disk_free: BTreeMap<String, u64>,
    /// Accelerators in their driver's order; empty for a run on the processor.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gpus: Vec<GpuSampled>,
}

/// An accelerator at one moment. What its driver does not tell is absent.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct GpuSampled {
    /// Its name.
    pub name: String,
    /// Share of time in which it computed, 0 to 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub utilisation: Option<Finite>,
    /// Bytes of its memory that are used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory_used: Option<u64>,
    /// Bytes of its memory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory_total: Option<u64>,
    /// Watts drawn.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub watts: Option<Finite>,
    /// Degrees Celsius.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub celsius: Option<Finite>,
}

#[cfg(test)]
pub(crate) mod tests {
    use super::super::record::Record;
    use super::super::time::Time;
    use super::*;

    /// A machine of two cores at some moment.
    pub(crate) fn sampled() -> Sampled {
        Sampled {
            cores_used: Finite::new(0.25).unwrap(),
            busiest_core: Finite::new(1.0).unwrap(),
            cores: 2,
            memory_used: 3,
            memory_total: 4,
            process_bytes: 1,
            disk_free: BTreeMap::new(),
            gpus: Vec::new(),
        }
    }

    #[test]
    fn a_sample_is_a_line_and_read_back() {
        let sampled = Sampled {
            disk_free: [("sessions".to_owned(), 7)].into(),
            gpus: vec![GpuSampled { watts: Finite::new(80.5), ..GpuSampled::default() }],
            ..sampled()
        };
        let record = Record::<SystemEvent>::of(1, Time::EPOCH, sampled.into());
        let line = record.encode().unwrap();
        assert!(
            String::from_utf8_lossy(&line).contains("\"event\":\"sampled\",\"cores_used\":0.25")
        );
        assert_eq!(Record::<SystemEvent>::read(line.trim_ascii_end()).unwrap(), record);
    }
}
