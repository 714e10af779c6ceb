//! Exact resume under fire: tiny runs of every objective as child processes, struck at keyed random
//! moments and places, resumed until they are done, and compared number by number with undisturbed
//! runs of the same recipes.
//!
//! | file | holds |
//! |---|---|
//! | `tiny.rs` | the recipes: seconds long, gradient accumulation on |
//! | `fault.rs` | [`Fault`]: what strikes, and how it is drawn |
//! | `child.rs` | one process, started, struck and waited for |
//! | `numbers.rs` | what a run's logs say: every loss, every digest |
//! | `report.rs` | [`SoakDocument`]: what was tried, and what was lost |

mod child;
mod fault;
mod numbers;
mod report;
mod tiny;

pub use fault::Fault;
pub use report::{FaultRow, ObjectiveRow, SoakDocument};
pub use tiny::{OBJECTIVES, SHAPES};

use crate::rng::Key;
use crate::session::LogError;
use child::{Came, Place};
use numbers::Numbers;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// Strikes a run takes before it is left in peace.
const STRIKES_A_RUN: usize = 6;

/// What is to be tried.
#[derive(Clone, Debug)]
pub struct SoakRequest {
    /// The program: this one.
    pub program: PathBuf,
    /// An empty folder to work in.
    pub folder: PathBuf,
    /// Processes to be killed in all.
    pub kills: usize,
    /// Presets to be tried, in turn.
    pub objectives: Vec<String>,
    /// Root of all draws.
    pub seed: u64,
    /// Threads a child computes on.
    pub threads: usize,
}

/// The soak itself could not go on.
#[derive(Debug, thiserror::Error)]
pub enum SoakError {
    /// A file or process.
    #[error("could not {act} ({})", .path.display())]
    Io {
        /// What was tried.
        act: &'static str,
        /// Where.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A log could not be read.
    #[error(transparent)]
    Log(#[from] LogError),
    /// There is no recipe of that name.
    #[error("no objective is called {0:?}: expected one of {all}", all = OBJECTIVES.join(", "))]
    Unknown(String),
    /// Without a run to compare with there is nothing to find out.
    #[error("the undisturbed run of {objective} failed: {said}")]
    Reference {
        /// Which.
        objective: String,
        /// What it printed last.
        said: String,
    },
}

pub(crate) fn io_error(act: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> SoakError {
    move |source| SoakError::Io { act, path: path.to_owned(), source }
}

/// Strikes runs until so many processes were killed; `said` hears a line a run.
pub fn soak(request: &SoakRequest, said: &mut dyn FnMut(&str)) -> Result<SoakDocument, SoakError> {
    let clock = Instant::now();
    let mut document = SoakDocument::new(request);
    let mut references = Vec::new();
    for objective in &request.objectives {
        let recipe = tiny::write(objective, &request.folder)?;
        let place = Place::new(request, objective, &recipe, "undisturbed")?;
        let began = Instant::now();
        let came = place.train(None)?;
        let numbers = place.numbers()?;
        if came != Came::Ended(Some(0)) || numbers.final_digest.is_none() {
            let said = place.last_words();
            return Err(SoakError::Reference { objective: objective.clone(), said });
        }
        said(&format!(
            "{objective}: undisturbed, {} losses, {:.1} s",
            numbers.losses.len(),
            began.elapsed().as_secs_f64()
        ));
        references.push((recipe, numbers, began.elapsed()));
    }
    let root = Key::new(request.seed).named("soak");
    let mut kills = 0;
    for trial in 0.. {
        if kills >= request.kills {
            break;
        }
        let which = trial % request.objectives.len();
        let objective = &request.objectives[which];
        let (recipe, expected, took) = &references[which];
        let place = Place::new(request, objective, recipe, &format!("trial-{trial}"))?;
        let mut struck = Vec::new();
        let mut done = false;
        for strike in 0..STRIKES_A_RUN {
            let mut stream = root.child(trial as u64).child(strike as u64).stream();
            let fault = Fault::draw(&mut stream, *took);
            let came = if place.has_run()? {
                place.resume(Some(&fault))?
            } else {
                place.train(Some(&fault))?
            };
            let hit = came == Came::Killed || fault.struck_without_killing(came);
            if came == Came::Killed {
                kills += 1;
                fault.afterwards(&place, &mut stream)?;
            }
            struck.push((fault, hit));
            done = came == Came::Ended(Some(0));
            if done || kills >= request.kills {
                break;
            }
        }
        let mut failed = None;
        if !done {
            let came = if place.has_run()? { place.resume(None)? } else { place.train(None)? };
            if came != Came::Ended(Some(0)) {
                failed = Some(place.last_words());
            }
        }
        let numbers = place.numbers()?;
        let differences = expected.differences(&numbers, failed);
        said(&format!(
            "{objective}: {} strikes, {kills} of {} kills, {}",
            struck.len(),
            request.kills,
            if differences.is_empty() { "nothing lost".to_owned() } else { differences.join("; ") }
        ));
        document.add(objective, &struck, expected, &numbers, differences);
        place.clear();
    }
    document.seconds = clock.elapsed().as_secs_f64();
    Ok(document)
}

impl Numbers {
    /// Updates that were made more than once because a checkpoint lay before them.
    fn again(&self) -> usize {
        self.steps - self.losses.len()
    }
}
