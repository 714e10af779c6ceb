//! What to do, as plain data: a recipe is a list of stages, a stage is one objective with its own
//! steps. Nothing here runs anything, reads a clock or looks at a disk.
//!
//! | file | holds |
//! |---|---|
//! | `stage.rs` | [`Recipe`], [`Stage`] and the keys every stage has |
//! | `objective.rs` | [`Objective`]: what is minimised, and its own keys |
//! | `shape.rs` | sizes of towers that start from fresh weights |
//! | `presets.rs` | the recipes that have a name |
//! | `schedule.rs` | learning rate as a function of the step |
//! | `edit.rs` | `--set`, TOML files, unknown keys |
//! | `wanted.rs` | why a value does not fit its key, in words |
//! | `validate.rs` | all problems of a recipe at once |
//! | `watched.rs` | which validation is the best |
//! | `difference.rs` | what differs between two recipes |
//! | `estimate.rs` | what a recipe will take, as a document |
//! | `cadence.rs` | how often a stage is measured and saved |
//! | `meaning.rs` | what a key means, from the documentation |

mod cadence;
mod difference;
mod edit;
mod estimate;
mod meaning;
mod objective;
mod presets;
mod schedule;
mod shape;
mod stage;
mod validate;
mod wanted;
mod watched;

pub use cadence::Cadence;
pub use difference::{Difference, difference};
pub use edit::{EditError, apply_set, from_toml, near};
pub use estimate::{ESTIMATE_FORMAT, Estimate, StageEstimate, StageTime, same_work};
pub use meaning::meaning;
pub use objective::{MaskStyle, Objective, Pooling};
pub use presets::{names, preset};
pub use schedule::{Schedule, learning_rate};
pub use shape::{LlamaShape, TextShape, VisionShape};
pub use stage::{Init, OnBadStep, Recipe, Stage, Trainable};
pub use validate::{Problem, validate};
pub use watched::Watched;
