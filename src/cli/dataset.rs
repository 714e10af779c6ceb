//! What is asked of which data: the flags that `compare`, `inspect` and their like share.

use super::global::{Refused, say};
use crate::data::bad::Policy;
use crate::data::check::without_unreadable;
use crate::data::corpus::{Corpus, Item, Picture};
use crate::data::decoded::Decoded;
use crate::data::picture::Exif;
use crate::eval::{Direction, Task};
use crate::runner::evaluate::{Captions, Probe, ProbeRequest, SWEEP_ITEMS, outside_test};
use clap::Args;
use std::path::{Path, PathBuf};

/// The split that choices are made on.
const VALIDATION: &str = "validation";

/// What is asked of which data.
#[derive(Args)]
pub struct DataArgs {
    /// emoji, a file (JSON lines, Karpathy's or COCO's JSON, CSV, TSV, text), tar shards or a folder
    /// of pictures; FORMAT:PATH forces a format.
    #[arg(long, default_value = "emoji")]
    pub dataset: String,
    /// Where relative paths of data sets start.
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// The split, where the set has splits.
    #[arg(long, default_value = "test")]
    pub split: String,
    /// The first N items.
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    pub pool: Option<usize>,
    /// Only captions in this language ask and answer [default: captions of all languages].
    #[arg(long, value_name = "CODE")]
    language: Option<String>,
    /// Only captions in this language ask [default: --language].
    #[arg(long, value_name = "CODE")]
    query_language: Option<String>,
    /// Only captions in this language answer [default: --language].
    #[arg(long, value_name = "CODE")]
    gallery_language: Option<String>,
}

impl DataArgs {
    /// Languages of queries and gallery.
    fn languages(&self) -> Result<[Option<String>; 2], Refused> {
        let one = |own: &Option<String>| own.clone().or_else(|| self.language.clone());
        let both = [one(&self.query_language), one(&self.gallery_language)];
        if both[0].is_some() != both[1].is_some() {
            let (given, missing) = if both[0].is_some() {
                ("--query-language", "--gallery-language")
            } else {
                ("--gallery-language", "--query-language")
            };
            return Err(Refused(format!(
                "{given} alone says half of what is compared: expected {missing} or --language beside it"
            )));
        }
        Ok(both)
    }

    fn request(
        &self,
        task: Task,
        captions: Captions,
        whole: bool,
    ) -> Result<ProbeRequest, Refused> {
        let [query_language, gallery_language] = self.languages()?;
        Ok(ProbeRequest {
            task,
            captions,
            split: self.split.clone(),
            pool: self.pool,
            query_language,
            gallery_language,
            whole,
        })
    }

    /// The set with its warnings said, without items whose pictures are needed and cannot be had.
    pub fn open(&self, pictures: Option<&Decoded>) -> anyhow::Result<Corpus> {
        let (split, pool) = (Some(self.split.as_str()), self.pool);
        let pictures = pictures.map(|decoded| Pictures { split, pool, decoded });
        open(&self.dataset, self.data.as_deref(), pictures)
    }

    /// What the set asks in a task.
    pub fn probe(
        &self,
        task: Task,
        captions: Captions,
        decoded: &Decoded,
    ) -> anyhow::Result<Probe> {
        let request = self.request(task, captions, false)?;
        let pictures = (task == Task::Image).then_some(decoded);
        self.asked(&self.open(pictures)?, &request)
    }

    /// What a set that these flags gave asks.
    fn asked(&self, corpus: &Corpus, request: &ProbeRequest) -> anyhow::Result<Probe> {
        let probe = Probe::new(corpus, request)?;
        Ok(probe.given_as(&self.dataset, self.data.as_deref(), request))
    }

