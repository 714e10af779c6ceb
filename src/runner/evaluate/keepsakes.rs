//! What a session keeps of a result's data, so that it can be looked at where the data set is not: who
//! stood near whom, what answers what where ids do not say so, small pictures and captions of what stands
//! in its lists of neighbours.

use super::compare::Neighbours;
use super::probe::{Entry, Probe};
use crate::data::corpus::Picture;
use crate::data::picture::Exif;
use crate::data::thumbnail::thumbnail;
use crate::eval::{Direction, Judgements};
use crate::runner::RunError;
use crate::session::judged::{JudgedSet, write_judged};
use crate::session::neighbours::{NeighbourSet, write_neighbours};
use crate::session::results::{ResultId, Results};
use crate::session::thumbnails::{ItemsShown, LARGEST_THUMBNAIL, Thumbnails};
use rayon::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// A set's own judgements, as a protocol names them.
const OWN: &str = "own";
/// Bytes of pictures that one result may keep.
const PICTURE_BYTES: usize = 4 << 20;
/// Pictures that are made small at once.
const CHUNK: usize = 64;
/// Bytes of captions likewise.
const CAPTION_BYTES: usize = 2 << 20;
/// Characters kept of one caption.
const LONGEST_CAPTION: usize = 400;

/// Writes who stood near whom in a result, and keeps pictures and captions of them in the session.
/// What cannot be read is left out: it is shown by its id.
pub fn keep(
    session: &Path,
    results: &Results,
    id: &ResultId,
    probe: &Probe,
    sets: &[NeighbourSet],
    exif: Exif,
) -> Result<(), RunError> {
    keep_lists(results, id, probe, sets)?;
    keep_shown(session, id, probe, &sets.iter().collect::<Vec<_>>(), exif)
}

/// Writes who stood near whom, and what answers what where ids do not say so.
fn keep_lists(
    results: &Results,
    id: &ResultId,
    probe: &Probe,
    sets: &[NeighbourSet],
) -> Result<(), RunError> {
    results.make()?;
    write_neighbours(&results.neighbours_path(id), sets)?;
    if probe.joins_items() {
        write_judged(&results.judged_path(id), &own_judgements(probe, sets))?;
    }
    Ok(())
}

/// Writes all that a session keeps of a result's neighbours: by its own judgements, and by a second set
/// where there is one; that may be the only one.
///
/// # Errors
/// Files that cannot be written.
pub fn keep_all(
    session: &Path,
    results: &Results,
    id: &ResultId,
    probe: &Probe,
    neighbours: &Neighbours,
    exif: Exif,
) -> Result<(), RunError> {
    if !neighbours.own.is_empty() {
        keep_lists(results, id, probe, &neighbours.own)?;
    }
    keep_second(results, id, neighbours)?;
    // The second set may ask more than the own one does.
    let all: Vec<&NeighbourSet> = neighbours.own.iter().chain(&neighbours.second).collect();
    if all.is_empty() { Ok(()) } else { keep_shown(session, id, probe, &all, exif) }
}

/// Keeps pictures and captions of what stands in lists.
fn keep_shown(
    session: &Path,
    id: &ResultId,
    probe: &Probe,
    sets: &[&NeighbourSet],
    exif: Exif,
) -> Result<(), RunError> {
    let wanted = wanted(sets);
    let mut shown = ItemsShown::default();
    let pictures = by_id(&probe.pictures);
    let thumbnails = Thumbnails::of(session);
    for (name, bytes) in made_small(&wanted, &pictures, exif, PICTURE_BYTES) {
        shown.pictures.insert(name.to_owned(), thumbnails.put(&bytes)?);
    }
    let texts = by_id(&probe.texts);
    let queries = by_id(&probe.queries);
    let mut left = CAPTION_BYTES;
    for name in wanted.iter().copied().chain(first_captions(probe, &wanted)) {
        let Some(text) = queries.get(name).or_else(|| texts.get(name)) else { continue };
        let text: String = text.chars().take(LONGEST_CAPTION).collect();
        if text.len() > left {
            break;
        }
        left -= text.len();
        shown.captions.insert(name.to_owned(), text);
    }
    Ok(thumbnails.write_map(id, &shown)?)
}

