//! The bar to seek in: as long as there is to watch, with a sign a mark by its kind, and with signs where
//! nothing was recorded for long and it is cut; below it where one is and what was reached last.

use crate::tui::app::Shared;
use crate::tui::data::reel::{MarkKind, Reel};
use crate::tui::format;
use crate::tui::glyphs::Glyphs;
use crate::tui::text;
use crate::tui::theme::Role;
use crate::tui::widget::paint::{pieces, put, section};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

/// From so many lines on, one is spent on what was reached last.
const ROOMY: u16 = 18;
/// Less than so many seconds left out are not told of.
const UNTOLD: f64 = 60.0;

/// Lines the bar takes at the end of an area.
pub fn height(area: Rect) -> u16 {
    if area.height < ROOMY { 3 } else { 4 }
}

/// The sign of a mark.
fn sign(kind: MarkKind, glyphs: Glyphs) -> (&'static str, Role) {
    let (unicode, ascii, role) = match kind {
        MarkKind::Checkpoint => ("◇", "o", Role::Dim),
        MarkKind::Stage => ("┴", "'", Role::Text),
        MarkKind::Run => ("│", "|", Role::Text),
        MarkKind::Result => ("≡", "=", Role::Good),
        MarkKind::Warning => ("!", "!", Role::Bad),
        MarkKind::Bookmark => (glyphs.mark(), glyphs.mark(), Role::Warn),
    };
    (if glyphs.ascii { ascii } else { unicode }, role)
}

const fn gap(glyphs: Glyphs) -> &'static str {
    if glyphs.ascii { ":" } else { "┊" }
}

/// The column of a share of what there is to watch.
fn column(share: f64, width: usize) -> u16 {
    (share.clamp(0.0, 1.0) * width.saturating_sub(1) as f64).round() as u16
}

/// Draws it.
pub fn draw(shared: &Shared, reel: &Reel, area: Rect, buffer: &mut Buffer) {
    let glyphs = shared.glyphs;
    let title = text::safe(&shared.library.title(&reel.session));
    let speed = if reel.speed == 1.0 {
        "as fast as it happened".to_owned()
    } else {
        format!("{} times as fast", reel.speed)
    };
    let state = match (reel.playing, glyphs.ascii) {
        (true, false) => "▶ playing",
        (true, true) => "> playing",
        (false, false) => "‖ held",
        (false, true) => "= held",
    };
    let again = if reel.looping { ", over and over" } else { "" };
    let note = format!("{state}, {speed}{again}");
    let inner = section(shared, buffer, area, &format!("replay of {title}"), &note);
    let width = usize::from(inner.width.saturating_sub(2));
    let here = column(reel.watched.0 / reel.watched.1.max(1e-9), width);
    track(shared, reel, (inner, here), buffer);
    let (about, role) = reached(shared, reel);
    let plain = shared.theme.style(Role::Text);
    if inner.height < 3 {
        // Without a line of its own only what is reached at this moment is told of.
        let tells = reel.reached.as_ref().is_some_and(|reached| reached.here);
        let words = place(reel, if tells { width / 2 } else { width });
        let x = put(buffer, inner, inner.x + 1, inner.y + 1, &words, plain) + 3;
        if tells {
            let room = usize::from(inner.right().saturating_sub(x + 1));
            let about = text::fit(&about, room, glyphs.cut());
            put(buffer, inner, x, inner.y + 1, &about, shared.theme.style(role));
        }
        return;
    }
    put(buffer, inner, inner.x + 1, inner.y + 1, &place(reel, width), plain);
    let cut = reel.gaps.iter().rfind(|cut| column(cut.share, width) == here);
    let cut = cut.map_or_else(String::new, |cut| {
        format!("  {} {} left out here", gap(glyphs), format::duration(cut.seconds))
    });
    let about = text::fit(&about, width.saturating_sub(text::width(&cut)), glyphs.cut());
    let parts = [(role, about.as_str()), (Role::Warn, cut.as_str())];
    pieces(shared, buffer, inner, inner.x + 1, inner.y + 2, &parts);
}

/// The bar itself.
fn track(shared: &Shared, reel: &Reel, (inner, here): (Rect, u16), buffer: &mut Buffer) {
    let glyphs = shared.glyphs;
    let width = usize::from(inner.width.saturating_sub(2));
    let mut put_at = |x: u16, sign: &str, role: Role| {
        put(buffer, inner, inner.x + 1 + x, inner.y, sign, shared.theme.style(role));
    };
    put_at(0, &glyphs.rule().repeat(width), Role::Faint);
    put_at(0, &glyphs.rule().repeat(usize::from(here)), Role::Accent);
    // What matters more lies over what matters less.
    let mut marks: Vec<(MarkKind, u16)> =
        reel.marks.iter().map(|(share, kind)| (*kind, column(*share, width))).collect();
    marks.sort_unstable();
    for (kind, x) in marks.into_iter().filter(|(kind, _)| *kind != MarkKind::Bookmark) {
        let (sign, role) = sign(kind, glyphs);
        put_at(x, sign, role);
    }
    for cut in &reel.gaps {
        put_at(column(cut.share, width), gap(glyphs), Role::Warn);
    }
    for marked in &reel.marked {
        put_at(column(marked.share, width), glyphs.mark(), Role::Warn);
    }
    put_at(here, if glyphs.ascii { "#" } else { "█" }, Role::Accent);
}

