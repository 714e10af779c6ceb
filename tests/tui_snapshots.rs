//! Screens as text, from a committed session read by the real worker's parts: `UPDATE_SNAPSHOTS=1`
//! writes them again. Two screens are kept with their styles, over sizes and themes.

#![allow(clippy::unwrap_used, clippy::panic, clippy::expect_used)]

use llm2clip::eval::replicates::replicates;
use llm2clip::eval::{Direction, Metrics};
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
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::{Path, PathBuf};

const RUN: &str = "20261124-054028-causal-lm-62f551/causal-lm-1";

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// A folder with the committed session alone, whatever else has been trained beside it.
fn sessions() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let (session, _) = RUN.split_once('/').unwrap();
    std::fs::create_dir(folder.path().join(session)).unwrap();
    for entry in std::fs::read_dir(root().join("sessions").join(session)).unwrap() {
        let entry = entry.unwrap();
        std::fs::copy(entry.path(), folder.path().join(session).join(entry.file_name())).unwrap();
    }
    folder
}

/// A workbench that has read the committed session, on 25 November.
fn app(theme: &str, depth: Depth, ascii: bool, sessions: &Path) -> App {
    let now: Time = "2026-11-25T08:00:00Z".parse().unwrap();
    let theme = Theme::named(theme, depth).unwrap();
    let mut app = App::new(theme, depth, Glyphs { ascii }, true, now);
    app.update(Msg::Resize { width: 80, height: 24 });
    let (session, run) = RUN.split_once('/').unwrap();
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
    let folder = sessions();
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
        let mut app = app("dark", Depth::True, false, sessions);
        press(&mut app, keys, sessions);
        for (width, height) in [(80, 24), (120, 40)] {
            check(&format!("{name}-{width}x{height}"), &text(&draw(&mut app, width, height)));
        }
    }
}

