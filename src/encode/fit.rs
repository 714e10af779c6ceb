//! Whether options fit what they are given to: an option that would change nothing is refused, as is one
//! that asks for more than there is.

use super::spec::{Options, SpecError, Tower};
use crate::model::LlamaConfig;

/// What a language model takes.
const LLAMA: [&str; 8] =
    ["pooling", "attention", "template", "bos", "lora", "max_tokens", "layer", "tower"];
/// What a language model behind LLM2CLIP's adapter takes.
const LLM2CLIP: [&str; 7] =
    ["pooling", "attention", "template", "bos", "max_tokens", "layer", "tower"];
/// What CLIP's text tower takes: all else is part of it.
const CLIP: [&str; 2] = ["max_tokens", "tower"];

impl Options {
    /// The options that were given, by name.
    pub(super) fn given(&self) -> Vec<&'static str> {
        let all = [
            (self.pooling.is_some(), "pooling"),
            (self.attention.is_some(), "attention"),
            (self.template.is_some(), "template"),
            (self.bos.is_some(), "bos"),
            (!self.lora.is_empty(), "lora"),
            (self.max_tokens.is_some(), "max_tokens"),
            (self.layer.is_some(), "layer"),
            (self.tower.is_some(), "tower"),
        ];
        all.into_iter().filter_map(|(given, key)| given.then_some(key)).collect()
    }

    /// Refuses options of an encoder whose pictures alone are asked for.
    ///
    /// # Errors
    /// One that is for texts.
    pub fn fit_pictures(&self, name: &str) -> Result<(), SpecError> {
        self.only(name, "for pictures", &["tower"])?;
        match self.tower {
            Some(Tower::Text) => {
                Err(unfit(name, "pictures to be read with tower=image", "tower=text"))
            }
            _ => Ok(()),
        }
    }

    /// Refuses the text tower alone where pictures are encoded too.
    ///
    /// # Errors
    /// One is named.
    pub fn fit_both(&self, name: &str) -> Result<(), SpecError> {
        if self.tower == Some(Tower::Text) {
            let found = "tower=text; leave it out";
            return Err(unfit(
                name,
                "pictures to be encoded too, since the task asks for them",
                found,
            ));
        }
        Ok(())
    }

    /// Refuses what a language model cannot do with texts.
    pub(super) fn fit_llama(&self, name: &str, config: &LlamaConfig) -> Result<(), SpecError> {
        self.only(name, "for a Llama", &LLAMA)?;
        self.fit_texts(name, config.positions)
    }

    /// Refuses what a language model behind LLM2CLIP's adapter cannot do with texts.
    pub(super) fn fit_llm2clip(&self, name: &str, config: &LlamaConfig) -> Result<(), SpecError> {
        self.only(name, "for LLM2CLIP's text side", &LLM2CLIP)?;
        self.fit_texts(name, config.positions)
    }

    /// Refuses what CLIP's text tower cannot do.
    pub(super) fn fit_clip(&self, name: &str, positions: usize) -> Result<(), SpecError> {
        let what = "for CLIP's text tower, whose pooling, attention and ends are fixed";
        self.only(name, what, &CLIP)?;
        self.fit_texts(name, positions)
    }

    fn fit_texts(&self, name: &str, positions: usize) -> Result<(), SpecError> {
        if self.tower == Some(Tower::Image) {
            let found = "tower=image, which reads none; leave it out";
            return Err(unfit(name, "a tower that reads texts", found));
        }
        match self.max_tokens {
            Some(most) if most > positions => {
                let expected = format!("max_tokens of at most {positions}, its positions");
                Err(unfit(name, &expected, &format!("max_tokens={most}")))
            }
            _ => Ok(()),
        }
    }

    /// Refuses options that are not among some.
    pub(super) fn only(&self, name: &str, what: &str, takes: &[&str]) -> Result<(), SpecError> {
        let Some(odd) = self.given().into_iter().find(|key| !takes.contains(key)) else {
            return Ok(());
        };
        let takes: Vec<String> = takes.iter().map(|key| format!("{key}=")).collect();
        let expected = if takes.is_empty() {
            format!("no options {what}")
        } else {
            format!("none but {} {what}", takes.join(" "))
        };
        Err(unfit(name, &expected, &format!("{odd}=; leave it out")))
    }
}

fn unfit(name: &str, expected: &str, found: &str) -> SpecError {
    SpecError::Unfit {
        spec: name.to_owned(),
        expected: expected.to_owned(),
        found: found.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::spec::parse;
    use super::super::{Sources, text_encoder};
    use candle_core::Device;

    /// What making the text encoder of an encoder's text says.
    fn refusal(text: &str) -> String {
        let sources = Sources { checkpoints: "/".into(), device: Device::Cpu, weigh: false };
        let spec = match parse(text) {
            Ok(spec) => spec,
            Err(error) => return error.to_string(),
        };
        let loaded = sources.load(&spec.source).unwrap();
        match text_encoder(&spec.source, loaded, &spec.options, &sources) {
            Ok(encoder) => format!("at most {}", encoder.spec().max_tokens),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn an_option_that_would_change_nothing_is_refused() {
        for (text, parts) in [
            ("bm25[pooling=last]", &["no options for bm25", "found pooling="][..]),
            ("table:x.safetensors[bos=true]", &["no options for a table", "found bos="]),
            ("builtin:llama[tower=image]", &["reads texts", "found tower=image"]),
            ("builtin:llama[pooling=mean,pooling=last]", &["pooling= once", "found it twice"]),
            ("builtin:llama[max_tokens=100000]", &["at most 256", "found max_tokens=100000"]),
        ] {
            let found = refusal(text);
            assert!(parts.iter().all(|part| found.contains(part)), "{text}: {found}");
            assert!(found.contains("expected"), "{text}: {found}");
        }
        assert_eq!(refusal("builtin:llama[max_tokens=256,tower=text]"), "at most 256");
        assert_eq!(refusal("builtin:llama[max_tokens=9]"), "at most 9");
    }

    #[test]
    fn options_for_texts_are_none_for_pictures() {
        let options = |text: &str| parse(text).unwrap().options;
        assert!(options("a[tower=image]").fit_pictures("a").is_ok());
        for text in ["a[pooling=mean]", "a[tower=text]", "a[max_tokens=3]"] {
            assert!(options(text).fit_pictures("a").is_err(), "{text}");
        }
        assert!(options("a[max_tokens=3]").fit_both("a").is_ok());
        assert!(options("a[tower=image]").fit_both("a").is_ok());
        assert!(options("a[tower=text]").fit_both("a").is_err());
        let clip = |text: &str| options(text).fit_clip("a", 77).map_err(|error| error.to_string());
        assert!(clip("a[max_tokens=77]").is_ok());
        for text in ["a[max_tokens=78]", "a[bos=true]", "a[template=none]", "a[layer=3]"] {
            assert!(clip(text).is_err(), "{text}");
        }
        assert!(clip("a[pooling=last]").unwrap_err().contains("max_tokens= tower="));
    }
}