/// Writes a second set of judgements beside a result, and who stood near whom under it; nothing where
/// there is none.
fn keep_second(results: &Results, id: &ResultId, neighbours: &Neighbours) -> Result<(), RunError> {
    if neighbours.judged.is_empty() {
        return Ok(());
    }
    results.make()?;
    write_neighbours(&results.second_neighbours_path(id), &neighbours.second)?;
    Ok(write_judged(&results.second_judged_path(id), &neighbours.judged)?)
}

/// The pictures among these ids, small, in this order, as many as there is room for.
fn made_small<'a>(
    wanted: &[&'a str],
    pictures: &BTreeMap<&str, &Picture>,
    exif: Exif,
    mut room: usize,
) -> Vec<(&'a str, Vec<u8>)> {
    let named: Vec<&str> =
        wanted.iter().copied().filter(|name| pictures.contains_key(name)).collect();
    let mut kept = Vec::new();
    for chunk in named.chunks(CHUNK) {
        let small: Vec<Option<Vec<u8>>> =
            chunk.par_iter().map(|name| thumbnail(pictures.get(name)?, exif).ok()).collect();
        let before = room;
        for (name, bytes) in chunk.iter().zip(small) {
            let Some(bytes) = bytes.filter(|bytes| bytes.len() <= room.min(LARGEST_THUMBNAIL))
            else {
                continue;
            };
            room -= bytes.len();
            kept.push((*name, bytes));
        }
        // Thousands more would be decoded for nothing.
        if room == before && room < LARGEST_THUMBNAIL {
            break;
        }
    }
    kept
}

/// The set's own judgements in every direction that was asked.
fn own_judgements(probe: &Probe, sets: &[NeighbourSet]) -> Vec<JudgedSet> {
    let asked = |direction: &Direction| sets.iter().any(|set| set.direction == direction.name());
    let judged = |direction: Direction| {
        let (places, judgements) = probe.judgements(direction);
        judged_set(probe, OWN, direction, &places, &judgements)
    };
    Direction::ALL.into_iter().filter(asked).map(judged).collect()
}

/// What answers what in a direction, by ids.
pub(super) fn judged_set(
    probe: &Probe,
    name: &str,
    direction: Direction,
    places: &[usize],
    judgements: &Judgements,
) -> JudgedSet {
    let (askers, answerers) = (probe.askers(direction), probe.answerers(direction));
    JudgedSet {
        judgements: name.to_owned(),
        direction: direction.name().to_owned(),
        queries: places.iter().map(|&place| askers[place].0.to_owned()).collect(),
        gallery: answerers.into_iter().map(|(id, _)| id.to_owned()).collect(),
        relevant: judgements.relevant.clone(),
    }
}

/// For every picture among the wanted the first caption of its item: what it is called.
fn first_captions<'a>(probe: &'a Probe, wanted: &[&str]) -> Vec<&'a str> {
    let wanted: BTreeSet<&str> = wanted.iter().copied().collect();
    let mut first: BTreeMap<u32, &str> = BTreeMap::new();
    for entry in &probe.texts {
        first.entry(entry.item).or_insert(&entry.id);
    }
    let pictures = probe.pictures.iter().filter(|entry| wanted.contains(entry.id.as_str()));
    pictures.filter_map(|entry| first.get(&entry.item).copied()).collect()
}

fn by_id<T>(entries: &[Entry<T>]) -> BTreeMap<&str, &T> {
    entries.iter().map(|entry| (entry.id.as_str(), &entry.content)).collect()
}

