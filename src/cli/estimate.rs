//! `recipes NAME --estimate`: the memory and time every stage will take, the device a run would take and
//! why.

use super::global::{Global, Refused};
use crate::machine::{GpuSample, Gpus, host, memory_available};
use crate::recipe::{ESTIMATE_FORMAT, Estimate, Recipe, Stage, StageEstimate, StageTime};
use crate::runner::{StageMemory, Workspace, memory_of, open_device};
use crate::session::pace::{Earlier, Here};
use crate::shown::escaped;
use crate::tui::data::pace::{parts, source};
use crate::tui::format::{count, duration};
use std::fmt::Write;
use std::path::Path;
use std::process::ExitCode;

/// Prints the estimate of a recipe.
pub fn print(global: &Global, recipe: &Recipe) -> anyhow::Result<ExitCode> {
    global.print(&estimate(global, recipe)?, text)?;
    Ok(ExitCode::SUCCESS)
}

fn estimate(global: &Global, recipe: &Recipe) -> anyhow::Result<Estimate> {
    let roots = global.roots()?;
    let (device, device_name) = open_device(&global.device)
        .map_err(|error| Refused(format!("--device {}: {error}", global.device)))?;
    let gpus = Gpus::open().map(|gpus| gpus.sample()).unwrap_or_default();
    let why = why(&global.device, &device_name, &gpus, cfg!(feature = "cuda"));
    let free = free(global, &device_name, &gpus);
    let host = host();
    let threads = Some(global.threads_wanted() as u32);
    let here = Here { device: &device_name, threads, host: &host };
    let times = times(&roots.sessions, recipe, here);
    let workspace = Workspace {
        sessions: roots.sessions,
        checkpoints: roots.checkpoints,
        device,
        device_name: device_name.clone(),
        threads: 1,
        memory_limit: None,
    };
    let (stages, problem) = match memory_of(&workspace, recipe) {
        Ok(stages) => (stages.iter().map(row).collect(), None),
        Err(error) => (Vec::new(), Some(error.to_string())),
    };
    Ok(Estimate {
        format: ESTIMATE_FORMAT.to_owned(),
        recipe: recipe.name.clone(),
        device: device_name,
        why,
        host,
        threads,
        free,
        stages,
        problem,
        times,
    })
}

fn row(stage: &StageMemory) -> StageEstimate {
    let memory = &stage.memory;
    StageEstimate {
        stage: stage.stage.clone(),
        total: memory.total(),
        parameters: memory.parameters,
        moments: memory.moments,
        gradients: memory.gradients,
        activations: memory.activations,
        batch: memory.batch,
    }
}

/// How long the stages will take, by the steps of earlier runs below a sessions folder.
fn times(sessions: &Path, recipe: &Recipe, here: Here<'_>) -> Vec<StageTime> {
    let mut earlier = Earlier::below(sessions);
    let unknown = |stage: &Stage| StageTime {
        stage: stage.name.to_string(),
        steps: stage.steps as u64,
        ..StageTime::default()
    };
    let time = |stage: &Stage| {
        let pace = earlier.pace(stage, here);
        pace.map_or_else(|| unknown(stage), |pace| pace.time(stage, 0))
    };
    recipe.stages.iter().map(time).collect()
}

/// Bytes free on the device, within `--memory-limit` where the processor computes.
fn free(global: &Global, device: &str, gpus: &[GpuSample]) -> Option<u64> {
    if let Some(ordinal) = device.strip_prefix("cuda:") {
        let (used, all) = gpus.get(ordinal.parse::<usize>().ok()?)?.memory?;
        return Some(all.saturating_sub(used));
    }
    let available = Some(memory_available()).filter(|bytes| *bytes > 0);
    [available, global.memory_limit].into_iter().flatten().min()
}

/// Why that device was chosen.
fn why(asked: &str, chosen: &str, gpus: &[GpuSample], built: bool) -> String {
    if asked != "auto" {
        return format!("--device or LLM2CLIP_DEVICE asks for {asked}");
    }
    if chosen != "cpu" {
        let name = gpus.first().map_or("the first GPU", |gpu| gpu.name.as_str());
        return format!("{name} is here, and this build can use it");
    }
    match (gpus.first(), built) {
        (None, false) => "no GPU is here, and this build has no cuda".to_owned(),
        (None, true) => "no GPU is here".to_owned(),
        (Some(gpu), false) => format!("{} is here, but this build has no cuda", gpu.name),
        (Some(gpu), true) => format!("{} is here, but cuda could not open it", gpu.name),
    }
}

