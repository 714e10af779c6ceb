//! Layers and poolings as a heat map. Its cells share one protocol: that of the sweep, which is said above
//! them. What was chosen stands apart, with the protocol of the test.

use super::click::Places;
use super::cut;
use super::swept::{of_rows, words};
use crate::eval::{CompareDocument, Direction};
use crate::tui::app::Shared;
use crate::tui::data::library::{Heat, LoadedResult, ResultContent};
use crate::tui::text;
use crate::tui::theme::Role;
use crate::tui::widget::paint::{paragraph, pieces, pointer, put, section, top};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use std::borrow::Cow;

/// Cells of a number with its shade and mark.
const NUMBER: usize = 6;

/// Cells of the best of a line, where the line has shades alone.
const BEST: usize = 15;

/// A map: its cells, and what is said above them.
pub struct Map<'a> {
    cells: Cow<'a, [Heat]>,
    words: Vec<(Role, String)>,
}

/// A line of a map.
enum Line<'a> {
    /// An encoder's name over these layers.
    Head(&'a str, Vec<u64>),
    /// The pair of that number at these layers.
    Row(usize, Vec<u64>),
}

/// How wide the parts of a line are, in cells.
#[derive(Clone, Copy)]
struct Widths {
    label: usize,
    cell: usize,
    /// Layers on a line.
    layers: usize,
}

impl Widths {
    const fn has_numbers(self) -> bool {
        self.cell == NUMBER
    }
}

impl<'a> Map<'a> {
    /// The cells of a result's sweep; where there was none, the table's rows that name a layer. Never both:
    /// they are not of the same items.
    #[must_use]
    pub fn of(result: &'a LoadedResult, document: &CompareDocument, direction: Direction) -> Self {
        if result.sweep.is_empty() {
            let words = "rows of the table above that name a layer, by its protocol".to_owned();
            let cells = Cow::Owned(of_rows(document, direction));
            return Self { cells, words: vec![(Role::Dim, words)] };
        }
        let words = match &result.content {
            Ok(ResultContent::Compare(own, _)) => {
                own.sweep.as_ref().map_or_else(Vec::new, |sweep| words(sweep, own, direction))
            }
            _ => Vec::new(),
        };
        Self { cells: Cow::Borrowed(result.sweep.as_slice()), words }
    }

    /// Encoders with their poolings.
    fn pairs(&self) -> Vec<(&str, &str)> {
        let mut pairs: Vec<(&str, &str)> =
            self.cells.iter().map(|cell| (cell.role.as_str(), cell.pooling.as_str())).collect();
        pairs.sort_unstable();
        pairs.dedup();
        pairs
    }

    /// Lines that can be chosen.
    #[must_use]
    pub fn lines(&self) -> usize {
        self.pairs().len()
    }

    /// The cells of an encoder and a pooling, by layer.
    fn row(&self, (role, pooling): (&str, &str)) -> Vec<&Heat> {
        let mut row: Vec<&Heat> =
            self.cells.iter().filter(|cell| cell.role == role && cell.pooling == pooling).collect();
        row.sort_by_key(|cell| cell.layer);
        row
    }

    /// The layers of an encoder.
    fn layers(&self, role: &str) -> Vec<u64> {
        let of_role = self.cells.iter().filter(|cell| cell.role == role);
        let mut layers: Vec<u64> = of_role.map(|cell| cell.layer).collect();
        layers.sort_unstable();
        layers.dedup();
        layers
    }

    /// The most that an encoder reached.
    fn best(&self, role: &str) -> f64 {
        let of_role = self.cells.iter().filter(|cell| cell.role == role);
        of_role.map(|cell| cell.recall).fold(f64::MIN, f64::max)
    }

