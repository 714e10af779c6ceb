//! What asks to be seen: spikes, numbers that are none, silence, stages that do not learn, warnings. A
//! fold of the same records as everything else.

use super::learning::Learning;
use super::story::Level;
use crate::ids::StageName;
use crate::session::event::{Ending, Event};
use crate::session::record::Record;
use crate::session::{RunStatus, Time};
use crate::tui::format;
use std::collections::VecDeque;

/// Alerts kept; all are counted.
const KEPT: usize = 200;
/// Values a spike is held against.
const WINDOW: usize = 64;
/// How many typical deviations above the middle make a spike.
const FAR: f64 = 8.0;
/// A loss, and a gradient norm, below so many times the largest before is no spike.
const LOSS_TIMES: f64 = 1.2;
const GRADIENT_TIMES: f64 = 2.0;
/// Steps after a spike in which no other one is told.
const QUIET: u64 = 10;
/// A step that takes longer than this many usual ones, and than so many seconds, is a stall.
const STALL_TIMES: f64 = 10.0;
const STALL_SECONDS: f64 = 5.0;
/// The same while no step comes. A validation or a checkpoint, which is told only when it is done, may
/// be under way: so more patience, and twice the longest of those.
const SILENT_SECONDS: f64 = 15.0;
/// Steps needed to know what a step usually takes.
const USUAL: usize = 8;

/// What kind of thing it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AlertKind {
    /// A value far above those before it.
    Spike,
    /// A loss or gradient that is not finite.
    NotFinite,
    /// Much longer between two records than a step takes.
    Stall,
    /// A loss that has been that of guessing for long.
    Chance,
    /// Validations that rise away from the best.
    Rising,
    /// Room for less than two more checkpoints.
    Disk,
    /// The run warns of something.
    Warning,
    /// The run failed.
    Failure,
}

impl AlertKind {
    /// The word for it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Spike => "SPIKE",
            Self::NotFinite => "NaN",
            Self::Stall => "STALL",
            Self::Chance => "CHANCE",
            Self::Rising => "RISES",
            Self::Disk => "DISK",
            Self::Warning => "WARN",
            Self::Failure => "FAILED",
        }
    }

    /// How much it matters.
    #[must_use]
    pub const fn level(self) -> Level {
        match self {
            Self::Spike
            | Self::Stall
            | Self::Chance
            | Self::Rising
            | Self::Disk
            | Self::Warning => Level::Warning,
            Self::NotFinite | Self::Failure => Level::Error,
        }
    }
}

/// Something that asks to be seen.
#[derive(Clone, Debug, PartialEq)]
pub struct Alert {
    /// When.
    pub time: Time,
    /// What kind.
    pub kind: AlertKind,
    /// The stage and step it belongs to; a warning before any step has none.
    pub place: Option<(StageName, u64)>,
    /// In words.
    pub text: String,
}

/// Recent values of one measure.
#[derive(Clone, Debug, Default, PartialEq)]
struct Recent {
    values: VecDeque<f64>,
    quiet_until: u64,
}

impl Recent {
    /// How many times the middle a value is, where it is far above what came before, and at least
    /// `least` times the largest of it: a loss that jumps all the time tells nothing by jumping.
    fn spike(&mut self, step: u64, value: f64, least: f64) -> Option<f64> {
        let mut found = None;
        let largest = self.values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        // Of millions of steps few come so far: what is usual is worked out for these alone.
        let may = value > least * largest && step >= self.quiet_until;
        if may && self.values.len() >= WINDOW / 2 {
            let mut sorted: Vec<f64> = self.values.iter().copied().collect();
            sorted.sort_by(f64::total_cmp);
            let middle = sorted[sorted.len() / 2];
            let mut away: Vec<f64> = sorted.iter().map(|value| (value - middle).abs()).collect();
            away.sort_by(f64::total_cmp);
            let typical = away[away.len() / 2].max(middle.abs() * 0.02);
            if value > middle + FAR * typical {
                self.quiet_until = step + QUIET;
                found = Some(value / middle);
            }
        }
        if self.values.len() == WINDOW {
            self.values.pop_front();
        }
        self.values.push_back(value);
        found
    }
}

