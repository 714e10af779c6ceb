//! Compare: encoders by metrics with intervals, differences with corrected p, and always the protocol.

mod below;

use super::Screen;
use crate::eval::{CompareDocument, CompareRow, Direction, Metric};
use crate::ids::SessionId;
use crate::tui::app::newcompare::NewCompare;
use crate::tui::app::{Effect, Overlay, Shared};
use crate::tui::data::library::{LoadedResult, ResultContent};
use crate::tui::format;
use crate::tui::keys::Action;
use crate::tui::msg::{Cmd, Work};
use crate::tui::text;
use crate::tui::theme::Role;
use crate::tui::widget::list::Cursor;
use crate::tui::widget::paint::{paragraph, pieces, pointer, section, top};
use crate::tui::widget::table::{self, Column};
use below::Below;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

const COLUMNS: [Column; 10] = [
    Column { title: "encoder", width: 0, right: false, from: 0 },
    Column { title: "R@1 %", width: 6, right: true, from: 0 },
    Column { title: "95 %", width: 13, right: true, from: 0 },
    Column { title: "recall@1", width: 26, right: false, from: 104 },
    Column { title: "R@5 %", width: 6, right: true, from: 0 },
    Column { title: "R@10 %", width: 6, right: true, from: 70 },
    Column { title: "MRR", width: 6, right: true, from: 0 },
    Column { title: "median", width: 6, right: true, from: 76 },
    Column { title: "cosine", width: 6, right: true, from: 0 },
    Column { title: "ms/query", width: 8, right: true, from: 120 },
];

/// The screen.
#[derive(Debug, Default)]
pub struct CompareScreen {
    cursor: Cursor,
    result: usize,
    direction: usize,
    below: Below,
}

/// The session whose results are shown: that of the run in focus, else the newest.
#[must_use]
pub fn session(shared: &Shared) -> Option<&SessionId> {
    let focus = shared.focus.as_ref().map(|run| &run.session);
    focus.or_else(|| shared.library.sessions.first().map(|session| &session.id))
}

/// Asks for a session's results where they were not read yet.
#[must_use]
pub fn ask(shared: &Shared) -> Vec<Effect> {
    let missing = session(shared).filter(|id| !shared.library.results.contains_key(*id));
    missing.map(|id| Effect::Do(Cmd::Work(Work::Results(id.clone())))).into_iter().collect()
}

/// A session's comparisons.
fn comparisons(shared: &Shared) -> Vec<(&LoadedResult, &CompareDocument)> {
    let results = session(shared).and_then(|id| shared.library.results.get(id));
    results
        .into_iter()
        .flatten()
        .filter_map(|result| match &result.content {
            Ok(ResultContent::Compare(document, _)) => Some((result, &**document)),
            _ => None,
        })
        .collect()
}

fn directions(document: &CompareDocument) -> Vec<Direction> {
    Direction::ALL
        .into_iter()
        .filter(|direction| document.rows.iter().any(|row| row.direction == *direction))
        .collect()
}

