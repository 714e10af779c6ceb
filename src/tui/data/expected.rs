//! What an answer must stand on to be set beside a result: the same data, and encoders that read as they
//! did. Where one has other weights now, that is said, and the answer stands.

use super::asked::Answer;
use super::library::{LoadedResult, ResultContent};
use crate::tui::text;
use serde_json::Value;

/// Characters of a digest that messages show.
const SHOWN: usize = 12;

/// The key of a card that names an encoder's weights.
const WEIGHTS: &str = "weights";

/// Other keys of a card that change an encoder's numbers, in the words of messages.
const WAYS: [(&str, &str); 2] = [("text", "way with texts"), ("layer", "layer")];

/// What is known of a result's data and encoders.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Expected {
    /// The result.
    pub result: String,
    /// Digest of its split's items and captions.
    pub split_digest: String,
    /// Labels and cards of its encoders, as often as they stand there.
    pub cards: Vec<(String, Value)>,
}

impl Expected {
    /// What a result's answers must stand on; none where it has no neighbours to ask beside.
    #[must_use]
    pub fn of(result: &LoadedResult) -> Option<Self> {
        let protocol = match &result.content {
            Ok(ResultContent::Compare(document, _)) => &document.protocol,
            Ok(ResultContent::Inspect(document, _)) => &document.protocol,
            Ok(ResultContent::Classify(_)) | Err(_) => return None,
        };
        let cards = result.encoders().into_iter();
        Some(Self {
            result: result.id.clone(),
            split_digest: protocol.split_digest.clone(),
            cards: cards.map(|(role, card)| (role.to_owned(), card.clone())).collect(),
        })
    }

    /// Why an answer cannot stand beside the result, where it cannot.
    #[must_use]
    pub fn refuses(&self, answer: &Answer) -> Option<String> {
        let (digest, cards) = parts(answer);
        let result = text::safe(&self.result);
        if let Some(found) = digest.filter(|digest| *digest != self.split_digest) {
            return Some(format!(
                "another data set answered: expected split_digest {} as in {result}, found {}; what the set's name stands for here is not what was compared",
                short(&self.split_digest),
                short(found)
            ));
        }
        cards.into_iter().find_map(|(role, card)| {
            let (words, was, is) = WAYS.iter().find_map(|(key, words)| {
                let (was, is) = self.changed(role, card, key)?;
                Some((words, was, is))
            })?;
            Some(format!(
                "{} is not what it was: expected {words} {} as in {result}, found {}; compare or inspect once more to ask it",
                text::safe(role),
                short(&was),
                short(&is)
            ))
        })
    }

    /// That an answer's encoders have other weights than those of the result, and which; nothing where
    /// all are the same, or where a card does not say.
    #[must_use]
    pub fn other_weights(&self, answer: &Answer) -> Option<String> {
        let mut others: Vec<String> = Vec::new();
        for (role, card) in parts(answer).1 {
            let Some((was, is)) = self.changed(role, card, WEIGHTS) else { continue };
            let words = format!("{} {} (was {})", text::safe(role), short(&is), short(&was));
            if !others.contains(&words) {
                others.push(words);
            }
        }
        let result = text::safe(&self.result);
        let others = (!others.is_empty()).then(|| others.join(", "))?;
        Some(format!("asked with today's weights, not those of {result}: {others}"))
    }

    /// What differs in a key between an encoder's card and those the result has of it. Weights are those of
    /// all its towers; anything else is compared with the same tower's.
    fn changed(&self, role: &str, card: &Value, key: &str) -> Option<(String, String)> {
        let of_role = self.cards.iter().filter(|(label, _)| label == role).map(|(_, card)| card);
        let known: Vec<&Value> = of_role.collect();
        let same: Vec<&Value> =
            known.iter().copied().filter(|known| known["tower"] == card["tower"]).collect();
        let known = if same.is_empty() && key == WEIGHTS { known } else { same };
        // Older cards may lack all but the layer; a layer that is absent is the last one.
        let says = |known: &&Value| key == "layer" || !known[key].is_null();
        let was: Vec<&Value> = known.into_iter().filter(says).map(|known| &known[key]).collect();
        let differs = !was.is_empty() && !was.contains(&&card[key]);
        differs.then(|| (said(was[0]), said(&card[key])))
    }
}

/// The digest of the split that an answer stands on, and its encoders with their cards.
fn parts(answer: &Answer) -> (Option<&str>, Vec<(&str, &Value)>) {
    match answer {
        Answer::Lists(document) => (
            Some(&document.protocol.split_digest),
            document.lists.iter().map(|list| (&*list.role, &list.encoder)).collect(),
        ),
        Answer::Choice(document) => (
            document.protocol.split_digest.as_deref(),
            document
                .rows
                .iter()
                .flat_map(|row| [(&*row.role, &row.encoder), (&*row.role, &row.text_encoder)])
                .collect(),
        ),
    }
}

fn said(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// A digest's beginning; other values as they are.
fn short(text: &str) -> String {
    let digest = text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    text::safe(if digest { &text[..SHOWN] } else { text })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn answer(digest: &str, card: &Value) -> Answer {
        let document = json!({"format": "llm2clip.inspect/1", "direction": "text-to-image",
            "protocol": {"dataset": "pets", "split": "test", "split_digest": digest,
                "captions": "any", "judgements": "own", "self_exclusion": "none",
                "tie_rule": "high", "rules": 1},
            "lists": [{"role": "tuned", "encoder": card, "ms": 1.0, "hits": []}]});
        Answer::Lists(Box::new(serde_json::from_value(document).unwrap()))
    }

    fn expected(card: &Value) -> Expected {
        let cards = vec![("tuned".to_owned(), card.clone())];
        Expected { result: "caption-1".into(), split_digest: "00".into(), cards }
    }

    #[test]
    fn another_set_is_refused_with_both_digests() {
        let expected = expected(&json!({}));
        assert_eq!(expected.refuses(&answer("00", &json!({}))), None);
        let why = expected.refuses(&answer("77", &json!({}))).unwrap();
        assert!(why.contains("expected split_digest 00") && why.contains("found 77"), "{why}");
    }

    #[test]
    fn an_encoder_of_another_way_is_refused_and_one_of_other_weights_is_told_of_with_both() {
        let card = |weights: &str, pooling: &str| json!({"tower": "text", "weights": weights, "text": {"pooling": pooling}});
        let known = expected(&card("aa", "mean"));
        let of = |card: &Value| answer("00", card);
        assert_eq!(known.refuses(&of(&card("aa", "mean"))), None);
        assert_eq!(known.other_weights(&of(&card("aa", "mean"))), None);
        assert_eq!(known.refuses(&of(&card("bb", "mean"))), None);
        assert_eq!(
            known.other_weights(&of(&card("bb", "mean"))).unwrap(),
            "asked with today's weights, not those of caption-1: tuned bb (was aa)"
        );
        let why = known.refuses(&of(&card("aa", "last"))).unwrap();
        assert!(why.contains("tuned is not what it was: expected way with texts"), "{why}");
        assert!(why.contains("last"), "{why}");
        // Another tower of it has the same weights, and nothing else to compare.
        let image = |weights: &str| json!({"tower": "image", "weights": weights});
        assert_eq!(known.refuses(&of(&image("aa"))), None);
        assert_eq!(known.other_weights(&of(&image("aa"))), None);
        assert!(known.other_weights(&of(&image("bb"))).is_some());
        // A card of an earlier version may not say its weights.
        assert_eq!(expected(&json!({})).other_weights(&of(&image("bb"))), None);
    }
}
