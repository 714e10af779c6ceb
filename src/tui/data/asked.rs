//! Typed queries: what was asked of two encoders, and what they answered.

use super::expected::Expected;
use crate::eval::InspectDocument;
use crate::eval::classify::{CLASSIFY_FORMAT, ClassifyDocument};
use crate::ids::{Digest, SessionId};
use serde_json::{Map, Value};

/// What two encoders answered.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// Two lists of neighbours.
    Lists(Box<InspectDocument>),
    /// Which of the typed texts fit the picture.
    Choice(Box<ClassifyDocument>),
}

/// A typed query.
#[derive(Clone, Debug, PartialEq)]
pub struct Asked {
    /// Its id within this sitting.
    pub id: String,
    /// The session it was asked in.
    pub session: SessionId,
    /// The line that `inspect --serve` takes.
    pub question: Value,
    /// What its answer must stand on; nothing where it was answered in an earlier sitting.
    pub expected: Option<Expected>,
    /// The answer, or why there is none; nothing yet while it is on its way.
    pub answer: Option<Result<Answer, String>>,
    /// Whether it was put away: it is listed no longer, and its id stays its own.
    pub dismissed: bool,
    /// The name of an own picture's pixels, while they are at hand: in the sitting it was asked in.
    pub seen: Option<Digest>,
}

/// Length of the lists asked for.
const K: usize = 10;

/// Endings that make a typed line a picture's path.
const PICTURES: [&str; 5] = [".png", ".jpg", ".jpeg", ".webp", ".gif"];

/// The path in a typed line that names a picture rather than being a text: without the quotes and the
/// backslashes before spaces that a shell would take off, and without `file://`, as file managers drop one.
#[must_use]
pub fn picture_path(line: &str) -> Option<String> {
    let line = line.trim();
    let quoted = ['\'', '"'].into_iter().find_map(|quote| {
        let inside = line.strip_prefix(quote)?.strip_suffix(quote)?;
        (!inside.contains(quote)).then_some(inside)
    });
    let path = match (quoted, line.strip_prefix("file://")) {
        (Some(inside), _) => inside.to_owned(),
        (None, Some(address)) => unescaped(address),
        (None, None) => line.replace("\\ ", " "),
    };
    let lower = path.to_lowercase();
    PICTURES.iter().any(|ending| lower.ends_with(ending)).then_some(path)
}

/// An address without its `%` and two digits; as it is where that is no text.
fn unescaped(address: &str) -> String {
    let mut bytes = Vec::with_capacity(address.len());
    let mut rest = address.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        let digits = after.get(..2).filter(|digits| digits.iter().all(u8::is_ascii_hexdigit));
        let digits = digits.and_then(|digits| std::str::from_utf8(digits).ok());
        let value = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match value.filter(|_| byte == b'%') {
            Some(value) => {
                bytes.push(value);
                rest = &after[2..];
            }
            None => {
                bytes.push(byte);
                rest = after;
            }
        }
    }
    String::from_utf8(bytes).unwrap_or_else(|_| address.to_owned())
}

/// Whether a typed line names a picture rather than being a text.
#[must_use]
pub fn is_picture(line: &str) -> bool {
    picture_path(line).is_some()
}

/// The direction of a typed line that asks a gallery as in `direction`.
fn direction_of(line: &str, direction: &str) -> String {
    let gallery = direction.rsplit_once("-to-").map_or("image", |(_, gallery)| gallery);
    format!("{}-to-{gallery}", if is_picture(line) { "image" } else { "text" })
}

/// The question a typed line asks, of a gallery as in `direction`.
#[must_use]
pub fn question(id: &str, line: &str, direction: &str) -> Value {
    let mut question = Map::new();
    question.insert("id".to_owned(), id.into());
    match picture_path(line) {
        Some(path) => drop(question.insert("image".to_owned(), path.into())),
        None => drop(question.insert("text".to_owned(), line.into())),
    }
    question.insert("k".to_owned(), K.into());
    question.insert("direction".to_owned(), direction_of(line, direction).into());
    Value::Object(question)
}

