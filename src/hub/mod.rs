//! The Hugging Face hub: what has been pulled from it, and pulling more. Nothing else here asks the
//! network for anything.
//!
//! | file | holds |
//! |---|---|
//! | `cache.rs` | repositories on this machine, in the layout all of Hugging Face's tools share |
//! | `pull.rs` | fetching files, with progress, going on where a fetch was cut off |
//! | `error.rs` | what can go wrong with it |

mod cache;
mod error;
mod pull;

pub use cache::{Repository, cached, folder, name_of, named};
pub use error::HubError;
pub use pull::{Heard, Pull, PulledFile, pull};