/// A comparison of two names with three seeds each, and a classification, in the session's results.
fn results(sessions: &Path) {
    let (session, _) = RUN.split_once('/').unwrap();
    let folder = sessions.join(session).join("results");
    std::fs::create_dir(&folder).unwrap();
    let write = |name: &str, document: Value| {
        std::fs::write(folder.join(name), document.to_string()).unwrap();
    };
    let shares = ["recall@1", "recall@5", "recall@10", "mrr"];
    let metrics = |first: f64, step: f64| -> Value {
        let mut values: serde_json::Map<String, Value> = shares
            .iter()
            .zip(0..)
            .map(|(&name, at)| (name.to_owned(), json!(first + step * f64::from(at))))
            .collect();
        values.insert("median_rank".into(), json!(3.0));
        values.into()
    };
    let ends = |first: f64| -> Value {
        let ends = json!([first - 0.04, first + 0.04]);
        json!({"recall@1": ends, "recall@5": ends, "recall@10": ends, "mrr": ends, "median_rank": [2.0, 4.0]})
    };
    let recall = [0.31, 0.335, 0.3, 0.41, 0.395, 0.33];
    let roles = ["clip#1", "clip#2", "clip#3", "llm2clip#1", "llm2clip#2", "llm2clip#3"];
    let row = |(role, recall): (&str, f64)| {
        json!({"role": role, "encoder": null, "direction": "text-to-image", "metrics": metrics(recall, 0.1),
            "ci95": ends(recall), "tied_share": 0.0, "mean_cosine": 0.25, "items": 300, "queries": 600,
            "units": 300, "ms_per_item": 1.5, "ms_per_query": 1.75, "index_ms": 0.5,
            "bytes_per_item": 768.0, "truncated": 0})
    };
    let rows: Vec<Value> = roles.into_iter().zip(recall).map(row).collect();
    let measured: Vec<_> = roles
        .into_iter()
        .zip(recall)
        .map(|(role, recall_1)| {
            (role, Direction::TextToImage, Metrics { recall_1, ..Metrics::default() })
        })
        .collect();
    let (replicates, differences) = replicates(&measured, None);
    let less = |a: &str, b: &str, delta: f64, p: f64| {
        json!({"a": a, "b": b, "direction": "text-to-image", "metric": "recall@1", "delta": delta,
            "ci95": [delta - 0.03, delta + 0.03], "test": "sign-flip", "p": p, "p_holm": p, "n": 300})
    };
    write(
        "caption-1.json",
        json!({"format": "llm2clip.compare/1", "task": "image",
            "protocol": {"dataset": "emoji", "split": "test", "split_digest": "00", "pool": null,
                "captions": "any", "query_language": "en", "gallery_language": "en", "judgements": "own",
                "self_exclusion": "image-to-image and text-to-text",
                "tie_rule": "high rank, scores rounded to 2^-20", "rules": 1},
            "rows": rows, "family": "recall@1 of each row against the first row",
            "differences": [less("llm2clip#1", "clip#1", 0.1, 0.0004), less("clip#2", "clip#1", 0.025, 0.41)],
            "replicates": replicates, "replicate_differences": differences}),
    );
    let row = |role: &str, one: f64, five: f64| {
        json!({"role": role, "encoder": null, "text_encoder": null, "scale": 14.3, "scale_from": "model",
            "metrics": {"top-1": one, "top-5": five},
            "ci95": {"top-1": [one - 0.05, one + 0.05], "top-5": [five - 0.04, five + 0.03]},
            "tied_share": 0.0, "ms_per_item": 8.5, "ms_per_candidate": 2.25, "truncated": 0})
    };
    let less = |metric: &str, delta: f64, p: Option<f64>| {
        let test = p.map(|_| "sign-flip");
        json!({"a": "llm2clip", "b": "clip", "metric": metric, "delta": delta,
            "ci95": [delta - 0.02, delta + 0.02], "test": test, "p": p, "p_holm": p, "n": 150})
    };
    let hit = |candidate: usize, probability: f64| json!({"candidate": candidate, "probability": probability, "cosine": 0.25});
    let picture = |item: &str, label: &str| json!({"item": item, "label": label, "classes": [[hit(0, 0.5), hit(2, 0.25)], [hit(2, 0.75), hit(0, 0.125)]]});
    let candidates =
        ["Food & Drink", "Flags", "Animals & Nature", "Objects", "Symbols", "Travel & Places"];
    write(
        "classify-1.json",
        json!({"format": "llm2clip.classify/1",
            "protocol": {"dataset": "emoji", "split": "test", "split_digest": "00", "pool": null,
                "tie_rule": "high rank, scores rounded to 2^-20", "rules": 1},
            "candidates": candidates, "texts": candidates, "templates": ["a picture of {}"],
            "rows": [row("clip", 0.42, 0.8), row("llm2clip", 0.48, 0.86)],
            "differences": [less("top-1", 0.06, Some(0.0123)), less("top-5", 0.06, None)],
            "family": "top-1 of each row against the first row: 1 tests",
            "labelled": {"pictures": 600, "units": 150, "without": 0, "unknown": 3,
                "unknown_labels": [{"label": "Activity", "pictures": 3}]},
            "pictures": [picture("1f408@0", "Animals & Nature"), picture("1f34e@0", "Food & Drink")],
            "resamples": 10000, "seed": 0, "program": "0.1.0"}),
    );
}

#[test]
fn comparisons_and_classifications_look_as_they_did() {
    let folder = sessions();
    let sessions = folder.path();
    results(sessions);
    for (name, keys) in [
        ("compare-rows", &["enter", "3"][..]),
        ("compare-replicates", &["enter", "3", "v"]),
        ("classification", &["enter", "3", "right"]),
        ("classification-pictures", &["enter", "3", "right", "v", "down"]),
    ] {
        let mut app = app("dark", Depth::True, false, sessions);
        press(&mut app, keys, sessions);
        for (width, height) in [(80, 24), (120, 40)] {
            check(&format!("{name}-{width}x{height}"), &text(&draw(&mut app, width, height)));
        }
        for (width, height) in [(20, 5), (60, 16), (61, 17), (200, 60)] {
            draw(&mut app, width, height);
        }
    }
}

#[test]
fn two_screens_keep_their_looks_over_sizes_and_themes() {
    let folder = sessions();
    let sessions = folder.path();
    for (name, keys) in [("runs", &[][..]), ("train", &["enter"])] {
        for (theme, depth, ascii) in [
            ("dark", Depth::True, false),
            ("mono", Depth::None, false),
            ("light", Depth::Basic, true),
        ] {
            let mut app = app(theme, depth, ascii, sessions);
            press(&mut app, keys, sessions);
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
