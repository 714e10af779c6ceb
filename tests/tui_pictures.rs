//! Pictures in the terminal, on a session that keeps them: what each kind of terminal is sent; typed
//! notes; screens as files; and that looking writes nothing.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod terminal;

use image::{ImageEncoder, RgbImage};
use llm2clip::ids::SessionId;
use llm2clip::session::neighbours::{NeighbourSet, write_neighbours};
use llm2clip::session::results::{ResultId, results_of};
use llm2clip::session::sitting::{Subject, read_sittings};
use llm2clip::session::thumbnails::{ItemsShown, Thumbnails};
use llm2clip::session::{Session, SessionCard};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;
use terminal::Terminal;

const COLOURS: [(&str, &str); 1] = [("COLORTERM", "truecolor")];

fn png(shade: u8) -> Vec<u8> {
    let picture =
        RgbImage::from_fn(64, 64, |x, y| image::Rgb([shade, (x * 4) as u8, (y * 4) as u8]));
    let mut bytes = Vec::new();
    image::codecs::png::PngEncoder::new(&mut bytes)
        .write_image(&picture, 64, 64, image::ExtendedColorType::Rgb8)
        .unwrap();
    bytes
}

fn set(role: &str, top: [u32; 4]) -> NeighbourSet {
    NeighbourSet {
        role: role.into(),
        direction: "text-to-image".into(),
        queries: ["cat#0", "dog#0"].map(str::to_owned).into(),
        units: Vec::new(),
        gallery: ["cat@0", "dog@0"].map(str::to_owned).into(),
        k: 2,
        rank_low: vec![top[0] + 1, 2 - top[2]],
        rank_high: vec![top[0] + 1, 2 - top[2]],
        margin: vec![0.1, -0.2],
        top_items: top.to_vec(),
        top_scores: vec![0.9, 0.5, 0.8, 0.4],
    }
}

/// A session with one inspection, its pictures and its captions.
fn folder() -> (tempfile::TempDir, SessionId) {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("checkpoints")).unwrap();
    let sessions = folder.path().join("sessions");
    fs::create_dir(&sessions).unwrap();
    let card = SessionCard::new("Pets", None, "machine".into(), "cpu".into(), 2);
    let session = Session::create(&sessions, card).unwrap();
    let results = results_of(session.folder());
    let id: ResultId = "inspect-1".parse().unwrap();
    results.make().unwrap();
    let sets = [set("clip", [0, 1, 1, 0]), set("llm2clip", [1, 0, 0, 1])];
    write_neighbours(&results.neighbours_path(&id), &sets).unwrap();
    let protocol = json!({"dataset": "pets", "split_digest": "00", "captions": "any",
        "judgements": "own", "self_exclusion": "none", "tie_rule": "high", "rules": 1});
    let list = |role: &str| {
        json!({"role": role, "encoder": {"encoder": role, "kind": "clip"},
        "ms": 1.5, "hits": []})
    };
    let document = json!({"format": "llm2clip.inspect/1", "protocol": protocol,
        "direction": "text-to-image", "lists": [list("clip"), list("llm2clip")]});
    results.write(&id, &document).unwrap();
    let thumbnails = Thumbnails::of(session.folder());
    let mut shown = ItemsShown::default();
    for (name, shade) in [("cat", 200), ("dog", 40)] {
        shown.pictures.insert(format!("{name}@0"), thumbnails.put(&png(shade)).unwrap());
        shown.captions.insert(format!("{name}#0"), format!("a drawn {name}"));
    }
    thumbnails.write_map(&id, &shown).unwrap();
    let id = session.id().clone();
    (folder, id)
}

/// How a picture begins for a kitty; its number follows.
const KITTY: &str = "\x1b_Ga=T,U=1,q=2,f=100,t=d,i=";
/// How one begins for a terminal that takes sixel.
const SIXEL: &str = "\x1bP0;1;0q";

/// Opens help and closes it: what was typed before has been done by then.
fn help(terminal: &mut Terminal) {
    terminal.keys("?");
    terminal.see("Keys on Inspect");
    terminal.keys("\x1b");
    terminal.wait("help to close", |screen| !screen.contains("Keys on Inspect"));
}