    /// Numbers where they all fit; else shades, two cells or one wide, and the best of a line.
    fn widths(&self, width: usize) -> Widths {
        let pairs = self.pairs();
        let names = pairs.iter().flat_map(|(role, pooling)| [role, pooling]);
        let longest = names.map(|name| text::width(&text::safe(name))).max().unwrap_or(0);
        let label = longest.clamp(4, 22).min(width / 3) + 1;
        let most = pairs.iter().map(|(role, _)| self.layers(role).len()).max().unwrap_or(0);
        let room = width.saturating_sub(label);
        if most * NUMBER <= room {
            return Widths { label, cell: NUMBER, layers: most.max(1) };
        }
        let room = room.saturating_sub(BEST).max(1);
        let cell = if most * 2 <= room { 2 } else { 1 };
        Widths { label, cell, layers: (room / cell).clamp(1, most.max(1)) }
    }

    /// All lines: encoder by encoder, and of one with more layers than a line holds, part by part.
    fn drawn(&self, widths: Widths) -> Vec<Line<'_>> {
        let pairs = self.pairs();
        let mut lines = Vec::new();
        let mut known = None;
        for &(role, _) in &pairs {
            if known == Some(role) {
                continue;
            }
            known = Some(role);
            for layers in self.layers(role).chunks(widths.layers) {
                lines.push(Line::Head(role, layers.to_vec()));
                let of_role = pairs.iter().enumerate().filter(|(_, pair)| pair.0 == role);
                lines.extend(of_role.map(|(at, _)| Line::Row(at, layers.to_vec())));
            }
        }
        lines
    }

    /// Every number of a chosen line that has shades alone, in lines of this width.
    fn numbers(
        &self,
        chosen: Option<usize>,
        width: usize,
        widths: Widths,
    ) -> Vec<(String, String)> {
        let pairs = self.pairs();
        let Some(pair) = chosen.and_then(|at| pairs.get(at)).filter(|_| !widths.has_numbers())
        else {
            return Vec::new();
        };
        let room = (width.saturating_sub(14) / NUMBER).max(1);
        let line = |cells: &[&Heat]| {
            let ends = (cells.first()?.layer, cells.last()?.layer);
            let values = cells.iter().map(|cell| format!(" {:>5}", percent(cell.recall)));
            Some((format!("layers {}-{}", ends.0, ends.1), values.collect::<String>()))
        };
        self.row(*pair).chunks(room).filter_map(line).collect()
    }

    /// What is said above the map, in at most so many lines.
    fn said(&self, width: usize, most: usize, cut: &str) -> Vec<(Role, String)> {
        let mut lines: Vec<(Role, String)> = Vec::new();
        for (at, (role, words)) in self.words.iter().enumerate() {
            // Those behind it have a line each.
            let behind = self.words.len() - at - 1;
            let most = most.saturating_sub(lines.len() + behind);
            let wrapped = text::wrap_in(words, width, most, cut);
            lines.extend(wrapped.into_iter().map(|line| (*role, line)));
        }
        lines
    }

    /// Lines that all of it takes at a width.
    #[must_use]
    pub fn wanted(&self, chosen: Option<usize>, width: u16) -> u16 {
        let width = inside(width);
        let widths = self.widths(width);
        let all = 1
            + self.said(width, usize::MAX, "").len()
            + self.drawn(widths).len().max(1)
            + self.numbers(chosen, width, widths).len();
        all.min(usize::from(u16::MAX)) as u16
    }

    /// Draws it: recall@1 by layer across and pooling down, an encoder a block; each one's best is marked.
    /// Where each pair stands.
    pub fn view(
        &self,
        shared: &Shared,
        chosen: Option<usize>,
        area: Rect,
        buffer: &mut Buffer,
    ) -> Places {
        let mut places = Places::new();
        let width = inside(area.width);
        let (widths, pairs) = (self.widths(width), self.pairs());
        let (lines, numbers) = (self.drawn(widths), self.numbers(chosen, width, widths));
        // Words leave the map half of the room, where it wants that.
        let room = usize::from(area.height).saturating_sub(1 + numbers.len());
        let most = room.saturating_sub(lines.len().min(room.div_ceil(2)));
        let said = self.said(width, most, shared.glyphs.cut());
        let height = room.saturating_sub(said.len()).max(1);
        let hidden = lines.len().saturating_sub(height);
        // The last line is seen where the last pair is chosen, and so on in proportion; the chosen one
        // always.
        let first = match chosen {
            Some(at) if pairs.len() > 1 => {
                let at = at.min(pairs.len() - 1);
                let is_it = |line: &Line<'_>| matches!(line, Line::Row(pair, _) if *pair == at);
                let place = lines.iter().position(is_it).unwrap_or(0);
                (at * hidden / (pairs.len() - 1)).clamp((place + 1).saturating_sub(height), place)
            }
            _ => 0,
        };
        let (low, high) = self.ends();
        let mut note = String::new();
        if hidden > 0 {
            let last = (first + height).min(lines.len());
            note = format!("{} to {last} of {} lines; ", first + 1, lines.len());
        }
        if !self.cells.is_empty() {
            note.push_str(&format!("recall@1 %, shade from {} to {}", percent(low), percent(high)));
        }
        let inner = section(shared, buffer, area, "layers and poolings", &note);
        if self.cells.is_empty() {
            let words = "no layers were swept: llm2clip compare --sweep layers ...";
            cut::words(shared, buffer, inner, (inner.x + 1, inner.y), (Role::Dim, words));
            return places;
        }
        let mut rest = Rect { x: inner.x + 1, width: width as u16, ..inner }.intersection(inner);
        for (role, words) in &said {
            rest = paragraph(shared, buffer, rest, *role, words);
        }
        let (mut body, below) = top(rest, height.min(lines.len()) as u16);
        for (at, line) in lines.iter().enumerate().skip(first).take(height) {
            let (place, more) = top(body, 1);
            body = more;
            if place.height == 0 {
                break;
            }
            match line {
                Line::Head(role, layers) => head(shared, role, layers, widths, place, buffer),
                // An encoder's name is seen above its lines, unless one of these is chosen.
                Line::Row(pair, _) if at == first && first > 0 && chosen != Some(*pair) => {
                    if let Some(Line::Head(role, layers)) =
                        lines[..at].iter().rfind(|line| matches!(line, Line::Head(..)))
                    {
                        head(shared, role, layers, widths, place, buffer);
                    }
                }
                Line::Row(pair, layers) => {
                    if chosen == Some(*pair) {
                        pointer(shared, buffer, area, place.y);
                    }
                    self.pair(shared, pairs[*pair], layers, widths, place, buffer);
                    places.push((place.y, *pair));
                }
            }
        }
        for ((layers, values), y) in numbers.iter().zip(below.y..below.bottom()) {
            let label = format!("{layers:<13}");
            let parts = [(Role::Dim, label.as_str()), (Role::Text, values.as_str())];
            pieces(shared, buffer, below, below.x, y, &parts);
        }
        places
    }

    fn ends(&self) -> (f64, f64) {
        self.cells.iter().fold((f64::MAX, f64::MIN), |(low, high), cell| {
            (low.min(cell.recall), high.max(cell.recall))
        })
    }

    /// One pooling of an encoder at some layers.
    fn pair(
        &self,
        shared: &Shared,
        pair: (&str, &str),
        layers: &[u64],
        widths: Widths,
        line: Rect,
        buffer: &mut Buffer,
    ) {
        let (row, best, (low, high)) = (self.row(pair), self.best(pair.0), self.ends());
        let name = text::left(&text::safe(pair.1), widths.label - 1, shared.glyphs.cut());
        put(buffer, line, line.x, line.y, &name, shared.theme.style(Role::Text));
        let marked = |cell: &Heat| if cell.recall == best { shared.glyphs.tick() } else { " " };
        for (at, layer) in layers.iter().enumerate() {
            let Some(cell) = row.iter().copied().find(|cell| cell.layer == *layer) else {
                continue;
            };
            let x = line.x + (widths.label + at * widths.cell) as u16;
            let share = if high > low { (cell.recall - low) / (high - low) } else { 1.0 };
            let shade = shade(shared, share);
            if widths.has_numbers() {
                let role = if cell.recall == best { Role::Good } else { Role::Text };
                let number = format!("{:>4}", percent(cell.recall));
                let parts =
                    [(Role::Curve(0), shade), (role, number.as_str()), (Role::Good, marked(cell))];
                pieces(shared, buffer, line, x, line.y, &parts);
            } else {
                let role = if cell.recall == best { Role::Good } else { Role::Curve(0) };
                pieces(shared, buffer, line, x, line.y, &[(role, &shade.repeat(widths.cell))]);
            }
        }
        if widths.has_numbers() {
            return;
        }
        // The first of equal ones.
        let most = row.iter().copied().fold(None::<&Heat>, |most, cell| match most {
            Some(known) if known.recall >= cell.recall => most,
            _ => Some(cell),
        });
        if let Some(cell) = most {
            let x = line.x + (widths.label + widths.layers * widths.cell) as u16;
            let role = if cell.recall == best { Role::Good } else { Role::Text };
            let words = format!(" {:>5} at {} ", percent(cell.recall), cell.layer);
            pieces(
                shared,
                buffer,
                line,
                x,
                line.y,
                &[(role, words.as_str()), (Role::Good, marked(cell))],
            );
        }
    }
}

