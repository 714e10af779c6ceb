//! What the workers found goes into the model.

use super::{App, Notice, Overlay, Request, RunId};
use crate::ids::SessionId;
use crate::session::RunStatus;
use crate::session::control::Command;
use crate::tui::data::jobs::Progress;
use crate::tui::msg::{Cmd, News, Work};
use crate::tui::screen::ScreenId;

/// Whether a run has ended: of one in an unknown state that is not known.
fn is_over(state: RunStatus) -> bool {
    !state.has_runner() && state != RunStatus::Unknown
}

impl App {
    pub(super) fn news(&mut self, news: News, commands: &mut Vec<Cmd>) {
        let shared = &mut self.shared;
        match news {
            News::Sessions(sessions) => {
                let there = |id: &SessionId| sessions.iter().any(|entry| entry.id == *id);
                if !shared.session.as_ref().is_some_and(there) {
                    shared.session = None;
                }
                shared.library.sessions = sessions;
            }
            News::Run(entry) => {
                let id = entry.id.clone();
                let fresh = shared.library.run(&id).is_none();
                let ended =
                    shared.library.run(&entry.id).is_some_and(|old| old.row.state.has_runner())
                        && is_over(entry.row.state);
                if ended {
                    let text = format!("{} {}", shared.library.name(&id), entry.row.state);
                    commands.push(Cmd::Tell(text.clone()));
                    self.notice = Some(Notice { text, bad: false });
                }
                shared.library.put(*entry);
                if fresh {
                    self.arrived(&id);
                }
            }
            News::Gone(run) => {
                shared.library.runs.retain(|known| known.id != run);
                shared.library.open.remove(&run);
                shared.marks.retain(|marked| *marked != run);
                if shared.focus.as_ref() == Some(&run) {
                    shared.focus = None;
                }
            }
            News::Open(run, open) => {
                let answered = |request: &Request| {
                    let id = request.id.as_ref()?;
                    open.state.answer(id).cloned()
                };
                for request in shared.requests.iter().filter(|request| request.run == run) {
                    if let Some(answer) = answered(request) {
                        let (text, bad) = match answer.refused {
                            Some(why) => (format!("{} refused: {why}", request.command), true),
                            None => (format!("{} done", request.command), false),
                        };
                        self.notice = Some(Notice { text, bad });
                    }
                }
                let over = is_over(open.status);
                shared
                    .requests
                    .retain(|request| request.run != run || !(over || answered(request).is_some()));
                if self.watched.contains(&run) {
                    shared.library.open.insert(run, *open);
                }
            }
            News::Scanned => {
                shared.library.scanned = true;
                self.come_home();
            }
            News::Machine(sample) => shared.library.sampled(*sample),
            News::Results(session, results) => {
                shared.library.joining.forget(&session);
                drop(shared.library.results.insert(session, results));
            }
            News::Joined(parts, table) => shared.library.joining.put(&parts, table),
            News::Inspected(sessions) => shared.library.inspected = sessions,
            News::Weights(runs) => shared.library.weights = Some(runs),
            News::Sittings(session, sittings) => {
                self.recall(&session, &sittings);
                let shared = &mut self.shared;
                shared.pins.retain(|run| run.session != session);
                for subject in sittings.pins.iter().filter(|subject| subject.kind() == "run") {
                    if let Ok(run) = subject.name().parse() {
                        shared.pins.insert(RunId { session: session.clone(), run });
                    }
                }
                shared.library.sittings.insert(session, *sittings);
            }
            News::Begun(session) => self.begun(*session),
            News::Marked(at) => self.marked(&at),
            News::Unrecorded(text) => self.fail(text),
            News::Picture(key, drawn) => {
                shared.library.pictures.put(key, drawn);
                return;
            }
            News::Answered(answer) => self.answered(answer, commands),
            News::Seen(id, picture) => {
                for asked in shared.asked.iter_mut().filter(|asked| asked.id == id) {
                    asked.seen = Some(picture.clone());
                }
            }
            News::Unanswered(ids, why) => self.unanswered(&ids, &why),
            News::JobSaid(id, said) => self.job(id, Progress::Under(said), commands),
            News::JobEnded(id, Ok(came_to)) => self.job(id, Progress::Done(came_to), commands),
            News::JobEnded(id, Err(why)) => self.job(id, Progress::Failed(why), commands),
            News::Reel(reel) => shared.library.reel = reel,
            News::Sent { run, command, id } => {
                let waits = |request: &&mut Request| {
                    request.id.is_none() && request.run == run && request.command == command
                };
                if let Some(request) = shared.requests.iter_mut().find(waits) {
                    request.id = Some(id);
                }
            }
            News::Unsent { run, command, why } => {
                shared.requests.retain(|request| {
                    request.id.is_some() || request.run != run || request.command != command
                });
                self.fail(why);
            }
            News::Looked(id, answer) => return self.looked(id, answer),
            News::Estimated(asked, answer) => {
                if let Some(Overlay::NewRun(form)) = &mut self.overlay {
                    form.estimated(&asked, answer);
                }
                return;
            }
            News::Said(text) => self.said(text),
            News::Failed(text) => {
                self.starts_nothing();
                self.fail(text);
            }
            News::Printed(line) => {
                shared.library.print(shared.now, line);
                // There may be thousands, and no other screen shows them.
                if self.current == ScreenId::Log {
                    self.screens.get_mut(ScreenId::Log).refresh(&self.shared);
                }
                return;
            }
        }
        // The log is put together anew when it comes to the front: of hundreds of runs at a start each
        // brings news.
        let shown = |screen: &ScreenId| *screen != ScreenId::Log || self.current == ScreenId::Log;
        for screen in ScreenId::ALL.into_iter().filter(shown) {
            self.screens.get_mut(screen).refresh(&self.shared);
        }
        if let Some(text) = self.screens.get_mut(self.current).noticed() {
            self.notice = Some(Notice { text, bad: true });
        }
    }

    /// Says what went wrong, and keeps it for the Log screen.
    fn fail(&mut self, text: String) {
        self.shared.library.print(self.shared.now, format!("error: {text}"));
        self.notice = Some(Notice { text, bad: true });
    }

    /// A job is so far now.
    fn job(&mut self, id: u64, progress: Progress, commands: &mut Vec<Cmd>) {
        let Some(job) = self.shared.jobs.iter_mut().find(|job| job.id == id) else { return };
        // That it was asked for is said no longer than until it is heard of.
        let asked = job.words();
        if job.progress == Progress::Requested
            && self.notice.as_ref().is_some_and(|notice| notice.text == asked)
        {
            self.notice = None;
        }
        job.progress = progress;
        if job.is_under_way() {
            return;
        }
        let bad = matches!(job.progress, Progress::Failed(_));
        let text = job.words();
        commands.push(Cmd::Tell(text.clone()));
        commands.push(Cmd::Work(Work::Results(job.session.clone())));
        if bad {
            // The footer holds little of it, and not for long.
            self.fail(text);
        } else {
            self.notice = Some(Notice { text, bad });
        }
    }

    /// Notes that a command is on its way.
    pub(super) fn requested(&mut self, run: RunId, command: Command) {
        self.shared.requests.push(Request { run, command, id: None });
    }
}
