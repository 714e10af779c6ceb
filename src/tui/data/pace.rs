//! How long a stage will take, from the runs of the library that did the same work, and in words.

use super::library::Library;
use crate::recipe::{Estimate, Stage, StageTime};
use crate::session::pace::{Here, Pace, Ran, pace as told};
use crate::tui::format::{count, duration};

/// The pace to expect of a stage, on the device of the estimate where there is one. Nothing where no run
/// has done its work.
#[must_use]
pub fn pace(library: &Library, stage: &Stage, estimate: Option<&Estimate>) -> Option<Pace> {
    let runs = library.runs.iter().filter_map(|run| {
        let recipe = run.recipe.as_deref()?;
        let (device, threads) = (run.device.as_str(), run.threads);
        Some(Ran { run: &run.id, recipe, device, threads, host: &run.host })
    });
    let here =
        estimate.map(|here| Here { device: &here.device, threads: here.threads, host: &here.host });
    told(runs, stage, here, |id| {
        let (_, took) = library.run(id)?.pace.iter().find(|(name, _)| *name == stage.name)?;
        Some(*took)
    })
}

/// `1 thread`, `2 threads`.
#[must_use]
pub fn threads(number: u32) -> String {
    let many = if number == 1 { "" } else { "s" };
    format!("{} thread{many}", count(number.into()))
}

/// From which run a time is, called so: its device and threads, and what to be careful about.
#[must_use]
pub fn source(run: &str, time: &StageTime) -> String {
    let mut words = run.to_owned();
    if let Some(host) = &time.run_host {
        words.push_str(&format!(" of {host}"));
    }
    let on = time.run_device.clone().into_iter().chain(time.run_threads.map(threads));
    let on: Vec<String> = on.collect();
    if !on.is_empty() {
        words.push_str(&format!(" on {}", on.join(", ")));
    }
    if let Some(batch) = time.run_batch {
        words.push_str(&format!(", scaled from batch {batch}"));
    }
    if let Some(caution) = &time.caution {
        words.push_str(&format!(" (caution: {caution})"));
    }
    words
}

/// Of what a time is made up: `500 ms a step, 5 validations 10 s, 2 checkpoints 1 s`.
#[must_use]
pub fn parts(time: &StageTime) -> String {
    let step = time.training_step_seconds.or(time.step_seconds);
    let step = step.map(|step| format!("{} a step", duration(step)));
    let beside = |times: Option<u64>, seconds: Option<f64>, what: &str| {
        let (times, seconds) = (times.filter(|times| *times > 0)?, seconds?);
        let many = if times == 1 { "" } else { "s" };
        Some(format!("{} {what}{many} {}", count(times), duration(seconds)))
    };
    let validations = beside(time.validations, time.validation_seconds, "validation");
    let checkpoints = beside(time.checkpoints, time.checkpoint_seconds, "checkpoint");
    let parts: Vec<String> = [step, validations, checkpoints].into_iter().flatten().collect();
    parts.join(", ")
}

#[cfg(test)]
mod tests {
    use super::super::library::RunEntry;
    use super::*;
    use crate::recipe::{Recipe, apply_set, preset};
    use crate::session::pace::Took;
    use crate::tui::app::tests::entry;
    use std::sync::Arc;

    fn recipe(set: &str) -> Recipe {
        apply_set(&preset("clip").unwrap(), set).unwrap()
    }

    fn ran(name: &str, minute: i64, set: &str, step: f64) -> RunEntry {
        let recipe = recipe(set);
        let took = Took { step, ..Took::default() };
        let pace = vec![(recipe.stages[0].name.clone(), took)];
        RunEntry { recipe: Some(Arc::new(recipe)), pace, ..entry(name, minute) }
    }

    #[test]
    fn the_newest_run_of_the_same_work_tells_and_one_of_other_work_does_not() {
        let mut library = Library::default();
        let asked = |library: &Library, set: &str| pace(library, &recipe(set).stages[0], None);
        assert_eq!(asked(&library, "steps=3"), None);
        library.put(ran("20261124-100000-a-bbbbbb/clip-1", 1, "steps=5", 2.0));
        library.put(ran("20261124-100000-a-bbbbbb/clip-2", 2, "vision.width=64", 9.0));
        assert_eq!(asked(&library, "steps=3").map(|pace| pace.step), Some(2.0));
        let half = asked(&library, "batch=64").unwrap();
        assert_eq!((half.step, half.batch), (1.0, Some(128)));
        library.put(ran("20261124-100000-a-bbbbbb/clip-3", 3, "lr=1e-4", 1.5));
        assert_eq!(asked(&library, "steps=3").unwrap().run.run.as_str(), "clip-3");
        assert_eq!(asked(&library, "max_tokens=9"), None);
    }

    #[test]
    fn a_run_that_has_only_begun_does_not_move_what_another_one_tells() {
        let mut library = Library::default();
        let of = |name: &str, minute, step: f64, steps: usize| {
            let mut run = ran(&format!("20261124-100000-a-bbbbbb/{name}"), minute, "steps=5", step);
            run.pace[0].1.steps = steps;
            run
        };
        let told = |library: &Library| {
            let pace = pace(library, &recipe("steps=3").stages[0], None).unwrap();
            (pace.run.run.to_string(), pace.step)
        };
        library.put(of("clip-1", 1, 0.4, 60));
        library.put(of("clip-2", 2, 0.6, 3));
        assert_eq!(told(&library), ("clip-1".to_owned(), 0.4));
        library.put(of("clip-2", 2, 0.5, 8));
        assert_eq!(told(&library), ("clip-2".to_owned(), 0.5));
        // Where nobody knows better it tells.
        let mut alone = Library::default();
        alone.put(of("clip-2", 2, 0.6, 3));
        assert_eq!(told(&alone), ("clip-2".to_owned(), 0.6));
    }

    #[test]
    fn a_time_says_from_which_run_device_and_threads_it_is_and_where_they_differ() {
        let time = StageTime {
            run_device: Some("cpu".to_owned()),
            run_threads: Some(2),
            training_step_seconds: Some(0.5),
            validations: Some(5),
            validation_seconds: Some(10.0),
            checkpoints: Some(1),
            checkpoint_seconds: Some(2.0),
            ..StageTime::default()
        };
        assert_eq!(source("clip-1", &time), "clip-1 on cpu, 2 threads");
        assert_eq!(parts(&time), "500 ms a step, 5 validations 10 s, 1 checkpoint 2.0 s");
        let other = StageTime {
            run_host: Some("big".to_owned()),
            run_threads: Some(1),
            run_batch: Some(64),
            caution: Some("on another computer, here 2 threads".to_owned()),
            ..time
        };
        assert_eq!(
            source("clip-1", &other),
            "clip-1 of big on cpu, 1 thread, scaled from batch 64 (caution: on another computer, here 2 threads)"
        );
        // Documents of older programs have neither.
        assert_eq!(source("clip-1", &StageTime::default()), "clip-1");
    }
}
