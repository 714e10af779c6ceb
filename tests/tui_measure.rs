//! What the terminal costs, as numbers on standard output: frame time and time to the tail of a long
//! log, bytes for one new point, frame and key time of an inspection of 25,000 queries, a replay of a
//! million records, memory while the terminal takes nothing, what it costs at rest, hang-up time. Run with
//! `cargo test --release --test tui_measure -- --ignored --nocapture`; `RECORDS` is the log's length,
//! ten million where it is not set, and a million for the replay.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "session_log/examples.rs"]
#[allow(dead_code, unused_imports)]
mod examples;
mod terminal;

use examples::{at, run_started, stage_started, step, validated};
use llm2clip::eval::InspectDocument;
use llm2clip::ids::{RunName, SessionId};
use llm2clip::session::event::Event;
use llm2clip::session::header::Header;
use llm2clip::session::names::RunId;
use llm2clip::session::neighbours::NeighbourSet;
use llm2clip::session::replay::{Entry, Found, Player, Timeline, line as said};
use llm2clip::session::thumbnails::ItemsShown;
use llm2clip::session::{LogWriter, Record, Session, SessionCard, Time};
use llm2clip::tui::app::App;
use llm2clip::tui::data::library::{LoadedResult, ResultContent, SessionEntry};
use llm2clip::tui::glyphs::Glyphs;
use llm2clip::tui::keys::Key;
use llm2clip::tui::msg::{Msg, News};
use llm2clip::tui::painter::Painter;
use llm2clip::tui::theme::{Depth, Theme};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use std::collections::BTreeSet;
use std::fs::{File, OpenOptions};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};
use terminal::Terminal;

fn run() -> RunName {
    "tiny-1".parse().unwrap()
}

fn event(seq: u64) -> Event {
    match seq {
        1 => run_started(1, None).into(),
        2 => stage_started("clip", 0, 0).into(),
        seq if seq % 101 == 0 => validated("clip", seq, 1.0).into(),
        seq => {
            let loss = 1.0 / (1.0 + seq as f64 / 1e4) + ((seq * 7919) % 1000) as f64 / 9770.0;
            let mut made = step("clip", seq, loss);
            made.contrast = None;
            made.into()
        }
    }
}

fn line(seq: u64) -> Vec<u8> {
    Record::new(seq, at(seq as f64 / 100.0), event(seq)).encode().unwrap()
}

/// A session with one log of so many records.
fn session(root: &Path, records: u64) -> (Session, PathBuf) {
    let card = SessionCard::new("Long", None, "machine".into(), "cpu".into(), 2);
    let session = Session::create(&root.join("sessions"), card).unwrap();
    let log = session.folder().join("tiny-1.1.jsonl");
    let mut out = BufWriter::with_capacity(1 << 20, File::create(&log).unwrap());
    let header = Header::of_run(session.id().clone(), run(), 1);
    serde_json::to_writer(&mut out, &header).unwrap();
    out.write_all(b"\n").unwrap();
    for seq in 1..=records {
        out.write_all(&line(seq)).unwrap();
    }
    out.flush().unwrap();
    (session, log)
}

/// Records wanted of a long log.
fn wanted(otherwise: u64) -> u64 {
    std::env::var("RECORDS").map_or(otherwise, |text| text.parse().expect("a number"))
}

fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("sessions")).unwrap();
    std::fs::create_dir(folder.path().join("checkpoints")).unwrap();
    folder
}

/// An empty workbench of that size.
fn empty((width, height): (u16, u16)) -> App {
    let theme = Theme::named("dark", Depth::True).unwrap();
    let mut app = App::new(theme, Depth::True, Glyphs { ascii: false }, true, Time::now());
    app.update(Msg::Resize { width, height });
    app
}

/// A workbench on that run's Train screen, and the news that brought it there.
fn app(session: &Session, size: (u16, u16)) -> (App, News) {
    let now = Time::now();
    let mut app = empty(size);
    let id = RunId { session: session.id().clone(), run: run() };
    let sessions = session.folder().parent().unwrap();
    let news = llm2clip::tui::read_once(sessions, &BTreeSet::from([id]), now);
    let open = news.iter().rfind(|news| matches!(news, News::Open(..))).unwrap().clone();
    let row = news.iter().rfind(|news| matches!(news, News::Run(_))).unwrap().clone();
    for news in [row, open.clone(), News::Scanned] {
        app.update(Msg::News(news));
    }
    app.update(Msg::Key(Key::parse("enter").unwrap()));
    app.update(Msg::News(open.clone()));
    (app, open)
}

