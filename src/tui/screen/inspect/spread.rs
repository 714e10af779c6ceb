//! All queries at once: the rank under one encoder against the rank under the other, and the scores of
//! right and of other answers.

use super::tally::{Ranks, Scores, in_columns};
use crate::session::neighbours::NeighbourSet;
use crate::tui::app::Shared;
use crate::tui::data::pairing::PairedQuery;
use crate::tui::format;
use crate::tui::text;
use crate::tui::theme::Role;
use crate::tui::widget::chart::{Canvas, Layer, Marker};
use crate::tui::widget::paint::{bottom, pieces, put, section, top};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

/// What stands beside the list of queries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Beside {
    /// The chosen query's neighbours.
    #[default]
    Neighbours,
    /// All ranks under both.
    Ranks,
    /// All scores of both.
    Scores,
}

impl Beside {
    /// Its name in recorded sittings.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Neighbours => "neighbours",
            Self::Ranks => "ranks",
            Self::Scores => "scores",
        }
    }

    /// That of the name; neighbours where there is none.
    #[must_use]
    pub fn named(name: &str) -> Self {
        let all = [Self::Neighbours, Self::Ranks, Self::Scores];
        all.into_iter().find(|beside| beside.name() == name).unwrap_or_default()
    }

    /// The next in turn.
    #[must_use]
    pub const fn next(self) -> Self {
        match self {
            Self::Neighbours => Self::Ranks,
            Self::Ranks => Self::Scores,
            Self::Scores => Self::Neighbours,
        }
    }
}

/// Cells left of the scatter for its numbers.
const LEFT: u16 = 7;

/// Ranks of the listed queries, both axes logarithmic; the chosen one, where it is one of them, as a
/// sign.
pub fn ranks(
    shared: &Shared,
    roles: [&str; 2],
    found: &Ranks,
    chosen: Option<&PairedQuery>,
    area: Rect,
    buffer: &mut Buffer,
) {
    let [equal, worse, better] = found.counts;
    let note = format!("{better} better, {worse} worse, {equal} equal");
    let inner = section(shared, buffer, area, "rank against rank", &note);
    let (plot, foot) = bottom(inner, 2);
    let plot = Rect { x: plot.x + LEFT, width: plot.width.saturating_sub(LEFT), ..plot };
    if plot.width < 8 || plot.height < 4 {
        return;
    }
    let marker = if shared.glyphs.ascii { Marker::Ascii } else { Marker::Braille };
    let mut canvas = Canvas::new(marker, usize::from(plot.width), usize::from(plot.height));
    let (across, down) = canvas.size();
    let place = |[a, b]: [f64; 2]| {
        let (x, y) = (a * (across - 1) as f64, (1.0 - b) * (down - 1) as f64);
        (x.round() as usize, y.round() as usize)
    };
    canvas.layer(Layer { style: shared.theme.style(Role::Faint), sign: '.' });
    for x in 0..across {
        if x % 3 == 0 {
            canvas.dot(x, (down - 1) - x * (down - 1) / (across - 1).max(1));
        }
    }
    let layers = [(Role::Dim, '='), (Role::Bad, 'x'), (Role::Good, 'o')];
    for ((role, sign), points) in layers.into_iter().zip(&found.points) {
        canvas.layer(Layer { style: shared.theme.style(role), sign });
        for point in points {
            let (x, y) = place(*point);
            canvas.dot(x, y);
        }
    }
    canvas.draw(plot, buffer);
    if let Some(query) = chosen {
        let (x, y) = place(query.rank.map(|rank| found.share(rank)));
        let (wide, high) = (across / usize::from(plot.width), down / usize::from(plot.height));
        let (x, y) = ((x / wide.max(1)) as u16, (y / high.max(1)) as u16);
        let style = shared.theme.style(Role::Title);
        put(buffer, plot, plot.x + x, plot.y + y, shared.glyphs.mark(), style);
    }
    let mut rank = 1;
    while rank <= found.highest {
        let label = format::count(u64::from(rank));
        let y = ((1.0 - found.share(rank)) * f64::from(plot.height - 1)).round() as u16;
        let padded = text::right(&label, usize::from(LEFT) - 1, "");
        put(buffer, inner, inner.x, plot.y + y, &padded, shared.theme.style(Role::Dim));
        let x = (found.share(rank) * f64::from(plot.width - 1)).round() as u16;
        let x = plot.x + x.min(plot.width.saturating_sub(label.len() as u16));
        put(buffer, foot, x, foot.y, &label, shared.theme.style(Role::Dim));
        rank = rank.saturating_mul(10);
    }
    let line = Rect { x: foot.x + 1, width: foot.width.saturating_sub(1), ..foot };
    let [across, up, better] = legend(roles, usize::from(line.width), shared.glyphs.cut());
    pieces(
        shared,
        buffer,
        line,
        line.x,
        line.y + 1,
        &[
            (Role::Dim, "across "),
            (Role::Text, &across),
            (Role::Dim, ", up "),
            (Role::Text, &up),
            (Role::Dim, &better),
        ],
    );
}

