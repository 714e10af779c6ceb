//! Looking into an encoder: which one, and what it is shown; what came of it lies below.

use super::form::{Form, beside};
use super::newcompare::of_runs;
use super::{App, Effect, Overlay, Shared, lookview};
use crate::session::names::RunId;
use crate::session::sitting::Acted;
use crate::tui::data::asked::{picture_path, spec};
use crate::tui::data::library::LoadedResult;
use crate::tui::data::looked::{LookShown, Looked};
use crate::tui::keys::{Action, Key};
use crate::tui::msg::{Cmd, Work};
use crate::tui::picture::Key as PictureKey;
use crate::tui::screen::ScreenId;
use crate::tui::screen::compare::session;
use crate::tui::widget::input::Input;
use ratatui::crossterm::event::KeyCode;
use ratatui::layout::Rect;
use std::collections::BTreeSet;

/// A text to look with, where nothing was typed before.
const SENTENCE: &str = "a brown dog runs along the beach";

/// The form.
#[derive(Clone, Debug, PartialEq)]
pub struct LookForm {
    /// Whether the encoder's line is in front, not the text's.
    pub on_encoder: bool,
    /// A text, or a picture's path.
    pub asked: Input,
    /// The encoder, as `--encoders` takes it.
    pub encoder: Input,
    /// Encoders there are: label and what `--encoders` takes.
    pub known: Vec<(String, String)>,
    /// Lines of the answer above the first that is shown.
    pub scroll: usize,
    /// Why it does not begin with the encoder one would expect.
    pub note: Option<String>,
}

impl LookForm {
    /// A form with what was looked at last, else with the newest encoder of the run in front, else with
    /// the session's first one; those whose weights are here first.
    #[must_use]
    pub fn new(shared: &Shared, run: Option<&RunId>) -> Self {
        let mut known = known(shared);
        known.sort_by_key(|(_, spec)| shared.library.lacks(spec));
        let of_run = |(_, spec): &&(String, String)| {
            run.is_some_and(|run| spec.starts_with(&format!("{run}/")))
        };
        let own = known.iter().rfind(of_run);
        let note = own.filter(|(_, spec)| shared.library.lacks(spec)).zip(run).map(|(_, run)| {
            format!("the weights of {} are not here: another encoder", shared.library.name(run))
        });
        let first = own.filter(|_| note.is_none()).or(known.first());
        let first = first.map_or("builtin:llama", |(_, spec)| spec.as_str());
        let last = shared.look.as_ref();
        let encoder = last.map_or(first, |look| look.encoder.as_str());
        let asked = last.map_or(SENTENCE, |look| look.asked.as_str());
        Self {
            on_encoder: false,
            asked: Input::new(asked),
            encoder: Input::new(encoder),
            known,
            scroll: 0,
            note,
        }
    }

    /// The command's arguments, or what is wrong.
    pub fn arguments(&self, readonly: bool) -> Result<Vec<String>, String> {
        let (encoder, asked) = (self.encoder.text().trim(), self.asked.text().trim());
        if encoder.is_empty() {
            return Err("no encoder yet: type one, or choose a known one".to_owned());
        }
        if encoder == "bm25" {
            return Err("bm25 counts words: there is no model to look into".to_owned());
        }
        let mut arguments: Vec<String> = ["encoder", encoder].map(str::to_owned).into();
        if !asked.is_empty() {
            // One word with its flag: a text may begin with a dash.
            arguments.push(match picture_path(asked) {
                Some(path) => format!("--image={path}"),
                None => format!("--text={asked}"),
            });
        }
        arguments.extend(["--self-test", "--json", "--quiet"].map(str::to_owned));
        arguments.extend(readonly.then(|| "--readonly".to_owned()));
        Ok(arguments)
    }

    /// Which known encoder stands in the line, from 0.
    #[must_use]
    pub fn at(&self) -> Option<usize> {
        self.known.iter().position(|(_, spec)| spec == self.encoder.text())
    }

    /// Whether a look is at what stands in the lines.
    #[must_use]
    pub fn is_of(&self, look: &Looked) -> bool {
        look.encoder == self.encoder.text().trim() && look.asked == self.asked.text().trim()
    }

    fn turn(&mut self, back: bool) {
        let count = self.known.len();
        if count > 0 {
            let next = self.at().map_or(0, |at| beside(at, count, back));
            self.encoder = Input::new(&self.known[next].1);
        }
    }
}

impl Form for LookForm {
    fn line(&mut self) -> Option<&mut Input> {
        Some(if self.on_encoder { &mut self.encoder } else { &mut self.asked })
    }