fn frame(app: &App, (width, height): (u16, u16)) -> Buffer {
    let area = Rect::new(0, 0, width, height);
    let mut buffer = Buffer::empty(area);
    app.view(area, &mut buffer);
    buffer
}

fn text(buffer: &Buffer) -> String {
    buffer.content.iter().map(ratatui::buffer::Cell::symbol).collect()
}

#[test]
#[ignore = "prints measurements; minutes and gigabytes"]
fn frames_tail_and_hang_up_of_a_long_log() {
    let records = wanted(10_000_000);
    let folder = folder();
    let (session, log) = session(folder.path(), records);
    let bytes = std::fs::metadata(&log).unwrap().len();
    println!("log of {records} records, {bytes} bytes");

    // The newest step's own number, as the Train screen writes it.
    let newest = llm2clip::tui::format::count(records);
    let began = Instant::now();
    let mut terminal = Terminal::start(folder.path(), &[], (120, 40), &[]);
    terminal.see("llm2clip");
    println!("first frame: {:.1} ms", began.elapsed().as_secs_f64() * 1e3);
    terminal.see("tiny-1");
    println!("from opening to the run in the list: {:.1} ms", began.elapsed().as_secs_f64() * 1e3);
    // Whatever the opening does beside is over by then.
    std::thread::sleep(Duration::from_secs(1));
    let began = Instant::now();
    terminal.keys("\r");
    terminal.see("progress");
    println!("from enter to its screen: {:.1} ms", began.elapsed().as_secs_f64() * 1e3);
    terminal.see(&newest);
    println!("from enter to its tail: {:.1} ms", began.elapsed().as_secs_f64() * 1e3);
    terminal.hang_up();
    let (_, took) = terminal.end();
    println!("hang-up while the rest is read: {:.1} ms", took.as_secs_f64() * 1e3);
    assert!(took < Duration::from_secs(1));

    let began = Instant::now();
    let size = (120, 40);
    let (mut app, open) = app(&session, size);
    println!("all of it read and folded: {:.1} s", began.elapsed().as_secs_f64());
    assert!(text(&frame(&app, size)).contains(&newest));
    let mut times: Vec<f64> = (0..200)
        .map(|_| {
            let news = open.clone();
            let began = Instant::now();
            app.update(Msg::News(news));
            let drawn = frame(&app, size);
            let took = began.elapsed().as_secs_f64() * 1e3;
            drop(drawn);
            took
        })
        .collect();
    times.sort_by(f64::total_cmp);
    println!("a frame of Train, 120x40: median {:.2} ms, most {:.2} ms", times[100], times[199]);
}

#[test]
#[ignore = "prints measurements"]
fn bytes_for_one_new_point() {
    for size in [(80, 24), (120, 40)] {
        for records in [200, 5_000] {
            let folder = folder();
            let (session, log) = session(folder.path(), records);
            let mut painter = Painter::new(Vec::new());
            let mut bytes = Vec::new();
            for more in 1..=6 {
                // The clock stands still, so that the new point alone makes the difference.
                let (mut app, _) = app(&session, size);
                app.update(Msg::Time(at(1e6)));
                painter.paint(frame(&app, size)).unwrap();
                bytes.push(painter.bytes());
                let mut log = OpenOptions::new().append(true).open(&log).unwrap();
                log.write_all(&line(records + more)).unwrap();
            }
            let each: Vec<u64> = bytes.windows(2).map(|pair| pair[1] - pair[0]).collect();
            println!(
                "{}x{}, {records} records: whole screen {} bytes, then a point each: {each:?}",
                size.0, size.1, bytes[0]
            );
        }
    }
}

#[test]
#[ignore = "prints measurements"]
fn at_rest() {
    let folder = folder();
    let _ = session(folder.path(), 5_000);
    let mut terminal = Terminal::start(folder.path(), &[], (120, 40), &[]);
    terminal.see("tiny-1");
    for (name, key, seen) in [("Runs", "1", "tiny-1"), ("Train", "2", "progress")] {
        terminal.keys(key);
        terminal.see(seen);
        // What the screen was opened with has come by then.
        std::thread::sleep(Duration::from_secs(3));
        let (bytes, ticks) = (terminal.bytes(), terminal.ticks());
        std::thread::sleep(Duration::from_secs(10));
        println!(
            "ten seconds at rest on {name}: {} bytes, {} clock ticks (a hundredth of a second each)",
            terminal.bytes() - bytes,
            terminal.ticks() - ticks
        );
    }
}

/// Captions a picture.
const CAPTIONS: usize = 5;

