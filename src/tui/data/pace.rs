//! How long a stage will take, from runs that did the same work.

use super::library::{Library, RunEntry};
use crate::ids::RunName;
use crate::recipe::{Estimate, Stage, same_work};

/// A step's time as a run took it.
#[derive(Clone, Debug, PartialEq)]
pub struct Pace {
    /// Seconds a step.
    pub seconds: f64,
    /// The run.
    pub run: RunName,
    /// The computer it ran on, where that is another one.
    pub host: Option<String>,
    /// The batch it had, where that is another one: its time was taken in proportion.
    pub batch: Option<usize>,
}

/// The pace to expect of a stage: that of the newest run that did the same work on such a device, rather
/// on this computer and with this batch. Nothing where no run has.
#[must_use]
pub fn pace(library: &Library, stage: &Stage, estimate: Option<&Estimate>) -> Option<Pace> {
    let device =
        |run: &RunEntry| estimate.is_none_or(|here| kind(&here.device) == kind(&run.device));
    let foreign = |run: &RunEntry| estimate.is_some_and(|here| here.host != run.host);
    let found = library.runs.iter().filter(|run| device(run)).filter_map(|run| {
        let same = run.recipe.as_ref()?.stages.iter().find(|other| same_work(other, stage))?;
        let (_, seconds) = run.pace.iter().find(|(name, _)| *name == stage.name)?;
        Some((run, same.batch, *seconds))
    });
    let (run, batch, seconds) =
        found.min_by_key(|(run, batch, _)| (foreign(run), *batch != stage.batch))?;
    Some(Pace {
        seconds: seconds * stage.batch as f64 / batch.max(1) as f64,
        run: run.id.run.clone(),
        host: foreign(run).then(|| run.host.clone()),
        batch: (batch != stage.batch).then_some(batch),
    })
}

/// `cpu` or `cuda`: which of several alike does not matter.
fn kind(device: &str) -> &str {
    device.split(':').next().unwrap_or(device)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recipe::{Recipe, apply_set, preset};
    use crate::tui::app::tests::entry;
    use std::sync::Arc;

    fn recipe(set: &str) -> Recipe {
        apply_set(&preset("clip").unwrap(), set).unwrap()
    }

    fn ran(name: &str, minute: i64, set: &str, seconds: f64) -> RunEntry {
        let recipe = recipe(set);
        let pace = vec![(recipe.stages[0].name.clone(), seconds)];
        RunEntry { recipe: Some(Arc::new(recipe)), pace, ..entry(name, minute) }
    }

    #[test]
    fn the_newest_run_of_the_same_work_tells_and_one_of_other_work_does_not() {
        let mut library = Library::default();
        let asked = |library: &Library, set: &str| pace(library, &recipe(set).stages[0], None);
        assert_eq!(asked(&library, "steps=3"), None);
        library.put(ran("20261124-100000-a-bbbbbb/clip-1", 1, "steps=5", 2.0));
        library.put(ran("20261124-100000-a-bbbbbb/clip-2", 2, "vision.width=64", 9.0));
        assert_eq!(asked(&library, "steps=3").map(|pace| pace.seconds), Some(2.0));
        let half = asked(&library, "batch=64").unwrap();
        assert_eq!((half.seconds, half.batch), (1.0, Some(128)));
        library.put(ran("20261124-100000-a-bbbbbb/clip-3", 3, "lr=1e-4", 1.5));
        assert_eq!(asked(&library, "steps=3").unwrap().run.as_str(), "clip-3");
        assert_eq!(asked(&library, "max_tokens=9"), None);
    }
}
