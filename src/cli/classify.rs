//! `classify`: pictures against candidate texts, under several encoders.

use super::dataset::{Pictures, at_least_one, exif_of, open, own_picture};
use super::global::{Global, Refused};
use super::text::{difference, interval, percent, safe, same_rows};
use crate::data::picture::Exif;
use crate::encode::parse_list;
use crate::eval::classify::{ClassHit, ClassifyDocument};
use crate::runner::Narrator;
use crate::runner::evaluate::{
    ClassifyRequest, Encoders, LabelledPictures, candidates, classify as classify_pictures,
};
use crate::session::results::results_of;
use clap::Args;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

/// `classify`
#[derive(Args)]
pub struct Classify {
    /// `[LABEL=]SPEC[OPTIONS]`, separated by commas.
    #[arg(long)]
    encoders: String,
    /// One picture.
    #[arg(long, value_name = "FILE", group = "what", required = true)]
    image: Option<PathBuf>,
    /// A folder of pictures; folders within it are the classes its pictures belong to.
    #[arg(long, value_name = "DIR", group = "what")]
    images: Option<PathBuf>,
    /// A data set with pictures, and labels where something is to be counted.
    #[arg(long, value_name = "D", group = "what")]
    dataset: Option<String>,
    /// Where a relative path of a data set starts.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// The split, where the set has splits.
    #[arg(long, default_value = "test")]
    split: String,
    /// The first N items.
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    pool: Option<usize>,
    /// The classes: texts separated by commas, or a file with one a line; a tab in a line separates
    /// the label from the text that stands for it.
    #[arg(long, value_name = "TEXT,TEXT|FILE")]
    candidates: String,
    /// A text with {} in the place of the class; several are averaged [default: {}].
    #[arg(long, value_name = "TEXT")]
    template: Vec<String>,
    /// Classes listed a picture.
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = at_least_one)]
    top: usize,
}

/// `llm2clip classify`
pub fn classify(global: &Global, args: &Classify) -> anyhow::Result<ExitCode> {
    let specs = parse_list(&args.encoders).map_err(|error| Refused(error.to_string()))?;
    let candidates =
        candidates(&args.candidates).map_err(|error| Refused(format!("--candidates: {error}")))?;
    if let Some(template) = args.template.iter().find(|template| !template.contains("{}")) {
        let message = format!("--template: expected {{}} where the class goes, found {template:?}");
        return Err(Refused(message).into());
    }
    if global.session.is_some() {
        global.may_write()?;
    }
    if let Some(file) = &args.image {
        own_picture(file)?;
    }
    let workspace = global.workspace(None)?;
    Encoders { workspace: &workspace, exif: Exif::Applied }.check(&specs)?;
    let decoded = global.decoded()?;
    let (split, pool) = (Some(args.split.as_str()), args.pool);
    let part = Some(Pictures { split, pool, decoded: &decoded });
    let (pictures, exif) = match (&args.image, &args.images, &args.dataset) {
        (Some(file), _, _) => (LabelledPictures::one(file), Exif::Applied),
        (_, Some(folder), _) => {
            let corpus = open(&folder.display().to_string(), None, part)?;
            (LabelledPictures::of(&corpus, &args.split, args.pool)?, Exif::Applied)
        }
        (_, _, set) => {
            let set = set.as_deref().unwrap_or_default();
            let corpus = open(set, args.data.as_deref(), part)?;
            let pictures = LabelledPictures::of(&corpus, &args.split, args.pool)?;
            (pictures, exif_of(set, args.data.as_deref()))
        }
    };
    let encoders = Encoders { workspace: &workspace, exif };
    let request = ClassifyRequest {
        encoders: specs,
        candidates,
        templates: if args.template.is_empty() {
            vec!["{}".to_owned()]
        } else {
            args.template.clone()
        },
        top: args.top,
        seed: global.seed.unwrap_or(0),
    };
    let mut narrator = Narrator::new(None, global.voice());
    let document = classify_pictures(&encoders, &pictures, &request, &mut narrator)?;
    let kept = (|| {
        let Some(session) = global.named_session(&workspace)? else { return anyhow::Ok(()) };
        let results = results_of(session.folder());
        let id = results.free_id("classify")?;
        results.write(&id, &document)?;
        Ok(())
    })();
    // What was found is told also where it cannot be kept.
    global.print(&document, human)?;
    kept?;
    Ok(ExitCode::SUCCESS)
}

/// Pictures a person is shown; `--json` has all.
const SHOWN: usize = 40;

fn human(document: &ClassifyDocument) -> String {
    let protocol = &document.protocol;
    let mut text = format!(
        "classify  {}  {} pictures  {} classes  {} templates\n",
        safe(&protocol.dataset),
        document.pictures.len(),
        document.candidates.len(),
        document.templates.len()
    );
    let widest = |names: &mut dyn Iterator<Item = &str>, least: usize| {
        names.map(|name| safe(name).chars().count()).max().unwrap_or(0).clamp(least, 30)
    };
    let role = widest(&mut document.rows.iter().map(|row| row.role.as_str()), 7);
    let _ = writeln!(
        text,
        "\n{:<role$} {:>8} {:>16} {:>8} {:>16} {:>8} {:>10}",
        "encoder", "top-1 %", "95 %", "top-5 %", "95 %", "scale", "ms/picture"
    );
    for row in &document.rows {
        let blank = || ["-"; 4].map(str::to_owned);
        let [one, one_ends, five, five_ends] =
            row.metrics.zip(row.ci95).map_or_else(blank, |(m, c)| {
                [percent(m.top_1), interval(c.top_1), percent(m.top_5), interval(c.top_5)]
            });
        let _ = writeln!(
            text,
            "{:<role$} {one:>8} {one_ends:>16} {five:>8} {five_ends:>16} {:>8.2} {:>10.2}",
            safe(&row.role),
            row.scale,
            row.ms_per_item
        );
    }
    for found in document.differences.iter().filter(|found| found.p.is_some()) {
        text.push_str(&difference(found, &format!(": {}", found.of.metric)));
    }
    let labelled = &document.labelled;
    if labelled.unknown > 0 {
        let names: Vec<String> =
            labelled.unknown_labels.iter().map(|unknown| safe(&unknown.label)).collect();
        let _ = writeln!(
            text,
            "not counted: {} pictures labelled {}",
            labelled.unknown,
            names.join(", ")
        );
    }
    text.push_str(&same_rows(&document.same_rows));
    text.push('\n');
    let said = |hit: &ClassHit| {
        let name = document.candidates.get(hit.candidate).map_or("", String::as_str);
        format!("{} {} %", safe(name), percent(hit.probability))
    };
    let one = document.pictures.len() == 1;
    for picture in document.pictures.iter().take(SHOWN) {
        let label = picture
            .label
            .as_deref()
            .map_or_else(String::new, |label| format!("  [{}]", safe(label)));
        let _ = writeln!(text, "{}{label}", safe(&picture.item));
        for (row, classes) in document.rows.iter().zip(&picture.classes) {
            let count = if one { classes.len() } else { 3 };
            let classes: Vec<String> = classes.iter().take(count).map(said).collect();
            let _ = writeln!(text, "  {:<role$} {}", safe(&row.role), classes.join("   "));
        }
    }
    if document.pictures.len() > SHOWN {
        let rest = document.pictures.len() - SHOWN;
        let _ = writeln!(text, "and {rest} more pictures: --json lists all");
    }
    text
}