/// Two encoders' neighbours of every caption of so many pictures, in one direction.
fn neighbours(role: &str, seed: usize, pictures: usize) -> NeighbourSet {
    let k = 10;
    let queries = pictures * CAPTIONS;
    let drawn = |at: usize| (at * 7919 + seed * 104_729) % 65_521;
    let rank = |at: usize| if drawn(at).is_multiple_of(3) { 1 } else { 1 + drawn(at) % pictures };
    let ranks: Vec<u32> = (0..queries).map(|at| rank(at) as u32).collect();
    let item = |at: usize, place: usize| match place {
        0 if ranks[at] == 1 => at / CAPTIONS,
        place => drawn(at + place * 31) % pictures,
    };
    let places = || (0..queries).flat_map(move |at| (0..k).map(move |place| (at, place)));
    NeighbourSet {
        role: role.to_owned(),
        direction: "text-to-image".to_owned(),
        queries: (0..queries).map(|at| format!("{}#{}", at / CAPTIONS, at % CAPTIONS)).collect(),
        units: Vec::new(),
        gallery: (0..pictures).map(|at| format!("{at}@0")).collect(),
        k,
        rank_low: ranks.clone(),
        rank_high: ranks.clone(),
        margin: (0..queries).map(|at| drawn(at) as f32 / 65_521.0 - 0.5).collect(),
        top_items: places().map(|(at, place)| item(at, place) as u32).collect(),
        top_scores: places()
            .map(|(at, place)| 0.5 - place as f32 / 50.0 + drawn(at) as f32 / 1e6)
            .collect(),
    }
}

/// An inspection of all captions of so many pictures.
fn inspection(pictures: usize) -> LoadedResult {
    let list = |role: &str| {
        serde_json::json!({"role": role, "ms": 1.0, "hits": [],
            "encoder": {"encoder": format!("s/{role}"), "kind": "clip"}})
    };
    let document = serde_json::json!({"format": "llm2clip.inspect/1", "direction": "text-to-image",
        "protocol": {"dataset": "large", "split": "test", "split_digest": "00", "captions": "any",
            "judgements": "own", "self_exclusion": "none", "tie_rule": "high", "rules": 1},
        "lists": [list("clip"), list("llm2clip")]});
    let document: InspectDocument = serde_json::from_value(document).unwrap();
    let things = ["dog on a beach", "red bus", "plate of food", "child with a kite"];
    let caption = |at: usize| {
        let id = format!("{}#{}", at / CAPTIONS, at % CAPTIONS);
        (id, format!("A photograph of a {} near number {at}", things[at % things.len()]))
    };
    let shown = ItemsShown {
        captions: (0..pictures * CAPTIONS).map(caption).collect(),
        ..ItemsShown::default()
    };
    let sets = vec![neighbours("clip", 1, pictures), neighbours("llm2clip", 2, pictures)];
    LoadedResult {
        id: "inspect-1".to_owned(),
        content: Ok(ResultContent::Inspect(Box::new(document), Arc::new(sets))),
        shown: Arc::new(shown),
        sweep: Vec::new(),
        judged: Arc::default(),
        made: None,
    }
}

/// Milliseconds that something takes.
fn took(work: impl FnOnce()) -> f64 {
    let began = Instant::now();
    work();
    began.elapsed().as_secs_f64() * 1e3
}

/// The median and the longest of so many times, in words.
fn spread(mut times: Vec<f64>) -> String {
    times.sort_by(f64::total_cmp);
    format!("median {:.2} ms, most {:.2} ms", times[times.len() / 2], times[times.len() - 1])
}

#[test]
#[ignore = "prints measurements"]
fn inspect_of_25_000_queries() {
    let size = (120, 40);
    let session: SessionId = "20261124-100000-large-bbbbbb".parse().unwrap();
    let press =
        |app: &mut App, key: &str| took(|| drop(app.update(Msg::Key(Key::parse(key).unwrap()))));
    for pictures in [50, 5_000] {
        let mut app = empty(size);
        let entry = SessionEntry { id: session.clone(), title: "Large".into(), created: at(0.0) };
        app.update(Msg::News(News::Sessions(vec![entry])));
        press(&mut app, "4");
        let news = News::Results(session.clone(), vec![inspection(pictures)]);
        println!("{} queries", pictures * CAPTIONS);
        println!("  paired and listed: {:.1} ms", took(|| drop(app.update(Msg::News(news)))));
        for beside in ["neighbours", "all ranks", "all scores"] {
            let frames = (0..100).map(|_| took(|| drop(frame(&app, size)))).collect();
            println!("  a frame with {beside}: {}", spread(frames));
            let keys = (0..100).map(|_| press(&mut app, "j")).collect();
            println!("  a line down: {}", spread(keys));
            press(&mut app, "/");
            let typed: Vec<String> = ["b", "u", "s", "space", "g", "a", "i", "n", ">", "5"]
                .into_iter()
                .map(|key| format!("{:.2}", press(&mut app, key)))
                .collect();
            println!("  a filter typed, ms a letter: {}", typed.join(" "));
            press(&mut app, "enter");
            println!("  the filter taken off: {:.2} ms", press(&mut app, "esc"));
            println!("  another slice: {:.2} ms", press(&mut app, "]"));
            println!("  another encoder: {:.2} ms", press(&mut app, "b"));
            println!("  the one before: {:.2} ms", press(&mut app, "b"));
            press(&mut app, "esc");
            println!("  the next view: {:.2} ms", press(&mut app, "v"));
        }
        assert!(text(&frame(&app, size)).contains("A photograph"));
    }
}

