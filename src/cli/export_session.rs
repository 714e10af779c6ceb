//! What an export writes, format by format.

use crate::eval::classify::{CLASSIFY_FORMAT, ClassifyDocument};
use crate::eval::document::COMPARE_FORMAT;
use crate::eval::{CompareDocument, Relevant};
use crate::export::{
    Folder, Format, NamedSeries, charts, class_charts, class_differences, class_rows, csv,
    rank_charts, replicate_differences, replicate_rows, trec,
};
use crate::ids::item_of;
use crate::session::Time;
use crate::session::folder::Session;
use crate::session::follow::{logs_in, read_run};
use crate::session::judged::{BY_CONCEPT, JudgedSet, ids_say, read_judged};
use crate::session::neighbours::{NeighbourSet, read_neighbours};
use crate::session::results::{ResultId, Results, results_of};
use crate::session::runs::RunRow;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// What an export wrote.
#[derive(Debug)]
pub struct ExportedFiles {
    /// The files' names, in the order of writing.
    pub files: Vec<String>,
    /// What could not be read.
    pub skipped: Vec<Skipped>,
}

/// A part of a session that could not be read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Skipped {
    /// Which run or result.
    pub what: String,
    /// Why; paths are relative to the session's folder.
    pub why: String,
}

/// What a session holds, as far as it could be read.
struct Parts<'a> {
    session: &'a Session,
    results: Results,
    ids: Vec<ResultId>,
    stored: Vec<Value>,
    comparisons: Vec<(String, CompareDocument)>,
    classifications: Vec<(String, ClassifyDocument)>,
    runs: Vec<Value>,
    series: Vec<NamedSeries>,
    skipped: Vec<Skipped>,
}

/// Writes what `formats` name of `export.json`, CSV, TREC files and every chart; tells the files' names
/// and what could not be read, which is left out. A function of the session's files alone: the same
/// session gives the same bytes.
///
/// # Errors
/// A session without a readable folder, and files that cannot be written.
pub fn export_session(
    session: &Session,
    out: &Path,
    formats: &[Format],
) -> anyhow::Result<ExportedFiles> {
    let mut folder = Folder::new(out, formats);
    let mut parts = Parts::read(session, &folder)?;
    if folder.wants(Format::Trec) || folder.wants_charts() {
        for id in std::mem::take(&mut parts.ids) {
            parts.lists(&id, &mut folder)?;
        }
    }
    if folder.wants(Format::Csv) {
        parts.tables(&mut folder)?;
    }
    if folder.wants_charts() {
        charts(&mut folder, &parts.series, &parts.comparisons)?;
        class_charts(&mut folder, &parts.classifications)?;
    }
    if folder.wants(Format::Json) {
        folder.text("export", "json", &format!("{:#}\n", parts.document()))?;
    }
    let name =
        |path: PathBuf| path.strip_prefix(out).unwrap_or(&path).to_string_lossy().into_owned();
    let files = folder.into_written().into_iter().map(name).collect();
    Ok(ExportedFiles { files, skipped: parts.skipped })
}

impl<'a> Parts<'a> {
    /// Reads what the formats need.
    fn read(session: &'a Session, folder: &Folder<'_>) -> anyhow::Result<Self> {
        let results = results_of(session.folder());
        let mut parts = Self {
            session,
            ids: results.list()?,
            results,
            stored: Vec::new(),
            comparisons: Vec::new(),
            classifications: Vec::new(),
            runs: Vec::new(),
            series: Vec::new(),
            skipped: Vec::new(),
        };
        if folder.wants(Format::Json) || folder.wants(Format::Csv) || folder.wants_charts() {
            parts.read_runs(folder)?;
        }
        for id in std::mem::take(&mut parts.ids) {
            if parts.read_result(&id) {
                parts.ids.push(id);
            }
        }
        Ok(parts)
    }

    fn read_runs(&mut self, folder: &Folder<'_>) -> anyhow::Result<()> {
        for run in logs_in(self.session.folder())?.into_keys() {
            let follower = match read_run(self.session.folder(), &run) {
                Ok(follower) => follower,
                Err(error) => {
                    self.skip(format!("run {run}"), &error);
                    continue;
                }
            };
            let state = follower.state();
            if folder.wants(Format::Csv) || folder.wants_charts() {
                let stages = state.stages.iter();
                self.series
                    .extend(stages.flat_map(|stage| NamedSeries::of_stage(run.as_str(), stage)));
            }
            // The state of a run is a matter of the moment; what it recorded is not.
            let row = RunRow::of(self.session.id(), &follower, Time::now());
            let mut row = serde_json::to_value(row)?;
            if let Some(row) = row.as_object_mut() {
                row.remove("eta_s");
            }
            let recipe = state.started.as_ref().map(|started| &started.recipe);
            self.runs.push(json!({"row": row, "recipe": recipe}));
        }
        Ok(())
    }

