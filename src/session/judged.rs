//! What answers what in a result, where the ids of its queries and gallery do not say so: a second set
//! of judgements, and pictures that answer each other by a concept or label.
//!
//! One safetensors file, a set a direction. Sets are numbered; set `0` has the tensors `0/counts` U32
//! `[queries]` (how many items answer each query) and `0/items` U32 `[answers]` (their places in the
//! gallery, query after query). The one metadata key, `judged`, is a JSON text with what the sets are
//! and the ids their numbers stand for.

use super::error::LogError;
use super::sets::{Part, SetsFile};
use crate::eval::Relevant;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// Format of the file, in its metadata.
pub const JUDGED_FORMAT: &str = "llm2clip.judged/1";

const METADATA_KEY: &str = "judged";

/// What a protocol says in the place of its captions where pictures of one concept answer each other.
pub const BY_CONCEPT: &str = "none, pictures of a concept";
/// Likewise of one label.
pub const BY_LABEL: &str = "none, pictures of a label";

/// Whether ids say what answers what, captions and pictures of one item, under a protocol with these
/// `captions`; else a result's own file must.
#[must_use]
pub fn ids_say(captions: &str) -> bool {
    !matches!(captions, BY_CONCEPT | BY_LABEL)
}

/// What answers each query of a direction.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct JudgedSet {
    /// Whose judgements: `own`, or the name of a file and its digest, as in a protocol.
    pub judgements: String,
    /// The direction, such as `text-to-image`.
    pub direction: String,
    /// Ids of the queries, in order.
    pub queries: Vec<String>,
    /// Ids of the gallery's items, in order.
    pub gallery: Vec<String>,
    /// Places in the gallery that answer each query.
    pub relevant: Relevant,
}

const FILE: SetsFile = SetsFile {
    format: JUDGED_FORMAT,
    key: METADATA_KEY,
    holds: "judgements",
    writing: "write the judgements of a result",
    reading: "read the judgements of a result",
};

#[derive(Serialize, Deserialize)]
struct SetCard {
    judgements: String,
    direction: String,
    queries: Vec<String>,
    gallery: Vec<String>,
}

/// Writes judgements of a result, whole or not at all.
///
/// # Errors
/// A file that cannot be written.
pub fn write_judged(path: &Path, sets: &[JudgedSet]) -> Result<(), LogError> {
    let sets = sets.iter().map(|set| {
        let (mut counts, mut items) = (Vec::new(), Vec::new());
        for query in 0..set.relevant.queries() {
            let list = set.relevant.of(query);
            counts.push(list.len() as u32);
            items.extend_from_slice(list);
        }
        let card = SetCard {
            judgements: set.judgements.clone(),
            direction: set.direction.clone(),
            queries: set.queries.clone(),
            gallery: set.gallery.clone(),
        };
        let parts = vec![
            Part::counts("counts", vec![counts.len()], &counts),
            Part::counts("items", vec![items.len()], &items),
        ];
        (card, parts)
    });
    FILE.write(path, sets)
}

/// Reads judgements of a result.
///
/// # Errors
/// A file that cannot be read, or does not hold what it says.
pub fn read_judged(path: &Path) -> Result<Vec<JudgedSet>, LogError> {
    let (cards, bytes) = FILE.read::<SetCard>(path)?;
    let tensors = FILE.tensors(path, &bytes)?;
    let mut sets = Vec::new();
    for (number, card) in cards.into_iter().enumerate() {
        let SetCard { judgements, direction, queries, gallery } = card;
        let counts = tensors.counts(number, "counts", None)?;
        let items = tensors.counts(number, "items", None)?;
        let answers: usize = counts.iter().map(|count| *count as usize).sum();
        if (counts.len(), answers) != (queries.len(), items.len())
            || items.iter().any(|item| *item as usize >= gallery.len())
        {
            return Err(LogError::Malformed {
                what: FILE.holds,
                expected: format!(
                    "in set {number} a count for each of {} queries, and so many places in a gallery of {}",
                    queries.len(),
                    gallery.len()
                ),
                found: format!(
                    "{} counts that sum to {answers}, and {} places",
                    counts.len(),
                    items.len()
                ),
                path: path.to_owned(),
            });
        }
        let mut rest = items.into_iter();
        let lists: Vec<Vec<u32>> =
            counts.iter().map(|count| rest.by_ref().take(*count as usize).collect()).collect();
        let relevant = Relevant::from_lists(lists);
        sets.push(JudgedSet { judgements, direction, queries, gallery, relevant });
    }
    Ok(sets)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(direction: &str) -> JudgedSet {
        JudgedSet {
            judgements: "more.qrels sha256:00".into(),
            direction: direction.into(),
            queries: vec!["a#0".into(), "b#0".into()],
            gallery: vec!["a@0".into(), "b@0".into(), "c@0".into()],
            relevant: Relevant::from_lists([vec![2], vec![0, 1]]),
        }
    }

    #[test]
    fn judgements_come_back_as_they_were_and_equal_ones_make_equal_bytes() {
        let folder = tempfile::tempdir().unwrap();
        let (one, two) = (folder.path().join("one"), folder.path().join("two"));
        let sets = [set("text-to-image"), set("text-to-text")];
        write_judged(&one, &sets).unwrap();
        write_judged(&two, &sets).unwrap();
        assert_eq!(read_judged(&one).unwrap(), sets);
        assert_eq!(std::fs::read(one).unwrap(), std::fs::read(two).unwrap());
    }

    #[test]
    fn judgements_that_do_not_fit_their_ids_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x");
        for (bad, found) in [
            (JudgedSet { queries: vec!["a#0".into()], ..set("text-to-image") }, "2 counts"),
            (JudgedSet { gallery: vec!["a@0".into()], ..set("text-to-image") }, "3 places"),
        ] {
            write_judged(&path, &[bad]).unwrap();
            let error = read_judged(&path).unwrap_err().to_string();
            assert!(error.contains(found), "{error}");
        }
        std::fs::write(&path, "no table").unwrap();
        assert!(read_judged(&path).is_err());
    }
}