/// The name of each axis, and on which side of the diagonal the second encoder is better: in as many
/// words as there is room for. Names that are too long are cut, with a sign.
fn legend([a, b]: [&str; 2], room: usize, cut: &str) -> [String; 3] {
    let fixed = text::width("across , up ");
    let names = fixed + text::width(a) + text::width(b);
    let words = [
        format!("; below the diagonal {b} is better"),
        format!("; below it {b} is better"),
        "; below: gains".to_owned(),
        String::new(),
    ];
    let fits = words.into_iter().find(|words| names + text::width(words) <= room);
    if let Some(words) = fits {
        return [a.to_owned(), b.to_owned(), words];
    }
    let each = room.saturating_sub(fixed) / 2;
    [text::fit(a, each, cut), text::fit(b, each, cut), String::new()]
}

/// Scores in the lists of all listed queries, by whether they are right.
pub fn scores(
    shared: &Shared,
    sets: [&NeighbourSet; 2],
    (found, listed): (&[Scores; 2], usize),
    area: Rect,
    buffer: &mut Buffer,
) {
    let halves = super::layout::columns(area);
    let ranges = one_range([found[0].range(), found[1].range()]);
    for (side, area) in halves.into_iter().enumerate() {
        let (set, found) = (sets[side], &found[side]);
        let queries = if listed == 1 { "query" } else { "queries" };
        let note = format!("{} {queries}, top {}", format::count(listed as u64), set.k);
        let inner = section(shared, buffer, area, &text::safe(&set.role), &note);
        let Some([low, high]) = ranges[side].filter(|_| inner.height >= 5) else { continue };
        let (bars, foot) = bottom(inner, 1);
        let (above, under) = top(bars, bars.height / 2);
        for (scores, area, role, name) in [
            (&found.right, above, Role::Good, "right answers"),
            (&found.others, under, Role::Curve(side), "others"),
        ] {
            histogram(shared, scores, [low, high], role, name, area, buffer);
        }
        let right = format!("{high:.3}");
        put(buffer, foot, foot.x + 1, foot.y, &format!("{low:.3}"), shared.theme.style(Role::Dim));
        let x = foot.right().saturating_sub(right.len() as u16 + 1);
        put(buffer, foot, x, foot.y, &right, shared.theme.style(Role::Dim));
    }
}

/// Both axes: the same where both are cosines, so that what stands below each other compares.
fn one_range(ranges: [Option<[f32; 2]>; 2]) -> [Option<[f32; 2]>; 2] {
    let [Some([low, high]), Some([other_low, other_high])] = ranges else { return ranges };
    let ends = [low.min(other_low), high.max(other_high)];
    let cosines = ends.iter().all(|score| score.abs() <= 1.0 + 1e-4);
    if cosines { [Some(ends); 2] } else { ranges }
}