impl CompareScreen {
    fn shown<'a>(
        &self,
        shared: &'a Shared,
    ) -> Option<(&'a LoadedResult, &'a CompareDocument, Direction)> {
        let all = comparisons(shared);
        let (result, document) = all.get(self.result % all.len().max(1))?;
        let directions = directions(document);
        let direction = directions.get(self.direction % directions.len().max(1))?;
        Some((result, document, *direction))
    }

    fn cells(shared: &Shared, row: &CompareRow) -> Vec<table::Cell> {
        let percent = |share: f64| format!("{:.1}", share * 100.0);
        let [low, high] = row.ci95.recall_1;
        let number = |value: Option<f64>, digits| {
            value.map_or_else(
                || shared.glyphs.none().to_owned(),
                |value| format!("{value:.digits$}"),
            )
        };
        vec![
            (Role::Text, text::safe(&row.role)),
            (Role::Title, percent(row.metrics.recall_1)),
            (Role::Dim, format!("{} to {}", percent(low), percent(high))),
            (Role::Curve(0), whisker(shared, row.metrics.recall_1, [low, high], 26)),
            (Role::Text, percent(row.metrics.recall_5)),
            (Role::Text, percent(row.metrics.recall_10)),
            (Role::Text, format!("{:.3}", row.metrics.mrr)),
            (Role::Text, format!("{:.0}", row.metrics.median_rank)),
            (
                if row.mean_cosine.is_some_and(|cosine| cosine > 0.7) {
                    Role::Warn
                } else {
                    Role::Text
                },
                number(row.mean_cosine, 3),
            ),
            (Role::Dim, number(row.ms_per_query, 2)),
        ]
    }

    fn differences(
        shared: &Shared,
        document: &CompareDocument,
        direction: Direction,
        area: Rect,
        buffer: &mut Buffer,
    ) {
        let inner =
            section(shared, buffer, area, "differences in recall@1", &text::safe(&document.family));
        let rows = document
            .differences
            .iter()
            .filter(|row| row.direction == direction && row.metric == Metric::Recall1);
        for (at, row) in rows.take(usize::from(inner.height)).enumerate() {
            let sure = row.ci95[0] > 0.0 || row.ci95[1] < 0.0;
            let role = match (sure, row.delta > 0.0) {
                (true, true) => Role::Good,
                (true, false) => Role::Bad,
                (false, _) => Role::Dim,
            };
            let verdict = match (sure, row.delta > 0.0) {
                (true, true) => "better",
                (true, false) => "worse",
                (false, _) => "not told apart",
            };
            let points = |value: f64| format!("{:+.1}", value * 100.0);
            let names = text::left(
                &format!("{} less {}", text::safe(&row.a), text::safe(&row.b)),
                40.min(usize::from(inner.width / 2)),
                shared.glyphs.cut(),
            );
            let p = row.p_holm.map_or_else(String::new, |p| {
                if p < 0.001 { "  p <.001".to_owned() } else { format!("  p {p:.3}") }
            });
            pieces(
                shared,
                buffer,
                inner,
                inner.x + 1,
                inner.y + at as u16,
                &[
                    (Role::Text, &names),
                    (role, &format!(" {:>6}", points(row.delta))),
                    (
                        Role::Dim,
                        &format!("  {} to {}{p}  ", points(row.ci95[0]), points(row.ci95[1])),
                    ),
                    (role, verdict),
                ],
            );
        }
    }
}

/// A bar up to a share, its interval as a thin line at its end.
fn whisker(shared: &Shared, share: f64, [low, high]: [f64; 2], width: usize) -> String {
    let cell = |value: f64| (value.clamp(0.0, 1.0) * (width - 1) as f64).round() as usize;
    let (bar, line, end) =
        if shared.glyphs.ascii { ("#", "-", "|") } else { ("█", "─", "┤") };
    (0..width)
        .map(|at| match at {
            at if at == cell(high) && high > low => end,
            at if at > cell(share) && at < cell(high) => line,
            at if at < cell(low) => bar,
            at if at <= cell(share) => {
                if shared.glyphs.ascii {
                    "="
                } else {
                    "▓"
                }
            }
            _ => " ",
        })
        .collect()
}

/// What results must share, in one line.
#[must_use]
pub fn protocol(document: &CompareDocument) -> String {
    let protocol = &document.protocol;
    let mut parts = vec![format!("data {}", protocol.dataset)];
    parts.extend(protocol.split.as_ref().map(|split| format!("split {split}")));
    parts.push(format!(
        "pool {}",
        protocol.pool.map_or_else(|| "all".to_owned(), |pool| pool.to_string())
    ));
    parts.push(format!("captions {}", protocol.captions));
    let languages = [("query", &protocol.query_language), ("gallery", &protocol.gallery_language)];
    for (side, language) in languages {
        parts.extend(language.as_ref().map(|language| format!("{side} {language}")));
    }
    parts.push(format!("judgements {}", protocol.judgements));
    parts.push(format!("ties: {}", protocol.tie_rule));
    parts.push(format!("itself left out: {}", protocol.self_exclusion));
    parts.push(format!("rules {}", protocol.rules));
    text::safe(&parts.join(", "))
}

