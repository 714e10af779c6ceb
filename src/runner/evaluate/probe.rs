//! [`Probe`]: what a data set asks of encoders, independent of any encoder.

use crate::data::corpus::{Corpus, Item, Picture};
use crate::eval::{Direction, Judgements, Protocol, Relevant, Task};
use crate::runner::RunError;
use std::collections::BTreeMap;

/// Which captions ask, and which answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Captions {
    /// Caption 0 asks, caption 1 of every item is the gallery.
    FirstTwo,
    /// Every caption asks; its item's others are relevant.
    AllPairs,
    /// Every caption asks for its picture; a picture for any of its captions.
    Any,
}

impl Captions {
    /// The name on the command line and in protocols.
    pub fn name(self) -> &'static str {
        match self {
            Self::FirstTwo => "first-two",
            Self::AllPairs => "all-pairs",
            Self::Any => "any",
        }
    }
}

impl std::str::FromStr for Captions {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        [Self::FirstTwo, Self::AllPairs, Self::Any]
            .into_iter()
            .find(|captions| captions.name() == text)
            .ok_or_else(|| format!("expected first-two, all-pairs or any, found {text:?}"))
    }
}

/// How a probe is made from a data set.
#[derive(Clone, Debug)]
pub struct ProbeRequest {
    /// The task.
    pub task: Task,
    /// Which captions ask.
    pub captions: Captions,
    /// The split, where there are splits.
    pub split: String,
    /// The first so many items.
    pub pool: Option<usize>,
    /// Only captions in this language ask and answer.
    pub language: Option<String>,
}

/// Texts and pictures with their ids, and who belongs to whom.
#[derive(Clone, Debug)]
pub struct Probe {
    /// What other results must share to be set beside this one's.
    pub protocol: Protocol,
    /// The task.
    pub task: Task,
    /// Items that lack what the task needs, left out.
    pub left_out: usize,
    /// Texts that ask: (text, place of its item); ids as `item#k`.
    pub queries: Vec<Entry<String>>,
    /// Texts that answer; the same list where every caption does both.
    pub texts: Vec<Entry<String>>,
    /// Pictures; ids as `item@n`.
    pub pictures: Vec<Entry<Picture>>,
    units: Vec<u32>,
    one_list: bool,
}

/// One text or picture of a probe.
#[derive(Clone, Debug)]
pub struct Entry<T> {
    /// Its id: `item#k` for a caption, `item@n` for a picture.
    pub id: String,
    /// The place of its item.
    pub item: u32,
    /// The text or picture.
    pub content: T,
}

impl Probe {
    /// Lays out the probe of a data set.
    pub fn new(corpus: &Corpus, request: &ProbeRequest) -> Result<Self, RunError> {
        let has_splits = corpus.items.iter().any(|item| item.split.is_some());
        let part = if has_splits { corpus.split(&request.split) } else { corpus.clone() };
        let all: Vec<&Item> = part.items.iter().take(request.pool.unwrap_or(usize::MAX)).collect();
        let spoken = |item: &Item| -> Vec<usize> {
            let fits = |k: &usize| {
                let language = item.captions[*k].language.as_deref();
                request.language.as_deref().is_none_or(|wanted| language == Some(wanted))
            };
            (0..item.captions.len()).filter(fits).collect()
        };
        let least = match (request.task, request.captions) {
            (Task::Caption, _) => 2,
            (Task::Image, _) => 1,
        };
        let pictures_needed = usize::from(request.task == Task::Image);
        let usable: Vec<&Item> = all
            .iter()
            .copied()
            .filter(|item| spoken(item).len() >= least && item.pictures.len() >= pictures_needed)
            .collect();
        if usable.is_empty() {
            return Err(RunError::Unfit(format!(
                "data set {} has no item with {least} captions{} in split {:?}; choose another split, language or task",
                corpus.name,
                if pictures_needed > 0 { " and a picture" } else { "" },
                request.split,
            )));
        }
        let mut protocol = Protocol::new(
            &corpus.name,
            has_splits.then_some(request.split.as_str()),
            part.digest.as_str(),
            request.captions.name(),
        );
        protocol.pool = request.pool;
        protocol.query_language.clone_from(&request.language);
        protocol.gallery_language.clone_from(&request.language);
        let mut probe = Self {
            protocol,
            task: request.task,
            left_out: all.len() - usable.len(),
            queries: Vec::new(),
            texts: Vec::new(),
            pictures: Vec::new(),
            units: Vec::new(),
            one_list: request.captions != Captions::FirstTwo,
        };
        let mut numbers: BTreeMap<&str, u32> = BTreeMap::new();
        for (place, item) in usable.iter().enumerate() {
            let next = numbers.len() as u32;
            probe.units.push(*numbers.entry(item.concept.as_str()).or_insert(next));
            let entry = |k: usize| Entry {
                id: item.caption_id(k),
                item: place as u32,
                content: item.captions[k].text.clone(),
            };
            let spoken = spoken(item);
            if request.captions == Captions::FirstTwo {
                probe.queries.push(entry(spoken[0]));
                probe.texts.extend(spoken.get(1).map(|&k| entry(k)));
            } else {
                probe.texts.extend(spoken.iter().map(|&k| entry(k)));
            }
            if request.task == Task::Image {
                probe.pictures.extend(item.pictures.iter().enumerate().map(|(n, picture)| Entry {
                    id: format!("{}@{n}", item.id),
                    item: place as u32,
                    content: picture.clone(),
                }));
            }
        }
        if probe.one_list {
            probe.queries.clone_from(&probe.texts);
        }
        Ok(probe)
    }

    /// The directions this probe can ask: those in which something has an answer. With one picture
    /// an item, no picture answers another.
    pub fn directions(&self) -> Vec<Direction> {
        let asked = |direction: &Direction| !self.judgements(*direction).0.is_empty();
        match self.task {
            Task::Caption => vec![Direction::TextToText],
            Task::Image => Direction::ALL.into_iter().filter(asked).collect(),
        }
    }

    /// What answers whom in a direction. Queries without an answer are left out: `places` are those
    /// that ask.
    pub fn judgements(&self, direction: Direction) -> (Vec<usize>, Judgements) {
        let texts: Vec<u32> = self.texts.iter().map(|entry| entry.item).collect();
        let askers: Vec<u32> = self.queries.iter().map(|entry| entry.item).collect();
        let pictures: Vec<u32> = self.pictures.iter().map(|entry| entry.item).collect();
        let (queries, gallery) = match direction {
            Direction::TextToImage => (&askers, &pictures),
            Direction::ImageToText => (&pictures, &texts),
            Direction::ImageToImage => (&pictures, &pictures),
            Direction::TextToText => (&askers, &texts),
        };
        let exclude = direction == Direction::ImageToImage
            || (direction == Direction::TextToText && self.one_list);
        let mut by_item: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
        for (place, item) in gallery.iter().enumerate() {
            by_item.entry(*item).or_default().push(place as u32);
        }
        let mut places = Vec::new();
        let mut lists = Vec::new();
        for (query, item) in queries.iter().enumerate() {
            let mut list = by_item.get(item).cloned().unwrap_or_default();
            if exclude {
                list.retain(|&place| place as usize != query);
            }
            if !list.is_empty() {
                places.push(query);
                lists.push(list);
            }
        }
        let units = places.iter().map(|&query| self.units[queries[query] as usize]).collect();
        let itself = exclude.then(|| places.iter().map(|&query| query as u32).collect());
        (places, Judgements { relevant: Relevant::from_lists(lists), units, itself })
    }
}
