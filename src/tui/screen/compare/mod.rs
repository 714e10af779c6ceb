//! Compare: encoders by metrics with intervals, differences with corrected p, and always the protocol.
//!
//! | file | draws |
//! |---|---|
//! | `comparison.rs`, `metric.rs` | a comparison's table, and the metric it is looked at in |
//! | `differences.rs` | rows against rows below it |
//! | `bars.rs` | its bars and their axis |
//! | `below.rs` | what stands below it in turn |
//! | `heat.rs`, `swept.rs` | layers and poolings as a heat map, and what that stands on |
//! | `replicates.rs`, `judgements.rs`, `anisotropy.rs` | some of that |
//! | `cone.rs` | what anisotropy says of a plain Llama |
//! | `costs.rs` | what a row's answers cost |
//! | `protocol.rs` | what results must share, in words |
//! | `papers.rs` | what papers report, among the measured rows |
//! | `others.rs` | other results, and one table of those that are comparable |
//! | `classification.rs` | a zero-shot classification |
//! | `merged.rs` | what that table is made of, now and in a record |
//! | `stay.rs` | what comes in the place of a result that is gone |
//! | `none.rs` | no result, and comparisons under way |
//! | `click.rs` | what stands where, for the pointer |

mod anisotropy;
mod bars;
mod below;
mod classification;
mod click;
mod comparison;
mod cone;
mod costs;
mod differences;
mod heat;
mod judgements;
mod merged;
mod metric;
mod none;
mod others;
mod papers;
mod protocol;
mod replicates;
mod stay;
mod swept;

pub use none::nothing;

use super::Screen;
use crate::eval::classify::ClassifyDocument;
use crate::eval::published::Published;
use crate::eval::{CompareDocument, Direction, Metric};
use crate::ids::SessionId;
use crate::tui::app::newcompare::NewCompare;
use crate::tui::app::{Effect, Overlay, READONLY, Shared};
use crate::tui::data::jobs::Job;
use crate::tui::data::joining::JoinPart;
use crate::tui::data::library::{LoadedResult, ResultContent};
use crate::tui::keys::Action;
use crate::tui::msg::{Cmd, Work};
use crate::tui::widget::cut;
use crate::tui::widget::list::Cursor;
use below::Below;
use none::jobs;
use others::{Joins, Other};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use serde_json::{Map, Value};
use std::collections::BTreeSet;

/// The screen.
#[derive(Debug)]
pub struct CompareScreen {
    /// Through the rows of the table, then through the lines below it.
    cursor: Cursor,
    /// The result in front; the first where none was chosen.
    result: Option<String>,
    /// Its direction; likewise.
    direction: Option<Direction>,
    /// Whether all comparable results share one table.
    merged: bool,
    /// The results that do instead, as a record of it names them.
    these: Option<merged::These>,
    below: Below,
    /// The metric of intervals, bars and differences.
    metric: Metric,
    /// The session these places are of, and the results it had when it was looked at last.
    seen: Option<(SessionId, Vec<String>)>,
    /// What is to be said of a result that was in front and is gone.
    lost: Option<String>,
    /// Whether it looks at what a record says was looked at.
    restored: bool,
    /// The newest comparison started here whose result was shown.
    came: u64,
}

impl Default for CompareScreen {
    fn default() -> Self {
        Self {
            cursor: Cursor::default(),
            result: None,
            direction: None,
            merged: false,
            these: None,
            below: Below::default(),
            metric: Metric::Recall1,
            seen: None,
            lost: None,
            restored: false,
            came: 0,
        }
    }
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

/// Asks for the results of marked runs' sessions too: they may share a table.
fn ask_marked(shared: &Shared) -> Vec<Effect> {
    let front = session(shared);
    let sessions: BTreeSet<&SessionId> = shared.marks.iter().map(|run| &run.session).collect();
    let unread = |id: &&SessionId| !shared.library.results.contains_key(*id) && Some(*id) != front;
    let read = |id: &SessionId| Effect::Do(Cmd::Work(Work::Results(id.clone())));
    sessions.into_iter().filter(unread).map(read).collect()
}

/// What is looked at.
enum Shown<'a> {
    Compare(Compared<'a>),
    Classify(&'a LoadedResult, &'a ClassifyDocument),
}

/// A comparison in one direction, and those beside it.
struct Compared<'a> {
    result: &'a LoadedResult,
    /// Its document, or the table of it and all that are comparable.
    document: &'a CompareDocument,
    direction: Direction,
    /// What papers report of the same.
    papers: Vec<Published>,
    others: Vec<Other<'a>>,
    /// What that table is made of; nothing where it is not asked for.
    parts: Option<Vec<JoinPart>>,
    joins: Joins<'a>,
    /// Whether it is looked at as it was once, and no key changes it.
    fixed: bool,
}