    /// Whether a result could be read.
    fn read_result(&mut self, id: &ResultId) -> bool {
        let result = match self.results.read(id) {
            Ok(result) => result,
            Err(error) => {
                self.skip(format!("result {id}"), &error);
                return false;
            }
        };
        match result.format.as_str() {
            COMPARE_FORMAT => {
                let typed = self.typed(id, &result.document);
                self.comparisons.extend(typed);
            }
            CLASSIFY_FORMAT => {
                let typed = self.typed(id, &result.document);
                self.classifications.extend(typed);
            }
            _ => {}
        }
        self.stored.push(json!({"id": id.to_string(), "document": result.document}));
        true
    }

    /// A document as tables and charts need it; without the keys it must have it is in `export.json`
    /// alone.
    fn typed<T: DeserializeOwned>(
        &mut self,
        id: &ResultId,
        document: &Value,
    ) -> Option<(String, T)> {
        match T::deserialize(document) {
            Ok(typed) => Some((id.to_string(), typed)),
            Err(error) => {
                self.skip(format!("result {id} in tables and charts"), &error);
                None
            }
        }
    }

    fn skip(&mut self, what: String, error: &dyn std::error::Error) {
        let mut why = error.to_string();
        if let Some(cause) = error.source().map(ToString::to_string)
            && !why.contains(&cause)
        {
            why = format!("{why}: {cause}");
        }
        // The same wherever the session lies.
        let folder = format!("{}/", self.session.folder().display());
        self.skipped.push(Skipped { what, why: why.replace(&folder, "") });
    }

    /// Who stood near whom in a result: ranked lists, judgements, and charts of the ranks.
    fn lists(&mut self, id: &ResultId, folder: &mut Folder<'_>) -> anyhow::Result<()> {
        let path = self.results.neighbours_path(id);
        if !path.exists() {
            // Of a set that says nothing of what answers what, a second one's lists are the only ones.
            return if folder.wants(Format::Trec) { self.second(id, folder) } else { Ok(()) };
        }
        let sets = match read_neighbours(&path) {
            Ok(sets) => sets,
            Err(error) => {
                self.skip(format!("neighbours of result {id}"), &error);
                return Ok(());
            }
        };
        rank_charts(folder, id.as_str(), &sets)?;
        if !folder.wants(Format::Trec) {
            return Ok(());
        }
        let own = self.results.judged_path(id);
        if let Some(judged) = self.judgements(id, &own) {
            let captions = self.captions(id);
            let not_said = write_trec(folder, id.as_str(), &sets, judged, ids_say(&captions))?;
            let shared = if captions == BY_CONCEPT { "concept" } else { "label" };
            self.skipped.extend(not_said.into_iter().map(|direction| Skipped {
                what: format!("judgements of result {id} in direction {direction} as TREC files"),
                why: format!("pictures of one {shared} answer each other, which their ids do not say, and its session does not keep it for these queries: an earlier version wrote it; compare or inspect once more"),
            }));
        }
        self.second(id, folder)
    }

    /// What a result's protocol says of its captions.
    fn captions(&self, id: &ResultId) -> String {
        let own = self.stored.iter().find(|stored| stored["id"] == id.as_str());
        let captions = own.and_then(|own| own["document"]["protocol"]["captions"].as_str());
        captions.unwrap_or_default().to_owned()
    }

    /// The judgements in a file that need not be there; none where it cannot be read.
    fn judgements(&mut self, id: &ResultId, path: &Path) -> Option<Vec<JudgedSet>> {
        if !path.exists() {
            return Some(Vec::new());
        }
        match read_judged(path) {
            Ok(judged) => Some(judged),
            Err(error) => {
                self.skip(format!("judgements of result {id}"), &error);
                None
            }
        }
    }

