//! What a set holds, what is missing and what is wrong: what `data check` reports and what a stage
//! that reads pictures leaves out.

use super::bad::{BadRow, BadRows, LISTED, Place, Policy};
use super::corpus::{Corpus, Item, Picture};
use super::decoded::{Decoded, Files};
use super::error::{DataError, Result};
use super::picture::Exif;
use super::pictures::load;
use crate::ids::Digest;
use rayon::prelude::*;
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::Path;

/// Pictures that are decoded at once.
const CHUNK: usize = 256;

/// How pictures are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    /// Whether they are there.
    There,
    /// Whether they can be decoded.
    Decoded,
}

/// The pictures of a set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct PictureCounts {
    /// How many items name.
    pub named: usize,
    /// Not there.
    pub missing: usize,
    /// There, and not to be decoded; none where they were not decoded.
    pub unreadable: Option<usize>,
}

/// What is in a set and what is wrong with it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Check {
    /// The set's name.
    pub name: String,
    /// The format it was read as.
    pub read_as: String,
    /// The corpus's digest.
    pub digest: Digest,
    /// Items.
    pub items: usize,
    /// Units that repeat.
    pub concepts: usize,
    /// Captions.
    pub captions: usize,
    /// Captions without a word.
    pub empty_captions: usize,
    /// Words of the longest caption.
    pub longest_caption: usize,
    /// Items without captions.
    pub without_captions: usize,
    /// Items without pictures.
    pub without_pictures: usize,
    /// Items of each split; those of none are under `-`.
    pub splits: BTreeMap<String, usize>,
    /// Captions in each language; those of none are under `-`.
    pub languages: BTreeMap<String, usize>,
    /// Classes.
    pub labels: usize,
    /// Pictures.
    pub pictures: PictureCounts,
    /// Rows looked at, good and bad.
    pub rows: usize,
    /// Rows that were skipped.
    pub bad: usize,
    /// The share that may be bad.
    pub max_bad: f64,
    /// Whether the set would be opened, and no more than that share of its pictures lost.
    pub ok: bool,
    /// The first bad rows, then the first lost pictures.
    pub problems: Vec<BadRow>,
    /// Problems beyond those.
    pub not_listed: usize,
}

/// Looks through a corpus that was opened with [`Policy::LENIENT`]. `progress` hears of pictures
/// done and pictures in all.
pub fn check(
    corpus: &Corpus,
    policy: Policy,
    look: Look,
    mut progress: impl FnMut(usize, usize),
) -> Check {
    let count = |names: &mut dyn Iterator<Item = Option<&str>>| {
        let mut counts = BTreeMap::new();
        for name in names {
            *counts.entry(name.unwrap_or("-").to_owned()).or_insert(0) += 1;
        }
        counts
    };
    let items = &corpus.items;
    let texts = || corpus.captions().map(|(_, _, caption)| caption.text.as_str());
    let distinct = |names: &mut dyn Iterator<Item = &str>| {
        names.collect::<std::collections::BTreeSet<_>>().len()
    };
    let named: Vec<&Picture> = items.iter().flat_map(|item| &item.pictures).collect();
    let mut lost = BadRows::default();
    let mut pictures = PictureCounts { named: named.len(), ..PictureCounts::default() };
    pictures.unreadable = (look == Look::Decoded).then_some(0);
    for (number, chunk) in named.chunks(CHUNK).enumerate() {
        let found: Vec<Option<String>> =
            chunk.par_iter().map(|picture| wrong_with(picture, look)).collect();
        for (picture, wrong) in chunk.iter().zip(found) {
            let Some(what) = wrong else {
                lost.good();
                continue;
            };
            if picture.exists() {
                pictures.unreadable = pictures.unreadable.map(|count| count + 1);
            } else {
                pictures.missing += 1;
            }
            lost.bad(row_of(picture, what));
        }
        progress((number * CHUNK + chunk.len()).min(named.len()), named.len());
    }
    let ok = policy.allows(&corpus.bad) && policy.allows(&lost);
    let all = corpus.bad.count + lost.count;
    let mut problems = corpus.bad.listed.clone();
    problems.extend(lost.listed);
    problems.truncate(LISTED);
    Check {
        name: corpus.name.clone(),
        read_as: corpus.format.clone(),
        digest: corpus.digest.clone(),
        items: items.len(),
        concepts: distinct(&mut items.iter().map(|item| item.concept.as_str())),
        captions: corpus.captions().count(),
        empty_captions: texts().filter(|text| text.trim().is_empty()).count(),
        longest_caption: texts().map(|text| text.split_whitespace().count()).max().unwrap_or(0),
        without_captions: items.iter().filter(|item| item.captions.is_empty()).count(),
        without_pictures: items.iter().filter(|item| item.pictures.is_empty()).count(),
        splits: count(&mut items.iter().map(|item| item.split.as_deref())),
        languages: count(&mut corpus.captions().map(|(_, _, c)| c.language.as_deref())),
        labels: distinct(&mut items.iter().filter_map(|item| item.label.as_deref())),
        pictures,
        rows: corpus.bad.rows,
        bad: corpus.bad.count,
        max_bad: policy.max_bad,
        ok,
        not_listed: all - problems.len(),
        problems,
    }
}

