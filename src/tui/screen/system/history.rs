//! What the machine of a run did while it was at work: a measure a line.

use crate::tui::app::Shared;
use crate::tui::data::history::{Measure, Unit};
use crate::tui::data::library::RunEntry;
use crate::tui::format;
use crate::tui::text;
use crate::tui::theme::Role;
use crate::tui::widget::paint::{pieces, section, top};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

/// What the machine of the chosen run did while it was at work: a measure a line. Returns what is left
/// below.
pub fn draw(shared: &Shared, run: Option<&RunEntry>, area: Rect, buffer: &mut Buffer) -> Rect {
    let open = run.and_then(|run| Some((&run.id, shared.library.open.get(&run.id)?)));
    let Some((run, open)) = open.filter(|(_, open)| !open.device.measures.is_empty()) else {
        return area;
    };
    let history = &open.device;
    // The runners keep a title and three lines.
    let room = area.height.saturating_sub(4);
    let lines = (history.measures.len() as u16).min(room.saturating_sub(1));
    if lines == 0 {
        return area;
    }
    let (place, rest) = top(area, lines + 1);
    let span = history.span.map_or(0.0, |(first, last)| last.seconds_since(first));
    let host = open.state.started.as_ref().map_or("", |started| &started.host);
    let title = format!("the machine during {}, {}", shared.library.name(run), text::safe(host));
    let note =
        format!("{} samples over {}", format::count(history.samples), format::duration(span));
    let inner = section(shared, buffer, place, &title, &note);
    let newest = if open.status.has_runner() { "now" } else { "last" };
    let value = |measure: &Measure, value: f64| match measure.unit {
        Unit::Share => format!("{:.0} %", value * 100.0),
        Unit::Bytes => format::bytes(value.max(0.0) as u64),
        Unit::Watts => format!("{value:.0} W"),
        Unit::Celsius => format!("{value:.0} C"),
    };
    let three = |measure: &Measure| {
        [measure.last, measure.mean(), measure.most].map(|number| value(measure, number))
    };
    let shown = &history.measures[..usize::from(lines)];
    let all: Vec<[String; 3]> = shown.iter().map(three).collect();
    let width = usize::from(inner.width);
    let numbers = numbers(&all, newest, width.saturating_sub(NAMED + LEAST_CELLS));
    let widest = numbers.iter().map(|words| text::width(words)).max().unwrap_or(0);
    let cells = width.saturating_sub(NAMED + 2 + widest).clamp(LEAST_CELLS, 60);
    for ((at, measure), numbers) in shown.iter().enumerate().zip(&numbers) {
        // The scale begins at nothing and ends at all there is, or at the greatest.
        let mut scaled = vec![Some(0.0), Some(measure.all.unwrap_or(measure.most).max(1e-9))];
        scaled.extend(measure.columns(cells));
        let bars: String = shared.glyphs.spark(&scaled).chars().skip(2).collect();
        pieces(
            shared,
            buffer,
            inner,
            inner.x + 1,
            inner.y + at as u16,
            &[
                (Role::Dim, &format!("{:<13} ", measure.name)),
                (Role::Curve(at % 4), &text::left(&bars, cells, "")),
                (Role::Text, numbers),
            ],
        );
    }
    rest
}

/// Columns before a measure's bars.
const NAMED: usize = 15;
/// Columns of a measure's bars, at least.
const LEAST_CELLS: usize = 8;

/// The newest value, the mean and the greatest of each measure, as `room` cells allow: whole columns are
/// left out, and no number is cut.
fn numbers(all: &[[String; 3]], newest: &str, room: usize) -> Vec<String> {
    let words = [newest, "mean", "most"];
    let widest = |at: usize| all.iter().map(|three| text::width(&three[at])).max().unwrap_or(0);
    let lines = |kept: &[usize], wide: usize| -> Vec<String> {
        let part = |three: &[String; 3], at: usize| {
            format!(" {} {}", text::right(&three[at], widest(at).max(wide), ""), words[at])
        };
        all.iter().map(|three| kept.iter().map(|at| part(three, *at)).collect()).collect()
    };
    let ways: [(&[usize], usize); 4] = [(&[0, 1, 2], 9), (&[0, 1, 2], 0), (&[0, 2], 0), (&[0], 0)];
    let fits = |lines: &Vec<String>| lines.iter().all(|line| text::width(line) <= room);
    let mut made = ways.iter().map(|&(kept, wide)| lines(kept, wide));
    made.find(fits).unwrap_or_else(|| lines(&[0], 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_number_is_cut_where_there_is_little_room() {
        let three = |words: [&str; 3]| words.map(str::to_owned);
        let all = [three(["100 %", "99 %", "100 %"]), three(["1.0 GB", "0.9 GB", "10 GB"])];
        let wide = numbers(&all, "now", 44);
        assert_eq!(wide[0], "     100 % now      99 % mean     100 % most");
        assert_eq!(numbers(&all, "now", 43)[1], " 1.0 GB now 0.9 GB mean 10 GB most");
        assert_eq!(numbers(&all, "now", 30)[0], "  100 % now 100 % most");
        assert_eq!(numbers(&all, "now", 3)[1], " 1.0 GB now");
        assert!(numbers(&[], "now", 3).is_empty());
    }
}
