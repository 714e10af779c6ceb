//! Room on the disk where a run keeps its checkpoints, as it was sampled, against what the next one
//! takes.

use super::alerts::{Alert, AlertKind};
use crate::ids::StageName;
use crate::session::Time;
use crate::session::fold::RunState;
use crate::session::system::Sampled;
use crate::tui::format;

/// Spans kept; when there are more, two become one.
const KEPT: usize = 512;
/// Alerts told of one run, the newest.
const TOLD: usize = 20;

/// The least room of each span of samples.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Room {
    /// When the least was free, and how much.
    least: Vec<(Time, u64)>,
    samples: u64,
    stride: u64,
}

impl Room {
    /// Takes one more sample in.
    pub fn apply(&mut self, time: Time, sample: &Sampled) {
        let Some(free) = sample.disk_free.get("checkpoints").copied() else { return };
        self.stride = self.stride.max(1);
        if self.samples.is_multiple_of(self.stride) {
            if self.least.len() == KEPT {
                self.stride *= 2;
                let least = |pair: &[(Time, u64)]| pair.iter().copied().min_by_key(|one| one.1);
                self.least = self.least.chunks(2).filter_map(least).collect();
            }
            self.least.push((time, free));
        } else if let Some(last) = self.least.last_mut().filter(|last| free < last.1) {
            *last = (time, free);
        }
        self.samples += 1;
    }

    /// An alert for each time that the room fell below twice the next checkpoint's size. `sizes` says
    /// from when on a checkpoint took how much; before the first they are taken to be like it.
    #[must_use]
    pub fn alerts(&self, sizes: &[(Time, u64)], state: &RunState) -> Vec<Alert> {
        let Some(first) = sizes.first() else { return Vec::new() };
        let (mut told, mut low) = (Vec::new(), false);
        for (time, free) in &self.least {
            let known = sizes.partition_point(|(since, _)| since <= time);
            let next = known.checked_sub(1).map_or(first.1, |at| sizes[at].1);
            // Room that goes up and down around the limit is one alert.
            if *free < 2 * next && !low {
                low = true;
                let text = format!(
                    "{} free for checkpoints, the next takes {}",
                    format::bytes(*free),
                    format::bytes(next)
                );
                let place = place_at(state, *time);
                told.push(Alert { time: *time, kind: AlertKind::Disk, place, text });
            } else if *free >= 2 * next + next / 2 {
                low = false;
            }
        }
        told.split_off(told.len().saturating_sub(TOLD))
    }
}

/// The stage and step a run had reached at a moment.
fn place_at(state: &RunState, time: Time) -> Option<(StageName, u64)> {
    let passed = time.seconds_since(state.segments.first()?.time);
    let mut found: Option<(f64, StageName, u64)> = None;
    for stage in &state.stages {
        for track in stage.tracks("elapsed") {
            let buckets = track.series.buckets();
            let after = buckets.partition_point(|bucket| bucket.first <= passed);
            let Some(bucket) = after.checked_sub(1).and_then(|at| buckets.get(at)) else {
                continue;
            };
            if found.as_ref().is_none_or(|(before, ..)| bucket.first >= *before) {
                let step = if bucket.last <= passed { bucket.last_step } else { bucket.first_step };
                found = Some((bucket.first, stage.stage.clone(), step));
            }
        }
    }
    found.map(|(_, stage, step)| (stage, step))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::system::tests::sampled;

    fn at(seconds: i64) -> Time {
        Time::from_millis(seconds * 1000).unwrap()
    }

    fn sample(free: u64) -> Sampled {
        let disk_free = [("checkpoints".to_owned(), free), ("sessions".to_owned(), 1)].into();
        Sampled { disk_free, ..sampled() }
    }

    #[test]
    fn room_below_two_checkpoints_is_told_once_each_time_it_falls() {
        let mut room = Room::default();
        for (second, free) in [900, 250, 190, 205, 180, 400, 150].into_iter().enumerate() {
            room.apply(at(second as i64), &sample(free));
        }
        assert!(room.alerts(&[], &RunState::default()).is_empty());
        let told = room.alerts(&[(at(1), 100)], &RunState::default());
        let times: Vec<Time> = told.iter().map(|alert| alert.time).collect();
        assert_eq!(times, [at(2), at(6)]);
        assert_eq!(told[0].text, "190 B free for checkpoints, the next takes 100 B");
        // A later stage's checkpoints are larger.
        let told = room.alerts(&[(at(1), 10), (at(6), 100)], &RunState::default());
        assert_eq!(told.len(), 1);
    }

    #[test]
    fn a_long_history_of_room_is_bounded_and_keeps_its_least() {
        let mut room = Room::default();
        for second in 0..20_000 {
            room.apply(at(second), &sample(if second == 7777 { 5 } else { 1000 }));
        }
        assert!(room.least.len() <= KEPT);
        let told = room.alerts(&[(at(0), 100)], &RunState::default());
        assert_eq!(told.iter().map(|alert| alert.time).collect::<Vec<Time>>(), [at(7777)]);
    }
}
