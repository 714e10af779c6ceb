//! Judgements out of a TREC qrels file: `query 0 item relevance`, a line each.
//!
//! Ids are those of `export`: a caption `item#k`, a picture `item@n`, white space and `%` as `%` and
//! hexadecimal digits. An item's own id stands for all its captions or pictures.

use super::probe::Probe;
use crate::eval::second::{QrelsRead, Unknown};
use crate::eval::{Direction, Judgements, Relevant};
use crate::ids::{Digest, item_of};
use crate::runner::{Narrator, RunError};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// Unknown ids that are listed.
const LISTED: usize = 20;

/// A file's judgements.
#[derive(Clone, Debug)]
pub struct Qrels {
    /// The file's name and digest, as a protocol names it.
    pub name: String,
    relevant: Vec<(String, String)>,
    not_relevant: usize,
}

/// Who answers whom, by direction: places that ask, and what answers them.
pub(super) struct Judged {
    pub directions: Vec<(Direction, Vec<usize>, Judgements)>,
    pub read: QrelsRead,
}

impl Qrels {
    /// Reads a file.
    ///
    /// # Errors
    /// A file that cannot be read, and a line that is no judgement, by its number.
    pub fn open(path: &Path) -> Result<Self, RunError> {
        let bytes = std::fs::read(path).map_err(|error| {
            RunError::Unfit(format!(
                "{}: expected a file of judgements, a line `query 0 item relevance` each: {error}",
                path.display()
            ))
        })?;
        let mut file = Self {
            name: format!(
                "{} sha256:{}",
                path.file_name().unwrap_or_default().to_string_lossy(),
                Digest::of(&bytes)
            ),
            relevant: Vec::new(),
            not_relevant: 0,
        };
        for (number, line) in String::from_utf8_lossy(&bytes).lines().enumerate() {
            let fields: Vec<&str> = line.split_whitespace().collect();
            let [query, _, item, relevance] = fields[..] else {
                if fields.is_empty() {
                    continue;
                }
                return Err(wrong(path, number, &format!("{} fields", fields.len())));
            };
            let relevance: f64 = relevance
                .parse()
                .map_err(|_| wrong(path, number, &format!("relevance {relevance:?}")))?;
            if relevance > 0.0 {
                file.relevant.push((plain(query), plain(item)));
            } else {
                file.not_relevant += 1;
            }
        }
        Ok(file)
    }

    /// What the file says about a probe's queries and galleries. A query the file says nothing
    /// about does not ask.
    pub(super) fn judge(&self, probe: &Probe, directions: &[Direction]) -> Judged {
        let mut judged = Judged {
            directions: Vec::new(),
            read: QrelsRead {
                relevant: self.relevant.len(),
                not_relevant: self.not_relevant,
                ..QrelsRead::default()
            },
        };
        let mut used = vec![false; self.relevant.len()];
        let (mut queries, mut items) = (BTreeSet::new(), BTreeSet::new());
        for &direction in directions {
            let (askers, answerers) = (probe.askers(direction), probe.answerers(direction));
            let (asking, answering) = (places(&askers), places(&answerers));
            let mut lists: BTreeMap<usize, Vec<u32>> = BTreeMap::new();
            let exclude = probe.leaves_out_itself(direction);
            for (at, (query, item)) in self.relevant.iter().enumerate() {
                let (from, to) = (asking.get(query.as_str()), answering.get(item.as_str()));
                queries.extend(from.is_some().then_some(query));
                items.extend(to.is_some().then_some(item));
                let (Some(from), Some(to)) = (from, to) else { continue };
                used[at] = true;
                for &query in from {
                    let others = to.iter().filter(|&&place| !exclude || place != query);
                    lists.entry(query as usize).or_default().extend(others);
                }
            }
            lists.retain(|_, list| !list.is_empty());
            if lists.is_empty() {
                continue;
            }
            let places: Vec<usize> = lists.keys().copied().collect();
            let judgements = Judgements {
                relevant: Relevant::from_lists(lists.into_values()),
                units: places.iter().map(|&query| probe.unit(askers[query].1)).collect(),
                itself: exclude.then(|| places.iter().map(|&query| query as u32).collect()),
            };
            judged.directions.push((direction, places, judgements));
        }
        judged.read.used = used.iter().filter(|&&used| used).count();
        judged.read.unknown_queries =
            unknown(self.relevant.iter().map(|(query, _)| query), &queries);
        judged.read.unknown_items = unknown(self.relevant.iter().map(|(_, item)| item), &items);
        judged
    }

