//! A session as one file and back; what is refused; what is left out; what stands on a session.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use llm2clip::ids::Digest;
use llm2clip::session::event::{Ending, ResumePoint, RunFinished, RunStarted, Warned};
use llm2clip::session::pack::{Leave, PackError, pack, unpack};
use llm2clip::session::remove::{RemoveError, remove};
use llm2clip::session::replay::{Entries, Timeline};
use llm2clip::session::results::results_of;
use llm2clip::session::sitting::{Noted, Opened, Sitting, Subject, read_sittings};
use llm2clip::session::thumbnails::Thumbnails;
use llm2clip::session::{Finite, Session, SessionCard, Time, follow};
use proptest::prelude::*;
use serde_json::json;
use std::fs;
use std::io::{Read, Write};
use std::path::Path;

const SECRET: &str = "a private caption";

fn started(recipe: serde_json::Value, from: Option<ResumePoint>) -> RunStarted {
    RunStarted {
        run: "tiny-1".parse().unwrap(),
        segment: 1,
        recipe,
        stages: vec![],
        resumed_from: from,
        forked_from: None,
        series: Vec::new(),
        program_version: "0.1.0".into(),
        git: None,
        host: "machine".into(),
        pid: 1,
        device: "cpu".into(),
        threads: 2,
        seed: 0,
    }
}

fn session(sessions: &Path) -> Session {
    let card = SessionCard::new("Night", None, "machine".into(), "cpu".into(), 2);
    let session = Session::create(sessions, card).unwrap();
    let mut new = session.start_run("tiny").unwrap();
    new.log.append(started(json!({"name": "tiny", "captions": "any"}), None)).unwrap();
    new.log.append(Warned { what: "the tower is untouched".into() }).unwrap();
    let state = Ending::Done;
    let end = RunFinished { state, reason: None, seconds: Finite::ZERO, final_digest: None };
    new.log.append(end).unwrap();
    let results = results_of(session.folder());
    let document = json!({"format": "llm2clip.inspect/1", "protocol": {"captions": "any"},
        "query": {"id": "a#0", "text": SECRET, "captions": [SECRET, {"text": SECRET}]}});
    results.write(&"inspect-1".parse().unwrap(), &document).unwrap();
    Thumbnails::of(session.folder()).put(b"\x89PNG\r\n\x1a\n...").unwrap();
    let opened = Opened { columns: 80, rows: 24, terminal: None, theme: None };
    let mut sitting = Sitting::open(session.folder(), session.id(), opened).unwrap();
    sitting.write(Noted { on: Subject::query("a#0"), text: SECRET.into() }).unwrap();
    for (name, text) in [("export/export.json", SECRET), ("control/tiny-1/1.json", "{}")] {
        let path = session.folder().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    fs::write(session.folder().join("tiny-1.1.console.log"), SECRET).unwrap();
    session
}

fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut all = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(folder).unwrap().to_str().unwrap().to_owned();
                all.push((name, fs::read(path).unwrap()));
            }
        }
    }
    all.sort();
    all
}

#[test]
fn a_packed_session_is_the_same_bytes_twice_and_after_unpacking() {
    let root = tempfile::tempdir().unwrap();
    let session = session(&root.path().join("one"));
    let out = |name: &str| root.path().join(name);
    let first = pack(&session, &out("a.tgz"), Leave::default()).unwrap();
    let second = pack(&session, &out("b.tgz"), Leave::default()).unwrap();
    assert_eq!((first.digest.clone(), first.files), (second.digest, 6));
    assert_eq!(first.left_out, ["control/tiny-1/1.json", "export/export.json"]);
    let other = root.path().join("two");
    fs::create_dir(&other).unwrap();
    let unpacked = unpack(&out("a.tgz"), &other).unwrap();
    assert_eq!((&unpacked.session, unpacked.files), (session.id(), 6));
    let again = Session::open(&other, session.id()).unwrap();
    assert_eq!(again.card(), session.card());
    assert_eq!(pack(&again, &out("c.tgz"), Leave::default()).unwrap().digest, first.digest);
    let left: Vec<_> = files(session.folder());
    assert!(files(again.folder()).iter().all(|file| left.contains(file)));
    let run = "tiny-1".parse().unwrap();
    assert!(follow::read_run(again.folder(), &run).unwrap().state().finished.is_some());
    assert_eq!(Timeline::open(again.folder()).unwrap().len(), 5);
    // It does not go over a session that is there, and leaves nothing behind.
    assert!(matches!(unpack(&out("a.tgz"), &other), Err(PackError::Exists { .. })));
    assert_eq!(fs::read_dir(&other).unwrap().count(), 1);
}

