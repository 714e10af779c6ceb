//! Compare: encoders by metrics with intervals, differences with corrected p, and always the protocol.
//!
//! | file | draws |
//! |---|---|
//! | `comparison.rs` | a comparison's table and differences |
//! | `replicates.rs`, `judgements.rs`, `below.rs` | what else stands below it |
//! | `classification.rs` | a zero-shot classification |

mod below;
mod classification;
mod comparison;
mod judgements;
mod replicates;

use super::Screen;
use crate::eval::classify::ClassifyDocument;
use crate::eval::{CompareDocument, Direction};
use crate::ids::SessionId;
use crate::tui::app::newcompare::NewCompare;
use crate::tui::app::{Effect, Overlay, READONLY, Shared};
use crate::tui::data::library::{LoadedResult, ResultContent};
use crate::tui::keys::Action;
use crate::tui::msg::{Cmd, Work};
use crate::tui::text;
use crate::tui::theme::Role;
use crate::tui::widget::list::Cursor;
use crate::tui::widget::paint::{paragraph, pieces, top};
use below::Below;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use serde_json::{Map, Value};

/// The screen.
#[derive(Debug, Default)]
pub struct CompareScreen {
    cursor: Cursor,
    result: usize,
    direction: usize,
    below: Below,
}

/// The session whose results are shown: the one chosen, that of the run in focus, else the newest.
#[must_use]
pub fn session(shared: &Shared) -> Option<&SessionId> {
    let focus = shared.focus.as_ref().map(|run| &run.session);
    shared
        .session
        .as_ref()
        .or(focus)
        .or_else(|| shared.library.sessions.first().map(|session| &session.id))
}

/// Asks for a session's results where they were not read yet.
#[must_use]
pub fn ask(shared: &Shared) -> Vec<Effect> {
    let missing = session(shared).filter(|id| !shared.library.results.contains_key(*id));
    missing.map(|id| Effect::Do(Cmd::Work(Work::Results(id.clone())))).into_iter().collect()
}

/// What is looked at.
enum Shown<'a> {
    Compare(&'a LoadedResult, &'a CompareDocument, Direction),
    Classify(&'a LoadedResult, &'a ClassifyDocument),
}

impl Shown<'_> {
    fn id(&self) -> &str {
        match self {
            Self::Compare(result, ..) | Self::Classify(result, _) => &result.id,
        }
    }

    fn rows(&self) -> usize {
        match self {
            Self::Compare(_, document, direction) => {
                document.rows.iter().filter(|row| row.direction == *direction).count()
            }
            Self::Classify(_, document) => document.rows.len(),
        }
    }
}

/// A session's comparisons and classifications.
fn tables(shared: &Shared) -> Vec<&LoadedResult> {
    let results = session(shared).and_then(|id| shared.library.results.get(id));
    let is_table = |result: &&LoadedResult| {
        matches!(result.content, Ok(ResultContent::Compare(..) | ResultContent::Classify(_)))
    };
    results.into_iter().flatten().filter(is_table).collect()
}

impl CompareScreen {
    fn shown<'a>(&self, shared: &'a Shared) -> Option<Shown<'a>> {
        let all = tables(shared);
        let result: &LoadedResult = all.get(self.result % all.len().max(1))?;
        match result.content.as_ref().ok()? {
            ResultContent::Compare(document, _) => {
                let directions = comparison::directions(document);
                let direction = directions.get(self.direction % directions.len().max(1))?;
                Some(Shown::Compare(result, document, *direction))
            }
            ResultContent::Classify(document) => Some(Shown::Classify(result, document)),
            ResultContent::Inspect(..) => None,
        }
    }
}

impl Screen for CompareScreen {
    fn act(&mut self, action: Action, shared: &Shared) -> Vec<Effect> {
        let shown = self.shown(shared);
        let count = shown.as_ref().map_or(0, Shown::rows);
        if self.cursor.act(action, count) {
            return Vec::new();
        }
        let results = tables(shared).len().max(1);
        match action {
            Action::ResultNext => self.result = (self.result + 1) % results,
            Action::ResultPrevious => self.result = (self.result + results - 1) % results,
            Action::DirectionNext => self.direction += 1,
            Action::Below => {
                self.below = match shown {
                    Some(Shown::Compare(_, document, _)) => self.below.of(document).next(document),
                    _ => self.below.other(),
                }
            }
            Action::NewCompare => match session(shared) {
                _ if shared.readonly => {
                    return vec![Effect::Fail(READONLY.to_owned())];
                }
                Some(session) => {
                    let form = Box::new(NewCompare::new(shared, session.clone()));
                    return vec![Effect::Open(Box::new(Overlay::NewCompare(form)))];
                }
                None => return vec![Effect::Fail("there is no session yet".to_owned())],
            },
            Action::Copy => {
                if let Some(shown) = shown {
                    let id = shown.id();
                    return vec![
                        Effect::Say(format!("copied {id}")),
                        Effect::Do(Cmd::Copy(id.to_owned())),
                    ];
                }
            }
            _ => {}
        }
        Vec::new()
    }