    /// Lists and judgements under a second set, where a comparison has one.
    fn second(&mut self, id: &ResultId, folder: &mut Folder<'_>) -> anyhow::Result<()> {
        let (lists, judged) =
            (self.results.second_neighbours_path(id), self.results.second_judged_path(id));
        if !lists.exists() || !judged.exists() {
            let has = |(of, document): &(String, CompareDocument)| {
                of == id.as_str() && document.qrels.is_some()
            };
            if self.comparisons.iter().any(has) {
                self.skipped.push(Skipped {
                    what: format!("second judgements of result {id} as TREC files"),
                    why: "its session does not keep them: an earlier version compared; compare once more".to_owned(),
                });
            }
            return Ok(());
        }
        let sets = match read_neighbours(&lists) {
            Ok(sets) => sets,
            Err(error) => {
                self.skip(format!("neighbours of result {id} under its second judgements"), &error);
                return Ok(());
            }
        };
        let Some(judged) = self.judgements(id, &judged) else { return Ok(()) };
        let not_said = write_trec(folder, &format!("{id}.second"), &sets, judged, false)?;
        self.skipped.extend(not_said.into_iter().map(|direction| Skipped {
            what: format!(
                "second judgements of result {id} in direction {direction} as TREC files"
            ),
            why: "what its session keeps of them is of other queries; compare once more".to_owned(),
        }));
        Ok(())
    }

    fn tables(&self, folder: &mut Folder<'_>) -> anyhow::Result<()> {
        let all = &self.comparisons;
        folder.text("compare", "csv", &csv::compare_rows(all))?;
        folder.text("differences", "csv", &csv::compare_differences(all))?;
        if all.iter().any(|(_, document)| document.sweep.is_some()) {
            folder.text("sweep", "csv", &csv::sweep_rows(all))?;
        }
        if all.iter().any(|(_, document)| !document.replicates.is_empty()) {
            folder.text("replicates", "csv", &replicate_rows(all))?;
            folder.text("replicate_differences", "csv", &replicate_differences(all))?;
        }
        if !self.classifications.is_empty() {
            folder.text("classify", "csv", &class_rows(&self.classifications))?;
            let differences = class_differences(&self.classifications);
            folder.text("classify_differences", "csv", &differences)?;
        }
        folder.text("series", "csv", &csv::series(&self.series))?;
        Ok(())
    }

    fn document(&self) -> Value {
        let mut document = json!({
            "format": "llm2clip.export/1",
            "session": self.session.card(),
            "runs": self.runs,
            "results": self.stored,
        });
        if !self.skipped.is_empty() {
            document["skipped"] = json!(self.skipped);
        }
        document
    }
}

/// Writes a run an encoder and direction, and the judgements of each direction; tells the directions it
/// left out, since neither `judged` nor, where `ids_say`, the ids of a set say what answers what there.
fn write_trec(
    folder: &mut Folder<'_>,
    stem: &str,
    sets: &[NeighbourSet],
    judged: Vec<JudgedSet>,
    ids_say: bool,
) -> anyhow::Result<BTreeSet<String>> {
    let known = judged.into_iter().map(|set| (set.direction.clone(), set));
    let known: BTreeMap<String, JudgedSet> = known.collect();
    // All encoders of a comparison are asked the same.
    let mut written: BTreeMap<&str, Option<Relevant>> = BTreeMap::new();
    for set in sets {
        let first = !written.contains_key(set.direction.as_str());
        let found = written.entry(&set.direction).or_insert_with(|| {
            let fits =
                |kept: &&JudgedSet| kept.queries == set.queries && kept.gallery == set.gallery;
            match known.get(&set.direction).filter(fits) {
                Some(kept) => Some(kept.relevant.clone()),
                None => ids_say.then(|| relevant(set)),
            }
        });
        let Some(relevant) = found else { continue };
        let name = format!("{stem}.{}.{}", set.role, set.direction);
        folder.text(&name, "run", &trec::run(set, relevant))?;
        if first {
            let qrels = trec::qrels(&set.queries, &set.gallery, relevant);
            folder.text(&format!("{stem}.{}", set.direction), "qrels", &qrels)?;
        }
    }
    let not_said = written.into_iter().filter(|(_, found)| found.is_none());
    Ok(not_said.map(|(direction, _)| direction.to_owned()).collect())
}

/// Who answers whom by a set's own judgements: captions `item#k` and pictures `item@n` of one item
/// belong together.
fn relevant(set: &NeighbourSet) -> Relevant {
    let mut places: BTreeMap<&str, Vec<u32>> = BTreeMap::new();
    for (place, id) in set.gallery.iter().enumerate() {
        places.entry(item_of(id)).or_default().push(place as u32);
    }
    Relevant::from_lists(set.queries.iter().map(|query| {
        let own = places.get(item_of(query)).into_iter().flatten().copied();
        own.filter(|&place| set.gallery[place as usize] != *query).collect::<Vec<_>>()
    }))
}