#[test]
fn a_terminal_that_says_it_takes_sixel_is_sent_sixel_and_again_where_help_lay_over_it() {
    let (folder, _) = folder();
    let mut terminal = Terminal::start(folder.path(), &[], (100, 30), &COLOURS);
    terminal.sends("\x1b[c");
    terminal.keys("\x1b[?62;4;22c4");
    terminal.see("a drawn cat");
    terminal.sends(SIXEL);
    assert!(!terminal.screen().contains('▀'));
    // Help lies over the pictures, so they turn to cells until it is closed.
    terminal.keys("?");
    terminal.see("Keys on Inspect");
    let before = terminal.times_sent(SIXEL);
    terminal.keys("\x1b");
    terminal.sends_again(SIXEL, before);
    terminal.wait("the pictures in the place of cells", |screen| {
        !screen.contains('▀') && !screen.contains("Keys on Inspect")
    });
    terminal.keys("q");
    assert_eq!(terminal.end().0, 0);
}

#[test]
fn a_kitty_is_sent_each_picture_once_and_cells_that_stand_for_it() {
    let (folder, _) = folder();
    let mut terminal = Terminal::start(folder.path(), &[], (100, 30), &COLOURS);
    terminal.sends("\x1b[c");
    terminal.keys("\x1b_Gi=31;OK\x1b\\\x1bP>|kitty(0.36.4)\x1b\\\x1b[6;20;10t\x1b[?62c4");
    terminal.see("a drawn cat");
    terminal.sends(KITTY);
    terminal.sends("\u{10eeee}\u{305}\u{305}");
    // To the other query and back: its pictures come, none comes a second time.
    for key in ["j", "k"] {
        terminal.keys(key);
        help(&mut terminal);
    }
    let sent = terminal.sent();
    let number = |rest: &str| rest.split(|c: char| !c.is_ascii_digit()).next().unwrap().to_owned();
    let numbers: Vec<String> = sent.split(KITTY).skip(1).map(number).collect();
    let once: BTreeSet<&String> = numbers.iter().collect();
    assert_eq!(once.len(), numbers.len(), "{numbers:?}");
    terminal.keys("q");
    assert_eq!(terminal.end().0, 0);
    terminal.sends("\x1b_Ga=d,d=A,q=2\x1b\\");
}

#[test]
fn a_silent_terminal_and_one_inside_tmux_get_half_blocks() {
    let (folder, _) = folder();
    let tmux = [("COLORTERM", "truecolor"), ("TERM", "tmux-256color"), ("TMUX", "/nowhere,1,0")];
    for environment in [&COLOURS[..], &tmux[..]] {
        let mut terminal = Terminal::start(folder.path(), &[], (100, 30), environment);
        terminal.see("Runs");
        terminal.keys("4");
        terminal.wait("half-blocks", |screen| screen.contains('▀'));
        assert!(!terminal.has_sent("\x1b_Ga=T") && !terminal.has_sent(SIXEL));
        let asked = terminal.has_sent("\x1b[>0q");
        assert_eq!(asked, environment.len() == 1, "inside tmux nothing is asked");
        terminal.keys("q");
        assert_eq!(terminal.end().0, 0);
    }
}

#[test]
fn keys_are_heard_before_a_terminal_answers_and_a_late_answer_types_nothing() {
    let (folder, _) = folder();
    let mut terminal = Terminal::start(folder.path(), &[], (100, 30), &COLOURS);
    terminal.sends("\x1b[c");
    terminal.keys("?");
    terminal.see("Keys on Runs");
    terminal.keys("\x1b");
    terminal.wait("help to close", |screen| !screen.contains("Keys on Runs"));
    terminal.keys("4");
    terminal.wait("half-blocks", |screen| screen.contains('▀'));
    // A text is being typed when the answer comes, in two pieces.
    terminal.keys("A");
    terminal.keys("red kite\x1b_Gi=31;");
    terminal.see("red kite");
    terminal.keys("OK\x1b\\\x1bP>|kitty(0.36.4)\x1b\\\x1b[6;20;10t\x1b[?62;4c, or blue");
    terminal.see("red kite, or blue");
    assert!(!terminal.has_sent("\x1b_Ga=T"), "what was decided stays");
    terminal.keys("\x1b");
    terminal.wait("the line to close", |screen| !screen.contains("red kite"));
    terminal.keys("q");
    assert_eq!(terminal.end().0, 0);
}

#[test]
fn pictures_that_are_off_leave_names() {
    let (folder, _) = folder();
    let mut terminal = Terminal::start(folder.path(), &["--graphics", "off"], (100, 30), &COLOURS);
    terminal.see("Runs");
    terminal.keys("4");
    terminal.see("a drawn dog");
    assert!(!terminal.screen().contains('▀') && !terminal.has_sent("\x1b[>0q"));
    terminal.keys("q");
    assert_eq!(terminal.end().0, 0);
}

