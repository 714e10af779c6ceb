//! A model folder's tokenizer: `tokenizer.json`, and what the files beside it say about its ends.

use super::error::{DataError, Result};
use super::tokenizer::Tokenizer;
use serde_json::{Value, json};
use std::path::Path;

/// A tokenizer with its file.
#[derive(Debug)]
pub struct TokenizerFiles {
    /// The tokenizer.
    pub tokenizer: Tokenizer,
    /// The text of its `tokenizer.json`.
    pub json: Vec<u8>,
    /// Whether texts start with BOS.
    pub adds_bos: bool,
    /// Whether texts end with EOS.
    pub adds_eos: bool,
}

/// Reads the tokenizer of a model's folder. `tokenizer_config.json`, then
/// `special_tokens_map.json`, name the tokens that start and end a text. Whether BOS is put in
/// front is the file's own business, except that `LlamaTokenizer` follows
/// `add_bos_token` and `add_eos_token`.
///
/// # Errors
/// No readable `tokenizer.json`, or named tokens that it does not have.
pub fn read(folder: &Path) -> Result<TokenizerFiles> {
    let path = folder.join("tokenizer.json");
    let json = std::fs::read(&path).map_err(DataError::read(&path))?;
    let config = optional(&folder.join("tokenizer_config.json"))?;
    let special = optional(&folder.join("special_tokens_map.json"))?;
    let named = |key: &str| [&config, &special].into_iter().find_map(|file| token(&file[key]));
    let mut files = from_json(json)?;
    files.tokenizer =
        files.tokenizer.with_ends(named("bos_token").as_deref(), named("eos_token").as_deref())?;
    files.adds_bos = files.tokenizer.adds_bos()?;
    files.adds_eos = files.tokenizer.adds_eos()?;
    let class = config["tokenizer_class"].as_str().unwrap_or_default();
    if class.starts_with("LlamaTokenizer") {
        let flag = |key: &str| config[key].as_bool();
        if let Some(adds) = flag("add_bos_token") {
            files.adds_bos = adds && files.tokenizer.bos().is_some();
        }
        if let Some(adds) = flag("add_eos_token") {
            files.adds_eos = adds && files.tokenizer.eos().is_some();
        }
    }
    Ok(files)
}

/// The tokenizer in the text of a `tokenizer.json` alone.
///
/// # Errors
/// Another text.
pub fn from_json(json: Vec<u8>) -> Result<TokenizerFiles> {
    let tokenizer = Tokenizer::from_bytes(&json)?;
    let (adds_bos, adds_eos) = (tokenizer.adds_bos()?, tokenizer.adds_eos()?);
    Ok(TokenizerFiles { tokenizer, json, adds_bos, adds_eos })
}

/// A `tokenizer_config.json` that says of a tokenizer what its own file does not: which tokens start
/// and end a text, and whether they are put there.
///
/// # Errors
/// A tokenizer that cannot encode a text.
pub fn ends(tokenizer: &Tokenizer, bos: bool, eos: bool) -> Result<Vec<u8>> {
    let name = |id: Option<u32>| id.and_then(|id| tokenizer.token(id));
    let own = tokenizer.adds_bos()? == bos && tokenizer.adds_eos()? == eos;
    // Of this class alone are the flags obeyed.
    let class = if own { "PreTrainedTokenizerFast" } else { "LlamaTokenizerFast" };
    let config = json!({
        "tokenizer_class": class,
        "bos_token": name(tokenizer.bos()),
        "eos_token": name(tokenizer.eos()),
        "add_bos_token": bos,
        "add_eos_token": eos,
    });
    Ok(config.to_string().into_bytes())
}

/// The text of a `tokenizer.json` that by itself puts BOS before and EOS behind a text, as a CLIP text
/// tower reads it: `json`, the tokenizer's own, where that does so already, else with another
/// post-processor. The ids of a text alone stay as they are.
///
/// # Errors
/// A tokenizer without a token for one of the ends.
pub fn with_both_ends(json: &[u8], tokenizer: &Tokenizer) -> Result<Vec<u8>> {
    if tokenizer.adds_bos()? && tokenizer.adds_eos()? {
        return Ok(json.to_vec());
    }
    let end = |id: Option<u32>, what: &str| {
        let found = id.and_then(|id| Some((id, tokenizer.token(id)?)));
        found.ok_or_else(|| DataError::NoSuchToken {
            token: what.to_owned(),
            needed_for: "a text tower",
        })
    };
    let (bos, eos) = (end(tokenizer.bos(), "BOS")?, end(tokenizer.eos(), "EOS")?);
    let token = |(_, name): &(u32, String)| json!({"SpecialToken": {"id": name, "type_id": 0}});
    let text = |name: &str| json!({"Sequence": {"id": name, "type_id": 0}});
    let mut special = serde_json::Map::new();
    for (id, name) in [&bos, &eos] {
        special.insert(name.clone(), json!({"id": name, "ids": [id], "tokens": [name]}));
    }
    let mut file: Value =
        serde_json::from_slice(json).map_err(|source| DataError::TokenizerFile(source.into()))?;
    file["post_processor"] = json!({
        "type": "TemplateProcessing",
        "single": [token(&bos), text("A"), token(&eos)],
        "pair": [token(&bos), text("A"), token(&eos), token(&bos), text("B"), token(&eos)],
        "special_tokens": special,
    });
    Ok(file.to_string().into_bytes())
}

/// A JSON file, or null where there is none.
fn optional(path: &Path) -> Result<Value> {
    if !path.is_file() {
        return Ok(Value::Null);
    }
    let bytes = std::fs::read(path).map_err(DataError::read(path))?;
    serde_json::from_slice(&bytes)
        .map_err(|source| DataError::Document { path: path.to_owned(), source })
}

/// A token written as text, or as an object with its `content`.
fn token(value: &Value) -> Option<String> {
    value.as_str().or_else(|| value["content"].as_str()).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::super::tokenizer_train::{Training, train};
    use super::*;

    #[test]
    fn a_file_that_puts_both_ends_gives_the_same_ids_between_them() {
        let json = train(["a b c", "a b"], &Training::default()).unwrap();
        let own = from_json(json.clone()).unwrap();
        assert_eq!((own.adds_bos, own.adds_eos), (true, false));
        let both = from_json(with_both_ends(&json, &own.tokenizer).unwrap()).unwrap();
        assert_eq!((both.adds_bos, both.adds_eos), (true, true));
        let ids = own.tokenizer.ids("a c b").unwrap();
        assert_eq!(both.tokenizer.ids("a c b").unwrap(), ids);
        let published = both.tokenizer.published("a c b").unwrap();
        assert_eq!(published, [&[0][..], &ids[..], &[1][..]].concat());
        let again = with_both_ends(&both.json, &both.tokenizer).unwrap();
        assert_eq!(again, both.json, "a file that does so already stays as it is");
    }
}