    fn accept(&mut self, shared: &Shared) -> (bool, Vec<Effect>) {
        let Ok(arguments) = self.arguments(shared.readonly) else { return (true, Vec::new()) };
        // Each loads a model of its own, and none is ended before it has answered.
        if shared.look.as_ref().is_some_and(|look| look.answer.is_none()) {
            return (true, Vec::new());
        }
        let source = self.encoder.text().trim();
        if shared.library.lacks(source) {
            let why = format!("the weights of {source} are not here; up and down choose another");
            return (true, vec![Effect::Fail(why)]);
        }
        self.scroll = 0;
        let of = |input: &Input| input.text().trim().to_owned();
        (true, vec![Effect::Look(of(&self.encoder), of(&self.asked), arguments)])
    }

    fn clicked(&mut self, (_, row): (u16, u16), _inner: Rect) {
        if row < 2 {
            self.on_encoder = row == 1;
        }
    }

    fn wheel(&mut self, lines: i8) {
        self.scroll = self.scroll.saturating_add_signed(isize::from(lines));
    }

    fn takes(&mut self, key: Key, action: Option<Action>, _shared: &Shared) -> bool {
        match (action, key.code) {
            (Some(Action::OverlayUp), _) => self.turn(true),
            (Some(Action::OverlayDown), _) => self.turn(false),
            (Some(Action::OverlayPageUp), _) => self.scroll = self.scroll.saturating_sub(10),
            // How far that may go hangs on the terminal's size: `App::settle_overlay`.
            (Some(Action::OverlayPageDown), _) => self.scroll += 10,
            (None, KeyCode::Tab | KeyCode::BackTab) => self.on_encoder = !self.on_encoder,
            _ => return false,
        }
        true
    }
}

/// Encoders of the session's results as they were asked, those that runs have saved, its own first, and
/// what is built in.
fn known(shared: &Shared) -> Vec<(String, String)> {
    let results = session(shared).and_then(|id| shared.library.results.get(id));
    let mut known: Vec<(String, String)> = Vec::new();
    let mut put = |role: &str, spec: Option<String>| {
        // Without its label: the line names one encoder.
        let spec =
            spec.and_then(|spec| spec.strip_prefix(role)?.strip_prefix('=').map(str::to_owned));
        if let Some(spec) = spec
            && !known.iter().any(|(_, other)| *other == spec)
        {
            known.push((role.to_owned(), spec));
        }
    };
    for (role, card) in results.into_iter().flatten().flat_map(LoadedResult::encoders) {
        put(role, spec(role, card));
    }
    known.extend(of_runs(shared));
    known.push(("llama".to_owned(), "builtin:llama".to_owned()));
    let mut seen = BTreeSet::new();
    known.retain(|(_, spec)| seen.insert(spec.clone()));
    known
}

impl App {
    /// The form of an encoder looked into: on Runs and Train of the run in front.
    pub(super) fn opened_look(&self) -> Overlay {
        let run = match self.current {
            ScreenId::Runs => self.screens.runs.selected(&self.shared),
            ScreenId::Train => self.shared.focus.as_ref(),
            _ => None,
        };
        Overlay::Look(Box::new(LookForm::new(&self.shared, run)))
    }

    /// Starts the program that looks, and records that it was asked.
    pub(super) fn look(
        &mut self,
        encoder: String,
        asked: String,
        arguments: Vec<String>,
        commands: &mut Vec<Cmd>,
    ) {
        let id = self.shared.look.as_ref().map_or(1, |look| look.id + 1);
        if let Some(session) = session(&self.shared).cloned() {
            let with = [("encoder", encoder.as_str()), ("asked", asked.as_str())];
            let with = with.map(|(key, value)| (key.to_owned(), value.into())).into_iter();
            let action = Action::Encoder.entry().name.to_owned();
            let screen = Some(self.current.name().to_lowercase());
            self.record(&session, Acted { action, screen, with: with.collect() }, commands);
        }
        self.shared.look = Some(Looked { id, encoder, asked, answer: None });
        commands.push(Cmd::Work(Work::Look(id, arguments)));
    }

    /// What the program said of an encoder, where that is still the question.
    pub(super) fn looked(&mut self, id: u64, answer: Result<Box<LookShown>, String>) {
        if let Some(look) = self.shared.look.as_mut().filter(|look| look.id == id) {
            look.answer = Some(answer);
        }
    }

    /// The picture of the look in front, and where it stands.
    pub(super) fn look_slot(&self) -> Option<(PictureKey, Rect)> {
        let Some(Overlay::Look(_)) = &self.overlay else { return None };
        let Some(Ok(shown)) = &self.shared.look.as_ref()?.answer else { return None };
        let picture = shown.picture.as_ref()?.digest.clone()?;
        let place = lookview::parts(self.size, true).picture;
        let (columns, rows) = (place.width, place.height);
        (columns > 0 && rows > 0).then_some((PictureKey { picture, columns, rows }, place))
    }
}
