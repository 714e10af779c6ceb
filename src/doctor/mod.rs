//! What works here and what does not, and what to do about it: terminal, graphics card, disk, limits,
//! and whether a run outlives the connection.
//!
//! | file | looks at |
//! |---|---|
//! | `config.rs` | the configuration file, and where every setting comes from |
//! | `terminal.rs` | the terminal and tmux: colours, size, encoding, pictures |
//! | `compute.rs` | processor, memory, graphics cards |
//! | `storage.rs` | the folders: room, permission, locks |
//! | `limits.rs` | the system's limits, and what ends a run when its user logs out |

mod compute;
mod config;
mod limits;
mod storage;
mod terminal;

use serde::Serialize;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// How a check came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// Nothing to do.
    Ok,
    /// Worth knowing; everything works.
    Note,
    /// Something works less well than it could.
    Warning,
    /// Something does not work.
    Broken,
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Check {
    /// Which part of the machine.
    pub group: &'static str,
    /// What was looked at.
    pub name: &'static str,
    /// How it came out.
    pub state: State,
    /// What there is.
    pub found: String,
    /// What to do about it; empty where nothing is.
    pub advice: String,
}

impl Check {
    fn new(group: &'static str, name: &'static str, found: impl Into<String>) -> Self {
        Self { group, name, state: State::Ok, found: found.into(), advice: String::new() }
    }

    /// Something to do: how bad it is, and what.
    fn advise(mut self, state: State, advice: impl Into<String>) -> Self {
        self.state = state;
        self.advice = advice.into();
        self
    }

    /// As [`Check::advise`] where `wrong` is so.
    fn advise_if(self, wrong: bool, state: State, advice: impl Into<String>) -> Self {
        if wrong { self.advise(state, advice) } else { self }
    }
}

/// What the checks are told rather than find out.
#[derive(Clone, Debug, Default)]
pub struct Surroundings {
    /// The environment.
    pub env: BTreeMap<String, String>,
    /// Columns and rows of the terminal; none where there is no terminal.
    pub size: Option<(u16, u16)>,
    /// Where sessions are.
    pub sessions: PathBuf,
    /// Where checkpoints are.
    pub checkpoints: PathBuf,
    /// Where models of the hub are.
    pub hub: PathBuf,
    /// Whether this program was built for graphics cards.
    pub cuda: bool,
    /// Whether nothing may be written, not even to try it.
    pub readonly: bool,
    /// The configuration file in force.
    pub config: Option<PathBuf>,
    /// Every setting.
    pub settings: Vec<Setting>,
}

/// A setting that every command has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    /// The flag's name.
    pub name: &'static str,
    /// What it stands at.
    pub value: String,
    /// Who says so.
    pub from: String,
}

impl Surroundings {
    fn var(&self, key: &str) -> &str {
        self.env.get(key).map_or("", String::as_str)
    }
}

/// Looks at everything. Takes some tenths of a second.
#[must_use]
pub fn examine(surroundings: &Surroundings) -> Vec<Check> {
    let mut checks = config::checks(surroundings);
    checks.extend(terminal::checks(surroundings));
    checks.extend(compute::checks(surroundings));
    checks.extend(storage::checks(surroundings));
    checks.extend(limits::checks(surroundings));
    checks
}

/// Bytes in words.
fn bytes(count: u64) -> String {
    let units = ["B", "KiB", "MiB", "GiB", "TiB"];
    let mut value = count as f64;
    let mut unit = 0;
    while value >= 1024.0 && unit + 1 < units.len() {
        value /= 1024.0;
        unit += 1;
    }
    let digits = usize::from(unit > 0 && value < 100.0);
    format!("{value:.digits$} {}", units[unit])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_check_that_is_not_ok_says_what_to_do() {
        let folder = tempfile::tempdir().unwrap();
        let surroundings = Surroundings {
            sessions: folder.path().join("sessions"),
            checkpoints: folder.path().join("checkpoints"),
            hub: folder.path().join("hub"),
            ..Surroundings::default()
        };
        let checks = examine(&surroundings);
        for group in ["configuration", "terminal", "compute", "storage", "limits"] {
            assert!(checks.iter().any(|check| check.group == group), "{group}");
        }
        for check in checks {
            assert_eq!(check.state == State::Ok, check.advice.is_empty(), "{check:?}");
            assert!(!check.found.is_empty(), "{check:?}");
        }
        assert!(!folder.path().join("sessions").exists());
    }

    #[test]
    fn bytes_are_said_in_words() {
        let said: Vec<_> = [0, 1023, 1 << 10, 3 << 30, 250 << 20].map(bytes).into_iter().collect();
        assert_eq!(said, ["0 B", "1023 B", "1.0 KiB", "3.0 GiB", "250 MiB"]);
    }
}