    /// What another set, or this one's validation split, asks in the caption task: the first items of
    /// what is not in the test. Also how many were dropped because they are.
    pub fn validation(
        &self,
        other: Option<&str>,
        captions: Captions,
    ) -> anyhow::Result<(Probe, usize)> {
        let whole = self.open(None)?;
        let splits = whole.splits();
        let test = if splits.is_empty() { whole.clone() } else { whole.split(&self.split) };
        let from = match other {
            Some(set) => open(set, self.data.as_deref(), None)?,
            None if splits.contains(&VALIDATION) && self.split != VALIDATION => {
                whole.split(VALIDATION)
            }
            None => {
                return Err(Refused(format!(
                    "--sweep chooses on items outside the test, and data set {} has no validation split beside it; name a set with --validation",
                    whole.name
                ))
                .into());
            }
        };
        let (from, dropped) = outside_test(&from, &test);
        let mut request = self.request(Task::Caption, captions, false)?;
        request.pool = Some(SWEEP_ITEMS);
        if from.splits().contains(&VALIDATION) {
            VALIDATION.clone_into(&mut request.split);
        }
        Ok((Probe::new(&from, &request)?, dropped))
    }

    /// What the set asks and answers in a direction, or in all, its whole gallery included.
    pub fn gallery(
        &self,
        direction: Option<Direction>,
        decoded: &Decoded,
    ) -> anyhow::Result<Probe> {
        if direction == Some(Direction::TextToText) {
            let request = self.request(Task::Caption, Captions::AllPairs, true)?;
            return self.asked(&self.open(None)?, &request);
        }
        let request = self.request(Task::Image, Captions::Any, true)?;
        let corpus = crate::data::open::open(&self.dataset, self.data.as_deref())?;
        let there = |item: &Item| item.pictures.iter().any(Picture::exists);
        // Captions of pictures that somebody else has are a gallery of captions.
        let captions = direction.is_none() && !corpus.items.iter().any(there);
        let corpus = if captions {
            corpus
        } else {
            let (split, policy) = (Some(self.split.as_str()), Policy::default());
            without_unreadable(corpus, &self.dataset, policy, split, self.pool, Some(decoded))?
        };
        warn(&corpus, &self.dataset);
        let request = if captions {
            ProbeRequest { task: Task::Caption, captions: Captions::AllPairs, ..request }
        } else {
            request
        };
        self.asked(&corpus, &request)
    }

    /// Orientation is obeyed in a user's own folder, and not in sets with a protocol.
    pub fn exif(&self) -> Exif {
        exif_of(&self.dataset, self.data.as_deref())
    }
}

/// A number of things, one at least.
pub fn at_least_one(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(0) | Err(_) => Err(format!("expected a whole number, at least 1, found {text:?}")),
        Ok(number) => Ok(number),
    }
}

/// A picture that somebody asks with, before anything is loaded for it.
pub fn own_picture(path: &Path) -> Result<(), Refused> {
    if path.is_file() {
        return Ok(());
    }
    Err(Refused(format!("--image: expected a picture file, found none at {}", path.display())))
}

/// Which items' pictures are read.
#[derive(Clone, Copy)]
pub struct Pictures<'a> {
    /// The split, where one is meant and the set has some.
    pub split: Option<&'a str>,
    /// Its first items; none for all.
    pub pool: Option<usize>,
    /// What is known of files that were decoded before.
    pub decoded: &'a Decoded,
}

/// Opens a set and says what is wrong with it. Where `pictures` are read, items are left out whose
/// pictures cannot be had.
pub fn open(
    set: &str,
    data: Option<&Path>,
    pictures: Option<Pictures<'_>>,
) -> anyhow::Result<Corpus> {
    let mut corpus = crate::data::open::open(set, data)?;
    if let Some(Pictures { split, pool, decoded }) = pictures {
        let policy = Policy::default();
        corpus = without_unreadable(corpus, set, policy, split, pool, Some(decoded))?;
    }
    warn(&corpus, set);
    Ok(corpus)
}

/// Bad rows that are said one by one.
const SAID: usize = 20;

fn warn(corpus: &Corpus, set: &str) {
    let Some(warning) = corpus.bad.warning(set) else { return };
    say(&format!("warning: {warning}"));
    if corpus.bad.count > 1 {
        for row in corpus.bad.listed.iter().take(SAID) {
            say(&format!("warning: left out: {row}"));
        }
    }
}

/// Orientation is obeyed in a user's own folder, and not in sets with a protocol.
pub fn exif_of(set: &str, data: Option<&Path>) -> Exif {
    let path = data.map_or_else(|| PathBuf::from(set), |folder| folder.join(set));
    if path.is_dir() { Exif::Applied } else { Exif::Ignored }
}
