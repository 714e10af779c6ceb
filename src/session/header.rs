//! A log's first line: which format, and whose log it is.

use super::time::Time;
use crate::ids::{RunName, SessionId};
use serde::{Deserialize, Serialize};

/// The format every new log is written in.
pub const LOG_FORMAT: &str = "llm2clip.log/1";

/// Revision of the source this program was built from; none where it was not built from a repository,
/// or without optimisation.
pub const GIT_REVISION: Option<&str> = option_env!("LLM2CLIP_GIT_REVISION");

/// Who writes the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogKind {
    /// A runner: `<run>.<segment>.jsonl`.
    Run,
    /// A runner's device samples: `<run>.<segment>.system.jsonl`.
    System,
    /// One sitting at the terminal: `ui-<n>.jsonl`.
    Ui,
}

/// The first line of a log. Keys this version does not know are passed over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// Always first, so that a reader can choose its parser: [`LOG_FORMAT`].
    pub format: String,
    /// Who writes it.
    pub log: LogKind,
    /// The session it lies in, as it was called then.
    pub session: SessionId,
    /// The run; absent in a sitting's log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<RunName>,
    /// The run's segment, from 1; absent in a sitting's log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub segment: Option<u32>,
    /// When the log was begun.
    pub time: Time,
    /// Version of the program that writes it.
    pub program_version: String,
}

impl Header {
    /// The header of a run's segment, begun now.
    #[must_use]
    pub fn of_run(session: SessionId, run: RunName, segment: u32) -> Self {
        Self {
            format: LOG_FORMAT.to_owned(),
            log: LogKind::Run,
            session,
            run: Some(run),
            segment: Some(segment),
            time: Time::now(),
            program_version: env!("CARGO_PKG_VERSION").to_owned(),
        }
    }

    /// The header of the samples beside a run's segment, begun now.
    #[must_use]
    pub fn of_system(session: SessionId, run: RunName, segment: u32) -> Self {
        Self { log: LogKind::System, ..Self::of_run(session, run, segment) }
    }

    /// The header of a sitting's log, begun now.
    #[must_use]
    pub fn of_sitting(session: SessionId) -> Self {
        Self {
            format: LOG_FORMAT.to_owned(),
            log: LogKind::Ui,
            session,
            run: None,
            segment: None,
            time: Time::now(),
            program_version: env!("CARGO_PKG_VERSION").to_owned(),
        }
    }
}