/// The fold.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Alerts {
    /// The newest, oldest first.
    pub kept: VecDeque<Alert>,
    /// How many there were.
    pub count: u64,
    /// Steps that were not applied, by stage: where curves have a gap.
    pub gaps: Vec<(StageName, u64)>,
    /// From when on a checkpoint took how many bytes.
    pub sizes: Vec<(Time, u64)>,
    place: Option<(StageName, u64)>,
    loss: Recent,
    gradient: Recent,
    learning: Learning,
    last_step: Option<Time>,
    usual: VecDeque<f64>,
    /// The longest that anything but a step took after one.
    longest: f64,
}

impl Alerts {
    /// Takes one more record in.
    pub fn apply(&mut self, record: &Record) {
        let time = record.time;
        match &record.event {
            Event::RunStarted(event) => {
                self.learning.started(event);
                // What lies between two segments is no pause of the run's own.
                self.last_step = None;
            }
            Event::StageStarted(event) => {
                self.learning.stage(event);
                self.place = Some((event.stage.clone(), event.from_step));
                (self.loss, self.gradient) = (Recent::default(), Recent::default());
                self.usual.clear();
                self.last_step = None;
            }
            Event::StepFinished(event) => {
                self.place = Some((event.stage.clone(), event.step));
                self.stalled(time);
                if let Some(times) = self.loss.spike(event.step, event.loss.get(), LOSS_TIMES) {
                    self.spike(time, event.step, "loss", event.loss.get(), times);
                }
                if let Some(norm) = event.gradient_norm.get("all").map(|norm| norm.get())
                    && let Some(times) = self.gradient.spike(event.step, norm, GRADIENT_TIMES)
                {
                    self.spike(time, event.step, "gradient norm", norm, times);
                }
                if let Some(words) = self.learning.step(event.step, event.loss.get()) {
                    self.add(time, AlertKind::Chance, words);
                }
            }
            Event::StepSkipped(event) => {
                self.place = Some((event.stage.clone(), event.step));
                self.gaps.push((event.stage.clone(), event.step));
                self.add(
                    time,
                    AlertKind::NotFinite,
                    format!("{} is not finite; step skipped", event.what),
                );
                self.last_step = None;
            }
            Event::Diverged(event) => {
                self.place = Some((event.stage.clone(), event.step));
                self.gaps.push((event.stage.clone(), event.step));
                self.add(time, AlertKind::NotFinite, format!("{} is not finite", event.what));
            }
            Event::Warned(event) => self.add(time, AlertKind::Warning, event.what.clone()),
            Event::RunFinished(event) => {
                if event.state == Ending::Failed {
                    let why = event.reason.clone().unwrap_or_else(|| "the run failed".to_owned());
                    self.add(time, AlertKind::Failure, why);
                }
            }
            Event::Heartbeat(_) => {}
            event => {
                if let Some(last) = self.last_step.take() {
                    self.longest = self.longest.max(time.seconds_since(last));
                }
                if let Event::CheckpointSaved(event) = event
                    && self.sizes.last().is_none_or(|known| known.1 != event.bytes)
                {
                    self.sizes.push((time, event.bytes));
                }
                if let Event::Validated(event) = event
                    && let Some(loss) = event.loss
                    && let Some(words) =
                        self.learning.validated(&event.stage, event.step, loss.get())
                {
                    self.add(time, AlertKind::Rising, words);
                }
            }
        }
    }

