//! Encoders as the command line names them: `[LABEL=]SPEC[OPTIONS]`.

use crate::ids::encoder_list;
use crate::model::Pooling;
use crate::nn::Mask;
use std::path::PathBuf;

/// A text that names no encoder.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum SpecError {
    /// A bracket is not closed.
    #[error("encoder {0:?}: expected a closing ']'")]
    Bracket(String),
    /// An option is not `key=value` with a key there is.
    #[error(
        "encoder {spec:?}: option {option:?}; expected one of pooling= attention= template= bos= lora= max_tokens= layer= tower="
    )]
    Option {
        /// The encoder.
        spec: String,
        /// What was found.
        option: String,
    },
    /// An option has a value it cannot have.
    #[error("encoder {spec:?}: {key}={value}; expected {expected}")]
    Value {
        /// The encoder.
        spec: String,
        /// The option.
        key: String,
        /// What was found.
        value: String,
        /// What would be right.
        expected: &'static str,
    },
    /// An option stands there more than once.
    #[error("encoder {spec:?}: expected {key}= once, found it twice")]
    Twice {
        /// The encoder.
        spec: String,
        /// The option.
        key: String,
    },
    /// An option is not for this encoder, or asks for more than it has.
    #[error("encoder {spec:?}: expected {expected}, found {found}")]
    Unfit {
        /// The encoder.
        spec: String,
        /// What it takes.
        expected: String,
        /// What was given.
        found: String,
    },
    /// Nothing stands where the encoder should.
    #[error(
        "expected an encoder such as builtin:llama, RUN/STAGE, a folder or bm25, found nothing"
    )]
    Empty,
    /// Two encoders of a list have one label.
    #[error(
        "two encoders are called {0:?}: rows and tests could not be told apart; give one of them another label, NAME=SPEC"
    )]
    Repeated(String),
}

/// Which tower of a two-tower model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tower {
    /// Text.
    Text,
    /// Pictures.
    Image,
}

/// The options in brackets; what is not given is the model's own.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Options {
    /// How token states become one row.
    pub pooling: Option<Pooling>,
    /// Which tokens see which.
    pub attention: Option<Mask>,
    /// Whether the LLM2Vec instruction template is used.
    pub template: Option<bool>,
    /// Whether a beginning-of-sequence token is put in front.
    pub bos: Option<bool>,
    /// LoRA folders, merged in this order.
    pub lora: Vec<PathBuf>,
    /// Longest token sequence.
    pub max_tokens: Option<usize>,
    /// Take the states after this many layers instead of the last.
    pub layer: Option<usize>,
    /// Which tower of a two-tower model.
    pub tower: Option<Tower>,
}

/// One encoder as asked for.
#[derive(Clone, Debug, PartialEq)]
pub struct EncoderSpec {
    /// What reports call it: the label, else the text itself.
    pub label: String,
    /// `builtin:NAME`, `bm25`, `table:FILE`, a path or a run's checkpoint.
    pub source: String,
    /// What stood in brackets.
    pub options: Options,
}

/// Splits a list of encoders at the commas outside brackets. Every one has a label of its own.
pub fn parse_list(text: &str) -> Result<Vec<EncoderSpec>, SpecError> {
    let specs: Vec<EncoderSpec> =
        encoder_list(text).into_iter().map(parse).collect::<Result<_, _>>()?;
    for (at, spec) in specs.iter().enumerate() {
        if specs[..at].iter().any(|other| other.label == spec.label) {
            return Err(SpecError::Repeated(spec.label.clone()));
        }
    }
    Ok(specs)
}

/// Reads one encoder.
pub fn parse(text: &str) -> Result<EncoderSpec, SpecError> {
    let (head, options) = match text.split_once('[') {
        None => (text, ""),
        Some((head, rest)) => {
            let inner =
                rest.strip_suffix(']').ok_or_else(|| SpecError::Bracket(text.to_owned()))?;
            (head, inner)
        }
    };
    let (label, source) = match head.split_once('=') {
        Some((label, source)) => (label.to_owned(), source.to_owned()),
        None => (without_folders(text), head.to_owned()),
    };
    if source.is_empty() {
        return Err(SpecError::Empty);
    }
    let mut spec = EncoderSpec { label, source, options: Options::default() };
    let mut keys: Vec<&str> = Vec::new();
    for option in options.split(',').map(str::trim).filter(|option| !option.is_empty()) {
        let wrong = || SpecError::Option { spec: text.to_owned(), option: option.to_owned() };
        let (key, value) = option.split_once('=').ok_or_else(wrong)?;
        if keys.contains(&key) {
            return Err(SpecError::Twice { spec: text.to_owned(), key: key.to_owned() });
        }
        keys.push(key);
        let known =
            set_option(&mut spec.options, key, value).map_err(|expected| SpecError::Value {
                spec: text.to_owned(),
                key: key.to_owned(),
                value: value.to_owned(),
                expected,
            })?;
        if !known {
            return Err(wrong());
        }
    }
    if spec.source == "bm25" {
        spec.options.only(text, "for bm25", &[])?;
    } else if spec.source.starts_with("table:") {
        spec.options.only(text, "for a table, whose rows are made", &[])?;
    }
    Ok(spec)
}

