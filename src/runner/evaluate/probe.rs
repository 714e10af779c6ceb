//! [`Probe`]: what a data set asks of encoders, independent of any encoder.

use super::alone::{Alone, alone};
use crate::data::corpus::{Corpus, Item, Picture};
use crate::eval::left_out::LeftOut;
use crate::eval::published::captions_digest;
use crate::eval::{Direction, Judgements, Protocol, Relevant, SetGiven, Task};
use crate::runner::RunError;
use std::collections::BTreeMap;
use std::path::Path;

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
    /// Only captions in this language ask.
    pub query_language: Option<String>,
    /// Only captions in this language answer.
    pub gallery_language: Option<String>,
    /// Whether the gallery is everything of its kind, and not only what something asks for: for
    /// queries that are typed, and for folders of pictures without captions.
    pub whole: bool,
}

impl ProbeRequest {
    /// Of all test items, in whatever languages they are.
    #[must_use]
    pub fn new(task: Task, captions: Captions) -> Self {
        Self {
            task,
            captions,
            split: "test".to_owned(),
            pool: None,
            query_language: None,
            gallery_language: None,
            whole: false,
        }
    }
}

/// Texts and pictures with their ids, and who belongs to whom.
#[derive(Clone, Debug)]
pub struct Probe {
    /// What other results must share to be set beside this one's.
    pub protocol: Protocol,
    /// How the data set was given, where somebody said so ([`Probe::given_as`]).
    pub given: Option<SetGiven>,
    /// The task.
    pub task: Task,
    /// Items that lack what the task needs, left out.
    pub left_out: usize,
    /// Rows of the set that could not be read, or whose picture is not there.
    pub bad_rows: usize,
    /// Texts that ask: (text, place of its item); ids as `item#k`.
    pub queries: Vec<Entry<String>>,
    /// Texts that answer; the same list where every caption does both.
    pub texts: Vec<Entry<String>>,
    /// Pictures; ids as `item@n`.
    pub pictures: Vec<Entry<Picture>>,
    units: Vec<u32>,
    /// What answers each other among pictures without captions, an item; else an item answers itself.
    groups: Option<Vec<u32>>,
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
    /// Lays out the probe of a data set: of its split, where it has splits.
    pub fn new(corpus: &Corpus, request: &ProbeRequest) -> Result<Self, RunError> {
        let has_splits = corpus.items.iter().any(|item| item.split.is_some());
        let part = if has_splits { corpus.split(&request.split) } else { corpus.clone() };
        let all: Vec<&Item> = part.items.iter().take(request.pool.unwrap_or(usize::MAX)).collect();
        let spoken = |item: &Item, language: Option<&str>| -> Vec<usize> {
            let fits = |k: &usize| {
                let own = item.captions[*k].language.as_deref();
                language.is_none_or(|wanted| own == Some(wanted))
            };
            (0..item.captions.len()).filter(fits).collect()
        };
        let asking = |item: &Item| spoken(item, request.query_language.as_deref());
        let answering = |item: &Item| spoken(item, request.gallery_language.as_deref());
        let pair = |item: &Item| -> Option<(usize, usize)> {
            let first = asking(item).first().copied()?;
            Some((first, answering(item).into_iter().find(|k| *k != first)?))
        };
        let captionless = request.task == Task::Image
            && request.query_language.is_none()
            && request.gallery_language.is_none()
            && all.iter().all(|item| item.captions.is_empty());
        let fits = |item: &&Item| match request.task {
            Task::Caption => pair(item).is_some(),
            Task::Image if captionless => !item.pictures.is_empty(),
            Task::Image => {
                !item.pictures.is_empty() && !asking(item).is_empty() && !answering(item).is_empty()
            }
        };
        let something = |item: &&Item| {
            !asking(item).is_empty()
                || !answering(item).is_empty()
                || (request.task == Task::Image && !item.pictures.is_empty())
        };
        let lacking = all.iter().filter(|item| !fits(item)).count();
        let usable: Vec<&Item> = if request.whole {
            all.iter().copied().filter(something).collect()
        } else {
            all.iter().copied().filter(fits).collect()
        };
        if usable.is_empty() {
            return Err(RunError::Unfit(nothing(corpus, request, has_splits)));
        }
        let alone = captionless.then(|| alone(&usable)).flatten();
        if captionless && alone.is_none() && !request.whole {
            return Err(RunError::Unfit(nothing_shared(corpus)));
        }
        let mut protocol = Protocol::new(
            &corpus.name,
            has_splits.then_some(request.split.as_str()),
            part.digest.as_str(),
            request.captions.name(),
        );
        protocol.pool = request.pool;
        protocol.query_language.clone_from(&request.query_language);
        protocol.gallery_language.clone_from(&request.gallery_language);
        if request.whole && (lacking > 0 || captionless) {
            protocol.captions.push_str(WHOLE);
        }
        if let Some(Alone { captions, .. }) = &alone {
            (*captions).clone_into(&mut protocol.captions);
        }
        let mut probe = Self {
            protocol,
            given: None,
            task: request.task,
            left_out: all.len() - usable.len(),
            bad_rows: corpus.bad.count,
            queries: Vec::new(),
            texts: Vec::new(),
            pictures: Vec::new(),
            units: Vec::new(),
            groups: alone.map(|alone| alone.groups),
            one_list: request.captions != Captions::FirstTwo
                && request.query_language == request.gallery_language,
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
            if request.captions == Captions::FirstTwo {
                let pair = pair(item);
                probe.queries.extend(pair.map(|(query, _)| entry(query)));
                probe.texts.extend(pair.map(|(_, answer)| entry(answer)));
            } else {
                probe.texts.extend(answering(item).into_iter().map(entry));
                if !probe.one_list {
                    probe.queries.extend(asking(item).into_iter().map(entry));
                }
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
        if request.captions == Captions::FirstTwo {
            let pairs = probe.queries.iter().zip(&probe.texts);
            let pairs = pairs.map(|(asks, answers)| (&*asks.content, &*answers.content));
            let digest = captions_digest(pairs).as_str().to_owned();
            probe.protocol.captions_digest = Some(digest);
        }
        Ok(probe)
    }

    /// The same, with how its data set was named and where its folder was said to be: what is made
    /// of it says so.
    #[must_use]
    pub fn given_as(mut self, dataset: &str, data: Option<&Path>, request: &ProbeRequest) -> Self {
        self.given = Some(SetGiven {
            dataset: dataset.to_owned(),
            data: data.map(|folder| folder.display().to_string()),
            split: request.split.clone(),
            pool: request.pool,
            query_language: request.query_language.clone(),
            gallery_language: request.gallery_language.clone(),
        });
        self
    }

    /// The directions this probe can ask: those in which something has an answer. With one picture
    /// an item, no picture answers another.
    pub fn directions(&self) -> Vec<Direction> {
        let asked = |direction: &Direction| self.answered(*direction) > 0;
        match self.task {
            Task::Caption => vec![Direction::TextToText],
            Task::Image => Direction::ALL.into_iter().filter(asked).collect(),
        }
    }

    /// The directions of the task in which both sides have something, whether or not the set says
    /// what is relevant.
    pub fn possible(&self) -> Vec<Direction> {
        let both = |direction: &Direction| {
            !self.askers(*direction).is_empty() && !self.answerers(*direction).is_empty()
        };
        match self.task {
            Task::Caption => vec![Direction::TextToText],
            Task::Image => Direction::ALL.into_iter().filter(both).collect(),
        }
    }

    /// What answers whom in a direction. Queries without an answer are left out: `places` are those
    /// that ask.
    pub fn judgements(&self, direction: Direction) -> (Vec<usize>, Judgements) {
        let (queries, gallery) = (self.askers(direction), self.answerers(direction));
        let exclude = self.leaves_out_itself(direction);
        let mut by_item: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
        for (place, (_, item)) in gallery.iter().enumerate() {
            by_item.entry(self.group(*item)).or_default().push(place as u32);
        }
        let mut places = Vec::new();
        let mut lists = Vec::new();
        for (query, (_, item)) in queries.iter().enumerate() {
            let mut list = by_item.get(&self.group(*item)).cloned().unwrap_or_default();
            if exclude {
                list.retain(|&place| place as usize != query);
            }
            if !list.is_empty() {
                places.push(query);
                lists.push(list);
            }
        }
        let units = places.iter().map(|&query| self.units[queries[query].1 as usize]).collect();
        let itself = exclude.then(|| places.iter().map(|&query| query as u32).collect());
        (places, Judgements { relevant: Relevant::from_lists(lists), units, itself })
    }

    /// How many of those that ask have an answer besides themselves.
    fn answered(&self, direction: Direction) -> usize {
        let mut counts: BTreeMap<u32, usize> = BTreeMap::new();
        for (_, item) in self.answerers(direction) {
            *counts.entry(self.group(item)).or_insert(0) += 1;
        }
        let least = 1 + usize::from(self.leaves_out_itself(direction));
        let has = |item: u32| counts.get(&self.group(item)).is_some_and(|&count| count >= least);
        self.askers(direction).into_iter().filter(|(_, item)| has(*item)).count()
    }

    /// What answers what: everything of one group.
    fn group(&self, item: u32) -> u32 {
        self.groups.as_ref().map_or(item, |groups| groups[item as usize])
    }

    /// What of the set is not asked or answered, counted.
    pub fn what_is_left_out(&self) -> LeftOut {
        let unanswered = |direction: Direction| {
            let count = self.askers(direction).len() - self.answered(direction);
            (count > 0).then_some((direction, count))
        };
        LeftOut {
            items: self.left_out,
            bad_rows: self.bad_rows,
            queries: self.directions().into_iter().filter_map(unanswered).collect(),
        }
    }

    /// Whether items answer each other that are not one item, so that ids do not say what answers what.
    pub(super) fn joins_items(&self) -> bool {
        let of = |groups: &Vec<u32>| groups.iter().enumerate().any(|(at, of)| at != *of as usize);
        self.groups.as_ref().is_some_and(of)
    }

    /// Whether texts that ask and texts that answer are one list.
    pub fn one_list(&self) -> bool {
        self.one_list
    }

    /// Whether the query itself stands in the gallery, at its own place, and is left out.
    pub fn leaves_out_itself(&self, direction: Direction) -> bool {
        match direction {
            Direction::ImageToImage => true,
            Direction::TextToText => self.one_list,
            Direction::TextToImage | Direction::ImageToText => false,
        }
    }

    /// Id and item's place of everything that asks in a direction, in order.
    pub fn askers(&self, direction: Direction) -> Vec<(&str, u32)> {
        match direction {
            Direction::TextToImage | Direction::TextToText => named(&self.queries),
            Direction::ImageToText | Direction::ImageToImage => named(&self.pictures),
        }
    }

    /// Id and item's place of everything that answers in a direction, in order.
    pub fn answerers(&self, direction: Direction) -> Vec<(&str, u32)> {
        match direction {
            Direction::TextToImage | Direction::ImageToImage => named(&self.pictures),
            Direction::ImageToText | Direction::TextToText => named(&self.texts),
        }
    }

    /// The unit that intervals and tests resample, of an item's place.
    pub fn unit(&self, item: u32) -> u32 {
        self.units[item as usize]
    }
}

/// What a protocol's captions say where items that lack what the task needs are in the gallery.
const WHOLE: &str = ", whole gallery";

fn named<T>(entries: &[Entry<T>]) -> Vec<(&str, u32)> {
    entries.iter().map(|entry| (entry.id.as_str(), entry.item)).collect()
}

fn nothing_shared(corpus: &Corpus) -> String {
    format!(
        "data set {}: its items have pictures and no captions, and no two pictures are of one item, concept or label, so that none answers another; expected captions, two pictures an item, or a concept or label that items share",
        corpus.name
    )
}

fn nothing(corpus: &Corpus, request: &ProbeRequest, has_splits: bool) -> String {
    let needed = match (request.whole, request.task) {
        (true, Task::Caption) => "a caption",
        (true, Task::Image) => "a caption or a picture",
        (false, Task::Caption) => "two captions",
        (false, Task::Image) => "a caption and a picture",
    };
    let languages = [&request.query_language, &request.gallery_language];
    let mut asked: Vec<&str> = languages.into_iter().flatten().map(String::as_str).collect();
    asked.dedup();
    let spoken = if asked.is_empty() {
        String::new()
    } else {
        format!(" in {} (it has {})", asked.join(" and "), corpus.languages().join(", "))
    };
    let within = if has_splits {
        format!(" in split {:?} (it has {})", request.split, corpus.splits().join(", "))
    } else {
        String::new()
    };
    format!(
        "data set {}: expected items with {needed}{spoken}{within}, found none; choose another split, language or task",
        corpus.name
    )
}
