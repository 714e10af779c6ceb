//! The recipes of the soak: presets made so small that a run takes about a second, with everything
//! that a resumption must get right switched on.

use super::{SoakError, io_error};
use crate::recipe::{Recipe, apply_set, preset, validate};
use std::path::{Path, PathBuf};

/// The presets that are tried: every objective, and the fair baseline.
pub const OBJECTIVES: [&str; 8] = [
    "causal-lm",
    "mntp",
    "simcse",
    "caption-contrastive",
    "clip",
    "clip-sigmoid",
    "llm2clip",
    "clip-continued",
];

/// How long a tiny run is, and what it does on the way.
const PLAN: [&str; 7] = [
    "steps=6",
    "warmup=2",
    "batch=6",
    "max_tokens=24",
    "checkpoint_every=2",
    "validate_every=3",
    "keep=1",
];

/// Towers, Llama and LoRA of a tiny model, for `--set`; no recipe has all of these keys.
pub const SHAPES: [&str; 14] = [
    "vision.width=32",
    "vision.heads=2",
    "vision.layers=2",
    "vision.patch=16",
    "text.width=32",
    "text.heads=2",
    "text.layers=1",
    "projection=16",
    "llama.width=32",
    "llama.heads=2",
    "llama.kv_heads=1",
    "llama.layers=1",
    "tokenizer=train:400",
    "lora_r=2",
];

/// A preset made tiny.
pub fn tiny(name: &str) -> Option<Recipe> {
    let mut recipe = preset(name)?;
    for set in PLAN.iter().chain(&SHAPES) {
        // Not every recipe has towers, or a fresh Llama.
        recipe = apply_set(&recipe, set).unwrap_or(recipe);
    }
    let stages: Vec<String> = recipe.stages.iter().map(|stage| stage.name.to_string()).collect();
    for stage in stages {
        // Wherever a batch may be taken in parts, it is.
        if let Ok(parts) = apply_set(&recipe, &format!("{stage}.micro_batch=2"))
            && validate(&parts).is_empty()
        {
            recipe = parts;
        }
    }
    Some(recipe)
}

/// Writes a tiny recipe as a file and returns its path.
pub(super) fn write(name: &str, folder: &Path) -> Result<PathBuf, SoakError> {
    let known = OBJECTIVES.contains(&name);
    let recipe = tiny(name).filter(|_| known).ok_or_else(|| SoakError::Unknown(name.to_owned()))?;
    let path = folder.join(format!("{name}.toml"));
    let text = toml::to_string(&recipe).map_err(std::io::Error::other);
    text.and_then(|text| std::fs::write(&path, text)).map_err(io_error("write a recipe", &path))?;
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_tiny_recipe_is_valid_and_causal_batches_come_in_parts() {
        for name in OBJECTIVES {
            let recipe = tiny(name).unwrap();
            assert_eq!(validate(&recipe), [], "{name}");
            assert!(recipe.stages.iter().all(|stage| stage.steps == 6), "{name}");
        }
        for name in ["causal-lm", "mntp"] {
            assert_eq!(tiny(name).unwrap().stages[0].micro_batch, 2);
        }
    }
}