    /// A spike; one right after another measure's is told in the same line.
    fn spike(&mut self, time: Time, step: u64, what: &str, value: f64, times: f64) {
        let value = format::number(value);
        let near = |alert: &&mut Alert| {
            alert.kind == AlertKind::Spike
                && alert.place.as_ref().is_some_and(|(stage, at)| {
                    self.place.as_ref().is_some_and(|(now, _)| now == stage)
                        && step.saturating_sub(*at) < QUIET
                })
        };
        if let Some(before) = self.kept.back_mut().filter(near) {
            before.text.push_str(&format!("; {what} {value}, {times:.1} times"));
            return;
        }
        let text = format!("{what} {value}, {times:.1} times the middle of {WINDOW} steps");
        self.add(time, AlertKind::Spike, text);
    }

    /// What a step usually takes.
    fn usual(&self) -> Option<f64> {
        let mut sorted: Vec<f64> = self.usual.iter().copied().collect();
        sorted.sort_by(f64::total_cmp);
        sorted.get(sorted.len() / 2).copied().filter(|_| sorted.len() >= USUAL)
    }

    /// The stall of a live run from which no step has come for much longer than one takes.
    #[must_use]
    pub fn silence(&self, status: RunStatus, now: Time) -> Option<Alert> {
        let last = self.last_step.filter(|_| status == RunStatus::Live)?;
        let (silent, usual) = (now.seconds_since(last), self.usual()?);
        let patience = SILENT_SECONDS.max(STALL_TIMES * usual).max(2.0 * self.longest);
        if silent <= patience {
            return None;
        }
        let (silent, usual) = (format::duration(silent), format::duration(usual));
        let text = format!("no step for {silent}; one takes {usual}");
        Some(Alert { time: last, kind: AlertKind::Stall, place: self.place.clone(), text })
    }

    /// These and others, by time.
    #[must_use]
    pub fn with(&self, others: Vec<Alert>) -> Self {
        let mut all = self.clone();
        all.count += others.len() as u64;
        for other in others {
            let at = all.kept.partition_point(|alert| alert.time <= other.time);
            all.kept.insert(at, other);
        }
        all
    }

    fn stalled(&mut self, time: Time) {
        if let Some(last) = self.last_step {
            let took = time.seconds_since(last);
            if took > STALL_SECONDS
                && let Some(usual) = self.usual()
                && took > STALL_TIMES * usual
            {
                let (took, usual) = (format::duration(took), format::duration(usual));
                self.add(time, AlertKind::Stall, format!("{took} for a step that takes {usual}"));
            }
            if self.usual.len() == WINDOW {
                self.usual.pop_front();
            }
            self.usual.push_back(took);
        }
        self.last_step = Some(time);
    }

