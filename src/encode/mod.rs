//! Anything that turns text or pictures into embeddings: encoders, their cards, embedding tables.
//!
//! | file | holds |
//! |---|---|
//! | `spec.rs` | encoders as the command line names them |
//! | `fit.rs` | whether options fit what they are given to |
//! | `card.rs` | [`ModelCard`] of a checkpoint, [`EncoderCard`] of rows |
//! | `source.rs` | from a name to weights: built in, checkpoints and what they stand on |
//! | `places.rs` | where a model's file or folder is looked for |
//! | `gguf/` | Llamas in GGUF files |
//! | `hf.rs`, `peft.rs` | model folders in Hugging Face's layout, LoRA folders in PEFT's |
//! | `builtin.rs` | what is embedded in the binary |
//! | `text.rs`, `image.rs` | the two kinds of encoder; two traits, none with failing defaults |
//! | `layers.rs` | rows from every layer of a Llama in one pass |
//! | `look.rs`, `self_test.rs` | an encoder looked into: tokens, pictures, whether it does what its card says |
//! | `export.rs` | weights for other programs: Hugging Face's layout, PEFT's, our own without the optimizer |
//! | `export_clip.rs` | a CLIP as transformers' `CLIPModel` |
//! | `embeddings.rs` | rows of unit length |
//! | `kept.rs` | rows of an encoding that was interrupted |
//! | `table.rs`, `mmap.rs` | embedding tables on disk |
//! | `tensors.rs` | the tensors of a safetensors file |
//! | `bm25.rs` | the honest floor: word overlap |
//! | `error.rs` | what can go wrong between a text or picture and its row |

mod bm25;
pub mod builtin;
mod card;
mod embeddings;
mod error;
mod export;
mod export_clip;
mod fit;
mod gguf;
mod hf;
mod image;
mod kept;
mod layers;
mod look;
mod mmap;
mod peft;
mod places;
mod self_test;
mod source;
mod spec;
mod table;
mod tensors;
mod text;

pub use bm25::Bm25;
pub use card::{
    AttentionKind, EncoderCard, LoraCard, MODEL_CARD_FORMAT, ModelCard, ModelKind, Parent,
    PictureUse, TextUse,
};
pub use embeddings::{EmbeddingError, Embeddings};
pub use error::EncodeError;
pub use export::{export_checkpoint, export_hf, export_peft};
pub use gguf::GgufError;
pub use hf::HfError;
pub use image::{EncodedImages, ImageEncoder, ModelImageEncoder, image_encoder};
pub use kept::KeptRows;
pub use layers::RowsOfLayers;
pub use look::{PictureLook, TextLook, TokenLook, look_at_picture, look_at_text};
pub use peft::{LoraNorm, MergedLora, with_loras};
pub use self_test::{Finding, test_images, test_texts};
pub use source::{Config, Loaded, Sources, plain_llama};
pub use spec::{EncoderSpec, Options, SpecError, Tower, parse, parse_list};
pub use table::{Table, TableDtype, table_key};
pub use text::{EncodedTexts, ModelTextEncoder, TextEncoder, text_encoder};
