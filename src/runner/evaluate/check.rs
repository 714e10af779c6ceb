//! What can be known to be wrong with a comparison before anything is encoded.

use super::compare::CompareRequest;
use super::encoders::Encoders;
use super::probe::Probe;
use super::qrels::{Judged, Qrels};
use crate::encode::{EncodeError, EncoderSpec, Tower, builtin};
use crate::eval::Task;
use crate::runner::RunError;
use std::path::Path;

impl Encoders<'_> {
    /// Whether there is something to load for every encoder; nothing is loaded.
    ///
    /// # Errors
    /// The first one that is not there.
    pub fn check(&self, specs: &[EncoderSpec]) -> Result<(), RunError> {
        for spec in specs.iter().filter(|spec| spec.source != "bm25") {
            match spec.source.strip_prefix("table:") {
                None => self.sources().check(&spec.source)?,
                Some(file) if Path::new(file).is_file() => {}
                Some(_) => {
                    let expected = "table:FILE with a file that `embed` wrote".to_owned();
                    return Err(EncodeError::Unknown { name: spec.source.clone(), expected }.into());
                }
            }
        }
        Ok(())
    }
}

/// Checks a comparison: its encoders are there and fit the task, its judgements are of this data, and
/// there is something to choose among.
///
/// # Errors
/// The first thing that is wrong.
pub fn check_compare(
    encoders: &Encoders<'_>,
    probe: &Probe,
    request: &CompareRequest,
) -> Result<(), RunError> {
    encoders.check(&request.encoders)?;
    for spec in &request.encoders {
        fits(spec, probe)?;
    }
    for direction in probe.directions() {
        let found = probe.answerers(direction).len();
        if found < 2 {
            return Err(RunError::Unfit(format!(
                "direction {direction} would search a gallery of {found}: expected two items at least; \
                 choose a larger --pool or another split"
            )));
        }
    }
    request.qrels.as_ref().map_or(Ok(()), |file| judged(file, probe).map(drop))
}

/// Encoders that by their name alone lack what a task asks for.
fn fits(spec: &EncoderSpec, probe: &Probe) -> Result<(), RunError> {
    let label = &spec.label;
    let what = match probe.task {
        Task::Image if spec.source == "bm25" => {
            "compares words and has nothing to say about pictures; leave it to the caption task"
        }
        Task::Image if spec.source == builtin::LLAMA => {
            "is a Llama and has no image tower; name a clip or llm2clip checkpoint"
        }
        Task::Caption if spec.options.tower == Some(Tower::Image) => {
            "encodes no texts: expected an encoder of texts in the caption task, found tower=image; leave it out"
        }
        Task::Image | Task::Caption => return Ok(()),
    };
    Err(RunError::Unfit(format!("{label} {what}")))
}

/// What a file of judgements says about a probe; refused where that is nothing.
pub(super) fn judged(file: &Qrels, probe: &Probe) -> Result<Judged, RunError> {
    let judged = file.judge(probe, &probe.possible());
    if judged.directions.is_empty() {
        return Err(RunError::Unfit(format!(
            "{}: expected judgements on this data set's queries and items, found none of them; ids are those that `export` writes, `item#k` and `item@n`",
            file.name
        )));
    }
    Ok(judged)
}
