//! Events of a run and its stages.

use crate::ids::{Digest, RunName, StageName};
use crate::session::finite::Finite;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A segment of a run began. The first record of every log of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunStarted {
    /// The run's name within its session.
    pub run: RunName,
    /// 1 for the first, one more for every resumption.
    pub segment: u32,
    /// The fully resolved recipe.
    pub recipe: Value,
    /// The recipe's stages in their order, in brief.
    pub stages: Vec<StagePlan>,
    /// Where a later segment goes on. Absent: at the beginning.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resumed_from: Option<ResumePoint>,
    /// The run this one was forked from, `<session>/<run>`, at `resumed_from`. Absent where it was not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub forked_from: Option<String>,
    /// What the same process was to start after this run, in order; absent where nothing was.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub series: Vec<StillToStart>,
    /// Version of this program.
    pub program_version: String,
    /// Revision of its source; absent where it was not built from a repository.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub git: Option<String>,
    /// The computer's name.
    pub host: String,
    /// The runner's process.
    pub pid: u32,
    /// `cpu` or `cuda:N`.
    pub device: String,
    /// Threads that compute.
    pub threads: u32,
    /// Seed of every random stream.
    pub seed: u64,
}

/// A run of a series that had not begun.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StillToStart {
    /// The command that starts it in the same session.
    pub command: String,
    /// Digest of its resolved recipe, by which a run that has begun since is known.
    pub recipe: Digest,
}

/// One stage of the recipe as far as a reader must know it in advance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StagePlan {
    /// The stage's name.
    pub stage: StageName,
    /// Its objective, such as `clip`.
    pub objective: String,
    /// Optimizer updates it will make; 0 where it makes none.
    pub steps: u64,
}

/// A place in a run: after that many steps of that stage.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResumePoint {
    /// The stage.
    pub stage: StageName,
    /// Its place in the recipe, from 0.
    pub index: u32,
    /// Steps of the stage that were already made.
    pub step: u64,
    /// The checkpoint, relative to the checkpoints folder; absent at the beginning of a stage.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Digest of its `params.safetensors`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<Digest>,
}

/// The run waits for its turn; its log is held.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Queued {
    /// The run it waits for, `<session>/<run>`; absent where it waits for the machine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
}

/// A stage began, or went on in a new segment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StageStarted {
    /// The stage.
    pub stage: StageName,
    /// Its place in the recipe, from 0.
    pub index: u32,
    /// Number of stages in the recipe.
    pub stages: u32,
    /// Its objective.
    pub objective: String,
    /// Optimizer updates it will have made at its end.
    pub steps: u64,
    /// Updates already made when it began here; 0 unless resumed.
    pub from_step: u64,
    /// Numbers that are trained.
    pub trainable_parameters: u64,
    /// Numbers that are not.
    pub frozen_parameters: u64,
    /// What it trains on; absent where it needs no data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<DataUsed>,
    /// The embedding table it reads; absent where it reads none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub table: Option<TableUsed>,
    /// What it stands on; absent where it starts from random weights.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base: Option<Base>,
}

/// A split of a data set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DataUsed {
    /// The data set's name.
    pub name: String,
    /// Digest of the split.
    pub digest: Digest,
    /// Items in it.
    pub items: u64,
    /// The format it was read from, as recognised or forced; absent in older logs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub format: Option<String>,
}

/// An embedding table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TableUsed {
    /// The table's digest: its name on disk.
    pub digest: Digest,
    /// Card of the encoder that made it.
    pub card: Value,
}

/// Weights that a stage begins with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Base {
    /// `builtin:NAME`, a checkpoint `<session>/<run>/<stage>@<step>`, or a model's name.
    pub name: String,
    /// Digest of its parameters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<Digest>,
}

/// A stage ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StageFinished {
    /// The stage.
    pub stage: StageName,
    /// Optimizer updates made, in all segments.
    pub steps: u64,
    /// Training loss of its last step; absent where it made none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub loss: Option<Finite>,
    /// Seconds it took in this segment.
    pub seconds: Finite,
    /// Digest of its last `params.safetensors`.
    pub digest: Digest,
    /// Why it made fewer steps than planned; absent where it made all of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stopped_early: Option<StoppedEarly>,
}

/// What a stage waited for in vain.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StoppedEarly {
    /// What was watched, such as `recall@1`.
    pub metric: String,
    /// Its best value.
    pub best: Finite,
    /// The step of that value.
    pub best_step: u64,
    /// Validations since that were no better.
    pub validations: u64,
}

/// The run stopped stepping and keeps its place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Paused {}

/// A paused or queued run goes on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Continued {}

/// The runner is alive and had nothing else to say.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Heartbeat {}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    /// Every stage was finished.
    Done,
    /// Asked to end, after a checkpoint.
    Stopped,
    /// An error ended it.
    Failed,
}

/// The run ended by itself. The last record of its log.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunFinished {
    /// How.
    pub state: Ending,
    /// Why, where it is not `done`: the error's text, or which signal or command.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Seconds since this segment began.
    pub seconds: Finite,
    /// sha256 of the last stage's last `params.safetensors`; absent where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub final_digest: Option<Digest>,
}