/// The clock, how much has been watched, and how many records there were, as `room` cells allow.
fn place(reel: &Reel, room: usize) -> String {
    let clock = reel.clock(reel.time);
    let (watched, length) = reel.watched;
    let watched = format!("{} of {}", format::duration(watched), format::duration(length));
    let (at, of) = (format::count(reel.position as u64), format::count(reel.count as u64));
    let (long, short) = (format!("   record {at} of {of}"), format!("   {at}/{of}"));
    let ways = if reel.left_out < UNTOLD {
        vec![
            format!("{clock} UTC   {watched}{long}"),
            format!("{clock} UTC   {watched}{short}"),
            format!("{clock}   {watched}"),
        ]
    } else {
        let out = format::duration(reel.left_out);
        vec![
            format!("{clock} UTC   {watched}, {out} without records left out{long}"),
            format!("{clock} UTC   {watched}, {out} left out{long}"),
            format!("{clock} UTC   {watched}, {out} left out{short}"),
            format!("{clock}   {watched}, {out} left out"),
            format!("{clock}   {watched}"),
        ]
    };
    let narrowest = ways.last().cloned().unwrap_or_default();
    ways.into_iter().find(|words| text::width(words) <= room).unwrap_or(narrowest)
}

/// What was reached last, of what one skips to.
fn reached(shared: &Shared, reel: &Reel) -> (String, Role) {
    let all = reel.marks.len();
    let Some(reached) = &reel.reached else {
        let words = match all {
            0 => "no mark yet".to_owned(),
            all => format!("] goes to the first of {} marks", format::count(all as u64)),
        };
        return (words, Role::Dim);
    };
    let since = if reached.here { "" } else { "since " };
    let (sign, _) = sign(reached.kind, shared.glyphs);
    let mut words = format!("{since}{sign} {}, {} of {all}", reached.kind.word(), reached.number);
    if !reached.words.is_empty() {
        words.push_str(&format!(": {}", text::safe(&reached.words)));
    }
    (words, if reached.here { Role::Text } else { Role::Dim })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::Time;
    use crate::tui::app::tests::app;
    use crate::tui::data::reel::tests::reel;
    use crate::tui::data::reel::{Gap, Reached};

    fn drawn(reel: &Reel, width: u16, height: u16) -> String {
        let area = Rect::new(0, 0, width, height);
        let mut buffer = Buffer::empty(area);
        draw(&app().shared, reel, area, &mut buffer);
        let line = |y: u16| -> String { (0..width).map(|x| buffer[(x, y)].symbol()).collect() };
        (0..height).map(|y| line(y) + "\n").collect()
    }

    #[test]
    fn what_is_left_out_is_said_and_a_session_of_days_has_dates_at_any_width() {
        let mut reel = reel("20261124-100000-night-bbbbbb");
        reel.end = Time::from_millis(400_000_000).unwrap();
        reel.time = Time::from_millis(172_800_000).unwrap();
        (reel.left_out, reel.position, reel.count) = (399_900.0, 1_234, 12_345);
        for width in [60, 80, 120] {
            let text = drawn(&reel, width, 4);
            assert!(text.contains("03 Jan 00:00:00"), "{text}");
            assert!(text.contains("50 s of 1 m 40 s, 4 d 15 h "), "{text}");
            assert!(text.contains("left out"), "{text}");
        }
        let text = drawn(&reel, 120, 4);
        assert!(text.contains("4 d 15 h without records left out   record 1,234 of 12,345"));
        (reel.left_out, reel.end) = (5.0, reel.start);
        let text = drawn(&reel, 120, 4);
        assert!(text.contains(" 00:00:00 UTC   50 s of 1 m 40 s   record 1,234"), "{text}");
    }

    #[test]
    fn marks_have_signs_by_kind_and_the_one_reached_is_named() {
        let mut reel = reel("20261124-100000-night-bbbbbb");
        reel.gaps = vec![Gap { share: 0.5, seconds: 200_000.0 }];
        reel.marks = vec![
            (0.0, MarkKind::Run),
            (0.1, MarkKind::Stage),
            (0.2, MarkKind::Checkpoint),
            (0.3, MarkKind::Warning),
            (0.9, MarkKind::Result),
        ];
        let text = drawn(&reel, 80, 4);
        let signs: Vec<char> = text.lines().nth(1).unwrap().chars().collect();
        let signs: String = signs.into_iter().filter(|sign| !" ─".contains(*sign)).collect();
        assert_eq!(signs, "│┴◇!█≡");
        assert!(text.contains("] goes to the first of 5 marks"), "{text}");
        assert!(text.contains("┊ 2 d 07 h left out here"), "{text}");
        let words = "too hot\u{1b}[2J".to_owned();
        let (kind, number) = (MarkKind::Warning, 4);
        reel.reached = Some(Reached { kind, number, time: reel.start, words, here: false });
        let text = drawn(&reel, 80, 4);
        assert!(text.contains("since ! warning, 4 of 5: too hot\\u{1b}[2J"), "{text}");
        assert!(!drawn(&reel, 80, 3).contains("too hot"));
        reel.reached.as_mut().unwrap().here = true;
        for height in [3, 4] {
            assert!(drawn(&reel, 80, height).contains("! warning, 4 of 5: too h"), "{height}");
        }
        for (width, height) in [(0, 0), (1, 1), (5, 2), (20, 3), (300, 9)] {
            drawn(&reel, width, height);
        }
    }
}
