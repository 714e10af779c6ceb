//! Starting what the form holds: at once where it is short, else after a question that names what
//! begins.

use super::{NewRun, Origin};
use crate::recipe::Recipe;
use crate::tui::app::newrunview::{from_step, times};
use crate::tui::app::{Effect, Shared};
use crate::tui::data::pace::threads;
use crate::tui::format;
use crate::tui::msg::{Cmd, Work};

/// Seconds from which on it is asked before a run is started.
const LONG: f64 = 60.0;

impl NewRun {
    /// What asks for the run.
    pub(super) fn launch(&self, shared: &Shared) -> Effect {
        let mut arguments = self.origin.command();
        arguments.extend(self.sets().into_iter().flat_map(|set| ["--set".to_owned(), set]));
        let mut what = self.origin.starts(shared);
        if let Some(run) = self.waits_for() {
            arguments.extend(["--after".to_owned(), run.to_string()]);
            what = format!("{what} after {}", shared.library.name(run));
        }
        arguments.push("--detach".to_owned());
        Effect::Do(Cmd::Work(Work::Launch { arguments, what }))
    }

    /// Whether it is asked before the run is started: it takes long, or nobody knows how long.
    pub(super) fn is_long(&self, shared: &Shared) -> bool {
        self.seconds(shared).is_none_or(|seconds| seconds > LONG)
    }

    /// The stages still to be trained.
    fn stages(&self) -> usize {
        self.recipe().map_or(0, |recipe| recipe.stages.len() - self.origin.first_stage())
    }

    /// How long all of it takes, where earlier runs tell of every stage.
    fn seconds(&self, shared: &Shared) -> Option<f64> {
        let known = times(shared, self, self.known());
        let seconds: Option<f64> = known.iter().map(|(_, time)| time.seconds()).sum();
        seconds.filter(|_| known.len() == self.stages())
    }

    /// The steps still to be made.
    fn steps(&self, recipe: &Recipe) -> u64 {
        let stages = recipe.stages.iter().enumerate().skip(self.origin.first_stage());
        stages
            .map(|(at, stage)| (stage.steps as u64).saturating_sub(from_step(&self.origin, at)))
            .sum()
    }

    /// The question before it starts: recipe, steps, device, time.
    #[must_use]
    pub fn question(&self, shared: &Shared) -> String {
        let Ok(recipe) = self.recipe() else { return String::new() };
        let what = match &self.origin {
            Origin::Preset(_) => self.origin.source(),
            Origin::Run(forked) => {
                let (stage, _, step) = forked.place();
                format!("a fork of {} at {stage}@{step}", shared.library.name(&forked.run))
            }
        };
        let stages = match self.stages() {
            1 => String::new(),
            many => format!("{many} stages, "),
        };
        let device = self.known().map_or_else(
            || "its device still being worked out".to_owned(),
            |known| {
                let threads = known.threads.map(|number| format!(", {}", threads(number)));
                format!("on {}{}", known.device, threads.unwrap_or_default())
            },
        );
        let time = match self.seconds(shared) {
            Some(seconds) => format!("about {}", format::duration(seconds)),
            None => "how long is not known yet".to_owned(),
        };
        let when = match self.waits_for() {
            Some(run) => format!(" It waits until {} has ended.", shared.library.name(run)),
            None => String::new(),
        };
        format!(
            "Start {what}? {stages}{} steps, {device}; {time}. It works in the background, and goes on when you leave.{when}",
            format::count(self.steps(recipe))
        )
    }
}
