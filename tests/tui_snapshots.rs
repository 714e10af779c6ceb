//! Screens as text, from a committed session read by the real worker's parts: `UPDATE_SNAPSHOTS=1`
//! writes them again. Three screens are kept with their styles, over sizes and themes.

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

/// The committed session with results.
const TOUR: &str = "20261124-090852-tour-301f37/tour-1";

/// A folder with one committed session alone, whatever else has been trained beside it.
fn sessions(run: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let (session, _) = run.split_once('/').unwrap();
    copy(&root().join("sessions").join(session), &folder.path().join(session));
    folder
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let (from, to) = (entry.path(), to.join(entry.file_name()));
        // What this machine has made beside it does not belong to the session.
        if entry.file_name().to_string_lossy().starts_with("ui-") {
            continue;
        }
        if from.is_dir() {
            copy(&from, &to);
        } else {
            std::fs::copy(from, to).unwrap();
        }
    }
}

/// A workbench that has read the committed session, on 25 November.
fn app(run: &str, theme: &str, depth: Depth, ascii: bool, sessions: &Path) -> App {
    let now: Time = "2026-11-25T08:00:00Z".parse().unwrap();
    let theme = Theme::named(theme, depth).unwrap();
    let mut app = App::new(theme, depth, Glyphs { ascii }, true, now);
    app.update(Msg::Resize { width: 80, height: 24 });
    let (session, run) = run.split_once('/').unwrap();
    let run = RunId { session: session.parse().unwrap(), run: run.parse().unwrap() };
    for news in llm2clip::tui::read_once(sessions, &BTreeSet::from([run.clone()]), now) {
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

/// Styles as letters under the text, a line a row, each letter with how many cells it holds for; and
/// what each stands for.
fn styles(buffer: &Buffer) -> String {
    let area = buffer.area;
    let mut known: Vec<String> = Vec::new();
    let mut out = String::new();
    let letter = |at: usize| char::from(b'A' + at as u8);
    for y in 0..area.height {
        let mut line: Vec<(char, usize)> = Vec::new();
        for x in 0..area.width {
            let cell = &buffer[(x, y)];
            let plain =
                (cell.fg, cell.bg) == (Color::Reset, Color::Reset) && cell.modifier.is_empty();
            let style = format!("{:?} on {:?} {:?}", cell.fg, cell.bg, cell.modifier);
            let sign = if plain {
                '.'
            } else {
                let at = known.iter().position(|one| *one == style).unwrap_or_else(|| {
                    known.push(style);
                    known.len() - 1
                });
                assert!(at < 26, "more styles than letters");
                letter(at)
            };
            match line.last_mut() {
                Some((last, count)) if *last == sign => *count += 1,
                _ => line.push((sign, 1)),
            }
        }
        if line.last().is_some_and(|(sign, _)| *sign == '.') {
            line.pop();
        }
        for (sign, count) in line {
            out.push(sign);
            if count > 1 {
                let _ = write!(out, "{count}");
            }
        }
        out.push('\n');
    }
    for (at, style) in known.iter().enumerate() {
        let _ = writeln!(out, "{} {style}", letter(at));
    }
    out
}

fn check(name: &str, found: &str) {
    let path = root().join("tests/tui_snapshots").join(format!("{name}.txt"));
    if std::env::var_os("UPDATE_SNAPSHOTS").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
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
    let folder = sessions(RUN);
    let sessions = folder.path();
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
        let mut app = app(RUN, "dark", Depth::True, false, sessions);
        press(&mut app, keys, sessions);
        for (width, height) in [(80, 24), (120, 40)] {
            check(&format!("{name}-{width}x{height}"), &text(&draw(&mut app, width, height)));
        }
    }
}

#[test]
fn inspect_and_compare_look_as_they_did_where_there_are_results() {
    let folder = sessions(TOUR);
    let sessions = folder.path();
    for (name, keys) in [
        ("compare-tour", &["enter", "3"][..]),
        ("inspect-tour", &["enter", "4"]),
        ("inspect-tour-ranks", &["enter", "4", "v"]),
        ("look-into", &["enter", "4", "e"]),
    ] {
        let mut app = app(TOUR, "dark", Depth::True, false, sessions);
        press(&mut app, keys, sessions);
        for (width, height) in [(80, 24), (120, 40)] {
            check(&format!("{name}-{width}x{height}"), &text(&draw(&mut app, width, height)));
        }
    }
}

/// Every size that is asked for, those too small for a screen among them.
const SIZES: [(u16, u16); 8] =
    [(20, 5), (40, 10), (60, 15), (60, 16), (80, 24), (100, 30), (120, 40), (200, 60)];

#[test]
fn three_screens_keep_their_looks_over_sizes_and_themes() {
    for (name, run, keys) in
        [("runs", RUN, &[][..]), ("train", RUN, &["enter"]), ("inspect", TOUR, &["enter", "4"])]
    {
        let folder = sessions(run);
        let sessions = folder.path();
        for (theme, depth, ascii) in [
            ("dark", Depth::True, false),
            ("mono", Depth::None, false),
            ("light", Depth::Basic, true),
        ] {
            let mut app = app(run, theme, depth, ascii, sessions);
            press(&mut app, keys, sessions);
            let mut all = String::new();
            for (width, height) in SIZES {
                let buffer = draw(&mut app, width, height);
                let _ = write!(all, "== {width}x{height}\n{}{}", text(&buffer), styles(&buffer));
                // Captions are what they are.
                if ascii && name != "inspect" {
                    assert!(text(&buffer).is_ascii(), "{name} in ASCII");
                }
            }
            check(&format!("{name}-{theme}-styles"), &all);
        }
    }
}
