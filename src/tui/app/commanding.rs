//! The question before a run is commanded, or why it cannot be commanded so.

use super::shared::READONLY;
use super::{App, Effect, Notice, Overlay, Shared};
use crate::session::RunStatus;
use crate::session::control::Command;
use crate::session::names::RunId;
use crate::tui::keys::Action;
use crate::tui::msg::{Cmd, Work};

impl App {
    /// Asks before commanding a run; says why where it cannot be done.
    pub(super) fn ask(&mut self, run: &RunId, action: Action) {
        match question(&self.shared, run, action) {
            Ok(overlay) => self.overlay = Some(overlay),
            Err(text) => self.notice = Some(Notice { text, bad: true }),
        }
    }
}

/// The question before commanding a run, or why it cannot be commanded so.
fn question(shared: &Shared, run: &RunId, action: Action) -> Result<Overlay, String> {
    if shared.readonly {
        return Err(READONLY.to_owned());
    }
    let entry = shared.library.run(run).ok_or_else(|| format!("{run} is not there"))?;
    let (name, status) = (shared.library.name(run), entry.row.state);
    let send = |command: Command, text: String| {
        if !status.has_runner() {
            return Err(format!("{name} is {status}: no runner is there to ask"));
        }
        if shared.requested(run).contains(&command) {
            return Err(format!("{command} was asked of {name} already; it has not answered yet"));
        }
        Ok(Overlay::Question {
            text,
            yes: Box::new(Effect::Do(Cmd::Work(Work::Send(run.clone(), command)))),
        })
    };
    match action {
        Action::Checkpoint => {
            let text = format!(
                "Ask {name} for a checkpoint at its next step? It is kept, whatever follows."
            );
            send(Command::Checkpoint, text)
        }
        Action::Pause if status == RunStatus::Paused => {
            send(Command::Continue, format!("Let {name} continue?"))
        }
        Action::Pause => send(
            Command::Pause,
            format!("Ask {name} to pause at its next step? It keeps its memory and its place."),
        ),
        Action::Stop => send(
            Command::Stop,
            format!(
                "Ask {name} to save a checkpoint and end? It can be resumed from there, bit for bit."
            ),
        ),
        Action::Resume => match status {
            RunStatus::Paused => send(Command::Continue, format!("Let {name} continue?")),
            status if status.can_resume() => {
                let arguments = vec!["resume".to_owned(), run.to_string(), "--detach".to_owned()];
                let what = format!("{name} resumes");
                Ok(Overlay::Question {
                    text: format!("Resume {name} from its newest checkpoint, in the background?"),
                    yes: Box::new(Effect::Do(Cmd::Work(Work::Launch { arguments, what }))),
                })
            }
            status => {
                Err(format!("{name} is {status}: only a stopped, failed or crashed run is resumed"))
            }
        },
        _ => Err(String::new()),
    }
}
