//! How long a stage will take, from the runs of the library that did the same work.

use super::library::Library;
use crate::recipe::{Estimate, Stage};
use crate::session::pace::{Here, Pace, Ran, pace as told};

/// The pace to expect of a stage, on the device of the estimate where there is one. Nothing where no run
/// has done its work.
#[must_use]
pub fn pace(library: &Library, stage: &Stage, estimate: Option<&Estimate>) -> Option<Pace> {
    let runs = library.runs.iter().filter_map(|run| {
        let recipe = run.recipe.as_deref()?;
        Some(Ran { run: &run.id, recipe, device: &run.device, host: &run.host })
    });
    let here = estimate.map(|here| Here { device: &here.device, host: &here.host });
    told(runs, stage, here, |id| {
        let (_, seconds) = library.run(id)?.pace.iter().find(|(name, _)| *name == stage.name)?;
        Some(*seconds)
    })
}

#[cfg(test)]
mod tests {
    use super::super::library::RunEntry;
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
        assert_eq!(asked(&library, "steps=3").unwrap().run.run.as_str(), "clip-3");
        assert_eq!(asked(&library, "max_tokens=9"), None);
    }
}