    fn entered(&mut self, shared: &Shared) -> Vec<Effect> {
        ask(shared)
    }

    fn looked_at(&self, shared: &Shared) -> Map<String, Value> {
        let mut with = Map::new();
        let Some(shown) = self.shown(shared) else { return with };
        with.insert("result".to_owned(), shown.id().into());
        let mut below = self.below;
        if let Shown::Compare(_, document, direction) = &shown {
            with.insert("direction".to_owned(), direction.to_string().into());
            below = below.of(document);
        }
        with.insert("below".to_owned(), below.name().into());
        let row = self.cursor.at.min(shown.rows().saturating_sub(1));
        with.insert("row".to_owned(), row.into());
        with
    }

    fn restore(&mut self, with: &Map<String, Value>, shared: &Shared) {
        *self = Self::default();
        let text = |key: &str| with.get(key).and_then(Value::as_str);
        let tables = tables(shared);
        let result = tables.iter().position(|table| Some(table.id.as_str()) == text("result"));
        self.result = result.unwrap_or(0);
        if let Some(Shown::Compare(_, document, _)) = self.shown(shared) {
            let directions = comparison::directions(document);
            let wanted = text("direction");
            let place = directions.iter().position(|d| Some(&*d.to_string()) == wanted);
            self.direction = place.unwrap_or(0);
        }
        self.below = text("below").map_or(Below::default(), Below::named);
        let row = with.get("row").and_then(Value::as_u64).unwrap_or(0);
        self.cursor.at = usize::try_from(row).unwrap_or(0);
    }

    fn wheel(&mut self, lines: i8, _shared: &Shared) {
        self.cursor.shift(lines, usize::MAX);
    }

    fn view(&self, shared: &Shared, area: Rect, buffer: &mut Buffer) {
        let area = jobs(shared, area, buffer);
        let all = tables(shared).len().max(1);
        let note = format!("{} of {all}", self.result % all + 1);
        let (cursor, below) = (self.cursor, self.below);
        match self.shown(shared) {
            Some(Shown::Compare(result, document, direction)) => {
                let looked = comparison::Looked { result, document, direction, note, below };
                comparison::view(shared, &looked, cursor, area, buffer);
            }
            Some(Shown::Classify(result, document)) => {
                let looked = classification::Looked { id: &result.id, document, note, below };
                classification::view(shared, &looked, cursor, area, buffer);
            }
            None => nothing(
                shared,
                area,
                buffer,
                "comparison",
                "llm2clip compare --task caption --encoders A,B --session S",
            ),
        }
    }

    fn hints(&self, _shared: &Shared) -> Vec<Action> {
        vec![
            Action::NewCompare,
            Action::DirectionNext,
            Action::ResultNext,
            Action::Below,
            Action::Down,
        ]
    }
}

/// Comparisons that were started here and are under way, a line each; what is left below them.
fn jobs(shared: &Shared, area: Rect, buffer: &mut Buffer) -> Rect {
    let mut rest = area;
    let here = |job: &&crate::tui::data::jobs::Job| {
        job.is_under_way() && Some(&job.session) == session(shared)
    };
    for job in shared.jobs.iter().filter(here).take(3) {
        let (line, below) = top(rest, 1);
        rest = below;
        let words = format!("{} {}", shared.glyphs.pointer(), job.words());
        let words = text::fit(&words, usize::from(line.width), shared.glyphs.cut());
        pieces(shared, buffer, line, line.x, line.y, &[(Role::Warn, &words)]);
    }
    rest
}

/// What stands where there is no result.
pub fn nothing(shared: &Shared, area: Rect, buffer: &mut Buffer, what: &str, command: &str) {
    let inner = Rect {
        x: area.x + 2,
        y: area.y + 1,
        width: area.width.saturating_sub(4),
        height: area.height.saturating_sub(1),
    };
    let words = match session(shared) {
        Some(id) if !shared.library.results.contains_key(id) => {
            format!("Reading the results of {id}...")
        }
        Some(id) => format!(
            "{} has no {what} yet.\n\n3 n start a comparison here\n}} {{ other sessions, with runs or without\n\nFrom a shell: {command}",
            text::safe(&shared.library.title(id))
        ),
        None => "No session yet.".to_owned(),
    };
    let rest = paragraph(shared, buffer, inner, Role::Text, &words);
    let broken = session(shared).and_then(|id| shared.library.results.get(id));
    let broken = broken
        .into_iter()
        .flatten()
        .filter_map(|result| Some(format!("{}: {}", result.id, result.content.as_ref().err()?)));
    let broken: Vec<String> = broken.collect();
    paragraph(shared, buffer, top(rest, 1).1, Role::Bad, &text::safe(&broken.join(" ")));
}