#[test]
#[ignore = "prints measurements; a minute and a gigabyte"]
fn replay_of_a_long_log() {
    let records = wanted(1_000_000);
    let folder = folder();
    let (session, log) = session(folder.path(), records);
    let bytes = std::fs::metadata(&log).unwrap().len();
    println!("log of {records} records, {bytes} bytes");
    let began = Instant::now();
    let mut player = Player::new(Timeline::open(session.folder()).unwrap());
    println!("its lines found: {:.1} s", began.elapsed().as_secs_f64());
    player.seek_end();
    println!("opened at its end: {:.1} s", began.elapsed().as_secs_f64());
    for percent in [1, 50, 93] {
        let step = records * percent / 100;
        let step = if step.is_multiple_of(101) { step + 1 } else { step };
        player.seek_end();
        let took = took(|| assert!(player.seek_step(None, None, step)));
        println!("to step {step}: {took:.1} ms");
    }
    let none = took(|| assert!(!player.seek_step(None, None, records + 1)));
    println!("to a step that nobody made: {none:.1} ms");
    let says = |entry: &Entry| said(entry).contains("no such words");
    let search = || assert_ne!(player.find(0, true, 200_000, says), Found::At(0));
    println!("200,000 records searched: {:.1} ms", took(search));

    let mut terminal = Terminal::start(folder.path(), &[], (120, 40), &[]);
    terminal.see("tiny-1");
    // Whatever the opening does beside is over by then.
    std::thread::sleep(Duration::from_secs(1));
    let began = Instant::now();
    terminal.keys("5");
    terminal.see("Opening the session");
    let key = Instant::now();
    terminal.keys("2");
    terminal.see("progress");
    println!("another screen meanwhile: {:.1} ms", key.elapsed().as_secs_f64() * 1e3);
    terminal.keys("5");
    terminal.see("replay of");
    println!("from 5 to the replay: {:.1} s", began.elapsed().as_secs_f64());
}

/// Kilobytes of memory that a program holds.
fn memory(terminal: &Terminal) -> u64 {
    let id = terminal.child.process_id().unwrap();
    let text = std::fs::read_to_string(format!("/proc/{id}/status")).unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

#[test]
#[ignore = "prints measurements; a minute"]
fn memory_while_the_terminal_takes_nothing() {
    let folder = folder();
    let card = SessionCard::new("Live", None, "machine".into(), "cpu".into(), 2);
    let session = Session::create(&folder.path().join("sessions"), card).unwrap();
    let header = Header::of_run(session.id().clone(), run(), 1);
    let path = session.folder().join("tiny-1.1.jsonl");
    let mut log = LogWriter::create(&path, &header, 1).unwrap();
    let mut seq = 0;
    let mut write = |log: &mut LogWriter| {
        seq += 1;
        log.append(event(seq)).unwrap();
    };
    (0..5000).for_each(|_| write(&mut log));
    let mut terminal = Terminal::start(folder.path(), &[], (120, 40), &[]);
    terminal.see("tiny-1");
    terminal.keys("\r");
    terminal.see("progress");
    let mut go_on = |seconds: u64| {
        let began = Instant::now();
        while began.elapsed() < Duration::from_secs(seconds) {
            write(&mut log);
            std::thread::sleep(Duration::from_millis(10));
        }
    };
    go_on(10);
    let before = memory(&terminal);
    println!("Train, a live run, a terminal that takes what comes: {before} kB");
    terminal.takes(false);
    for seconds in [10, 20, 30, 40, 50] {
        go_on(10);
        println!("a terminal that takes nothing for {seconds} s: {} kB", memory(&terminal));
    }
    let after = memory(&terminal);
    terminal.takes(true);
    assert!(after < before + (32 << 10), "{before} kB, then {after} kB");
}