#[test]
fn without_texts_no_text_is_left_anywhere_and_without_pictures_no_picture() {
    let root = tempfile::tempdir().unwrap();
    let session = session(&root.path().join("one"));
    let out = root.path().join("a.tgz");
    let packed = pack(&session, &out, Leave { texts: true, pictures: true }).unwrap();
    assert_eq!(packed.left_out.len(), 4, "{:?}", packed.left_out);
    let mut plain = Vec::new();
    GzDecoder::new(fs::File::open(&out).unwrap()).read_to_end(&mut plain).unwrap();
    let holds = |text: &str| plain.windows(text.len()).any(|part| part == text.as_bytes());
    assert!(!holds(SECRET) && !holds("PNG"));
    assert!(holds(Digest::of(SECRET.as_bytes()).as_str()) && holds("the tower is untouched"));
    let other = root.path().join("two");
    fs::create_dir(&other).unwrap();
    unpack(&out, &other).unwrap();
    let again = Session::open(&other, session.id()).unwrap();
    let notes = read_sittings(again.folder()).unwrap();
    assert!(notes.notes[&Subject::query("a#0")].text.starts_with("sha256:"));
    let document = results_of(again.folder()).read(&"inspect-1".parse().unwrap()).unwrap();
    assert_eq!(document.document["query"]["id"], "a#0");
    // A choice is no text.
    assert_eq!(document.document["protocol"]["captions"], "any");
    let run = follow::read_run(again.folder(), &"tiny-1".parse().unwrap()).unwrap();
    assert_eq!(run.state().started.as_ref().unwrap().recipe["captions"], "any");
    // Packing it once more, texts left out or not, changes nothing.
    for leave in [Leave::default(), Leave { texts: true, pictures: true }] {
        let digest = pack(&again, &root.path().join("b.tgz"), leave).unwrap().digest;
        assert_eq!(digest, packed.digest);
    }
}

/// A packed session made by hand: what the manifest says, and what stands there.
fn forged(files: &[(&str, &[u8], tar::EntryType, Option<u64>)], manifest: &str) -> Vec<u8> {
    let mut tar = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
    let mut add = |name: &str, bytes: &[u8], kind, size: Option<u64>| {
        let mut header = tar::Header::new_gnu();
        // Past the library's own check of names.
        header.as_gnu_mut().unwrap().name[..name.len()].copy_from_slice(name.as_bytes());
        header.set_size(size.unwrap_or(bytes.len() as u64));
        header.set_entry_type(kind);
        if kind == tar::EntryType::Symlink {
            header.set_link_name("elsewhere").unwrap();
        }
        header.set_mode(0o644);
        header.set_cksum();
        tar.append(&header, bytes).unwrap();
    };
    add("s/pack.json", manifest.as_bytes(), tar::EntryType::Regular, None);
    for (name, bytes, kind, size) in files {
        add(name, bytes, *kind, *size);
    }
    tar.into_inner().unwrap().finish().unwrap()
}

fn promise(name: &str, bytes: &[u8], length: u64) -> String {
    let (card, digest) = (Digest::of(b"{}"), Digest::of(bytes));
    format!(
        r#"{{"format":"llm2clip.pack/1","files":[{{"name":"session.json","bytes":2,"sha256":"{card}"}},{{"name":"{name}","bytes":{length},"sha256":"{digest}"}}]}}"#
    )
}

