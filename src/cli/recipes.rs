//! `recipes`: list, show one resolved, or the difference of two.

use super::global::{Global, Refused, say};
use super::train::find_recipe;
use crate::recipe::{Recipe, apply_set, difference, names, preset};
use crate::runner::{Workspace, memory_of, open_device};
use crate::session::follow::read_run;
use crate::session::names::find_run;
use crate::session::runs::run_ids;
use anyhow::Context;
use clap::Args;
use serde_json::json;
use std::fmt::Write;
use std::process::ExitCode;

/// `recipes`
#[derive(Args)]
pub struct Recipes {
    /// A preset, a .toml file or a run.
    a: Option<String>,
    /// Another, to compare with.
    b: Option<String>,
    /// Change a key before showing.
    #[arg(long = "set", value_name = "[STAGE.]KEY=VALUE")]
    sets: Vec<String>,
    /// Show instead what each stage will take of memory and, by earlier runs, of time; the device a run
    /// would take, and why.
    #[arg(long, requires = "a", conflicts_with = "b")]
    estimate: bool,
}

/// `llm2clip recipes`
pub fn recipes(global: &Global, args: &Recipes) -> anyhow::Result<ExitCode> {
    match (&args.a, &args.b) {
        (None, _) => {
            let rows: Vec<_> = names()
                .iter()
                .filter_map(|name| {
                    let recipe = preset(name)?;
                    let stages: Vec<_> =
                        recipe.stages.iter().map(|stage| stage.name.to_string()).collect();
                    Some(json!({"recipe": name, "stages": stages}))
                })
                .collect();
            global.print(&json!({"format": "llm2clip.recipes/1", "recipes": rows}), |_| {
                let mut text = String::new();
                for row in &rows {
                    let stages: Vec<&str> = row["stages"]
                        .as_array()
                        .into_iter()
                        .flatten()
                        .filter_map(|s| s.as_str())
                        .collect();
                    let name = row["recipe"].as_str().unwrap_or_default();
                    let _ = writeln!(text, "{name:<20}  {}", stages.join(" > "));
                }
                text
            })?;
        }
        (Some(name), None) => {
            let recipe = resolve(global, name, &args.sets)?;
            if args.estimate {
                return super::estimate::print(global, &recipe);
            }
            let toml = toml::to_string(&recipe).context("writing the recipe as TOML")?;
            remember(global, &recipe);
            global.print(&recipe, |_| toml)?;
        }
        (Some(a), Some(b)) => {
            let (first, second) = (resolve(global, a, &args.sets)?, resolve(global, b, &[])?);
            let rows = difference(&first, &second);
            let document =
                json!({"format": "llm2clip.recipe-difference/1", "a": a, "b": b, "rows": rows});
            global.print(&document, |_| {
                let mut text = String::new();
                for row in &rows {
                    let _ = writeln!(text, "{:<40}  {:<20}  {}", row.key, row.a.to_string(), row.b);
                }
                if rows.is_empty() {
                    text.push_str("no difference\n");
                }
                text
            })?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// What the recipe's stages will take, on stderr: the recipe itself is what is shown.
fn remember(global: &Global, recipe: &Recipe) {
    let (Ok(roots), Ok((device, device_name))) = (global.roots(), open_device("cpu")) else {
        return;
    };
    let workspace = Workspace {
        sessions: roots.sessions,
        checkpoints: roots.checkpoints,
        device,
        device_name,
        threads: 1,
        memory_limit: None,
    };
    match memory_of(&workspace, recipe) {
        Ok(stages) => stages.iter().for_each(|stage| say(&format!("# {stage}"))),
        Err(error) => say(&format!("# memory is not known before the weights are there: {error}")),
    }
}

/// A preset or file, else a run's recorded recipe.
fn resolve(global: &Global, name: &str, sets: &[String]) -> anyhow::Result<Recipe> {
    if preset(name).is_some() || name.ends_with(".toml") {
        return find_recipe(name, &global.with_seed(sets));
    }
    let roots = global.roots()?;
    let all = run_ids(&roots.sessions).unwrap_or_default();
    let id = find_run(name, &all).map_err(|error| {
        Refused(format!("{name:?} is no preset ({}) and no run: {error}", names().join(", ")))
    })?;
    let run = read_run(&roots.sessions.join(id.session.as_str()), &id.run)?;
    let recorded = run.state().started.as_ref().map(|start| start.recipe.clone());
    let recorded = recorded.ok_or_else(|| Refused(format!("{id} has no recipe in its log")))?;
    let mut recipe: Recipe = serde_json::from_value(recorded)?;
    for set in sets {
        recipe = apply_set(&recipe, set).map_err(|error| Refused(error.to_string()))?;
    }
    Ok(recipe)
}
