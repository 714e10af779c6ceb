//! What follows the last stage of a recipe that reports: both comparisons, one inspection, the export.

use super::evaluate::{
    Captions, CompareRequest, Encoders, InspectRequest, Probe, ProbeRequest, Query, compare,
    inspect, keep,
};
use super::start::{last_checkpoint, stage_folder};
use super::{Narrator, RunError, Workspace};
use crate::data::picture::Exif;
use crate::encode::{EncoderSpec, Options, Tower, builtin};
use crate::eval::{CompareDocument, Direction, InspectDocument, Task};
use crate::nn::Mask;
use crate::recipe::{Objective, Recipe};
use crate::session::event::{Compared, Inspected};
use crate::session::folder::Session;
use crate::session::results::results_of;
use std::path::Path;

/// Length of an inspection's lists.
const INSPECT_K: usize = 10;

/// What a reporting run made of its encoders.
pub struct Report {
    /// Caption retrieval.
    pub caption: CompareDocument,
    /// Pictures and captions, all four directions.
    pub image: CompareDocument,
    /// One query under CLIP and LLM2CLIP.
    pub inspect: InspectDocument,
}

/// Evaluates the run's encoders; [`RunError::Stopped`] where the end was asked for in between.
pub fn report(
    workspace: &Workspace,
    session: &Session,
    recipe: &Recipe,
    run: &Path,
    narrator: &mut Narrator,
) -> Result<Report, RunError> {
    let encoders = Encoders { workspace, exif: Exif::Ignored };
    let results = results_of(session.folder());
    let data = recipe.stages.first().map_or("emoji", |stage| stage.data.as_str());
    let corpus = crate::data::open::open(data, None)?;
    // CLIP's text tower was trained on English; every encoder is asked in the same language.
    let request = |task, captions| ProbeRequest {
        query_language: Some("en".to_owned()),
        gallery_language: Some("en".to_owned()),
        ..ProbeRequest::new(task, captions)
    };

    let asked = request(Task::Caption, Captions::FirstTwo);
    let probe = Probe::new(&corpus, &asked)?.given_as(data, None, &asked);
    let specs = caption_encoders(workspace, recipe, run)?;
    let compared =
        CompareRequest { encoders: specs, seed: recipe.seed, ..CompareRequest::default() };
    let (caption, sets) = compare(&encoders, &probe, &compared, narrator)?;
    let id = results.free_id("caption")?;
    keep(session.folder(), &results, &id, &probe, &sets.own, encoders.exif)?;
    results.write(&id, &caption)?;
    narrator.tell(Compared { id: id.to_string(), task: "caption".to_owned() })?;
    narrator.attend_between()?;

    let asked = request(Task::Image, Captions::Any);
    let probe = Probe::new(&corpus, &asked)?.given_as(data, None, &asked);
    let specs = image_encoders(workspace, recipe, run)?;
    let compared =
        CompareRequest { encoders: specs.clone(), seed: recipe.seed, ..CompareRequest::default() };
    let (image, sets) = compare(&encoders, &probe, &compared, narrator)?;
    let id = results.free_id("image")?;
    keep(session.folder(), &results, &id, &probe, &sets.own, encoders.exif)?;
    results.write(&id, &image)?;
    narrator.tell(Compared { id: id.to_string(), task: "image".to_owned() })?;
    narrator.attend_between()?;

    let (Some(first), Some(last)) = (specs.first(), specs.last()) else {
        return Err(RunError::Unfit("the recipe has no image towers to inspect".to_owned()));
    };
    let request = InspectRequest {
        encoders: [first.clone(), last.clone()],
        direction: Direction::TextToImage,
        query: Query::MostImproved,
        k: INSPECT_K,
        qrels: None,
    };
    let (inspected, neighbours) = inspect(&encoders, &probe, &request, narrator)?;
    let id = results.free_id("inspect")?;
    keep(session.folder(), &results, &id, &probe, &neighbours.own, encoders.exif)?;
    results.write(&id, &inspected)?;
    narrator.tell(Inspected { id: id.to_string() })?;
    Ok(Report { caption, image, inspect: inspected })
}

/// A stage's last checkpoint as an encoder.
fn of_stage(
    workspace: &Workspace,
    recipe: &Recipe,
    run: &Path,
    role: &str,
    wanted: impl Fn(&crate::recipe::Stage) -> bool,
) -> Option<EncoderSpec> {
    let stage = recipe.stages.iter().find(|stage| wanted(stage))?;
    let folder = stage_folder(workspace, run, stage.name.as_str());
    let folder = last_checkpoint(&folder, stage.steps);
    Some(EncoderSpec {
        label: role.to_owned(),
        source: workspace.sources().name_of(&folder),
        options: Options::default(),
    })
}

/// BM25, CLIP's text tower, the language model as it is, made bidirectional, and after each stage.
fn caption_encoders(
    workspace: &Workspace,
    recipe: &Recipe,
    run: &Path,
) -> Result<Vec<EncoderSpec>, RunError> {
    let plain = |label: &str, source: &str, options| EncoderSpec {
        label: label.to_owned(),
        source: source.to_owned(),
        options,
    };
    let bidirectional = Options { attention: Some(Mask::Bidirectional), ..Options::default() };
    let text = Options { tower: Some(Tower::Text), ..Options::default() };
    let mut specs = vec![plain("bm25", "bm25", Options::default())];
    let is_clip = |stage: &crate::recipe::Stage| matches!(stage.objective, Objective::Clip { .. });
    if let Some(spec) = of_stage(workspace, recipe, run, "clip-text", is_clip) {
        specs.push(EncoderSpec { options: text, ..spec });
    }
    specs.push(plain("llama-vanilla", builtin::LLAMA, Options::default()));
    specs.push(plain("llama-bidirectional", builtin::LLAMA, bidirectional));
    let by_objective = |role: &str, name: &'static str| {
        of_stage(workspace, recipe, run, role, move |stage| stage.objective.name() == name)
    };
    specs.extend(by_objective("llama-mntp", "mntp"));
    specs.extend(by_objective("llama-simcse", "simcse"));
    specs.extend(by_objective("llama-cc", "caption-contrastive"));
    Ok(specs)
}

/// CLIP, CLIP trained on as long, and LLM2CLIP.
fn image_encoders(
    workspace: &Workspace,
    recipe: &Recipe,
    run: &Path,
) -> Result<Vec<EncoderSpec>, RunError> {
    let named = |role: &str, stage: &'static str| {
        of_stage(workspace, recipe, run, role, move |known| known.name.as_str() == stage)
    };
    let found = [
        named("clip", "clip"),
        named("clip-continued", "clip-continued"),
        named("llm2clip", "llm2clip"),
    ];
    Ok(found.into_iter().flatten().collect())
}