#[test]
fn a_note_on_a_query_is_kept_and_can_be_taken_back() {
    let (folder, session) = folder();
    let sitting = || {
        let place = folder.path().join("sessions").join(session.as_str());
        read_sittings(&place).unwrap().notes.get(&Subject::query("cat#0")).cloned()
    };
    for (keys, wanted) in [("whm\r", Some("hm")), ("w\x15\r", None)] {
        let mut terminal =
            Terminal::start(folder.path(), &["--graphics", "off"], (100, 30), &COLOURS);
        terminal.see("Runs");
        terminal.keys("4");
        terminal.see("a drawn cat");
        terminal.keys(keys);
        match wanted {
            Some(text) => terminal.see(&format!("note: {text}")),
            None => terminal.wait("the note to go", |screen| !screen.contains("note: hm")),
        }
        terminal.keys("q");
        assert_eq!(terminal.end().0, 0);
        assert_eq!(sitting().map(|note| note.text).as_deref(), wanted);
    }
}

/// Every file below a folder with its bytes and its time.
fn everything(folder: &Path) -> BTreeMap<PathBuf, (Vec<u8>, SystemTime)> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        let time = fs::metadata(&next).unwrap().modified().unwrap();
        found.insert(next.clone(), (Vec::new(), time));
        for entry in fs::read_dir(&next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let time = fs::metadata(&path).unwrap().modified().unwrap();
                found.insert(path.clone(), (fs::read(&path).unwrap(), time));
            }
        }
    }
    found
}

#[test]
fn looking_with_readonly_writes_nothing_anywhere() {
    let (folder, _) = folder();
    let before = everything(folder.path());
    let home = folder.path().to_str().unwrap().to_owned();
    let environment = [("COLORTERM", "truecolor"), ("HOME", &home), ("XDG_CACHE_HOME", &home)];
    let mut terminal = Terminal::start(folder.path(), &["--readonly"], (100, 30), &environment);
    terminal.see("read only");
    terminal.keys("4");
    terminal.see("a drawn cat");
    // A note, a comparison and a run are refused; a pin and commands change nothing either.
    let refused = |screen: &str| screen.contains("nothing is written");
    terminal.keys("wx\r");
    terminal.wait("the note's refusal", refused);
    terminal.keys("3");
    terminal.wait("it to go", |screen| !refused(screen));
    terminal.keys("n");
    terminal.wait("the comparison's refusal", refused);
    terminal.keys("1pCK2567");
    terminal.wait("the log", |screen| screen.contains("log of") && !refused(screen));
    terminal.keys("1n");
    terminal.wait("the run's refusal", refused);
    assert!(!terminal.screen().contains("A new run"));
    // A typed query is asked all the same; nobody keeps it.
    terminal.keys("4");
    terminal.see("a drawn cat");
    terminal.keys("Aa cat");
    terminal.see(" ask a cat");
    terminal.keys("\r");
    terminal.wait("the line to close", |screen| !screen.contains(" ask a cat"));
    terminal.keys("q");
    assert_eq!(terminal.end().0, 0);
    assert!(before == everything(folder.path()), "something was written");
}

fn run(folder: &Path, args: &[&str]) -> std::process::Output {
    std::process::Command::new(env!("CARGO_BIN_EXE_llm2clip"))
        .env("LLM2CLIP_CONFIG", "none")
        .current_dir(folder)
        .args(args)
        .output()
        .unwrap()
}

#[test]
fn a_screen_is_written_as_a_file_and_the_same_twice() {
    let (folder, session) = folder();
    let frame = |name: &str, more: &[&str]| {
        let mut args = vec!["replay", session.as_str(), "--frame", name, "--screen", "inspect"];
        args.extend(more);
        let output = run(folder.path(), &args);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        fs::read_to_string(folder.path().join(name)).unwrap()
    };
    let text = frame("one.txt", &["--size", "100x30"]);
    assert!(text.contains("a drawn cat") && text.contains('▀'), "{text}");
    assert_eq!(text.lines().count(), 30);
    let svg = frame("one.svg", &[]);
    assert_eq!(svg, frame("two.svg", &[]));
    assert!(svg.starts_with("<svg ") && svg.contains("a drawn cat") && !svg.contains('\x1b'));
    assert_ne!(svg, frame("light.svg", &["--theme", "light"]));
    let output = run(folder.path(), &["replay", session.as_str(), "--frame", "x.png"]);
    assert_eq!(output.status.code(), Some(2));
}
