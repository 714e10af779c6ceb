//! [`SoakDocument`]: what was tried, how often, and what was lost.

use super::numbers::Numbers;
use super::{Fault, SoakRequest};
use serde::{Deserialize, Serialize};

/// One kind of fault.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FaultRow {
    /// What it is.
    pub fault: String,
    /// How often it was aimed at a process.
    pub tried: usize,
    /// How often it struck before the process had ended by itself.
    pub struck: usize,
    /// Numbers lost in the runs it was part of.
    pub lost: usize,
}

/// One objective.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObjectiveRow {
    /// Its preset.
    pub objective: String,
    /// Runs that were disturbed.
    pub runs: usize,
    /// Faults that struck them.
    pub struck: usize,
    /// Losses that were compared with the undisturbed run's.
    pub losses: usize,
    /// Updates that were made again because they came after the newest checkpoint.
    pub again: usize,
    /// Digests of parameters that were compared.
    pub digests: usize,
    /// Numbers that differ or are missing.
    pub lost: usize,
}

/// `llm2clip.soak/1`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SoakDocument {
    /// The format's name and version.
    pub format: String,
    /// Root of all draws.
    pub seed: u64,
    /// Threads each child computed on.
    pub threads: usize,
    /// Processes that were to be killed.
    pub kills: usize,
    /// How long it took.
    pub seconds: f64,
    /// By kind of fault.
    pub faults: Vec<FaultRow>,
    /// By objective.
    pub objectives: Vec<ObjectiveRow>,
    /// Numbers lost in all.
    pub lost: usize,
    /// What was lost, in words.
    pub losses: Vec<String>,
}

impl SoakDocument {
    pub(super) fn new(request: &SoakRequest) -> Self {
        let row = |objective: &String| ObjectiveRow {
            objective: objective.clone(),
            runs: 0,
            struck: 0,
            losses: 0,
            again: 0,
            digests: 0,
            lost: 0,
        };
        Self {
            format: "llm2clip.soak/1".to_owned(),
            seed: request.seed,
            threads: request.threads,
            kills: request.kills,
            seconds: 0.0,
            faults: Vec::new(),
            objectives: request.objectives.iter().map(row).collect(),
            lost: 0,
            losses: Vec::new(),
        }
    }

    pub(super) fn add(
        &mut self,
        objective: &str,
        strikes: &[(Fault, bool)],
        expected: &Numbers,
        found: &Numbers,
        differences: Vec<String>,
    ) {
        let lost = differences.len();
        for (fault, hit) in strikes {
            let name = fault.name();
            let at = self.faults.iter().position(|row| row.fault == name).unwrap_or_else(|| {
                self.faults.push(FaultRow { fault: name, tried: 0, struck: 0, lost: 0 });
                self.faults.len() - 1
            });
            let row = &mut self.faults[at];
            row.tried += 1;
            row.struck += usize::from(*hit);
            row.lost += lost;
        }
        self.faults.sort_by(|a, b| a.fault.cmp(&b.fault));
        if let Some(row) = self.objectives.iter_mut().find(|row| row.objective == objective) {
            row.runs += 1;
            row.struck += strikes.iter().filter(|(_, hit)| *hit).count();
            row.losses += expected.losses.len();
            row.again += found.again();
            row.digests += expected.digests.len() + 1;
            row.lost += lost;
        }
        self.lost += lost;
        self.losses.extend(differences.into_iter().map(|what| format!("{objective}: {what}")));
    }
}
