//! What the machines of a session's runs did up to a moment of it.

use super::upto::{Fold, Known};
use crate::ids::RunName;
use crate::machine::GpuSample;
use crate::session::fold::RunState;
use crate::session::replay::{Entry, Kind};
use crate::session::system::{GpuSampled, Sampled, SystemEvent};
use crate::session::{Finite, Time};
use crate::tui::data::history::DeviceHistory;
use crate::tui::data::library::{Load, MachineSample};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The samples taken beside a run.
#[derive(Clone, Debug, Default)]
pub struct Device {
    /// All of them.
    pub history: Arc<DeviceHistory>,
    /// The newest.
    newest: Option<(Time, Arc<Sampled>)>,
}

impl Fold for Device {
    fn wants(kind: Kind) -> bool {
        kind == Kind::Sample
    }

    fn apply(&mut self, entry: &Entry) -> bool {
        let Entry::System(_, record) = entry else { return false };
        let SystemEvent::Sampled(sample) = &record.event else { return false };
        Arc::make_mut(&mut self.history).apply(record.time, sample);
        self.newest = Some((record.time, Arc::new(sample.clone())));
        true
    }
}

/// The machine as it was sampled last, beside whichever run; where it was not, as far as the newest run
/// names it.
pub fn machine(known: &Known<Device>, runs: &BTreeMap<RunName, RunState>) -> Option<MachineSample> {
    let sampled = known.iter().filter_map(|(run, device)| Some((run, device.newest.as_ref()?)));
    let newest = sampled.max_by_key(|(_, newest)| newest.0);
    let run = newest.map_or_else(|| runs.keys().next_back(), |(run, _)| Some(run))?;
    let mut machine = newest.map(|(_, (time, sample))| shown(*time, sample)).unwrap_or_default();
    if let Some(started) = runs.get(run).and_then(|state| state.started.as_ref()) {
        machine.host.clone_from(&started.host);
        machine.processor = format!("{}, {} threads", started.device, started.threads);
    }
    Some(machine)
}

fn shown(time: Time, sample: &Sampled) -> MachineSample {
    let load = Load {
        used: sample.cores_used.get(),
        busiest: sample.busiest_core.get(),
        cores: sample.cores,
    };
    // Sessions before checkpoints, as where a machine is looked at now.
    let disks = sample.disk_free.iter().rev().map(|(name, free)| (name.clone(), *free, 0));
    MachineSample {
        time: Some(time),
        load: Some(load),
        memory: (sample.memory_used, sample.memory_total),
        disks: disks.collect(),
        gpus: sample.gpus.iter().map(gpu).collect(),
        ..MachineSample::default()
    }
}

fn gpu(sampled: &GpuSampled) -> GpuSample {
    GpuSample {
        name: sampled.name.clone(),
        utilisation: sampled.utilisation.map(Finite::get),
        memory: sampled.memory_used.zip(sampled.memory_total),
        watts: sampled.watts.map(Finite::get),
        celsius: sampled.celsius.map(Finite::get),
    }
}

#[cfg(test)]
mod tests {
    use super::super::upto::Upto;
    use super::*;
    use crate::session::record::Record;

    fn sample(at: i64) -> Entry {
        let share = |value| Finite::new(value).unwrap();
        let sampled = Sampled {
            cores_used: share(0.5),
            busiest_core: share(1.0),
            cores: 2,
            memory_used: at as u64,
            memory_total: 4000,
            process_bytes: 1,
            disk_free: [("checkpoints".to_owned(), 7), ("sessions".to_owned(), 8)].into(),
            gpus: vec![GpuSampled { memory_used: Some(3), ..GpuSampled::default() }],
        };
        let time = Time::from_millis(at * 2000).unwrap();
        Entry::System("tiny-1".parse().unwrap(), Record::of(at as u64, time, sampled.into()))
    }

    #[test]
    fn what_a_machine_did_up_to_a_moment_is_told_both_ways() {
        let run: RunName = "tiny-1".parse().unwrap();
        let entries: Vec<Entry> = (1..=2000).map(sample).collect();
        let mut devices = Upto::<Device>::default();
        for position in [0, 3, 1999, 600, 599, 2000, 1] {
            let known = devices.seek(&entries, position);
            let samples = known.get(&run).map_or(0, |device| device.history.samples);
            assert_eq!(samples, position as u64);
            let machine = machine(known, &BTreeMap::new());
            assert_eq!(machine.map_or(0, |machine| machine.memory.0), position as u64);
        }
        devices.seek(&entries, 2000);
        devices.forget(10);
        assert_eq!(devices.seek(&entries, 12)[&run].history.samples, 12);
    }

    #[test]
    fn the_newest_sample_is_the_machine_as_far_as_a_sample_tells() {
        let entries = vec![sample(1), sample(2)];
        let mut devices = Upto::<Device>::default();
        let machine = machine(devices.seek(&entries, 2), &BTreeMap::new()).unwrap();
        assert_eq!(machine.time, Time::from_millis(4000));
        assert_eq!(machine.load, Some(Load { used: 0.5, busiest: 1.0, cores: 2 }));
        assert_eq!((machine.used(), machine.memory), (Some(0.5), (2, 4000)));
        let disks = [("sessions".to_owned(), 8, 0), ("checkpoints".to_owned(), 7, 0)];
        assert_eq!(machine.disks, disks);
        assert_eq!(machine.gpus.len(), 1);
    }
}
