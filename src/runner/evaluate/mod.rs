//! Comparisons and inspections: encoders in, documents out.
//!
//! | file | holds |
//! |---|---|
//! | `probe.rs` | [`Probe`]: what a data set asks: texts, pictures, who belongs to whom |
//! | `encoders.rs` | [`Encoders`]: encoders by role, opened once, and their rows with times |
//! | `compare.rs` | a table over encoders and directions |
//! | `inspect.rs` | a query's ranked lists under two encoders |
//! | `keepsakes.rs` | what a session keeps of them: neighbours, small pictures, captions |

mod compare;
mod encoders;
mod inspect;
mod keepsakes;
mod probe;

pub use compare::{CompareRequest, compare};
pub use encoders::{Encoders, TimedRows};
pub use inspect::{InspectRequest, Query, inspect};
pub use keepsakes::keep;
pub use probe::{Captions, Probe, ProbeRequest};
