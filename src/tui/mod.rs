//! The workbench in the terminal: watch, drive, compare, inspect and replay runs.
//!
//! The cut is Elm's: a message goes into [`app::App::update`], which changes the model and asks
//! for work ([`msg::Cmd`]); [`app::App::view`] draws the model into a buffer. Neither reads a
//! clock, a file or the environment: time and results come in as messages. What does touch the
//! world stands in `terminal`, `input`, `watchdog`, `report`, `worker` and `stage`.
//!
//! | file | holds |
//! |---|---|
//! | `app/` | the model, `update`, overlays, the frame around the screens |
//! | `msg.rs` | what comes into the model, and what it asks for |
//! | `keys/` | the one table of actions and keys: dispatch, help, palette, `docs/keys.md` |
//! | `screen/` | a file or folder a screen, behind one trait |
//! | `widget/` | charts, tables, inputs: drawn from plain values |
//! | `data/` | what screens show: the library of runs, curves, alerts, the story of a log |
//! | `picture/` | pictures: which way this terminal takes, and what is sent |
//! | `film/` | screens of a session as files: asciicast, SVG, text |
//! | `theme.rs`, `glyphs.rs`, `text.rs`, `format.rs` | how things look |
//! | `worker.rs` | the threads that read and write files beside the terminal |
//! | `child.rs` | this program started again beside it |
//! | `decode.rs` | a terminal's bytes as keys, clicks, pastes and answers |
//! | `stage.rs`, `frames.rs`, `terminal.rs`, `painter.rs`, `canvas.rs`, `osc.rs`, `input.rs`, `watchdog.rs`, `report.rs` | the real terminal |

pub mod app;
mod canvas;
mod child;
pub mod data;
mod decode;
pub mod film;
pub mod format;
mod frames;
pub mod glyphs;
mod input;
pub mod keys;
pub mod msg;
pub mod osc;
pub mod painter;
pub mod picture;
mod report;
pub mod screen;
mod stage;
mod terminal;
pub mod text;
pub mod theme;
mod watchdog;
pub mod widget;
mod worker;

pub use stage::{Farewell, Options, WorkbenchError, open};
pub use worker::{make_pictures, read_once};