#[test]
fn what_climbs_links_lies_or_is_not_promised_is_refused_and_leaves_nothing() {
    let regular = tar::EntryType::Regular;
    let card: (&str, &[u8], _, _) = ("s/session.json", b"{}", regular, None);
    let log = "ui-1.jsonl";
    let good = promise(log, b"x\n", 2);
    let cases: Vec<(&str, Vec<u8>)> = vec![
        ("climbs", forged(&[card, ("s/../../ui-1.jsonl", b"x\n", regular, None)], &good)),
        ("absolute", forged(&[card, ("/tmp/ui-1.jsonl", b"x\n", regular, None)], &good)),
        ("link", forged(&[card, ("s/ui-1.jsonl", b"", tar::EntryType::Symlink, None)], &good)),
        ("folder", forged(&[card, ("s/ui-1.jsonl", b"", tar::EntryType::Directory, None)], &good)),
        ("size", forged(&[card, ("s/ui-1.jsonl", b"xx\n", regular, None)], &good)),
        ("huge", forged(&[card, ("s/ui-1.jsonl", b"x\n", regular, Some(1 << 40))], &good)),
        ("content", forged(&[card, ("s/ui-1.jsonl", b"y\n", regular, None)], &good)),
        ("twice", forged(&[card, card], &good)),
        ("missing", forged(&[card], &good)),
        ("session", forged(&[card, ("t/ui-1.jsonl", b"x\n", regular, None)], &good)),
        ("promised climb", forged(&[card], &promise("../x", b"", 0))),
        ("promised other", forged(&[card], &promise("bin/sh", b"", 0))),
        ("promised hidden", forged(&[card], &promise("results/.x.json", b"", 0))),
        ("no manifest", forged(&[card], "{}")),
        ("newer", forged(&[card], &good.replace("pack/1", "pack/2"))),
        ("no gzip", b"hello".to_vec()),
        ("nothing", Vec::new()),
    ];
    for (name, bytes) in cases {
        let root = tempfile::tempdir().unwrap();
        let file = root.path().join("x.tgz");
        fs::File::create(&file).unwrap().write_all(&bytes).unwrap();
        let sessions = root.path().join("sessions");
        fs::create_dir(&sessions).unwrap();
        assert!(unpack(&file, &sessions).is_err(), "{name}");
        assert_eq!(fs::read_dir(&sessions).unwrap().count(), 0, "{name}");
        assert_eq!(fs::read_dir(root.path()).unwrap().count(), 2, "{name}");
    }
    let root = tempfile::tempdir().unwrap();
    let file = root.path().join("x.tgz");
    fs::write(&file, forged(&[card, ("s/ui-1.jsonl", b"x\n", regular, None)], &good)).unwrap();
    assert_eq!(unpack(&file, root.path()).unwrap().files, 2);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn a_packed_session_with_a_byte_changed_or_cut_is_whole_or_refused(
        at in 0usize..4000, bit in 0u8..8, cut in any::<bool>(),
    ) {
        let root = tempfile::tempdir().unwrap();
        let session = session(&root.path().join("one"));
        let out = root.path().join("a.tgz");
        pack(&session, &out, Leave::default()).unwrap();
        let mut bytes = fs::read(&out).unwrap();
        let at = at % bytes.len();
        if cut { bytes.truncate(at) } else { bytes[at] ^= 1 << bit }
        fs::write(&out, bytes).unwrap();
        let other = root.path().join("two");
        fs::create_dir(&other).unwrap();
        let done = unpack(&out, &other);
        prop_assert_eq!(fs::read_dir(&other).unwrap().count(), usize::from(done.is_ok()));
        if let Ok(done) = done {
            let again = Session::open(&other, &done.session).unwrap();
            prop_assert_eq!(again.card(), session.card());
        }
    }
}

#[test]
fn a_session_that_others_stand_on_or_that_runs_is_not_removed() {
    let root = tempfile::tempdir().unwrap();
    let (sessions, checkpoints) = (root.path().join("s"), root.path().join("c"));
    let base = session(&sessions);
    let path = format!("{}/tiny-1/clip/step-000004", base.id());
    let card = checkpoints.join("other/run-1/clip/step-000001/card.json");
    fs::create_dir_all(card.parent().unwrap()).unwrap();
    fs::write(&card, json!({"base": {"source": path}}).to_string()).unwrap();
    fs::create_dir_all(checkpoints.join(&path)).unwrap();
    let fork = {
        let card = SessionCard::new("Fork", None, "machine".into(), "cpu".into(), 2);
        Session::create(&sessions, card).unwrap()
    };
    let mut live = fork.start_run("tiny").unwrap();
    let recipe = json!({"name": "tiny", "stages": [{"init": path}]});
    live.log.append(started(recipe, None)).unwrap();

    let try_it =
        |session: &Session, force| remove(&sessions, &checkpoints, session, force, Time::now());
    let stood_on = try_it(&base, false).unwrap_err();
    let RemoveError::StoodOn(on) = &stood_on else { panic!("{stood_on}") };
    let names: Vec<&str> = on.iter().map(|one| one.name.as_str()).collect();
    assert_eq!(names, ["other/run-1/clip/step-000001", &format!("{}/tiny-1", fork.id())]);
    assert!(matches!(try_it(&fork, true), Err(RemoveError::InUse { .. })));
    drop(live);
    assert!(try_it(&fork, false).is_ok());
    let done = try_it(&base, true).unwrap();
    assert_eq!(done.stood_on.len(), 1);
    assert!(!base.folder().exists() && !checkpoints.join(base.id().as_str()).exists());
    assert_eq!(fs::read_dir(&sessions).unwrap().count(), 0);
}

#[test]
fn a_new_title_keeps_the_folder_and_what_a_later_version_wrote() {
    let root = tempfile::tempdir().unwrap();
    let mut session = session(root.path());
    let path = session.folder().join("session.json");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replacen('{', "{\"mood\": \"fair\",", 1)).unwrap();
    session.rename("A \"new\" day\u{1b}[2J").unwrap();
    let again = Session::open(root.path(), session.id()).unwrap();
    assert_eq!(again.card().title, "A \"new\" day\u{1b}[2J");
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.contains("\"mood\": \"fair\"") && text.starts_with("{\n  \"format\""));
}