/// What is wrong with a picture, if something is.
fn wrong_with(picture: &Picture, look: Look) -> Option<String> {
    if !picture.exists() {
        return Some("expected a picture, found no file".to_owned());
    }
    if look == Look::There {
        return None;
    }
    let error = load(picture, Exif::Applied).err()?;
    let cause = std::error::Error::source(&error).map(ToString::to_string);
    Some(crate::shown::escaped(&cause.unwrap_or_else(|| error.to_string())))
}

fn row_of(picture: &Picture, what: String) -> BadRow {
    match picture {
        Picture::File(path) => BadRow::new(path, &Place::Whole, what),
        Picture::Member { shard, name, .. } => {
            BadRow::new(shard, &Place::Member(name.clone()), what)
        }
        Picture::Builtin { index, .. } => {
            BadRow::new(Path::new("emoji"), &Place::Entry("pictures", *index as usize), what)
        }
    }
}

/// The corpus without the items one of whose pictures is not there: they join its bad rows.
///
/// # Errors
/// More are bad then than `policy` allows.
pub fn without_missing(corpus: Corpus, spec: &str, policy: Policy) -> Result<Corpus> {
    without_lost(corpus, spec, policy, |item| lost(item, Look::There))
}

/// As [`without_missing`], and without items one of whose pictures cannot be decoded. Only those are
/// decoded that are read: the first `pool` of the items that are in `split`, where the set has splits
/// and one is named; and none where `decoded` knows that all of them were, as they are now.
///
/// # Errors
/// More are bad then than `policy` allows.
pub fn without_unreadable(
    corpus: Corpus,
    spec: &str,
    policy: Policy,
    split: Option<&str>,
    pool: Option<usize>,
    decoded: Option<&Decoded>,
) -> Result<Corpus> {
    let corpus = without_missing(corpus, spec, policy)?;
    let split = split.filter(|_| corpus.items.iter().any(|item| item.split.is_some()));
    let read = |item: &&Item| split.is_none() || item.split.as_deref() == split;
    let wanted: Vec<&Item> = corpus.items.iter().filter(read).collect();
    let first = wanted.len().min(pool.unwrap_or(usize::MAX));
    // Looked at before they are decoded: what changes meanwhile is not remembered.
    let files = decoded.zip(Files::of(&wanted[..first]));
    if files.as_ref().is_some_and(|(decoded, files)| decoded.knows(files)) {
        return Ok(corpus);
    }
    let mut rows: BTreeMap<&str, BadRow> = BTreeMap::new();
    // What is left out makes room for the items behind it.
    let (mut good, mut seen) = (0, 0);
    while seen < wanted.len() && pool.is_none_or(|pool| good < pool) {
        let room = pool.map_or(wanted.len(), |pool| seen + pool - good);
        let part = &wanted[seen..room.min(wanted.len())];
        let found: Vec<Option<BadRow>> =
            part.par_iter().map(|item| lost(item, Look::Decoded)).collect();
        for (item, row) in part.iter().zip(found) {
            seen += 1;
            match row {
                None => good += 1,
                Some(row) => drop(rows.insert(&item.id, row)),
            }
        }
    }
    if let Some((decoded, files)) = files.filter(|_| rows.is_empty()) {
        decoded.remember(&files);
    }
    let rows: BTreeMap<String, BadRow> =
        rows.into_iter().map(|(id, row)| (id.to_owned(), row)).collect();
    without_lost(corpus, spec, policy, |item| rows.get(&item.id).cloned())
}

/// The first picture of an item that is lost.
fn lost(item: &Item, look: Look) -> Option<BadRow> {
    // What is in the binary is whole.
    let mut files = item.pictures.iter().filter(|p| !matches!(p, Picture::Builtin { .. }));
    files.find_map(|picture| Some(row_of(picture, wrong_with(picture, look)?)))
}

