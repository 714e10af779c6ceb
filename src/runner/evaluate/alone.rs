//! Pictures without captions: which of them answer each other.

use crate::data::corpus::Item;
use crate::session::judged::{BY_CONCEPT, BY_LABEL};
use std::collections::BTreeMap;

/// The items that answer each other, and what makes them one.
pub(super) struct Alone {
    /// What a protocol says in the place of its captions.
    pub captions: &'static str,
    /// The group of each item.
    pub groups: Vec<u32>,
}

/// Pictures of one item answer each other, where any item has two; else those of items of one
/// concept; else those of items of one label. None where no two pictures belong together.
pub(super) fn alone(items: &[&Item]) -> Option<Alone> {
    if items.iter().any(|item| item.pictures.len() > 1) {
        let groups = (0u32..).take(items.len()).collect();
        return Some(Alone { captions: "none, pictures of an item", groups });
    }
    let concepts = groups(items, |item| Some(item.concept.as_str()));
    if let Some(groups) = concepts {
        return Some(Alone { captions: BY_CONCEPT, groups });
    }
    let groups = groups(items, |item| item.label.as_deref())?;
    Some(Alone { captions: BY_LABEL, groups })
}

/// A number an item by what it shares with others; one of its own where it shares nothing. None where
/// no two share.
fn groups<'a>(items: &[&'a Item], key: impl Fn(&'a Item) -> Option<&'a str>) -> Option<Vec<u32>> {
    let mut numbers: BTreeMap<&str, u32> = BTreeMap::new();
    let (mut groups, mut next, mut shared) = (Vec::with_capacity(items.len()), 0, false);
    for item in items {
        let known = key(item).and_then(|key| numbers.get(key).copied());
        let group = known.unwrap_or(next);
        if known.is_none() {
            next += 1;
            numbers.extend(key(item).map(|key| (key, group)));
        }
        shared |= known.is_some();
        groups.push(group);
    }
    shared.then_some(groups)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::corpus::{Corpus, Picture};
    use crate::eval::{Direction, Task};
    use crate::runner::evaluate::{Captions, Probe, ProbeRequest};

    fn item(id: &str, pictures: usize, concept: &str, label: Option<&str>) -> Item {
        Item {
            id: id.to_owned(),
            concept: concept.to_owned(),
            pictures: (0..pictures)
                .map(|n| Picture::File(format!("/nowhere/{id}-{n}.png").into()))
                .collect(),
            captions: Vec::new(),
            split: None,
            label: label.map(str::to_owned),
            base: true,
            extra: serde_json::Map::new(),
        }
    }

    fn probe(items: Vec<Item>) -> Result<Probe, String> {
        laid_out(items, false)
    }

    /// What an inspection asks: its gallery is the whole set.
    fn gallery(items: Vec<Item>) -> Probe {
        laid_out(items, true).unwrap()
    }

    fn laid_out(items: Vec<Item>, whole: bool) -> Result<Probe, String> {
        let request = ProbeRequest { whole, ..ProbeRequest::new(Task::Image, Captions::Any) };
        let corpus = Corpus::new("shop", items);
        Probe::new(&corpus, &request).map_err(|error| error.to_string())
    }

    #[test]
    fn pictures_of_one_item_answer_each_other_and_ask_in_one_direction() {
        let items = vec![
            item("a", 2, "a", Some("x")),
            item("b", 1, "b", Some("x")),
            item("c", 0, "c", None),
        ];
        let probe = probe(items).unwrap();
        assert_eq!(probe.directions(), [Direction::ImageToImage]);
        assert_eq!(probe.protocol.captions, "none, pictures of an item");
        assert_eq!((probe.left_out, probe.pictures.len()), (1, 3), "an item without a picture");
        let (places, judgements) = probe.judgements(Direction::ImageToImage);
        assert_eq!(places, [0, 1], "the lone picture is in the gallery and does not ask");
        assert_eq!((judgements.relevant.of(0), judgements.relevant.of(1)), (&[1][..], &[0][..]));
        assert_eq!(judgements.units, [0, 0]);
        let left_out = probe.what_is_left_out();
        assert_eq!(left_out.queries, [(Direction::ImageToImage, 1)].into());
    }

    #[test]
    fn single_pictures_are_joined_by_their_concept_and_else_by_their_label() {
        let by_concept = vec![
            item("a", 1, "shoe", Some("x")),
            item("b", 1, "hat", Some("x")),
            item("c", 1, "shoe", None),
        ];
        let found = probe(by_concept).unwrap();
        assert_eq!(found.protocol.captions, "none, pictures of a concept");
        let (places, judgements) = found.judgements(Direction::ImageToImage);
        assert_eq!((places, judgements.relevant.of(0)), (vec![0, 2], &[2][..]));
        let by_label = vec![
            item("a", 1, "a", Some("x")),
            item("b", 1, "b", None),
            item("c", 1, "c", Some("x")),
            item("d", 1, "d", Some("x")),
            item("e", 1, "e", None),
        ];
        let found = probe(by_label).unwrap();
        assert_eq!(found.protocol.captions, "none, pictures of a label");
        let (places, judgements) = found.judgements(Direction::ImageToImage);
        assert_eq!((places, judgements.relevant.of(1)), (vec![0, 2, 3], &[0, 3][..]));
        assert_eq!(judgements.units, [0, 2, 3], "each picture is a unit of its own");
    }

    #[test]
    fn an_inspection_judges_pictures_alone_as_a_comparison_does() {
        let by_label = vec![
            item("a", 1, "a", Some("x")),
            item("b", 1, "b", None),
            item("c", 1, "c", Some("x")),
        ];
        let by_concept = vec![item("a", 1, "shoe", None), item("b", 1, "shoe", None)];
        let by_item = vec![item("a", 2, "a", Some("x")), item("b", 1, "b", Some("x"))];
        for (items, joins) in [(by_label, true), (by_concept, true), (by_item, false)] {
            let (compared, inspected) = (probe(items.clone()).unwrap(), gallery(items));
            assert_eq!(inspected.protocol, compared.protocol);
            let direction = Direction::ImageToImage;
            assert_eq!(inspected.judgements(direction), compared.judgements(direction));
            assert_eq!(inspected.joins_items(), joins);
        }
        // A folder whose pictures share nothing is a gallery all the same.
        let shared = gallery(vec![item("a", 1, "a", Some("x")), item("b", 1, "b", None)]);
        assert_eq!(shared.protocol.captions, "any, whole gallery");
        assert!(shared.judgements(Direction::ImageToImage).0.is_empty());
        assert_eq!(shared.pictures.len(), 2);
    }

    #[test]
    fn pictures_that_share_nothing_have_nothing_to_find() {
        let error = probe(vec![item("a", 1, "a", Some("x")), item("b", 1, "b", None)]).unwrap_err();
        assert!(error.contains("two pictures an item"), "{error}");
        let error = probe(vec![item("a", 0, "a", None)]).unwrap_err();
        assert!(error.contains("a caption and a picture"), "{error}");
    }
}