/// The question of a typed line of texts, separated by semicolons, else by commas: which of them fit
/// the picture of a query, or of a file that stands first in the line?
pub fn choice(id: &str, line: &str, query: Option<&str>) -> Result<Value, String> {
    let separator = if line.contains(';') { ';' } else { ',' };
    let parts = line.split(separator).map(str::trim).filter(|part| !part.is_empty());
    let mut texts: Vec<&str> = parts.collect();
    let file = texts.first().and_then(|first| picture_path(first));
    if file.is_some() {
        texts.remove(0);
    }
    if texts.len() < 2 {
        return Err("two texts or more, with commas or semicolons between them".to_owned());
    }
    let mut question = Map::new();
    question.insert("id".to_owned(), id.into());
    match (file, query) {
        (Some(file), _) => drop(question.insert("image".to_owned(), file.into())),
        (None, Some(query)) if is_picture(query) => {
            question.insert("image".to_owned(), query.into());
        }
        (None, Some(query)) => drop(question.insert("query_id".to_owned(), query.into())),
        (None, None) => {
            let words =
                "no picture to choose for: begin with a file, such as cat.png, a cat, a dog";
            return Err(words.to_owned());
        }
    }
    question.insert("candidates".to_owned(), texts.into());
    Ok(Value::Object(question))
}

impl Asked {
    /// The text, path or id that was asked for, and the texts to choose from.
    #[must_use]
    pub fn words(&self) -> String {
        let about = self.about();
        let candidates = self.question["candidates"].as_array();
        let Some(candidates) = candidates else { return about.to_owned() };
        let texts: Vec<&str> = candidates.iter().filter_map(Value::as_str).collect();
        format!("{}? {about}", texts.join(", "))
    }

    /// The text, path or id that was asked for.
    #[must_use]
    pub fn about(&self) -> &str {
        let known =
            ["text", "image", "query_id"].iter().find_map(|key| self.question[*key].as_str());
        known.unwrap_or_default()
    }

    /// The query or file whose picture it shows.
    #[must_use]
    pub fn picture(&self) -> Option<&str> {
        ["image", "query_id"].iter().find_map(|key| self.question[*key].as_str())
    }

    /// Query to gallery, or that it is a choice.
    #[must_use]
    pub fn direction(&self) -> &str {
        if self.question["candidates"].is_array() {
            return "zero-shot choice";
        }
        self.question["direction"].as_str().unwrap_or_default()
    }

    /// The two lists, once they are there.
    #[must_use]
    pub fn document(&self) -> Option<&InspectDocument> {
        match self.answer.as_ref()? {
            Ok(Answer::Lists(document)) => Some(document),
            _ => None,
        }
    }

    /// The choice among typed texts, once it is there.
    #[must_use]
    pub fn chosen(&self) -> Option<&ClassifyDocument> {
        match self.answer.as_ref()? {
            Ok(Answer::Choice(document)) => Some(document),
            _ => None,
        }
    }

    /// Takes the answer's line; one that stands on other data or encoders is none.
    pub fn answered(&mut self, answer: &Value) {
        let answer = match answer["error"].as_str() {
            Some(error) => Err(error.to_owned()),
            None if answer["format"] == CLASSIFY_FORMAT => serde_json::from_value(answer.clone())
                .map(|document| Answer::Choice(Box::new(document)))
                .map_err(|error| format!("an answer that is no classification: {error}")),
            None => serde_json::from_value(answer.clone())
                .map(|document| Answer::Lists(Box::new(document)))
                .map_err(|error| format!("an answer that is no inspection: {error}")),
        };
        let refuses = |answer: &Answer| self.expected.as_ref()?.refuses(answer);
        self.answer = Some(answer.and_then(|answer| refuses(&answer).map_or(Ok(answer), Err)));
    }
}

