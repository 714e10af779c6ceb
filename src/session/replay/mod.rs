//! A session as it happened: the records of all its logs in order of time, and a player over them.
//!
//! [`Timeline`] finds every line of every log without keeping any; [`Player`] folds lines as its
//! clock passes them, so what it shows is what a live view showed. The player sees no clock and
//! writes nothing: time comes in as a duration.
//!
//! | file | holds |
//! |---|---|
//! | `scan.rs`, `timeline.rs` | the lines of a log, and of all logs in order of time |
//! | `player.rs` | where someone is, and what was known there |
//! | `steps.rs`, `places.rs` | where a step was made; places to skip to |
//! | `pace.rs` | how long it takes to look at |
//! | `words.rs` | an entry as one line |

mod pace;
mod places;
mod player;
mod scan;
mod steps;
mod timeline;
mod words;

pub use places::Bookmark;
pub use player::{Found, Player};
pub use steps::Wanted;
pub use timeline::{Entries, Entry, Kind, LogName, Moment, Timeline};
pub use words::line;
