//! `session`: sessions as a whole: list, show, pack, unpack, rename, rm.

use super::global::{Global, Refused};
use super::text::{number, safe};
use crate::ids::SessionId;
use crate::session::Time;
use crate::session::folder::{Session, list_sessions};
use crate::session::names::find_session;
use crate::session::overview::{OverviewDocument, SessionsDocument, list, overview};
use crate::session::pack::{Leave, PackError, pack, unpack};
use crate::session::remove::{RemoveError, remove};
use anyhow::Context;
use clap::{Args, Subcommand};
use serde::Serialize;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// `session`
#[derive(Args)]
pub struct SessionArgs {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// All sessions, newest first.
    List,
    /// What a session holds.
    Show {
        /// A session, by any unambiguous beginning or end of its name.
        session: String,
    },
    /// A session as one file: the same bytes for the same session.
    Pack {
        /// A session, by any unambiguous beginning or end of its name.
        session: String,
        /// The file to write.
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
        /// Put digests in the place of captions, queries and notes.
        #[arg(long)]
        no_texts: bool,
        /// Leave the thumbnails out.
        #[arg(long)]
        no_pictures: bool,
    },
    /// A packed session back into a folder.
    Unpack {
        /// The file.
        file: PathBuf,
    },
    /// Give a session another title; its folder keeps its name.
    Rename {
        /// A session, by any unambiguous beginning or end of its name.
        session: String,
        /// The new title.
        title: String,
    },
    /// Remove a session and its checkpoints; says what stands on them.
    Rm {
        /// A session, by any unambiguous beginning or end of its name.
        session: String,
        /// Even where something stands on it.
        #[arg(long)]
        force: bool,
    },
}

/// What `session rename` prints: `llm2clip.session-renamed/1`.
#[derive(Serialize)]
struct Renamed {
    format: &'static str,
    session: String,
    title: String,
    before: String,
}

/// The session that a command line means.
pub fn named(global: &Global, name: &str) -> anyhow::Result<Session> {
    let roots = global.roots()?;
    found(&roots.sessions, name)
}

/// The session of a folder that a name, a title or a part of a name means.
pub fn found(sessions: &Path, name: &str) -> anyhow::Result<Session> {
    let all = list_sessions(sessions)?;
    let title = |id: &SessionId| Some(Session::open(sessions, id).ok()?.card().title.clone());
    let id = find_session(name, &all, title).map_err(|error| Refused(error.to_string()))?;
    Ok(Session::open(sessions, id)?)
}

