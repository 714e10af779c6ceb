//! Comparisons as bars: one metric, a bar with its 95 % interval for every row, by direction, and below
//! them what papers report, pale and without an interval. A classification likewise, by how many places
//! count.

use super::Chart;
use super::axis::{Axis, label};
use super::canvas::{Anchor, COLOURS, Draw, FADED, GRID, INK, MARGIN, Paper, TEXT, TITLE};
use crate::eval::classify::{ClassifyDocument, TopShares};
use crate::eval::{CompareDocument, Direction, Metric};
use plotters::prelude::{Color, RGBAColor, RGBColor};

/// One metric of a comparison.
#[derive(Clone, Debug, PartialEq)]
pub struct BarChart {
    title: String,
    note: String,
    /// Lines about the bars of papers.
    papers: Vec<String>,
    digits: usize,
    /// What stands above its bars.
    groups: Vec<(&'static str, Vec<Bar>)>,
}

#[derive(Clone, Debug, PartialEq)]
struct Bar {
    role: String,
    /// Which of the table's roles: its colour in every group.
    colour: usize,
    value: f64,
    /// None of a paper's figure.
    interval: Option<[f64; 2]>,
}

const PLOT_WIDTH: i32 = 560;
const ROW: i32 = 26;
const HEAD: i32 = 30;
/// Height of a line about papers, and the most letters it has.
const LINE: i32 = TEXT + 4;
const LETTERS: usize = 110;

impl BarChart {
    /// The bars of one metric.
    #[must_use]
    pub fn new(document: &CompareDocument, metric: Metric) -> Self {
        let mut roles: Vec<&str> = Vec::new();
        for row in &document.rows {
            if !roles.contains(&row.role.as_str()) {
                roles.push(&row.role);
            }
        }
        let papers = if metric == Metric::Recall1 { document.beside() } else { Vec::new() };
        let groups = Direction::ALL.into_iter().filter_map(|direction| {
            let rows = document.rows.iter().filter(|row| row.direction == direction);
            let mut bars: Vec<Bar> = rows
                .map(|row| Bar {
                    role: row.role.clone(),
                    colour: roles.iter().position(|role| *role == row.role).unwrap_or(0),
                    value: *row.metrics.get(metric),
                    interval: Some(*row.ci95.get(metric)),
                })
                .collect();
            // What they report is captions among captions.
            if direction == Direction::TextToText {
                bars.extend(papers.iter().map(|paper| Bar {
                    role: paper.encoder.clone(),
                    colour: 0,
                    value: paper.recall_1,
                    interval: None,
                }));
            }
            (!bars.is_empty()).then_some((direction.name(), bars))
        });
        let split =
            document.protocol.split.as_deref().map_or_else(String::new, |s| format!(", {s}"));
        let better = if metric.higher_is_better() { "higher" } else { "lower" };
        Self {
            title: format!(
                "{metric}, {} task on {}{split}",
                document.task.name(),
                document.protocol.dataset
            ),
            note: note(better),
            digits: if metric == Metric::MedianRank { 1 } else { 3 },
            groups: groups.collect(),
            papers: papers.first().map_or_else(Vec::new, |paper| {
                let mut words = format!("pale, without whiskers: as reported in {}", paper.source);
                if !paper.caveat.is_empty() {
                    words = format!("{words}; {}", paper.caveat);
                }
                wrapped(&words)
            }),
        }
    }

    /// The shares of a classification; none where nothing was counted.
    #[must_use]
    pub fn of_classes(document: &ClassifyDocument) -> Option<Self> {
        let bars = |of: fn(&TopShares<f64>) -> f64, ends: fn(&TopShares<[f64; 2]>) -> [f64; 2]| {
            let rows = document.rows.iter().enumerate();
            let bars = rows.filter_map(|(colour, row)| {
                let (shares, ci95) = (row.metrics.as_ref()?, row.ci95.as_ref()?);
                let role = row.role.clone();
                Some(Bar { role, colour, value: of(shares), interval: Some(ends(ci95)) })
            });
            bars.collect::<Vec<Bar>>()
        };
        let groups = [
            ("top-1", bars(|shares| shares.top_1, |ends| ends.top_1)),
            ("top-5", bars(|shares| shares.top_5, |ends| ends.top_5)),
        ];
        if groups[0].1.is_empty() {
            return None;
        }
        let protocol = &document.protocol;
        let split = protocol.split.as_deref().map_or_else(String::new, |s| format!(", {s}"));
        let classes = document.candidates.len();
        Some(Self {
            title: format!("classification of {}{split}, {classes} classes", protocol.dataset),
            note: note("higher"),
            papers: Vec::new(),
            digits: 3,
            groups: groups.into(),
        })
    }

    fn bars(&self) -> impl Iterator<Item = &Bar> {
        self.groups.iter().flat_map(|group| &group.1)
    }

    fn value_text(&self, bar: &Bar) -> String {
        let digits = self.digits;
        match bar.interval {
            Some([low, high]) => {
                format!("{:.digits$}  [{low:.digits$}, {high:.digits$}]", bar.value)
            }
            None => format!("{:.digits$}  the paper's", bar.value),
        }
    }

    /// Where the plot begins, down.
    fn top(&self) -> i32 {
        MARGIN + TITLE + TEXT + 18 + self.papers.len() as i32 * LINE
    }