    fn add(&mut self, time: Time, kind: AlertKind, text: String) {
        self.count += 1;
        if self.kept.len() == KEPT {
            self.kept.pop_front();
        }
        self.kept.push_back(Alert { time, kind, place: self.place.clone(), text });
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::session::Finite;
    use crate::session::event::{CheckpointSaved, Heartbeat, StepFinished, StepTimes};

    fn at(seconds: u64) -> Time {
        Time::from_millis(seconds as i64 * 1000).unwrap()
    }

    fn step(stage: &str, step: u64, loss: f64, norm: f64) -> Record {
        let milliseconds = StepTimes {
            data: Finite::ZERO,
            forward: Finite::ZERO,
            backward: Finite::ZERO,
            optimizer: Finite::ZERO,
        };
        let event = StepFinished {
            stage: stage.parse().unwrap(),
            step,
            epoch: 0,
            loss: Finite::new(loss).unwrap(),
            learning_rate: Finite::ZERO,
            gradient_norm: [("all".to_owned(), Finite::new(norm).unwrap())].into(),
            clipped: false,
            logit_scale: None,
            examples_per_second: None,
            tokens_per_second: None,
            milliseconds,
            memory_bytes: 1,
            contrast: None,
        };
        Record::new(step, at(step), event)
    }

    /// The alerts of a run that makes a step a second, after so many.
    pub(crate) fn stepped(stage: &str, steps: u64) -> Alerts {
        let mut alerts = Alerts::default();
        for number in 1..=steps {
            alerts.apply(&step(stage, number, 2.0, 1.0));
        }
        alerts
    }

    #[test]
    fn spikes_of_loss_and_gradient_at_one_place_are_one_alert() {
        let mut alerts = stepped("clip", 50);
        alerts.apply(&step("clip", 51, 2.0, 9.0));
        alerts.apply(&step("clip", 52, 8.0, 9.0));
        assert_eq!((alerts.kept.len(), alerts.count), (1, 1));
        let text = "gradient norm 9.000, 9.0 times the middle of 64 steps; loss 8.000, 4.0 times";
        assert_eq!(alerts.kept[0].text, text);
        for number in 53..=80 {
            alerts.apply(&step("clip", number, 2.0, 1.0));
        }
        alerts.apply(&step("clip", 81, 12.0, 1.0));
        assert_eq!((alerts.kept.len(), alerts.count), (2, 2));
    }

    #[test]
    fn a_silence_is_a_stall_while_it_lasts_where_nothing_else_may_be_under_way() {
        let mut alerts = stepped("clip", 20);
        let silent = |alerts: &Alerts, now| alerts.silence(RunStatus::Live, at(now));
        assert_eq!(silent(&alerts, 30), None);
        // Signs of life are no steps.
        alerts.apply(&Record::new(21, at(30), Heartbeat {}));
        let alert = silent(&alerts, 50).unwrap();
        assert_eq!((alert.kind, alert.time), (AlertKind::Stall, at(20)));
        assert_eq!(alert.place, Some(("clip".parse().unwrap(), 20)));
        assert_eq!(alert.text, "no step for 30 s; one takes 1.0 s");
        for status in [RunStatus::Paused, RunStatus::Queued, RunStatus::Crashed, RunStatus::Done] {
            assert_eq!(alerts.silence(status, at(50)), None);
        }
        assert_eq!(silent(&stepped("clip", 5), 500), None);
        // A checkpoint that took half a minute once may do so again.
        let saved = CheckpointSaved {
            stage: "clip".parse().unwrap(),
            step: 20,
            path: "somewhere".into(),
            digest: crate::ids::Digest::of(b"x"),
            bytes: 70,
            seconds: Finite::ZERO,
        };
        alerts.apply(&Record::new(22, at(50), saved));
        assert_eq!(alerts.sizes, [(at(50), 70)]);
        assert_eq!(silent(&alerts, 500), None);
        alerts.apply(&step("clip", 60, 2.0, 1.0));
        assert_eq!(silent(&alerts, 110), None);
        assert!(silent(&alerts, 130).is_some());
    }

    #[test]
    fn alerts_of_the_disk_stand_among_the_others_by_time() {
        let mut alerts = stepped("clip", 9);
        for seconds in [10, 30] {
            let event = crate::session::event::Warned { what: seconds.to_string() };
            alerts.apply(&Record::new(seconds, at(seconds), event));
        }
        let disk =
            Alert { time: at(20), kind: AlertKind::Disk, place: None, text: "low".to_owned() };
        let all = alerts.with(vec![disk]);
        let texts: Vec<&str> = all.kept.iter().map(|alert| &*alert.text).collect();
        assert_eq!((texts, all.count), (vec!["10", "low", "30"], 3));
    }

    #[test]
    fn a_spike_is_told_once_and_a_slow_fall_never() {
        let mut recent = Recent::default();
        let mut spikes = Vec::new();
        for step in 1..=400_u64 {
            let noise = ((step * 7919) % 100) as f64 / 500.0;
            let value =
                if (300..303).contains(&step) { 9.0 } else { 4.0 - step as f64 / 200.0 + noise };
            if recent.spike(step, value, LOSS_TIMES).is_some() {
                spikes.push(step);
            }
        }
        assert_eq!(spikes, [300]);
    }
}