impl Shown<'_> {
    fn id(&self) -> &str {
        match self {
            Self::Compare(Compared { result, .. }) | Self::Classify(result, _) => &result.id,
        }
    }

    fn rows(&self) -> usize {
        match self {
            Self::Compare(Compared { document, direction, papers, .. }) => {
                let rows = document.rows.iter().filter(|row| row.direction == *direction);
                rows.count() + papers.len()
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
    /// The row in front.
    #[cfg(test)]
    pub fn cursor_at(&self) -> usize {
        self.cursor.at
    }

    /// The place of the result in front among all; nothing where the chosen one is gone.
    fn at(&self, all: &[&LoadedResult]) -> Option<usize> {
        let Some(chosen) = &self.result else { return Some(0) };
        all.iter().position(|result| result.id == *chosen)
    }

    fn shown<'a>(&self, shared: &'a Shared) -> Option<Shown<'a>> {
        let (session, all) = (session(shared)?, tables(shared));
        let result: &LoadedResult = all.get(self.at(&all)?)?;
        match result.content.as_ref().ok()? {
            ResultContent::Compare(document, _) => {
                let directions = comparison::directions(document);
                let chosen = self.direction.filter(|direction| directions.contains(direction));
                let direction = chosen.or(directions.first().copied())?;
                let others = others::others(shared, &result.id, document, direction);
                let front = (session, result.id.as_str());
                let asked = self.merged.then_some(self.these.as_ref());
                let parts = asked.and_then(|these| merged::parts(front, these, &others));
                let joining = &shared.library.joining;
                let own: &CompareDocument = document;
                let (document, joins) = match parts.as_deref() {
                    None => (own, Joins::No),
                    Some(parts) => match joining.of(parts) {
                        None => (own, Joins::UnderWay),
                        Some(Ok(table)) => (table, Joins::Done),
                        Some(Err(why)) if joining.is_asked_again() => (own, Joins::Again(why)),
                        Some(Err(why)) => (own, Joins::Failed(why)),
                    },
                };
                let papers = papers::of(document, direction);
                let fixed = self.restored;
                let compared =
                    Compared { result, document, direction, papers, others, parts, joins, fixed };
                Some(Shown::Compare(compared))
            }
            ResultContent::Classify(document) => Some(Shown::Classify(result, document)),
            ResultContent::Inspect(..) => None,
        }
    }

    /// The line below the table that the cursor is on.
    fn line_below(&self, shown: &Shown<'_>) -> Option<usize> {
        let last = shown.lines_below(self.below, self.metric).checked_sub(1)?;
        Some(self.cursor.at.checked_sub(shown.rows())?.min(last))
    }

    /// Puts another result in front.
    fn turn(&mut self, shared: &Shared, by: impl Fn(usize, usize) -> usize) {
        let all = tables(shared);
        let next = self.at(&all).map_or(0, |at| by(at, all.len().max(1)));
        self.result = all.get(next).map(|result| result.id.clone());
        (self.cursor, self.merged) = (Cursor::default(), false);
    }

    /// The next direction of the result in front.
    fn turn_direction(&mut self, shared: &Shared) {
        let Some(Shown::Compare(Compared { result, direction, .. })) = self.shown(shared) else {
            return;
        };
        let Ok(ResultContent::Compare(document, _)) = &result.content else { return };
        let all = comparison::directions(document);
        let at = all.iter().position(|one| *one == direction).map_or(0, |at| at + 1);
        self.direction = all.get(at % all.len().max(1)).copied();
    }

    /// Joins what is comparable into one table, or parts it again; where it could not be joined, that is
    /// asked again.
    fn join(&mut self, shared: &Shared) -> Vec<Effect> {
        let Some(Shown::Compare(compared)) = self.shown(shared) else {
            return vec![Effect::Fail("a classification shares its table with none".to_owned())];
        };
        if self.merged && !matches!(compared.joins, Joins::Failed(_)) {
            self.merged = false;
            return Vec::new();
        }
        if others::comparable(&compared.others).next().is_none() {
            return vec![Effect::Fail(others::refusal(&compared.others))];
        }
        self.merged = true;
        let Some(Shown::Compare(Compared { parts: Some(parts), joins: Joins::Failed(_), .. })) =
            self.shown(shared)
        else {
            return Vec::new();
        };
        vec![Effect::Do(Cmd::Work(Work::Join(parts)))]
    }

    /// Keeps its places to one session, and puts a comparison that was started here in front when its
    /// result is there.
    fn settle(&mut self, shared: &Shared) {
        let Some(session) = session(shared) else { return };
        if self.seen.as_ref().is_none_or(|(seen, _)| seen != session) {
            let over = shared.jobs.iter().filter(|job| !job.is_under_way()).map(|job| job.id);
            let came = over.max().unwrap_or(0).max(self.came);
            *self = Self { below: self.below, metric: self.metric, came, ..Self::default() };
        }
        if !shared.library.results.contains_key(session) {
            return;
        }
        let ids: Vec<String> = tables(shared).iter().map(|result| result.id.clone()).collect();
        if let Some((_, before)) = &self.seen {
            let new = tables(shared).into_iter().rfind(|result| !before.contains(&result.id));
            let started = |job: &&Job| {
                job.compares && job.session == *session && job.id > self.came && !job.has_failed()
            };
            let job = shared.jobs.iter().find(started).map(|job| job.id);
            if let Some((new, job)) = new.zip(job) {
                (self.result, self.direction) = (Some(new.id.clone()), None);
                (self.cursor, self.merged, self.came) = (Cursor::default(), false, job);
            }
        }
        self.stay(shared, &ids);
        self.seen = Some((session.clone(), ids));
    }
}

