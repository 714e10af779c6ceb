//! Screens as text, from a committed session read by the real worker's parts: `UPDATE_SNAPSHOTS=1`
//! writes them again. Three screens are kept with their styles, over sizes and themes.

#![allow(clippy::unwrap_used, clippy::panic, clippy::expect_used)]

mod committed;
mod replayed;

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

/// The committed session with results.
const TOUR: &str = "20261128-212300-tour-2d3428/tour-1";

/// A folder with one committed session alone, whatever else has been trained beside it.
fn sessions(run: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let (session, _) = run.split_once('/').unwrap();
    committed::session(session, folder.path());
    folder
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
        // A run is started only where anything may be written.
        app.shared.readonly = name != "new-run";
        press(&mut app, keys, sessions);
        for (width, height) in [(80, 24), (120, 40)] {
            check(&format!("{name}-{width}x{height}"), &text(&draw(&mut app, width, height)));
        }
    }
}

#[test]
fn a_clone_with_all_its_sessions_says_what_to_press_next() {
    let folder = tempfile::tempdir().unwrap();
    let ignore = std::fs::read_to_string(root().join(".gitignore")).unwrap();
    for name in ignore.lines().filter_map(|line| line.strip_prefix("!/sessions/2")) {
        committed::session(&format!("2{name}"), folder.path());
    }
    let mut app = app(RUN, "dark", Depth::True, false, folder.path());
    app.shared.readonly = false;
    assert!(app.shared.library.runs.len() > 3);
    let whole = ["opens the chosen run", "every key of a screen", "starts a run of your own"];
    let short = ["enter opens a run", "n starts one", "? every key"];
    for (size, said) in [((80, 24), short), ((120, 40), whole)] {
        let text = text(&draw(&mut app, size.0, size.1));
        for words in said {
            assert!(text.contains(words), "{words} in {text}");
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
            "replicates": replicates, "replicate_differences": differences,
            "qrels": {"protocol": {"dataset": "emoji", "split": "test", "split_digest": "00", "pool": null,
                    "captions": "any", "query_language": "en", "gallery_language": "en",
                    "judgements": "crisscrossed.qrels 1a2b3c4d", "self_exclusion": "image-to-image and text-to-text",
                    "tie_rule": "high rank, scores rounded to 2^-20", "rules": 1},
                "read": {"relevant": 1200, "not_relevant": 40, "used": 1180,
                    "unknown_queries": {"count": 20, "first": ["q1"]}, "unknown_items": {"count": 0, "first": []}},
                "rows": rows, "family": "recall@1 of each row against the first row",
                "differences": [less("llm2clip#1", "clip#1", 0.12, 0.0004)]}}),
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
    let folder = sessions(RUN);
    let sessions = folder.path();
    results(sessions);
    for (name, keys) in [
        ("compare-rows", &["enter", "3"][..]),
        ("compare-replicates", &["enter", "3", "v"]),
        ("compare-judgements", &["enter", "3", "v", "v"]),
        ("classification", &["enter", "3", "right"]),
        ("classification-pictures", &["enter", "3", "right", "v", "down"]),
    ] {
        let mut app = app(RUN, "dark", Depth::True, false, sessions);
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

/// A workbench that may write: on a form, and on what two encoders chose among typed texts.
#[test]
fn the_form_of_a_comparison_and_a_choice_look_as_they_did() {
    let folder = sessions(TOUR);
    let sessions = folder.path();
    let looks = |app: &mut App, name: &str| {
        for (width, height) in [(80, 24), (120, 40)] {
            check(&format!("{name}-{width}x{height}"), &text(&draw(app, width, height)));
        }
    };
    let mut form = app(TOUR, "dark", Depth::True, false, sessions);
    form.shared.readonly = false;
    press(&mut form, &["enter", "3", "n"], sessions);
    press(&mut form, &["tab", "tab", "tab", "tab", "tab", "tab", "space"], sessions);
    looks(&mut form, "new-comparison");

    let mut choice = app(TOUR, "dark", Depth::True, false, sessions);
    press(&mut choice, &["enter", "4", "d", "d", "c"], sessions);
    choice.update(Msg::Paste("a cat, a dog".to_owned()));
    press(&mut choice, &["enter"], sessions);
    let digest = "8b38d97cb3d00801451722fd2ca818ef136a6a60d23ab1ab48bed5bbc5ac3c16";
    let row = |role: &str, from: &str, weights: &str, text: &Value| {
        let card =
            |tower: &str, text: &Value| json!({"tower": tower, "weights": weights, "text": text});
        json!({"role": role, "encoder": card("image", &Value::Null),
            "text_encoder": card("text", text), "scale": 100.0, "scale_from": from,
            "metrics": null, "ci95": null, "tied_share": 0.0, "ms_per_item": 1.0,
            "ms_per_candidate": 0.5, "truncated": 0})
    };
    let hits = |first: usize, share: f64| {
        json!([{"candidate": first, "probability": share, "cosine": 0.3},
            {"candidate": 1 - first, "probability": 1.0 - share, "cosine": 0.1}])
    };
    let answer = json!({"format": "llm2clip.classify/1", "id": "typed-1",
        "protocol": {"dataset": "emoji", "split": "test", "split_digest": digest, "pool": null,
            "tie_rule": "high", "rules": 1},
        "candidates": ["a cat", "a dog"], "texts": ["a cat", "a dog"], "templates": ["{}"],
        "rows": [
            row("clip", "model", "1870101bd673d4ed5f4fb6d353fd5e4add1cc8249eabfdfeb0a5622ebb19b624",
                &json!({"attention": "causal", "bos": true, "eos": true, "max_tokens": 32,
                    "pooling": "eos", "template": "none"})),
            row("llm2clip", "default",
                "5f8ed6bba0a6c3d750acf4b1b82c9ba2e0af526968195c3ad6ab6f5c9148098e",
                &json!({"attention": "bidirectional", "bos": true, "max_tokens": 256,
                    "pooling": "mean", "template": "none"})),
        ], "differences": [],
        "family": "", "labelled": {"pictures": 0, "units": 0, "without": 1, "unknown": 0,
            "unknown_labels": []},
        "pictures": [{"item": "1f408@0", "label": null,
            "classes": [hits(0, 0.75), hits(1, 0.9)]}],
        "resamples": 10000, "seed": 0, "program": "0"});
    choice.update(Msg::News(News::Answered(answer)));
    let drawn = text(&draw(&mut choice, 120, 40));
    assert!(drawn.contains("75.0 %"), "{drawn}");
    looks(&mut choice, "choice");
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
        for (kept, theme, depth, ascii) in [
            ("dark", "dark", Depth::True, false),
            ("dark-256", "dark", Depth::Indexed, false),
            ("mono", "mono", Depth::None, false),
            ("mono-ascii", "mono", Depth::None, true),
            ("light", "light", Depth::Basic, true),
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
            check(&format!("{name}-{kept}-styles"), &all);
        }
    }
}