/// An encoder's name over its layers' numbers.
fn head(
    shared: &Shared,
    role: &str,
    layers: &[u64],
    widths: Widths,
    line: Rect,
    buffer: &mut Buffer,
) {
    let dim = shared.theme.style(Role::Dim);
    let name = text::left(&text::safe(role), widths.label - 1, shared.glyphs.cut());
    put(buffer, line, line.x, line.y, &name, shared.theme.style(Role::Title));
    let end = widths.label + widths.layers * widths.cell;
    let mut free = widths.label;
    for (at, layer) in layers.iter().enumerate() {
        let place = widths.label + at * widths.cell;
        let words = if widths.has_numbers() { format!("{layer:>5}") } else { layer.to_string() };
        let named = widths.has_numbers() || at == 0 || layer.is_multiple_of(5);
        if named && place >= free && place + words.len() <= end {
            put(buffer, line, line.x + place as u16, line.y, &words, dim);
            free = place + words.len() + 1;
        }
    }
    if !widths.has_numbers() {
        put(buffer, line, line.x + end as u16, line.y, "  best at layer", dim);
    }
}

/// Cells of a line inside an area of this width.
fn inside(width: u16) -> usize {
    usize::from(width.saturating_sub(2)).max(1)
}

/// A share in percent, in at most four cells.
pub fn percent(share: f64) -> String {
    let text = format!("{:.1}", share * 100.0);
    if text == "100.0" { "100".to_owned() } else { text }
}