impl Screen for CompareScreen {
    fn act(&mut self, action: Action, shared: &Shared) -> Vec<Effect> {
        self.settle(shared);
        let shown = self.shown(shared);
        let count = shown
            .as_ref()
            .map_or(0, |shown| shown.rows() + shown.lines_below(self.below, self.metric));
        if self.cursor.act(action, count) {
            return Vec::new();
        }
        match action {
            Action::ResultNext => self.turn(shared, |at, count| (at + 1) % count),
            Action::ResultPrevious => self.turn(shared, |at, count| (at + count - 1) % count),
            Action::DirectionNext => self.turn_direction(shared),
            Action::JoinResults => return self.join(shared),
            Action::CompareMetric => {
                self.metric = metric::next(self.metric);
                let words = format!("intervals, bars and differences in {}", self.metric);
                return vec![Effect::Say(words)];
            }
            Action::Below => {
                self.below = match &shown {
                    Some(Shown::Compare(Compared { document, .. })) => {
                        self.below.of(document).next(document)
                    }
                    _ => self.below.other(),
                };
                let rows = shown.as_ref().map_or(0, Shown::rows);
                self.cursor.at = self.cursor.at.min(rows.saturating_sub(1));
            }
            Action::NewCompare => match session(shared) {
                _ if shared.readonly => {
                    return vec![Effect::Fail(READONLY.to_owned())];
                }
                Some(session) => {
                    let form = Box::new(NewCompare::new(shared, session.clone()));
                    return vec![Effect::Open(Box::new(Overlay::NewCompare(form)))];
                }
                None => {
                    return vec![Effect::Fail(
                        "no session yet; 1 n starts a run, which makes one".to_owned(),
                    )];
                }
            },
            Action::Copy => {
                if let Some(shown) = shown {
                    let id = shown.id();
                    return vec![Effect::Copy(id.to_owned(), id.to_owned())];
                }
            }
            _ => {}
        }
        Vec::new()
    }

    fn entered(&mut self, shared: &Shared) -> Vec<Effect> {
        self.settle(shared);
        let mut effects = ask(shared);
        effects.extend(ask_marked(shared));
        effects.extend(self.lost.take().map(Effect::Fail));
        effects
    }