impl Screen for CompareScreen {
    fn act(&mut self, action: Action, shared: &Shared) -> Vec<Effect> {
        let count = self.shown(shared).map_or(0, |(_, document, direction)| {
            document.rows.iter().filter(|row| row.direction == direction).count()
        });
        if self.cursor.act(action, count) {
            return Vec::new();
        }
        let results = comparisons(shared).len().max(1);
        match action {
            Action::ResultNext => self.result = (self.result + 1) % results,
            Action::ResultPrevious => self.result = (self.result + results - 1) % results,
            Action::DirectionNext => self.direction += 1,
            Action::Below => self.below = self.below.next(),
            Action::NewCompare => match session(shared) {
                _ if shared.readonly => {
                    let words = "the workbench was opened with --readonly: nothing is written";
                    return vec![Effect::Fail(words.to_owned())];
                }
                Some(session) => {
                    let form = Box::new(NewCompare::new(shared, session.clone()));
                    return vec![Effect::Open(Box::new(Overlay::NewCompare(form)))];
                }
                None => return vec![Effect::Fail("there is no session yet".to_owned())],
            },
            Action::Copy => {
                if let Some((result, _, _)) = self.shown(shared) {
                    return vec![
                        Effect::Say(format!("copied {}", result.id)),
                        Effect::Do(Cmd::Copy(result.id.clone())),
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

    fn wheel(&mut self, lines: i8, _shared: &Shared) {
        self.cursor.shift(lines, usize::MAX);
    }

    fn view(&self, shared: &Shared, area: Rect, buffer: &mut Buffer) {
        let area = jobs(shared, area, buffer);
        let Some((result, document, direction)) = self.shown(shared) else {
            nothing(
                shared,
                area,
                buffer,
                "comparison",
                "llm2clip compare --task caption --encoders A,B --session S",
            );
            return;
        };
        let all = comparisons(shared);
        let note = format!("{} of {}", self.result % all.len() + 1, all.len());
        let title = format!(
            "{} retrieval {} {} {} {direction}",
            document.task.name(),
            shared.glyphs.dot(),
            result.id,
            shared.glyphs.dot()
        );
        let inner = section(shared, buffer, area, &title, &note);
        let words = protocol(document);
        let lines =
            text::wrap(&words, usize::from(inner.width.saturating_sub(2).max(1))).len() as u16;
        let (place, inner) = top(inner, lines.min(3));
        paragraph(
            shared,
            buffer,
            Rect { x: place.x + 1, width: place.width.saturating_sub(2), ..place },
            Role::Dim,
            &words,
        );
        let rows: Vec<&CompareRow> =
            document.rows.iter().filter(|row| row.direction == direction).collect();
        let line = Rect { x: inner.x + 1, width: inner.width - 1, ..inner };
        table::header(shared, buffer, line, &COLUMNS, None);
        let differences = document
            .differences
            .iter()
            .filter(|row| row.direction == direction && row.metric == Metric::Recall1)
            .count() as u16;
        let body = top(line, 1).1;
        let wanted = match self.below {
            Below::Differences => differences + 1,
            Below::Anisotropy => rows.len() as u16 + 1,
            Below::Layers => 12,
        };
        let below = wanted.min(body.height / 2);
        let (list, rest) = crate::tui::widget::paint::bottom(body, below + 2);
        let first = self.cursor.first(rows.len(), usize::from(list.height));
        for (at, row) in rows.iter().enumerate().skip(first).take(usize::from(list.height)) {
            let y = list.y + (at - first) as u16;
            let chosen = at == self.cursor.at.min(rows.len() - 1);
            table::row(shared, buffer, list, y, &COLUMNS, &Self::cells(shared, row), chosen);
            if chosen {
                pointer(shared, buffer, area, y);
            }
        }
        let (about, rest) = top(rest, 2);
        if let Some(row) = rows.get(self.cursor.at.min(rows.len().saturating_sub(1))) {
            pieces(shared, buffer, about, about.x, about.y, &[(Role::Dim, &about_row(row))]);
        }
        let rest = Rect { x: area.x, width: area.width, ..rest };
        match self.below {
            Below::Differences => Self::differences(shared, document, direction, rest, buffer),
            Below::Anisotropy => below::anisotropy(shared, &rows, rest, buffer),
            Below::Layers => {
                let mut heat = below::of_rows(document, direction);
                heat.extend(result.sweep.iter().cloned());
                below::layers(shared, &heat, rest, buffer);
            }
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

/// What a row's numbers stand on.
fn about_row(row: &CompareRow) -> String {
    let mut parts = vec![format!(
        "{}: {} queries, {} items",
        text::safe(&row.role),
        format::count(row.queries as u64),
        format::count(row.items as u64)
    )];
    if row.tied_share > 0.0 {
        parts.push(format!("{} tied", format::percent(row.tied_share)));
    }
    if let Some(geometry) = &row.geometry {
        let json = serde_json::to_value(geometry).unwrap_or_default();
        for key in ["uniformity", "effective_rank"] {
            if let Some(value) = json[key].as_f64() {
                parts.push(format!("{} {}", key.replace('_', " "), format::number(value)));
            }
        }
    }
    parts.extend(
        row.hub_skewness.map(|skewness| format!("hub skewness {}", format::number(skewness))),
    );
    if row.truncated > 0 {
        parts.push(format!("{} texts cut", row.truncated));
    }
    parts.join(", ")
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
            "{} has no {what} yet.\n\n3 n start a comparison here\n1   choose a run of another session: enter there, then back here\n\nFrom a shell: {command}",
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
