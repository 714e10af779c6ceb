//! What an answer must stand on to be set beside a result: the same data, and encoders that are still
//! what they were.

use super::asked::Answer;
use super::library::{LoadedResult, ResultContent};
use crate::tui::text;
use serde_json::Value;

/// Characters of a digest that messages show.
const SHOWN: usize = 12;

/// Keys of a card that change an encoder's numbers, in the words of messages.
const KEYS: [(&str, &str); 3] =
    [("weights", "weights"), ("text", "way with texts"), ("layer", "layer")];

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
        let (digest, cards): (Option<&str>, Vec<(&str, &Value)>) = match answer {
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
        };
        let result = text::safe(&self.result);
        if let Some(found) = digest.filter(|digest| *digest != self.split_digest) {
            return Some(format!(
                "another data set answered: expected split_digest {} as in {result}, found {}; what the set's name stands for here is not what was compared",
                short(&self.split_digest),
                short(found)
            ));
        }
        cards.into_iter().find_map(|(role, card)| {
            let (key, was, is) = self.changed(role, card)?;
            Some(format!(
                "{} is not what it was: expected {key} {} as in {result}, found {}; compare or inspect once more to ask it",
                text::safe(role),
                short(&was),
                short(&is)
            ))
        })
    }

    /// What differs between an encoder's card and those the result has of it: of the same tower, else
    /// only the weights, which all towers share.
    fn changed(&self, role: &str, card: &Value) -> Option<(&'static str, String, String)> {
        let known: Vec<&Value> =
            self.cards.iter().filter(|(label, _)| label == role).map(|(_, card)| card).collect();
        let same: Vec<&Value> =
            known.iter().copied().filter(|known| known["tower"] == card["tower"]).collect();
        let (known, keys) = if same.is_empty() { (known, &KEYS[..1]) } else { (same, &KEYS[..]) };
        keys.iter().find_map(|(key, words)| {
            // Older cards may lack all but the layer; a layer that is absent is the last one.
            let says = |known: &&&Value| *key == "layer" || !known[*key].is_null();
            let was: Vec<&Value> = known.iter().filter(says).map(|known| &known[*key]).collect();
            let differs = !was.is_empty() && !was.contains(&&card[*key]);
            differs.then(|| (*words, said(was[0]), said(&card[*key])))
        })
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
    fn an_encoder_with_other_weights_or_another_way_is_refused_with_both() {
        let card = |weights: &str, pooling: &str| json!({"tower": "text", "weights": weights, "text": {"pooling": pooling}});
        let known = expected(&card("aa", "mean"));
        assert_eq!(known.refuses(&answer("00", &card("aa", "mean"))), None);
        let why = known.refuses(&answer("00", &card("bb", "mean"))).unwrap();
        assert!(why.contains("tuned is not what it was: expected weights aa"), "{why}");
        assert!(why.contains("found bb"), "{why}");
        let why = known.refuses(&answer("00", &card("aa", "last"))).unwrap();
        assert!(why.contains("way with texts") && why.contains("last"), "{why}");
        // Another tower of it has the same weights, and nothing else to compare.
        let image = |weights: &str| json!({"tower": "image", "weights": weights});
        assert_eq!(known.refuses(&answer("00", &image("aa"))), None);
        assert!(known.refuses(&answer("00", &image("bb"))).is_some());
        // A card of an earlier version may not say its weights.
        assert_eq!(expected(&json!({})).refuses(&answer("00", &image("bb"))), None);
    }
}