/// `llm2clip session`
pub fn session(global: &Global, args: &SessionArgs) -> anyhow::Result<ExitCode> {
    match &args.what {
        What::List => {
            let (document, problems) = list(&global.roots()?.sessions, Time::now())?;
            for (session, problem) in &problems {
                eprintln!("warning: {session}: {problem}");
            }
            global.print(&document, list_text)?;
        }
        What::Show { session } => {
            let session = named(global, session)?;
            let checkpoints = global.roots()?.checkpoints;
            global.print(&overview(&session, &checkpoints, Time::now())?, overview_text)?;
        }
        What::Pack { session, out, no_texts, no_pictures } => {
            global.may_write()?;
            let session = named(global, session)?;
            let leave = Leave { texts: *no_texts, pictures: *no_pictures };
            global.print(&pack(&session, out, leave)?, |done| {
                let left: String = done
                    .left_out
                    .iter()
                    .map(|name| format!("left out  {}\n", safe(name)))
                    .collect();
                format!(
                    "{left}{} files, {}, sha256 {}: {}\n",
                    done.files,
                    size(done.bytes),
                    done.digest.short(),
                    done.out.display()
                )
            })?;
        }
        What::Unpack { file } => {
            global.may_write()?;
            let roots = global.roots()?;
            roots.make().context("making the folders for sessions and checkpoints failed")?;
            let done = unpack(file, &roots.sessions).map_err(|error| match error {
                PackError::Refused { .. } | PackError::Exists { .. } | PackError::Name(_) => {
                    Refused(error.to_string()).into()
                }
                failed => anyhow::Error::from(failed),
            })?;
            global.print(&done, |done| {
                format!("{}  {} files, {}\n", done.session, done.files, size(done.bytes))
            })?;
        }
        What::Rename { session, title } => {
            global.may_write()?;
            let mut session = named(global, session)?;
            let before = session.card().title.clone();
            session.rename(title)?;
            let document = Renamed {
                format: "llm2clip.session-renamed/1",
                session: session.id().to_string(),
                title: title.clone(),
                before,
            };
            global.print(&document, |done| {
                format!("{}: {} (was {})\n", done.session, safe(&done.title), safe(&done.before))
            })?;
        }
        What::Rm { session, force } => {
            global.may_write()?;
            let session = named(global, session)?;
            let roots = global.roots()?;
            let removed =
                remove(&roots.sessions, &roots.checkpoints, &session, *force, Time::now())
                    .map_err(|error| match error {
                        RemoveError::Log(error) => anyhow::Error::from(error),
                        refused => Refused(format!("{}: {refused}", session.id())).into(),
                    })?;
            for lost in &removed.stood_on {
                eprintln!(
                    "warning: {} {} stood on {}",
                    lost.kind,
                    safe(&lost.name),
                    safe(&lost.on)
                );
            }
            global.print(&removed, |done| {
                format!("{} removed, {} freed\n", done.session, size(done.bytes))
            })?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Bytes as people read them.
fn size(bytes: u64) -> String {
    let (mut value, mut unit) = (bytes as f64, "B");
    for larger in ["kB", "MB", "GB", "TB"] {
        if value < 1000.0 {
            break;
        }
        (value, unit) = (value / 1000.0, larger);
    }
    if unit == "B" { format!("{bytes} B") } else { format!("{value:.1} {unit}") }
}

fn list_text(document: &SessionsDocument) -> String {
    let mut text = format!(
        "{:<50} {:>5} {:>5} {:>8} {:>9}  title\n",
        "session", "runs", "live", "results", "size"
    );
    for row in &document.sessions {
        let _ = writeln!(
            text,
            "{:<50} {:>5} {:>5} {:>8} {:>9}  {}",
            row.session.as_str(),
            row.runs,
            row.live,
            row.results,
            size(row.bytes),
            safe(&row.title)
        );
    }
    text
}

fn overview_text(document: &OverviewDocument) -> String {
    let card = &document.card;
    let mut text = format!(
        "session   {}\ntitle     {}\ncreated   {}\nprogram   {}  on {}, {}, {} threads\nfiles     {}, checkpoints {}\n",
        document.session,
        safe(&card.title),
        card.created,
        safe(&card.program_version),
        safe(&card.host),
        safe(&card.device),
        card.threads,
        size(document.bytes),
        size(document.checkpoint_bytes),
    );
    for run in &document.runs {
        let stage = run.stage.as_ref().map_or("-", |stage| stage.as_str());
        let loss = number(run.loss, 4);
        let (name, state) = (run.run.rsplit('/').next().unwrap_or_default(), run.state);
        let _ = writeln!(
            text,
            "run       {name:<20} {:<8} {stage} {}/{}  loss {loss}",
            state.to_string(),
            run.step,
            run.steps
        );
    }
    for result in &document.results {
        let _ = writeln!(text, "result    {:<20} {}", result.id, safe(&result.format));
    }
    for (name, mark) in document.notes.marks_by_time() {
        let _ = writeln!(text, "mark      {}  {}  {}", safe(name), mark.at.time, safe(&mark.label));
    }
    for (on, note) in &document.notes.notes {
        let _ = writeln!(text, "note      {}  {}", safe(&on.to_string()), safe(&note.text));
    }
    for (on, tags) in &document.notes.tags {
        let tags: Vec<String> = tags.iter().map(|tag| safe(tag)).collect();
        let _ = writeln!(text, "tags      {}  {}", safe(&on.to_string()), tags.join(" "));
    }
    for problem in &document.problems {
        let _ = writeln!(text, "problem   {}", safe(problem));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::size;

    #[test]
    fn sizes_read_well() {
        let written: Vec<_> = [0, 999, 1000, 1_234_567].into_iter().map(size).collect();
        assert_eq!(written, ["0 B", "999 B", "1.0 kB", "1.2 MB"]);
    }
}