fn without_lost(
    corpus: Corpus,
    spec: &str,
    policy: Policy,
    lost: impl Fn(&Item) -> Option<BadRow>,
) -> Result<Corpus> {
    let found: Vec<Option<BadRow>> = corpus.items.iter().map(lost).collect();
    if found.iter().all(Option::is_none) {
        return Ok(corpus);
    }
    let Corpus { name, items, format, mut bad, .. } = corpus;
    // The rows were counted as good when they were read, where they were counted.
    bad.rows = bad.rows.max(items.len() + bad.count);
    let mut kept = Vec::with_capacity(items.len());
    for (item, lost) in items.into_iter().zip(found) {
        match lost {
            None => kept.push(item),
            Some(row) => {
                bad.rows -= 1;
                bad.bad(row);
            }
        }
    }
    if !policy.allows(&bad) {
        return Err(DataError::too_many(spec, policy, bad));
    }
    Ok(Corpus::new(name, kept).read_from(format, bad))
}

#[cfg(test)]
mod tests {
    use super::super::decoded::tests::settled;
    use super::super::pictures::tests::files;
    use super::*;

    fn names(path: &BadRow) -> String {
        path.file.file_name().unwrap_or_default().to_string_lossy().into_owned()
    }

    #[test]
    fn a_check_counts_what_is_there_and_lists_what_is_not() {
        let (folder, corpus) = files();
        std::fs::remove_file(folder.path().join("a.png")).unwrap();
        std::fs::write(folder.path().join("c.png"), "no picture").unwrap();
        let found = check(&corpus, Policy::default(), Look::Decoded, |_, _| ());
        assert_eq!((found.items, found.captions, found.concepts), (2, 2, 2));
        let pictures = PictureCounts { named: 3, missing: 1, unreadable: Some(1) };
        assert_eq!((found.pictures, found.ok), (pictures, false));
        assert_eq!(found.problems.iter().map(names).collect::<Vec<_>>(), ["a.png", "c.png"]);
        assert_eq!(found.splits, BTreeMap::from([("-".to_owned(), 2)]));
        let there = check(&corpus, Policy::LENIENT, Look::There, |_, _| ());
        assert_eq!((there.pictures.missing, there.pictures.unreadable), (1, None));
        assert!(there.ok);
    }

    #[test]
    fn items_whose_pictures_are_lost_are_left_out_and_counted() {
        let (folder, corpus) = files();
        let whole = without_missing(corpus.clone(), "x", Policy { max_bad: 0.0 }).unwrap();
        assert_eq!(whole, corpus);
        std::fs::remove_file(folder.path().join("a.png")).unwrap();
        let error = without_missing(corpus.clone(), "x", Policy::default()).unwrap_err();
        assert!(error.to_string().contains("a.png"), "{error}");
        let left = without_missing(corpus, "x", Policy { max_bad: 0.5 }).unwrap();
        assert_eq!((left.items.len(), left.bad.count, left.bad.rows), (1, 1, 2));
        assert_eq!(left.items[0].id, "two");
    }
    #[test]
    fn a_picture_that_cannot_be_decoded_is_left_out_where_it_is_read() {
        let (folder, corpus) = files();
        std::fs::write(folder.path().join("a.png"), "no picture").unwrap();
        let without = |corpus: Corpus, pool| {
            without_unreadable(corpus, "x", Policy { max_bad: 0.5 }, Some("test"), pool, None)
        };
        let left = without(corpus.clone(), None).unwrap();
        assert_eq!((left.items.len(), left.bad.count, left.bad.rows), (1, 1, 2));
        let row = &left.bad.listed[0];
        assert_eq!(names(row), "a.png");
        let wanted = "expected a whole JPEG, PNG, WebP or GIF picture, found another kind of file";
        assert!(row.what.starts_with(wanted), "{row}");
        // The item behind it takes its place in a pool of one.
        assert_eq!(without(corpus.clone(), Some(1)).unwrap().items.len(), 1);
        std::fs::write(folder.path().join("c.png"), "no picture").unwrap();
        assert!(without(corpus.clone(), Some(1)).is_err());
        // What nobody reads is not looked at.
        let mut other = corpus;
        other.items.iter_mut().for_each(|item| item.split = Some("train".to_owned()));
        assert_eq!(without(other, None).unwrap().items.len(), 2);
    }

    #[test]
    fn what_was_decoded_once_is_not_decoded_again_until_it_changes() {
        let (folder, corpus) = files();
        // Bytes that cannot be decoded, so that a decoding shows.
        std::fs::write(folder.path().join("a.png"), "no picture").unwrap();
        let home = tempfile::tempdir().unwrap();
        let records = Decoded::new(home.path().join("tables"), true);
        let without = || {
            let policy = Policy { max_bad: 0.5 };
            without_unreadable(corpus.clone(), "x", policy, None, None, Some(&records)).unwrap()
        };
        assert_eq!(without().items.len(), 1);
        assert_eq!(std::fs::read_dir(home.path()).unwrap().count(), 0, "nothing was whole");
        records.remember(&settled(&corpus.items));
        assert_eq!(without().items.len(), 2);
        std::fs::write(folder.path().join("a.png"), "no picture either").unwrap();
        assert_eq!(without().items.len(), 1);
    }
}