fn shade(shared: &Shared, share: f64) -> &'static str {
    const UNICODE: [&str; 5] = [" ", "░", "▒", "▓", "█"];
    const ASCII: [&str; 5] = [" ", ".", ":", "=", "#"];
    let shades = if shared.glyphs.ascii { ASCII } else { UNICODE };
    shades[((share * 5.0) as usize).min(4)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::app::tests::app;

    fn cell(role: &str, pooling: &str, layer: u64, recall: f64) -> Heat {
        Heat { role: role.to_owned(), layer, pooling: pooling.to_owned(), recall, cosine: None }
    }

    /// Two encoders, three poolings, so many layers; layer 1 and `mean` are best.
    fn map(layers: u64) -> Map<'static> {
        let mut cells = Vec::new();
        for role in ["smol", "smol-bos"] {
            for (by, pooling) in ["last", "mean", "weighted_mean, no bos"].into_iter().enumerate() {
                for layer in 0..layers {
                    let less = layer.abs_diff(1) as f64 * 0.001 + by.abs_diff(1) as f64 * 0.02;
                    cells.push(cell(role, pooling, layer, 0.128 - less));
                }
            }
        }
        Map { cells: Cow::Owned(cells), words: vec![(Role::Dim, "tried on data x".to_owned())] }
    }

    fn drawn(map: &Map<'_>, chosen: Option<usize>, width: u16, height: u16) -> Vec<String> {
        let shared = app().shared;
        let area = Rect::new(0, 0, width, height);
        let mut buffer = Buffer::empty(area);
        map.view(&shared, chosen, area, &mut buffer);
        let line = |y: u16| (0..width).map(|x| buffer[(x, y)].symbol()).collect::<String>();
        (0..height).map(line).collect()
    }

    #[test]
    fn few_layers_are_numbers_and_many_are_shades_with_the_best_of_each_line() {
        let few = drawn(&map(6), None, 80, 10);
        let mean = few.iter().find(|line| line.contains("mean ")).unwrap();
        assert!(mean.contains("12.8✓") && mean.contains("12.4"), "{few:#?}");
        for width in [80, 120, 200] {
            let many = drawn(&map(31), None, width, 10);
            let best = many.iter().filter(|line| line.contains(" 12.8 at 1 ✓")).count();
            assert_eq!(best, 2, "{many:#?}");
            assert!(many[2].contains("best at layer") && many[2].contains(" 10 "), "{many:#?}");
            assert_eq!(map(31).wanted(None, width), 10);
        }
    }

    #[test]
    fn the_chosen_line_has_every_number_whole_and_each_line_comes_into_sight() {
        let map = map(31);
        assert_eq!(map.lines(), 6);
        for at in 0..6 {
            let lines = drawn(&map, Some(at), 80, 10);
            assert!(lines.iter().any(|line| line.starts_with('▌')), "{at}: {lines:#?}");
            let said: Vec<&String> =
                lines.iter().filter(|line| line.starts_with(" layers ")).collect();
            let numbers = said.iter().flat_map(|line| line.split_whitespace().skip(2));
            let numbers = numbers.filter(|word| word.parse::<f64>().is_ok() && word.contains('.'));
            assert_eq!(numbers.count(), 31, "{at}: {lines:#?}");
        }
        let last = drawn(&map, Some(5), 80, 10).concat();
        assert!(last.contains("smol-bos") && last.contains(" of 8 lines"), "{last}");
    }

    #[test]
    fn words_above_the_map_leave_it_half_of_the_room_and_say_where_they_were_cut() {
        let mut map = map(31);
        map.words = vec![(Role::Dim, "tried ".repeat(60)), (Role::Text, "chosen ".repeat(60))];
        for (width, height) in [(60, 7), (60, 8), (80, 9)] {
            let lines = drawn(&map, None, width, height);
            let text = lines.join("\n");
            assert!(lines[1].starts_with(" tried") && text.contains(" chosen"), "{text}");
            assert!(text.contains('…') && text.contains("12.8 at 1"), "{text}");
            let lines = drawn(&map, Some(5), width, height + 4);
            assert!(lines.iter().any(|line| line.starts_with("▌weighted")), "{lines:#?}");
        }
        assert_eq!(map.said(58, 0, "…").len(), 0);
    }

    #[test]
    fn more_layers_than_a_line_holds_go_on_below() {
        let map = map(81);
        let widths = map.widths(78);
        assert!(widths.layers < 81);
        let lines = map.drawn(widths);
        let of_first = lines.iter().filter_map(|line| match line {
            Line::Row(0, layers) => Some(layers.len()),
            _ => None,
        });
        assert_eq!(of_first.sum::<usize>(), 81);
        for (width, height) in [(1, 1), (8, 3), (30, 6), (80, 24)] {
            for chosen in [None, Some(0), Some(5)] {
                drawn(&map, chosen, width, height);
            }
        }
    }
}
