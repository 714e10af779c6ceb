//! Where sessions and checkpoints live.

use crate::files::{self, FileError};
use std::path::{Path, PathBuf};
use std::{env, fs, io};

/// The two folders everything is written to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Roots {
    /// One folder a session.
    pub sessions: PathBuf,
    /// Checkpoints and embedding tables.
    pub checkpoints: PathBuf,
}

/// No place for sessions and checkpoints.
#[derive(Debug, thiserror::Error)]
pub enum PathError {
    /// Neither flags, nor folders nearby, nor a home.
    #[error(
        "no place for sessions: expected folders named sessions and checkpoints here or above, or HOME to be set, found neither; name them with --sessions and --checkpoints"
    )]
    Nowhere,
    /// The current directory is gone.
    #[error("could not find the current directory")]
    Current(#[from] io::Error),
}

impl Roots {
    /// The folders for this process: what the flags name, else as [`Roots::find_from`] says.
    pub fn find(
        sessions: Option<PathBuf>,
        checkpoints: Option<PathBuf>,
    ) -> Result<Self, PathError> {
        Self::find_from(sessions, checkpoints, &env::current_dir()?, data_folder().as_deref())
    }

    /// Each folder as named; else the folders `sessions` and `checkpoints` in `current` or the
    /// nearest folder above that has both; else in `data`.
    pub fn find_from(
        sessions: Option<PathBuf>,
        checkpoints: Option<PathBuf>,
        current: &Path,
        data: Option<&Path>,
    ) -> Result<Self, PathError> {
        if let (Some(sessions), Some(checkpoints)) = (&sessions, &checkpoints) {
            return Ok(Self { sessions: sessions.clone(), checkpoints: checkpoints.clone() });
        }
        let root = workplace(current).or(data).ok_or(PathError::Nowhere)?;
        Ok(Self {
            sessions: sessions.unwrap_or_else(|| root.join("sessions")),
            checkpoints: checkpoints.unwrap_or_else(|| root.join("checkpoints")),
        })
    }

    /// Makes the folders that are missing. What is made here is ignored by git.
    pub fn make(&self) -> io::Result<()> {
        for folder in [&self.sessions, &self.checkpoints] {
            if !folder.is_dir() {
                fs::create_dir_all(folder)?;
                files::write_atomic(&folder.join(".gitignore"), b"*\n")
                    .map_err(FileError::into_cause)?;
            }
        }
        Ok(())
    }
}

/// The nearest folder, this one or above, that has both `sessions` and `checkpoints`.
#[must_use]
pub fn workplace(current: &Path) -> Option<&Path> {
    current
        .ancestors()
        .find(|folder| folder.join("sessions").is_dir() && folder.join("checkpoints").is_dir())
}

/// The user's folder for this program's configuration; nothing where there is no home.
#[must_use]
pub fn config_folder() -> Option<PathBuf> {
    let home = || Some(absolute("HOME")?.join(".config"));
    Some(absolute("XDG_CONFIG_HOME").or_else(home)?.join("llm2clip"))
}

/// A folder that the environment names in full.
fn absolute(name: &str) -> Option<PathBuf> {
    env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute())
}

/// The user's data directory for this program; nothing where there is no home.
#[must_use]
pub fn data_folder() -> Option<PathBuf> {
    if let Some(data) = absolute("XDG_DATA_HOME") {
        return Some(data.join("llm2clip"));
    }
    let home = absolute("HOME")?;
    let data =
        if cfg!(target_os = "macos") { "Library/Application Support" } else { ".local/share" };
    Some(home.join(data).join("llm2clip"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_folder_above_that_has_both_wins_over_the_data_folder() {
        let top = tempfile::tempdir().unwrap();
        let top = top.path();
        fs::create_dir_all(top.join("p/sessions")).unwrap();
        fs::create_dir_all(top.join("p/src/sessions")).unwrap();
        let deep = top.join("p/src/deep");
        fs::create_dir_all(&deep).unwrap();
        let data = top.join("data");
        let find = |flag: Option<&str>| {
            Roots::find_from(flag.map(PathBuf::from), None, &deep, Some(&data)).unwrap()
        };
        assert_eq!(find(None).sessions, data.join("sessions"));
        fs::create_dir_all(top.join("p/checkpoints")).unwrap();
        assert_eq!(find(None).sessions, top.join("p/sessions"));
        let named = find(Some("/elsewhere"));
        assert_eq!(named.sessions, PathBuf::from("/elsewhere"));
        assert_eq!(named.checkpoints, top.join("p/checkpoints"));
        let roots =
            Roots { sessions: data.join("sessions"), checkpoints: data.join("checkpoints") };
        roots.make().unwrap();
        assert_eq!(fs::read_to_string(data.join("sessions/.gitignore")).unwrap(), "*\n");
        assert!(Roots::find_from(None, None, Path::new("/"), None).is_err());
    }
}
