//! GGUF files: header, weights in f32, and the tokenizer inside.
//!
//! | file | holds |
//! |---|---|
//! | `header.rs` | keys and places of tensors, held against the file's length |
//! | `types.rs` | the storage types, decoded by candle |
//! | `llama.rs` | configuration, weights and tokenizer of a Llama |
//! | `error.rs` | what can be wrong with a file |

mod error;
mod header;
mod llama;
mod types;

pub use error::GgufError;

use super::mmap;
use super::source::{Config, Loaded, plain_llama};
use super::{EncodeError, TextUse};
use crate::data::tokenizer::Tokenizer;
use crate::ids::Digest;
use candle_core::Device;
use std::path::Path;
use std::sync::Arc;

/// The Llama in a GGUF file; `source` is what it is called in cards.
///
/// # Errors
/// No GGUF file, a damaged one, or a model or tokenizer that is not computed here.
pub fn load(path: &Path, source: &str, device: &Device) -> Result<Loaded, EncodeError> {
    let at = |cause: GgufError| EncodeError::Gguf { cause, path: path.to_owned() };
    let map = mmap::map(path)?;
    let header = header::parse(&map).map_err(at)?;
    let parts = llama::tokenizer(&header).map_err(at)?;
    let (config, tensors) = llama::model(&header, &map, device).map_err(|error| match error {
        EncodeError::GgufModel(cause) => at(cause),
        other => other,
    })?;
    let json = parts.to_json().map_err(|cause| at(cause.into()))?;
    let (bos, eos) = (parts.token(parts.bos), parts.token(parts.eos));
    let tokenizer = Tokenizer::from_bytes(&json)?.with_ends(bos, eos)?;
    let text = TextUse { bos: parts.adds_bos(), eos: parts.adds_eos(), ..plain_llama(&config) };
    Ok(Loaded {
        source: source.to_owned(),
        config: Config::Llama(config),
        tensors,
        tokenizer: Arc::new(tokenizer),
        own_tokenizer: Some(Arc::new(json)),
        text: Some(text),
        table: None,
        digest: Digest::of(&map),
        stands_on: Vec::new(),
        processor: None,
        loras: Vec::new(),
    })
}
