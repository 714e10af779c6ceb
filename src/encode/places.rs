//! Where a model's file or folder is looked for. A card names no folder of the machine it was made on,
//! so that what it names is looked for wherever it may lie here.

use super::source::Sources;
use super::{EncodeError, peft};
use crate::hub;
use std::path::{Path, PathBuf};

/// Whether a path holds a model and no checkpoint of ours.
pub(super) fn is_foreign(path: &Path) -> bool {
    if path.is_file() {
        return path.extension().is_some_and(|end| end.eq_ignore_ascii_case("gguf"));
    }
    !path.join("manifest.json").exists()
        && (path.join("config.json").is_file() || peft::is_lora(path))
}

/// A model in the hub's cache by its name in a snapshot, or a snapshot by its commit: no more is left
/// in a card of a whole path into the cache.
///
/// # Errors
/// Several models of that name.
pub(super) fn in_hub(source: &str) -> Result<Option<PathBuf>, EncodeError> {
    let mut found = hub::named(source);
    found.retain(|path| is_foreign(path));
    if found.len() < 2 {
        return Ok(found.pop());
    }
    let names: Vec<String> = found.iter().filter_map(|path| hub::name_of(path)).collect();
    let expected = format!(
        "one model of that name, found {} in the hub's cache; name the one that is meant: {}",
        found.len(),
        names.join(", ")
    );
    Err(EncodeError::Unknown { name: source.to_owned(), expected })
}

impl Sources {
    /// The folder that the checkpoints folder lies in, and where nothing else was said the sessions.
    fn above(&self) -> Option<&Path> {
        self.checkpoints.parent().filter(|above| !above.as_os_str().is_empty())
    }

    /// What a source may stand for, in this order: as it is or from the working folder, from the folder
    /// that sessions and checkpoints lie in, from the checkpoints folder.
    pub(super) fn places(&self, source: &Path) -> Vec<PathBuf> {
        let mut places = vec![source.to_owned()];
        places.extend(self.above().map(|above| above.join(source)));
        places.push(self.checkpoints.join(source));
        places
    }
}

/// The folders that ways start from, in words: what is said of them may be recorded in a session, which
/// is read elsewhere.
pub(super) const FOLDERS: &str =
    "the working folder, the folder that the checkpoints folder lies in, the checkpoints folder";

/// What would have done in the place of a source that is nowhere, where it was looked for, and what to do.
pub(super) fn looked_for(source: &str) -> String {
    let kinds = "builtin:llama, bm25, a .gguf file, a model folder with config.json, hf:owner/name, a \
                 checkpoint's folder or RUN/STAGE of the checkpoints folder";
    if Path::new(source).is_absolute() {
        return format!("{kinds}, found nothing of the kind there");
    }
    format!(
        "{kinds}, found no {source} in {FOLDERS}, nor in the hub's cache; name a file or folder that \
         lies elsewhere by its path (--encoders NAME=PATH), or link it into the checkpoints folder"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::Device;
    use std::fs;

    fn home() -> (tempfile::TempDir, Sources) {
        let home = tempfile::tempdir().unwrap();
        let checkpoints = home.path().join("checkpoints");
        fs::create_dir_all(&checkpoints).unwrap();
        (home, Sources { checkpoints, device: Device::Cpu, weigh: false })
    }

    fn model(folder: &Path) {
        fs::create_dir_all(folder).unwrap();
        fs::write(folder.join("config.json"), "{}").unwrap();
    }

    #[test]
    fn a_way_from_the_folder_of_sessions_and_checkpoints_is_found_from_anywhere() {
        let (home, sources) = home();
        assert!(sources.check("models/tiny").is_err());
        model(&home.path().join("models/tiny"));
        sources.check("models/tiny").unwrap();
        // What lies in the checkpoints folder goes by its last part.
        assert!(sources.check("tiny").is_err());
        fs::write(sources.checkpoints.join("Tiny.GGUF"), "").unwrap();
        sources.check("Tiny.GGUF").unwrap();
        model(&sources.checkpoints.join("tiny"));
        sources.check("tiny").unwrap();
    }

    #[test]
    fn what_is_nowhere_is_said_with_every_place_that_was_looked_in() {
        let (home, sources) = home();
        let error = sources.check("gone.gguf").unwrap_err().to_string();
        for part in [
            "no encoder is called \"gone.gguf\"",
            "found no gone.gguf in the working folder, the folder that the checkpoints folder lies in, ",
            "nor in the hub's cache",
            "--encoders NAME=PATH",
        ] {
            assert!(error.contains(part), "{part}: {error}");
        }
        assert!(!error.contains(&home.path().display().to_string()), "{error}");
        let llama = sources.load(super::super::builtin::LLAMA).unwrap();
        let lora = peft::merge(llama, &["gone".into()], &sources).unwrap_err().to_string();
        let places = format!("no adapter_config.json in {FOLDERS}");
        assert!(lora.starts_with("encoder gone holds") && lora.contains(&places), "{lora}");
        let error = sources.check("/nowhere/gone.gguf").unwrap_err().to_string();
        assert!(error.contains("found nothing of the kind there"), "{error}");
    }
}