/// Counts a column, as bars from the bottom, with a name and the middle above them.
fn histogram(
    shared: &Shared,
    sorted: &[f32],
    range: [f32; 2],
    role: Role,
    name: &str,
    area: Rect,
    buffer: &mut Buffer,
) {
    const PARTS: [&str; 9] = [" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"];
    let (line, bars) = top(area, 1);
    let room = usize::from(line.width.saturating_sub(1));
    let words = named(name, sorted, room, shared.glyphs.cut());
    put(buffer, line, line.x + 1, line.y, &words, shared.theme.style(Role::Dim));
    let width = usize::from(bars.width.saturating_sub(2)).max(1);
    let counts = in_columns(sorted, range, width);
    let most = counts.iter().copied().max().unwrap_or(0).max(1);
    let style = shared.theme.style(role);
    for (column, count) in counts.iter().enumerate() {
        let eighths = count * usize::from(bars.height) * 8 / most;
        // What is there is seen, however little it is.
        let eighths = if *count > 0 { eighths.max(1) } else { 0 };
        for row in 0..bars.height {
            let full = eighths.saturating_sub(usize::from(bars.height - 1 - row) * 8).min(8);
            let sign = match (shared.glyphs.ascii, full) {
                (_, 0) => continue,
                (true, 1..4) => ".",
                (true, _) => "#",
                (false, full) => PARTS[full],
            };
            put(buffer, bars, bars.x + 1 + column as u16, bars.y + row, sign, style);
        }
    }
}

/// A name, how many scores there are, and the one in the middle where that fits whole.
fn named(name: &str, sorted: &[f32], room: usize, cut: &str) -> String {
    let count = format!("{name}: {}", format::count(sorted.len() as u64));
    let all = sorted
        .get(sorted.len() / 2)
        .map(|middle| format!("{count}, middle {middle:.3}"))
        .filter(|all| text::width(all) <= room);
    all.unwrap_or_else(|| text::fit(&count, room, cut))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cosines_stand_on_one_axis() {
        let (a, b) = (Some([-0.1, 0.4]), Some([0.2, 0.9]));
        assert_eq!(one_range([a, b]), [Some([-0.1, 0.9]); 2]);
        let counted = Some([0.0, 31.0]);
        assert_eq!(one_range([a, counted]), [a, counted]);
        assert_eq!(one_range([a, None]), [a, None]);
    }

    #[test]
    fn no_number_above_the_bars_is_cut() {
        let scores = vec![0.125; 12_345];
        let said = |room| named("right answers", &scores, room, "~");
        assert_eq!(said(35), "right answers: 12,345, middle 0.125");
        assert_eq!(said(34), "right answers: 12,345");
        assert_eq!(said(20), "right answers: 12,3~");
        assert_eq!(named("others", &[], 40, "~"), "others: 0");
    }

    #[test]
    fn a_legend_says_what_it_has_room_for_and_cuts_names_with_a_sign() {
        let said = |roles, room| legend(roles, room, "~");
        let roles = ["clip", "llm2clip"];
        let full = said(roles, 80);
        assert_eq!(full, ["clip", "llm2clip", "; below the diagonal llm2clip is better"]);
        // The room there is at 80x24.
        assert_eq!(said(roles, 43), ["clip", "llm2clip", "; below: gains"]);
        assert_eq!(said(roles, 24), ["clip", "llm2clip", ""]);
        assert_eq!(said(roles, 23), ["clip", "llm2~", ""]);
        for room in 0..80 {
            let words = said(["an encoder of a long name", "another of a longer one"], room);
            let used: usize = words.iter().map(|words| text::width(words)).sum();
            assert!(used + text::width("across , up ") <= room.max(12), "{room}: {words:?}");
        }
    }
}