fn text(estimate: &Estimate) -> String {
    let mb = |bytes: u64| format!("{:.0} MB", bytes as f64 / 1e6);
    let mut text = format!("device  {}: {}\n", estimate.device, escaped(&estimate.why));
    if let Some(free) = estimate.free {
        let _ = writeln!(text, "free    {}", mb(free));
    }
    if let Some(problem) = &estimate.problem {
        let _ = writeln!(text, "memory is not known: {}", escaped(problem));
    }
    for stage in &estimate.stages {
        let _ = writeln!(
            text,
            "{:<22} {:>9}  (parameters {}, moments {}, gradients {}, activations {}, batch {})",
            stage.stage,
            mb(stage.total),
            mb(stage.parameters),
            mb(stage.moments),
            mb(stage.gradients),
            mb(stage.activations),
            mb(stage.batch)
        );
    }
    write_times(&mut text, &estimate.times);
    text
}

/// A line a stage, and their sum where all are known.
fn write_times(text: &mut String, times: &[StageTime]) {
    for time in times {
        let (Some(all), Some(run)) = (time.seconds(), &time.run) else {
            let _ = writeln!(
                text,
                "{:<22} time not known: no earlier run did the same work on such a device",
                time.stage
            );
            continue;
        };
        let _ = writeln!(
            text,
            "{:<22} {:>9}  ({} steps, {}; as {})",
            time.stage,
            duration(all),
            count(time.steps),
            parts(time),
            escaped(&source(run, time))
        );
    }
    match times.iter().map(StageTime::seconds).sum::<Option<f64>>() {
        None => text.push_str(
            "a short run tells the time: train with the same settings, --set warmup=0 and --set steps=20\n",
        ),
        Some(all) if times.len() > 1 => {
            let _ = writeln!(text, "{:<22} {:>9}  (without making tables of captions)", "all stages", duration(all));
        }
        Some(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_say_their_source_and_an_unknown_one_how_to_know_it() {
        let known = StageTime {
            stage: "clip".to_owned(),
            steps: 2000,
            step_seconds: Some(0.5),
            run: Some("20261124-100000-a-bbbbbb/clip-1".to_owned()),
            run_device: Some("cpu".to_owned()),
            run_threads: Some(2),
            ..StageTime::default()
        };
        let foreign = StageTime {
            stage: "llm2clip".to_owned(),
            run_host: Some("big".to_owned()),
            run_batch: Some(64),
            caution: Some("on another computer".to_owned()),
            ..known.clone()
        };
        let says = |times: &[StageTime]| {
            let mut text = String::new();
            write_times(&mut text, times);
            text
        };
        let text = says(&[known.clone(), foreign]);
        assert!(text.contains(
            "16 m 40 s  (2,000 steps, 500 ms a step; as 20261124-100000-a-bbbbbb/clip-1"
        ));
        assert!(text.contains("/clip-1 on cpu, 2 threads)"), "{text}");
        let from = "/clip-1 of big on cpu, 2 threads, scaled from batch 64 (caution: on another";
        assert!(text.contains(from), "{text}");
        assert!(text.contains("all stages") && text.contains("33 m 20 s"), "{text}");
        let unknown = StageTime { step_seconds: None, run: None, ..known.clone() };
        let text = says(&[known, unknown]);
        assert!(text.contains("time not known: no earlier run"), "{text}");
        assert!(text.contains("a short run tells the time"), "{text}");
        assert!(!text.contains("all stages"), "{text}");
    }

    #[test]
    fn the_device_is_explained() {
        let gpu = GpuSample { name: "H100".to_owned(), ..GpuSample::default() };
        let one = std::slice::from_ref(&gpu);
        assert!(why("cpu", "cpu", one, true).contains("asks for cpu"));
        assert_eq!(why("auto", "cpu", &[], true), "no GPU is here");
        assert_eq!(why("auto", "cpu", one, false), "H100 is here, but this build has no cuda");
        assert_eq!(why("auto", "cuda:0", one, true), "H100 is here, and this build can use it");
    }
}
