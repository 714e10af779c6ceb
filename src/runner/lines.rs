//! A record as a line for people: the same for a run in the foreground and for one that is watched.

use crate::session::event::{Ending, Event, StepFinished};
use crate::session::{Finite, Record, RunState};

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

/// Something long that is not training.
pub(super) fn progress(what: &str, done: u64, total: u64) -> String {
    format!("{what}  {done}/{total}")
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
            text: progress(&event.what, event.done, event.total),
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

    #[test]
    fn durations_read_well() {
        let written: Vec<_> = [4.2, 65.0, 7620.0].into_iter().map(duration).collect();
        assert_eq!(written, ["4 s", "1 m 05 s", "2 h 07 m"]);
    }
}
