//! `recipes NAME --estimate`: the memory every stage will take, the device a run would take and why.

use super::global::{Global, Refused};
use crate::machine::{GpuSample, Gpus, host, memory_available};
use crate::recipe::{ESTIMATE_FORMAT, Estimate, Recipe, StageEstimate};
use crate::runner::{StageMemory, Workspace, memory_of, open_device};
use crate::shown::escaped;
use std::fmt::Write;
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
        host: host(),
        free,
        stages,
        problem,
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
    text
}

#[cfg(test)]
mod tests {
    use super::*;

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
