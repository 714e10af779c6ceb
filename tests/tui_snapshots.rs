//! Screens as text, from a committed session read by the real worker's parts: `UPDATE_SNAPSHOTS=1`
//! writes them again. Two screens are kept with their styles, over sizes and themes.

#![allow(clippy::unwrap_used, clippy::panic, clippy::expect_used)]

use llm2clip::session::Time;
use llm2clip::session::names::RunId;
use llm2clip::tui::app::App;
use llm2clip::tui::glyphs::Glyphs;
use llm2clip::tui::keys::Key;
use llm2clip::tui::msg::{Msg, News};
use llm2clip::tui::theme::{Depth, Theme};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Color;
use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::{Path, PathBuf};

const RUN: &str = "20261124-054028-causal-lm-62f551/causal-lm-1";

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// A workbench that has read the committed session, on 25 November.
fn app(theme: &str, depth: Depth, ascii: bool) -> App {
    let now: Time = "2026-11-25T08:00:00Z".parse().unwrap();
    let theme = Theme::named(theme, depth).unwrap();
    let mut app = App::new(theme, depth, Glyphs { ascii }, true, now);
    app.update(Msg::Resize { width: 80, height: 24 });
    let (session, run) = RUN.split_once('/').unwrap();
    let run = RunId { session: session.parse().unwrap(), run: run.parse().unwrap() };
    for news in
        llm2clip::tui::read_once(&root().join("sessions"), &BTreeSet::from([run.clone()]), now)
    {
        app.update(Msg::News(news));
    }
    app.update(Msg::News(News::Scanned));
    app
}

fn press(app: &mut App, keys: &[&str], sessions: &Path) {
    for key in keys {
        app.update(Msg::Key(Key::parse(key).unwrap()));
    }
    let now: Time = "2026-11-25T08:00:00Z".parse().unwrap();
    let watched: BTreeSet<RunId> = app.shared.shown().into_iter().cloned().collect();
    for news in llm2clip::tui::read_once(sessions, &watched, now) {
        app.update(Msg::News(news));
    }
}

fn draw(app: &mut App, width: u16, height: u16) -> Buffer {
    app.update(Msg::Resize { width, height });
    let area = Rect::new(0, 0, width, height);
    let mut buffer = Buffer::empty(area);
    app.view(area, &mut buffer);
    buffer
}

fn text(buffer: &Buffer) -> String {
    let area = buffer.area;
    let row = |y: u16| {
        let mut line = String::new();
        let mut skip = 0;
        for x in 0..area.width {
            if skip > 0 {
                skip -= 1;
                continue;
            }
            let symbol = buffer[(x, y)].symbol();
            skip = unicode_width::UnicodeWidthStr::width(symbol).saturating_sub(1);
            line.push_str(symbol);
        }
        line.trim_end().to_owned() + "\n"
    };
    (0..area.height).map(row).collect()
}

/// Styles as a grid of letters under the text, with what each letter stands for.
fn styles(buffer: &Buffer) -> String {
    let area = buffer.area;
    let mut known: Vec<String> = vec![".".to_owned()];
    let mut out = String::new();
    for y in 0..area.height {
        let mut line = String::new();
        for x in 0..area.width {
            let cell = &buffer[(x, y)];
            let plain =
                (cell.fg, cell.bg) == (Color::Reset, Color::Reset) && cell.modifier.is_empty();
            let style = format!("{:?} on {:?} {:?}", cell.fg, cell.bg, cell.modifier);
            let at = if plain {
                0
            } else {
                known.iter().position(|one| *one == style).unwrap_or(known.len())
            };
            if at == known.len() {
                known.push(style);
            }
            line.push(if at == 0 { '.' } else { char::from(b'A' + (at - 1) as u8) });
        }
        out.push_str(line.trim_end_matches('.'));
        out.push('\n');
    }
    for (at, style) in known.iter().enumerate().skip(1) {
        let _ = writeln!(out, "{} {style}", char::from(b'A' + (at - 1) as u8));
    }
    out
}

fn check(name: &str, found: &str) {
    let path = root().join("tests/tui_snapshots").join(format!("{name}.txt"));
    if std::env::var_os("UPDATE_SNAPSHOTS").is_some() {
        std::fs::write(&path, found).unwrap();
    }
    let wanted = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        wanted == found,
        "{name} differs; UPDATE_SNAPSHOTS=1 writes it again\n--- found\n{found}"
    );
}

#[test]
fn every_screen_looks_as_it_did() {
    let sessions = root().join("sessions");
    for (name, keys) in [
        ("runs", &[][..]),
        ("train", &["enter"]),
        ("train-log-crosshair", &["enter", "y", "i"]),
        ("compare", &["enter", "3"]),
        ("inspect", &["enter", "4"]),
        ("system", &["6"]),
        ("log", &["enter", "7"]),
        ("help", &["?"]),
        ("palette", &[":"]),
        ("new-run", &["n"]),
    ] {
        let mut app = app("dark", Depth::True, false);
        press(&mut app, keys, &sessions);
        for (width, height) in [(80, 24), (120, 40)] {
            check(&format!("{name}-{width}x{height}"), &text(&draw(&mut app, width, height)));
        }
    }
}

#[test]
fn two_screens_keep_their_looks_over_sizes_and_themes() {
    let sessions = root().join("sessions");
    for (name, keys) in [("runs", &[][..]), ("train", &["enter"])] {
        for (theme, depth, ascii) in [
            ("dark", Depth::True, false),
            ("mono", Depth::None, false),
            ("light", Depth::Basic, true),
        ] {
            let mut app = app(theme, depth, ascii);
            press(&mut app, keys, &sessions);
            let mut all = String::new();
            for (width, height) in [(20, 5), (60, 16), (80, 24), (120, 40), (200, 60)] {
                let buffer = draw(&mut app, width, height);
                let _ = write!(all, "== {width}x{height}\n{}{}", text(&buffer), styles(&buffer));
            }
            check(&format!("{name}-{theme}-styles"), &all);
            if ascii {
                assert!(text(&draw(&mut app, 120, 40)).is_ascii(), "{name} in ASCII");
            }
        }
    }
}