/// Ids worth keeping, the most looked at first: queries and their first hits, then the hits after.
fn wanted<'a>(sets: &[&'a NeighbourSet]) -> Vec<&'a str> {
    let mut seen: BTreeSet<&str> = BTreeSet::new();
    let mut order = Vec::new();
    let mut take = |id| {
        if seen.insert(id) {
            order.push(id);
        }
    };
    sets.iter().flat_map(|set| &set.queries).for_each(|id| take(id));
    let deepest = sets.iter().map(|set| set.k).max().unwrap_or(0);
    for place in 0..deepest {
        for set in sets.iter().filter(|set| place < set.k) {
            for item in set.top_items.iter().skip(place).step_by(set.k) {
                if let Some(id) = set.gallery.get(*item as usize) {
                    take(id);
                }
            }
        }
    }
    order
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::eval::Task;
    use crate::runner::evaluate::{Captions, ProbeRequest};
    use crate::session::results::results_of;

    #[test]
    fn pictures_and_captions_of_the_lists_are_kept_and_no_others() {
        let corpus = crate::data::open::open("emoji", None).unwrap();
        let request = ProbeRequest {
            task: Task::Image,
            captions: Captions::Any,
            split: "test".to_owned(),
            pool: Some(20),
            query_language: Some("en".to_owned()),
            gallery_language: Some("en".to_owned()),
            whole: false,
        };
        let probe = Probe::new(&corpus, &request).unwrap();
        let set = NeighbourSet {
            role: "clip".to_owned(),
            direction: Direction::TextToImage.name().to_owned(),
            queries: vec![probe.queries[0].id.clone()],
            units: Vec::new(),
            gallery: probe.pictures.iter().map(|entry| entry.id.clone()).collect(),
            k: 2,
            rank_low: vec![1],
            rank_high: vec![1],
            margin: vec![0.0],
            top_items: vec![3, 1],
            top_scores: vec![0.5, 0.4],
        };
        let session = tempfile::tempdir().unwrap();
        let results = results_of(session.path());
        let id: ResultId = "image-1".parse().unwrap();
        keep(session.path(), &results, &id, &probe, std::slice::from_ref(&set), Exif::Ignored)
            .unwrap();
        let thumbnails = Thumbnails::of(session.path());
        let shown = thumbnails.read_map(&id).unwrap();
        let names: Vec<&String> = shown.pictures.keys().collect();
        let mut expected = vec![&set.gallery[1], &set.gallery[3]];
        expected.sort();
        assert_eq!(names, expected);
        assert_eq!(shown.captions[&set.queries[0]], probe.queries[0].content);
        for digest in shown.pictures.values() {
            assert!(thumbnails.get(digest).unwrap().is_some());
        }
        // So is what a second set of judgements alone asks.
        let id: ResultId = "image-2".parse().unwrap();
        let other = &probe.queries[1];
        let second = NeighbourSet { queries: vec![other.id.clone()], ..set.clone() };
        let (own, second) = (vec![set], vec![second]);
        let neighbours = Neighbours { own, second, ..Neighbours::default() };
        keep_all(session.path(), &results, &id, &probe, &neighbours, Exif::Ignored).unwrap();
        let shown = thumbnails.read_map(&id).unwrap();
        assert_eq!(shown.captions[&other.id], other.content);
    }

    #[test]
    fn pictures_are_kept_in_order_while_there_is_room_and_none_is_tried_for_ever() {
        let pictures: Vec<(String, Picture)> = (0..200)
            .map(|index| (format!("{index}@0"), Picture::Builtin { vendor: 0, index }))
            .collect();
        let by_id: BTreeMap<&str, &Picture> =
            pictures.iter().map(|(id, picture)| (id.as_str(), picture)).collect();
        let wanted: Vec<&str> = pictures.iter().map(|(id, _)| id.as_str()).collect();
        let names = |room| {
            let kept = made_small(&wanted, &by_id, Exif::Ignored, room);
            kept.into_iter().map(|(name, _)| name).collect::<Vec<_>>()
        };
        assert_eq!(names(PICTURE_BYTES), wanted);
        let first = thumbnail(&pictures[0].1, Exif::Ignored).unwrap().len();
        assert_eq!(names(first), ["0@0"]);
        assert!(names(0).is_empty());
        // What cannot be read is left out, wherever it stands.
        let gone = Picture::File("/nowhere/x.png".into());
        let mut with_gone = by_id.clone();
        with_gone.insert("0@0", &gone);
        let kept = made_small(&wanted[..3], &with_gone, Exif::Ignored, PICTURE_BYTES);
        assert_eq!(kept.iter().map(|(name, _)| *name).collect::<Vec<_>>(), ["1@0", "2@0"]);
    }
}