    /// Where the plot begins, and the width of the whole.
    fn layout(&self, paper: &Paper) -> (i32, i32) {
        let left = MARGIN + paper.widest(self.bars().map(|bar| bar.role.as_str()), TEXT) + 12;
        let texts: Vec<String> = self.bars().map(|bar| self.value_text(bar)).collect();
        let values = paper.widest(texts.iter().map(String::as_str), TEXT) + 12;
        let plot = left + PLOT_WIDTH + values + MARGIN;
        let title = paper.width(&self.title, TITLE).max(paper.width(&self.note, TEXT));
        let title = title.max(paper.widest(self.papers.iter().map(String::as_str), TEXT));
        (left, plot.max(title + 2 * MARGIN))
    }
}

fn note(better: &str) -> String {
    format!("whiskers: 95 % bootstrap interval over units; {better} is better")
}

/// Words in lines of at most [`LETTERS`], broken at spaces.
fn wrapped(words: &str) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in words.split(' ') {
        let more = 1 + word.chars().count();
        let fits = |line: &&mut String| line.chars().count() + more <= LETTERS;
        match lines.last_mut().filter(fits) {
            Some(line) => {
                line.push(' ');
                line.push_str(word);
            }
            None => lines.push(word.to_owned()),
        }
    }
    lines
}

/// The colour, a quarter of the way to white: whiskers show on it, and the grid does not show
/// through it.
fn pale(colour: RGBColor) -> RGBAColor {
    let [r, g, b] = [colour.0, colour.1, colour.2].map(|part| part + (255 - part) / 4);
    RGBColor(r, g, b).to_rgba()
}

impl Chart for BarChart {
    fn title(&self) -> &str {
        &self.title
    }

    fn size(&self, paper: &Paper) -> (u32, u32) {
        let rows = self.bars().count() as i32 * ROW + self.groups.len() as i32 * (HEAD + 8);
        let height = self.top() + 6 + rows + TEXT + 20 + MARGIN;
        (self.layout(paper).1 as u32, height as u32)
    }

    fn draw(&self, canvas: &mut dyn Draw) -> Result<(), String> {
        let (left, _) = self.layout(canvas.paper());
        let right = left + PLOT_WIDTH;
        canvas.title(&self.title)?;
        let below = canvas.note(&self.note)?;
        for (line, words) in (1..).zip(&self.papers) {
            canvas.text((MARGIN, below + line * LINE), words, TEXT, FADED, Anchor::Left)?;
        }

        let most =
            self.bars().map(|bar| bar.interval.map_or(bar.value, |ends| bar.value.max(ends[1])));
        let most = most.filter(|value| value.is_finite()).fold(0.0, f64::max);
        let most = if most > 0.0 { most } else { 1.0 };
        let axis = Axis::new(0.0, most, false, (left, right));
        let top = self.top();
        let (_, height) = self.size(canvas.paper());
        let bottom = height as i32 - MARGIN - TEXT - 14;
        for tick in axis.ticks(6) {
            let Some(x) = axis.pixel(tick) else { continue };
            canvas.path(&[(x, top), (x, bottom)], GRID.to_rgba(), 1)?;
            canvas.text((x, bottom + 8 + TEXT / 2), &label(tick), TEXT, FADED, Anchor::Middle)?;
        }
        let mut y = top;
        for (name, bars) in &self.groups {
            // On white, so that the grid does not run through the words.
            let words = canvas.paper().width(name, TEXT);
            let middle = y + HEAD / 2 + 2;
            let white = plotters::prelude::WHITE.to_rgba();
            canvas.fill(
                (MARGIN, middle - TEXT / 2 - 1),
                (MARGIN + words + 4, middle + TEXT / 2 + 2),
                white,
            )?;
            canvas.text((MARGIN, middle), name, TEXT, INK, Anchor::Left)?;
            y += HEAD;
            for bar in bars {
                let middle = y + ROW / 2;
                canvas.text((left - 10, middle), &bar.role, TEXT, INK, Anchor::Right)?;
                let end = axis.pixel(bar.value).unwrap_or(left);
                let (over, under) = (middle - 8, middle + 8);
                if let Some(interval) = bar.interval {
                    let colour = COLOURS[bar.colour % COLOURS.len()];
                    canvas.fill((left, over), (end, under), pale(colour))?;
                    let ends = interval.map(|value| axis.pixel(value).unwrap_or(left));
                    canvas.path(&[(ends[0], middle), (ends[1], middle)], INK.to_rgba(), 1)?;
                    for x in ends {
                        canvas.path(&[(x, middle - 5), (x, middle + 5)], INK.to_rgba(), 1)?;
                    }
                } else {
                    canvas.fill((left, over), (end, under), GRID.to_rgba())?;
                    let edge = [(left, over), (end, over), (end, under), (left, under)];
                    canvas.path(&edge, FADED.to_rgba(), 1)?;
                }
                let text = self.value_text(bar);
                canvas.text((right + 12, middle), &text, TEXT, INK, Anchor::Left)?;
                y += ROW;
            }
            y += 8;
        }
        canvas.path(&[(left, top), (left, bottom)], FADED.to_rgba(), 1)
    }
}
