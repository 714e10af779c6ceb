//! What can be wrong with a GGUF file.

use crate::data::tokenizer_gguf::GgufTokenizerError;

/// A GGUF file that cannot be read, or a model in it that is not computed here.
#[derive(Debug, thiserror::Error)]
pub enum GgufError {
    /// It does not begin as a GGUF file.
    #[error("not a GGUF file: expected it to begin with \"GGUF\", found {found:?}")]
    Magic {
        /// The first bytes, as text.
        found: String,
    },
    /// A version nobody here reads.
    #[error(
        "GGUF version {found}: expected 1, 2 or 3, little-endian; convert the model with a current \
         llama.cpp"
    )]
    Version {
        /// The version in the file.
        found: u32,
    },
    /// The file ends before what its header announces.
    #[error(
        "{what} at byte {at} needs {needed} bytes and the file has {left} left: it is cut off or its \
         header is wrong; fetch it again"
    )]
    Short {
        /// What was being read.
        what: String,
        /// Where.
        at: usize,
        /// Bytes it needs.
        needed: u64,
        /// Bytes there are.
        left: u64,
    },
    /// A number in the header that no sound file has.
    #[error("{what}: expected {expected}, found {found}; the file is damaged")]
    Header {
        /// Which number.
        what: String,
        /// What would do.
        expected: String,
        /// What stands there.
        found: String,
    },
    /// A key that must be there and is not, or has another type.
    #[error("key {key}: expected {expected}, found {found}")]
    Key {
        /// The key.
        key: String,
        /// What would do.
        expected: String,
        /// What stands there.
        found: String,
    },
    /// A tensor type that is not decoded here.
    #[error(
        "tensor {tensor} has type {found}: expected one of {known}; quantise the model to one of these"
    )]
    Type {
        /// The tensor.
        tensor: String,
        /// Its type.
        found: String,
        /// The types that are decoded.
        known: String,
    },
    /// A tensor the model needs.
    #[error("tensor {name} is missing: expected the weights of a Llama")]
    Missing {
        /// Its name.
        name: &'static str,
    },
    /// The tokenizer inside cannot be built.
    #[error(transparent)]
    Tokenizer(#[from] GgufTokenizerError),
}
