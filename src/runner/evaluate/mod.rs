//! Comparisons and inspections: encoders in, documents out.
//!
//! | file | holds |
//! |---|---|
//! | `probe.rs` | [`Probe`]: what a data set asks: texts, pictures, who belongs to whom |
//! | `encoders.rs` | [`Encoders`]: encoders by role, opened once, and their rows with times |
//! | `alone.rs` | pictures without captions: which of them answer each other |
//! | `check.rs` | what is wrong with a comparison before anything is encoded |
//! | `beside.rs` | all queries counted under a second set of judgements |
//! | `compare.rs` | a table over encoders and directions |
//! | `inspect.rs` | a query's ranked lists under two encoders, or all queries counted |
//! | `keepsakes.rs` | what a session keeps of them: neighbours, judgements, small pictures, captions |
//! | `answer.rs` | [`Desk`]: a gallery encoded once, then one query after another |
//! | `seat.rs` | one of the desk's encoders |
//! | `itself.rs` | own pictures that are the gallery's |
//! | `choose.rs` | the desk's zero-shot choice: one picture against typed texts |
//! | `classify.rs` | pictures against candidate texts |
//! | `candidates.rs` | the classes, out of a text or a file |
//! | `same.rs` | encoders that are one under several labels |
//! | `qrels.rs` | a second set of judgements, out of a file |
//! | `sweep.rs` | layers and poolings tried on validation items |
//! | `timed.rs` | a search with the time it takes |
//! | `warm.rs` | encodings with the time they take, once they are warm |
//! | `overlap.rs` | BM25 over a probe, scored where a search asks |

mod alone;
mod answer;
mod beside;
mod candidates;
mod check;
mod choose;
mod classify;
mod compare;
mod encoders;
mod inspect;
mod itself;
mod keepsakes;
mod overlap;
mod probe;
mod qrels;
mod same;
mod seat;
mod sweep;
mod timed;
mod warm;

pub use answer::{Ask, Desk, Pair, Question};
pub use candidates::{CandidatesError, candidates};
pub use check::check_compare;
pub use classify::{Candidate, ClassifyRequest, LabelledPictures, classify};
pub use compare::{CompareRequest, Neighbours, RESAMPLES, compare};
pub use encoders::{Encoders, TimedRows};
pub use inspect::{InspectRequest, Query, inspect};
pub use keepsakes::{keep, keep_all};
pub use probe::{Captions, Probe, ProbeRequest};
pub use qrels::Qrels;
pub use sweep::{SWEEP_ITEMS, SweepOver, outside_test, sweep};
pub use warm::{clocked_pictures, clocked_texts};