    /// Says which of the file's ids are not in a comparison or an inspection.
    pub(super) fn warn_of_unknown(
        &self,
        read: &QrelsRead,
        within: &str,
        narrator: &mut Narrator,
    ) -> Result<(), RunError> {
        for (what, unknown) in [("queries", &read.unknown_queries), ("items", &read.unknown_items)]
        {
            if let Some(first) = unknown.first.first() {
                narrator.warn(&format!(
                    "{}: {} {what} are not in this {within}, such as {first:?}",
                    self.name, unknown.count
                ))?;
            }
        }
        Ok(())
    }
}

fn wrong(path: &Path, number: usize, found: &str) -> RunError {
    RunError::Unfit(format!(
        "{}:{}: expected `query 0 item relevance`, found {found}",
        path.display(),
        number + 1
    ))
}

/// Places by id, and by the id of the item they belong to.
fn places<'a>(entries: &[(&'a str, u32)]) -> BTreeMap<&'a str, Vec<u32>> {
    let mut places: BTreeMap<&str, Vec<u32>> = BTreeMap::new();
    for (place, &(id, _)) in entries.iter().enumerate() {
        places.entry(id).or_default().push(place as u32);
        let item = item_of(id);
        if item != id {
            places.entry(item).or_default().push(place as u32);
        }
    }
    places
}

fn unknown<'a>(ids: impl Iterator<Item = &'a String>, known: &BTreeSet<&String>) -> Unknown {
    let mut seen = BTreeSet::new();
    let mut found = Unknown::default();
    for id in ids.filter(|id| !known.contains(id)) {
        if seen.insert(id) {
            found.count += 1;
            if found.first.len() < LISTED {
                found.first.push(id.clone());
            }
        }
    }
    found
}

/// An id without its escapes; a `%` that begins none stays.
fn plain(field: &str) -> String {
    let mut bytes = Vec::with_capacity(field.len());
    let mut rest = field.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        let escape = (byte == b'%').then(|| after.get(..2)).flatten();
        let digits = escape.and_then(|digits| std::str::from_utf8(digits).ok());
        if let Some(value) = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            bytes.push(value);
            rest = &after[2..];
        } else {
            bytes.push(byte);
            rest = after;
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_of_the_export_are_undone_and_others_stay() {
        assert_eq!(plain("a%20b%25#0"), "a b%#0");
        assert_eq!(plain("50%"), "50%");
        assert_eq!(plain("%zz%4"), "%zz%4");
        assert_eq!(plain("%E4%BA%BA@0"), "人@0");
    }

    #[test]
    fn an_items_own_id_stands_for_its_captions_and_pictures() {
        let found = places(&[("a@b.jpg@0", 0), ("a@b.jpg@1", 0), ("COCO_val_01.jpg#4", 1)]);
        assert_eq!(found["a@b.jpg"], [0, 1]);
        assert_eq!(found["a@b.jpg@1"], [1]);
        assert_eq!(found["COCO_val_01.jpg"], [2]);
        assert_eq!(found.get("a"), None);
    }

    #[test]
    fn a_line_that_is_no_judgement_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.qrels");
        std::fs::write(&path, "a 0 b 1\n\na 0 c 0\n").unwrap();
        let file = Qrels::open(&path).unwrap();
        assert_eq!((file.relevant.len(), file.not_relevant), (1, 1));
        assert!(file.name.starts_with("x.qrels sha256:"));
        for (text, wanted) in [("a 0 b 1\na 0 b\n", ":2: "), ("a 0 b yes\n", "\"yes\"")] {
            std::fs::write(&path, text).unwrap();
            let error = Qrels::open(&path).unwrap_err().to_string();
            assert!(error.contains(wanted), "{error}");
        }
        let missing = Qrels::open(&folder.path().join("nope")).unwrap_err();
        assert!(matches!(missing, RunError::Unfit(_)), "{missing}");
        assert!(missing.to_string().contains("expected a file of judgements"), "{missing}");
    }
}