/// A label for an encoder that was given none: its text, and of absolute paths the last part, since
/// labels stand in results.
fn without_folders(text: &str) -> String {
    const ENDS: [char; 6] = [':', '[', ']', '=', ',', '+'];
    let mut label = String::new();
    for part in text.split_inclusive(ENDS) {
        let path = part.trim_end_matches(ENDS);
        let last = path.trim_end_matches('/').rsplit('/').next();
        let last = last.filter(|last| path.starts_with('/') && !last.is_empty());
        label.push_str(last.unwrap_or(path));
        label.push_str(&part[path.len()..]);
    }
    label
}

fn set_option(options: &mut Options, key: &str, value: &str) -> Result<bool, &'static str> {
    let number = || value.parse::<usize>().map_err(|_| "a whole number");
    match key {
        "pooling" => {
            options.pooling = Some(match value {
                "mean" => Pooling::Mean,
                "weighted_mean" => Pooling::WeightedMean,
                "last" => Pooling::Last,
                "eos" => Pooling::Eos,
                "cls" => Pooling::Cls,
                _ => return Err("mean, weighted_mean, last, eos or cls"),
            });
        }
        "attention" => {
            options.attention = Some(match value {
                "causal" => Mask::Causal,
                "bidirectional" => Mask::Bidirectional,
                _ => return Err("causal or bidirectional"),
            });
        }
        "template" => {
            options.template = Some(match value {
                "none" => false,
                "llm2vec" => true,
                _ => return Err("none or llm2vec"),
            });
        }
        "bos" => options.bos = Some(value.parse().map_err(|_| "true or false")?),
        "lora" => options.lora = value.split('+').map(PathBuf::from).collect(),
        "max_tokens" => options.max_tokens = Some(number()?),
        "layer" => options.layer = Some(number()?),
        "tower" => {
            options.tower = Some(match value {
                "text" => Tower::Text,
                "image" => Tower::Image,
                _ => return Err("text or image"),
            });
        }
        _ => return Ok(false),
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_splits_outside_brackets_only() {
        let list = "bm25,raw=builtin:llama[pooling=last,bos=false],demo-1/clip[tower=text]";
        let specs = parse_list(list).unwrap();
        assert_eq!(specs.len(), 3);
        assert_eq!((specs[1].label.as_str(), specs[1].source.as_str()), ("raw", "builtin:llama"));
        assert_eq!(specs[1].options.pooling, Some(Pooling::Last));
        assert_eq!(specs[1].options.bos, Some(false));
        assert_eq!(specs[2].options.tower, Some(Tower::Text));
        assert_eq!(specs[2].label, "demo-1/clip[tower=text]");
    }

    #[test]
    fn no_two_encoders_of_a_list_have_one_label() {
        for list in ["a=bm25,a=builtin:llama,b=x/clip", "bm25,bm25", "clip#1=x,clip#1=y"] {
            let error = parse_list(list).unwrap_err();
            assert!(matches!(error, SpecError::Repeated(_)), "{list}: {error}");
            assert!(error.to_string().contains("another label"), "{error}");
        }
        let apart = "clip#1=x/clip,clip#2=x/clip,x/clip,x/clip[pooling=mean]";
        assert_eq!(parse_list(apart).unwrap().len(), 4);
    }

    #[test]
    fn a_label_names_no_folder_of_this_machine() {
        for (text, label) in [
            ("/home/me/x.gguf", "x.gguf"),
            ("/home/me/model/[pooling=mean]", "model[pooling=mean]"),
            ("table:/home/me/t.safetensors", "table:t.safetensors"),
            ("builtin:llama[lora=/a/b+c/d,bos=true]", "builtin:llama[lora=b+c/d,bos=true]"),
            ("models/x.gguf", "models/x.gguf"),
            ("demo-1/clip@300", "demo-1/clip@300"),
            ("l=/home/me/x.gguf", "l"),
        ] {
            assert_eq!(parse(text).unwrap().label, label, "{text}");
        }
        assert_eq!(parse("/home/me/x.gguf").unwrap().source, "/home/me/x.gguf");
    }

    #[test]
    fn what_cannot_be_read_says_what_would_be_right() {
        for (text, part) in [
            ("a[pooling=max]", "weighted_mean"),
            ("a[colour=red]", "pooling="),
            ("a[pooling=mean", "closing"),
            ("x=", "found nothing"),
            ("a[layer=one]", "whole number"),
        ] {
            let error = parse(text).unwrap_err().to_string();
            assert!(error.contains(part), "{text}: {error}");
        }
    }
}
