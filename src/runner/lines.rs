//! A record as a line for people: the same for a run in the foreground and for one that is watched.

use crate::session::event::{Ending, Event, StepFinished};
use crate::session::{Finite, Record, RunState};
use std::time::Instant;

/// A line, and whether the next one may replace it.
pub(super) struct Line {
    /// What to say.
    pub text: String,
    /// `None`: a line to stay. `Some(last)`: one of many, and whether it is the last of them.
    pub passing: Option<bool>,
}

fn stays(text: String) -> Option<Line> {
    Some(Line { text, passing: None })
}

/// One update, with the time that is left.
pub(super) fn step(step: &StepFinished, steps: usize, eta: Option<f64>) -> String {
    let rate = step.examples_per_second.map_or(0.0, Finite::get);
    let scale =
        step.logit_scale.map_or_else(String::new, |scale| format!("  scale {:.1}", scale.get()));
    format!(
        "{:>20}  {:>5}/{steps}  loss {:.4}  lr {:.2e}{scale}  {rate:.0}/s  eta {}",
        step.stage.as_str(),
        step.step,
        step.loss.get(),
        step.learning_rate.get(),
        eta.map_or_else(|| "-".to_owned(), duration),
    )
}

/// Something long that is not training, with the time that is left of it.
pub(super) fn progress(what: &str, done: u64, total: u64, eta: Option<f64>) -> String {
    let eta = eta.map_or_else(String::new, |seconds| format!("  eta {}", duration(seconds)));
    format!("{what}  {done}/{total}{eta}")
}

/// How long the work under way has taken, to tell what is left of it.
#[derive(Debug, Default)]
pub(super) struct Pace {
    /// What it is, since when it was heard of, and how much was done by then.
    of: Option<(String, Instant, u64)>,
}

impl Pace {
    /// Seconds that are left, once some was done in a second at least.
    pub fn left(&mut self, what: &str, done: u64, total: u64, now: Instant) -> Option<f64> {
        let known = self.of.as_ref().filter(|(known, _, first)| known == what && *first <= done);
        let Some((_, since, first)) = known else {
            self.of = Some((what.to_owned(), now, done));
            return None;
        };
        let (took, made) = (now.duration_since(*since).as_secs_f64(), done - first);
        let is_told = took >= 1.0 && made > 0 && done < total;
        is_told.then(|| took / made as f64 * (total - done) as f64)
    }
}

/// A record of a run that is watched; `state` has it folded in already.
pub(super) fn of_record(record: &Record, state: &RunState) -> Option<Line> {
    match &record.event {
        Event::RunStarted(event) => {
            let segment = if event.segment > 1 {
                format!("  segment {}", event.segment)
            } else {
                String::new()
            };
            stays(format!("run {}  (threads {}){segment}", event.run, event.threads))
        }
        Event::Queued(event) => stays(match &event.after {
            Some(after) => format!("queued after {after}"),
            None => "queued until the device is free".to_owned(),
        }),
        Event::Paused(_) => stays("paused".to_owned()),
        Event::Continued(_) => stays("goes on".to_owned()),
        Event::StepFinished(event) => {
            let steps = state.stage_now().map_or(event.step, |stage| stage.steps);
            let eta = state.eta().map(|eta| eta.seconds);
            let text = step(event, steps as usize, eta);
            Some(Line { text, passing: Some(event.step == steps) })
        }
        Event::Progressed(event) => Some(Line {
            text: progress(&event.what, event.done, event.total, None),
            passing: Some(event.done == event.total),
        }),
        Event::StepSkipped(event) => {
            stays(format!("step {} of {} skipped: {}", event.step, event.stage, event.what))
        }
        Event::Warned(event) => stays(format!("warning: {}", event.what)),
        Event::CommandRefused(event) => stays(format!("{} refused: {}", event.command, event.why)),
        Event::CommandApplied(event) => stays(format!("{}: done", event.command)),
        Event::RunFinished(event) => {
            let reason = event.reason.as_ref().map_or_else(String::new, |why| format!(": {why}"));
            let state = match event.state {
                Ending::Done => "done",
                Ending::Stopped => "stopped",
                Ending::Failed => "failed",
            };
            stays(format!("{state} after {}{reason}", duration(event.seconds.get())))
        }
        _ => None,
    }
}

/// Seconds as people read them: `42 s`, `3 m 05 s`, `2 h 07 m`.
pub(super) fn duration(seconds: f64) -> String {
    let seconds = seconds.max(0.0).round() as u64;
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{} m {:02} s", seconds / 60, seconds % 60),
        _ => format!("{} h {:02} m", seconds / 3600, seconds % 3600 / 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn what_is_left_is_told_of_the_work_under_way() {
        let (mut pace, start) = (Pace::default(), Instant::now());
        let mut left = |what: &str, done: u64, seconds: u64| {
            pace.left(what, done, 100, start + Duration::from_secs(seconds))
        };
        assert_eq!(left("a", 20, 0), None);
        assert_eq!(left("a", 40, 2), Some(6.0));
        assert_eq!(left("a", 100, 8), None, "nothing is left");
        assert_eq!(left("b", 20, 8), None, "other work");
        assert_eq!(left("b", 21, 8), None, "too early to tell");
        assert_eq!(left("b", 10, 20), None, "it began again");
        assert_eq!(progress("a", 40, 100, Some(6.0)), "a  40/100  eta 6 s");
        assert_eq!(progress("a", 100, 100, None), "a  100/100");
    }

    #[test]
    fn durations_read_well() {
        let written: Vec<_> = [4.2, 65.0, 7620.0].into_iter().map(duration).collect();
        assert_eq!(written, ["4 s", "1 m 05 s", "2 h 07 m"]);
    }
}