/// The instruction of `template=llm2vec`; a model's own, which may be another, needs no option.
const INSTRUCTION: &str = "Given a caption, retrieve a similar relevant caption.";

/// An encoder as `--encoders` takes it, from its label and its card.
#[must_use]
pub fn spec(role: &str, card: &Value) -> Option<String> {
    let source = card["encoder"].as_str().filter(|source| *source != "bm25")?;
    if role.contains('[') {
        // It was asked for without a label, and is called as it was asked for.
        return role.ends_with(']').then(|| role.to_owned());
    }
    let mut options = Vec::new();
    let loras = card["lora"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let loras: Vec<&str> = loras.collect();
    if !loras.is_empty() {
        options.push(format!("lora={}", loras.join("+")));
    }
    if card["kind"] == "llama" {
        for key in ["pooling", "attention", "template"] {
            options.extend(card["text"][key].as_str().map(|value| format!("{key}={value}")));
        }
        if card["text"]["template"]["llm2vec"]["instruction"] == INSTRUCTION {
            options.push("template=llm2vec".to_owned());
        }
        options.extend(card["text"]["bos"].as_bool().map(|bos| format!("bos={bos}")));
    }
    let longest = card["text"]["max_tokens"].as_u64();
    options.extend(longest.map(|tokens| format!("max_tokens={tokens}")));
    options.extend(card["layer"].as_u64().map(|layer| format!("layer={layer}")));
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
        // As a file manager drops a file into a terminal.
        for dropped in [
            "'/my pets/cat.jpg' ",
            "\"/my pets/cat.jpg\"",
            "/my\\ pets/cat.jpg",
            "file:///my%20pets/cat.jpg",
        ] {
            assert_eq!(question("3", dropped, "text-to-image")["image"], "/my pets/cat.jpg");
        }
        assert_eq!(picture_path("file:///100%/%ff.png").as_deref(), Some("/100%/%ff.png"));
        assert_eq!(picture_path("it's a cat, not 'cat.jpg'"), None);
    }

    #[test]
    fn typed_texts_are_chosen_among_for_a_query_or_for_a_file_that_stands_first() {
        let asked = choice("1", "a cat; a dog, big ;", Some("cat#0")).unwrap();
        let expected =
            json!({"id": "1", "query_id": "cat#0", "candidates": ["a cat", "a dog, big"]});
        assert_eq!(asked, expected);
        let asked = choice("2", "my/cat.PNG, a cat, a dog", Some("dog#0")).unwrap();
        assert_eq!(asked["image"], "my/cat.PNG");
        assert_eq!(asked["candidates"], json!(["a cat", "a dog"]));
        assert!(choice("3", "a cat", Some("cat#0")).unwrap_err().contains("two texts"));
        assert!(choice("4", "a cat, a dog", None).unwrap_err().contains("begin with a file"));
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
        let tuned = json!({"encoder": "builtin:llama", "kind": "llama", "lora": ["a/mntp", "hf:x/y"],
            "text": {"pooling": "mean", "template": {"llm2vec": {"instruction": INSTRUCTION}}}});
        let expected = "t=builtin:llama[lora=a/mntp+hf:x/y,pooling=mean,template=llm2vec]";
        assert_eq!(spec("t", &tuned).unwrap(), expected);
        // Without a label it is called as it was asked for.
        let role = "builtin:llama[lora=a/mntp]";
        assert_eq!(spec(role, &tuned).unwrap(), role);
        assert_eq!(spec("builtin:llama[pooling=last]-best", &tuned), None);
        let short = json!({"encoder": "x/clip", "kind": "clip", "tower": "text",
            "text": {"max_tokens": 4}});
        assert_eq!(spec("short", &short).unwrap(), "short=x/clip[max_tokens=4]");
        assert_eq!(spec("bm25", &json!({"encoder": "bm25", "kind": "bm25"})), None);
    }
}