    fn noticed(&mut self) -> Option<String> {
        self.lost.take()
    }

    fn looked_at(&self, shared: &Shared) -> Map<String, Value> {
        let mut with = Map::new();
        let Some(shown) = self.shown(shared) else {
            // What is said to be gone is looked at too.
            with.extend(self.result.clone().map(|id| ("result".to_owned(), id.into())));
            return with;
        };
        with.insert("result".to_owned(), shown.id().into());
        let mut below = self.below;
        if let Shown::Compare(Compared { document, direction, parts, .. }) = &shown {
            with.insert("direction".to_owned(), direction.to_string().into());
            with.insert("joined".to_owned(), parts.is_some().into());
            if let Some(parts) = parts {
                with.insert("parts".to_owned(), merged::record(parts));
            }
            with.insert("metric".to_owned(), self.metric.name().into());
            below = below.of(document);
        }
        with.insert("below".to_owned(), below.name().into());
        let row = self.cursor.at.min(shown.rows().saturating_sub(1));
        with.insert("row".to_owned(), row.into());
        if let Some(line) = self.line_below(&shown) {
            with.insert("line".to_owned(), line.into());
        }
        with
    }

    fn restore(&mut self, with: &Map<String, Value>, shared: &Shared) {
        *self = Self::default();
        self.settle(shared);
        let text = |key: &str| with.get(key).and_then(Value::as_str);
        self.restored = true;
        self.result = text("result").map(str::to_owned);
        self.direction = text("direction").and_then(|name| name.parse().ok());
        self.merged = with.get("joined").and_then(Value::as_bool).unwrap_or(false);
        self.these = merged::recorded(with);
        self.below = text("below").map_or(Below::default(), Below::named);
        self.metric = text("metric").and_then(metric::named).unwrap_or(Metric::Recall1);
        let number = |key: &str| usize::try_from(with.get(key)?.as_u64()?).ok();
        // Lines below follow the last row.
        let line = number("line").map_or(0, |line| line.saturating_add(1));
        self.cursor.at = number("row").unwrap_or(0).saturating_add(line);
    }

    fn refresh(&mut self, shared: &Shared) {
        self.settle(shared);
    }

    fn joins(&self, shared: &Shared) -> Option<Vec<JoinPart>> {
        match self.shown(shared)? {
            Shown::Compare(Compared { parts, .. }) => parts,
            Shown::Classify(..) => None,
        }
    }

    fn click(&mut self, _column: u16, row: u16, area: Rect, shared: &Shared) -> Vec<Effect> {
        self.cursor.at = self.line_at(row, area, shared).unwrap_or(self.cursor.at);
        Vec::new()
    }

    fn wheel(&mut self, lines: i8, shared: &Shared) {
        let count = |shown: Shown<'_>| shown.rows() + shown.lines_below(self.below, self.metric);
        let count = self.shown(shared).map_or(0, count);
        self.cursor.shift(lines, count);
    }

    fn view(&self, shared: &Shared, area: Rect, buffer: &mut Buffer) {
        let area = jobs(shared, area, buffer);
        let all = tables(shared);
        let at = self.at(&all).map_or(0, |at| at + 1);
        let note = format!("{at} of {}", all.len().max(1));
        let (cursor, below) = (self.cursor, self.below);
        let shown = self.shown(shared);
        let chosen = shown.as_ref().and_then(|shown| self.line_below(shown));
        match &shown {
            Some(Shown::Compare(compared)) => {
                let metric = self.metric;
                let looked = comparison::Looked { compared, note, below, chosen, metric };
                comparison::view(shared, &looked, cursor, area, buffer);
            }
            Some(Shown::Classify(result, document)) => {
                let id = &result.id;
                let looked = classification::Looked { id, document, note, below, chosen };
                classification::view(shared, &looked, cursor, area, buffer);
            }
            None => none::view(shared, self.result.as_deref(), area, buffer),
        }
    }

    fn hints(&self, _shared: &Shared) -> Vec<Action> {
        vec![
            Action::NewCompare,
            Action::DirectionNext,
            Action::ResultNext,
            Action::Below,
            Action::JoinResults,
            Action::Down,
        ]
    }
}
