//! Typed queries: what was asked of two encoders, and what they answered.

use crate::eval::InspectDocument;
use crate::ids::SessionId;
use serde_json::{Map, Value};

/// A typed query.
#[derive(Clone, Debug, PartialEq)]
pub struct Asked {
    /// Its id within this sitting.
    pub id: String,
    /// The session it was asked in.
    pub session: SessionId,
    /// The line that `inspect --serve` takes.
    pub question: Value,
    /// The answer, or why there is none; nothing yet while it is on its way.
    pub answer: Option<Result<Box<InspectDocument>, String>>,
}

/// Length of the lists asked for.
const K: usize = 10;

/// Endings that make a typed line a picture's path.
const PICTURES: [&str; 5] = [".png", ".jpg", ".jpeg", ".webp", ".gif"];

/// Whether a typed line names a picture rather than being a text.
#[must_use]
pub fn is_picture(line: &str) -> bool {
    let lower = line.to_lowercase();
    PICTURES.iter().any(|ending| lower.ends_with(ending))
}

/// The question a typed line asks, of a gallery as in `direction`.
#[must_use]
pub fn question(id: &str, line: &str, direction: &str) -> Value {
    let gallery = direction.rsplit_once("-to-").map_or("image", |(_, gallery)| gallery);
    let picture = is_picture(line);
    let mut question = Map::new();
    question.insert("id".to_owned(), id.into());
    question.insert(if picture { "image" } else { "text" }.to_owned(), line.into());
    question.insert("k".to_owned(), K.into());
    let asks = if picture { "image" } else { "text" };
    question.insert("direction".to_owned(), format!("{asks}-to-{gallery}").into());
    Value::Object(question)
}

impl Asked {
    /// The text, path or id that was asked for.
    #[must_use]
    pub fn words(&self) -> &str {
        let known =
            ["text", "image", "query_id"].iter().find_map(|key| self.question[*key].as_str());
        known.unwrap_or_default()
    }

    /// Query to gallery.
    #[must_use]
    pub fn direction(&self) -> &str {
        self.question["direction"].as_str().unwrap_or_default()
    }

    /// The answer, once it is there.
    #[must_use]
    pub fn document(&self) -> Option<&InspectDocument> {
        self.answer.as_ref()?.as_ref().ok().map(|document| &**document)
    }

    /// Takes the answer's line.
    pub fn answered(&mut self, answer: &Value) {
        self.answer = Some(match answer["error"].as_str() {
            Some(error) => Err(error.to_owned()),
            None => serde_json::from_value(answer.clone())
                .map(Box::new)
                .map_err(|error| format!("an answer that is no inspection: {error}")),
        });
    }
}

/// An encoder as `--encoders` takes it, from its label and its card.
#[must_use]
pub fn spec(role: &str, card: &Value) -> Option<String> {
    let source = card["encoder"].as_str().filter(|source| *source != "bm25")?;
    let mut options = Vec::new();
    if card["kind"] == "llama" {
        for key in ["pooling", "attention", "template"] {
            options.extend(card["text"][key].as_str().map(|value| format!("{key}={value}")));
        }
        options.extend(card["text"]["bos"].as_bool().map(|bos| format!("bos={bos}")));
        let longest = card["text"]["max_tokens"].as_u64();
        options.extend(longest.map(|tokens| format!("max_tokens={tokens}")));
        options.extend(card["layer"].as_u64().map(|layer| format!("layer={layer}")));
    }
    let options =
        if options.is_empty() { String::new() } else { format!("[{}]", options.join(",")) };
    Some(format!("{role}={source}{options}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_typed_line_is_a_text_or_a_pictures_path() {
        let asked = question("1", "a man riding a wave", "image-to-image");
        let expected = json!({"id": "1", "text": "a man riding a wave", "k": 10, "direction": "text-to-image"});
        assert_eq!(asked, expected);
        assert_eq!(question("2", "~/Cat.JPG", "text-to-text")["direction"], "image-to-text");
    }

    #[test]
    fn an_encoder_is_asked_for_again_as_its_card_says() {
        let card = json!({"encoder": "builtin:llama", "kind": "llama", "text": {
            "attention": "causal", "bos": true, "max_tokens": 256, "pooling": "mean",
            "template": "none"}});
        let expected = "plain=builtin:llama[pooling=mean,attention=causal,template=none,bos=true,\
                        max_tokens=256]";
        assert_eq!(spec("plain", &card).unwrap(), expected);
        let clip = json!({"encoder": "s/demo-1/clip/step-000300", "kind": "clip"});
        assert_eq!(spec("clip", &clip).unwrap(), "clip=s/demo-1/clip/step-000300");
        assert_eq!(spec("bm25", &json!({"encoder": "bm25", "kind": "bm25"})), None);
    }
}
