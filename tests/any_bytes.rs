//! Headers, mailboxes, manifests and results: any bytes are a value or an error, never a panic; what
//! was written reads back.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use llm2clip::files::manifest::{Entry, Manifest, step_folder, verify, write_folder};
use llm2clip::ids::Digest;
use llm2clip::session::control::{self, Command, Mailbox};
use llm2clip::session::header::Header;
use llm2clip::session::neighbours::{NeighbourSet, read_neighbours, write_neighbours};
use llm2clip::session::results::{MADE, ResultId, results_of};
use llm2clip::session::tail::{Budget, LogTail};
use proptest::prelude::*;
use serde_json::{Value, json};
use std::fs;

/// Bytes that mean something to a JSON reader, mixed with any others.
fn pieces() -> impl Strategy<Value = Vec<u8>> {
    let words = prop::sample::select(vec![
        "{",
        "}",
        "[",
        "]",
        "\"",
        ":",
        ",",
        "\n",
        "null",
        "-1",
        "1e999",
        "18446744073709551616",
        "\"format\"",
        "\"llm2clip.log/1\"",
        "\"llm2clip.command/1\"",
        "\"command\"",
        "\"stop\"",
        "\"time\"",
        "\"2026-11-24T03:50:43Z\"",
        "\"log\"",
        "\"run\"",
        "\"session\"",
        "\"segment\"",
        "\"files\"",
        "\"name\"",
        "\"bytes\"",
        "\"sha256\"",
        "\"../x\"",
        "\"/dev/zero\"",
        "\\ud800",
        "\u{1b}[2J",
        "\0",
    ]);
    let word = words.prop_map(|word: &str| word.as_bytes().to_vec());
    let any = prop::collection::vec(any::<u8>(), 0..12);
    prop::collection::vec(prop_oneof![4 => word, 1 => any], 0..40).prop_map(|parts| parts.concat())
}

/// A whole text with some of its bytes changed, or cut off.
fn changed(whole: &str) -> impl Strategy<Value = Vec<u8>> + use<> {
    let whole = whole.as_bytes().to_vec();
    let length = whole.len();
    (prop::collection::vec((0..length, any::<u8>()), 0..4), 0..=length).prop_map(
        move |(changes, cut)| {
            let mut bytes = whole.clone();
            for (at, byte) in changes {
                bytes[at] = byte;
            }
            if cut % 3 == 0 {
                bytes.truncate(cut);
            }
            bytes
        },
    )
}

const HEADER: &str = r#"{"format":"llm2clip.log/1","log":"run","session":"20261124-040000-tiny-abcdef","run":"tiny-1","segment":1,"time":"2026-11-24T03:50:43.120Z","program_version":"0.1.0"}"#;
const COMMAND: &str =
    r#"{"format":"llm2clip.command/1","command":"pause","time":"2026-11-24T03:50:43.120Z"}"#;
const MANIFEST: &str = r#"{"format":"test/1","files":[{"name":"a.bin","bytes":3,"sha256":"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"}]}"#;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn a_log_that_begins_with_anything_is_read_or_refused(
        bytes in prop_oneof![pieces(), changed(HEADER)],
    ) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tiny-1.1.jsonl");
        fs::write(&path, [&bytes[..], b"\n{}\n"].concat()).unwrap();
        let mut tail = LogTail::open(&path).unwrap();
        let first = tail.poll(Budget::ALL, |_| {}).map_err(|error| error.to_string());
        let again = tail.poll(Budget::ALL, |_| {}).map_err(|error| error.to_string());
        if first.is_err() {
            prop_assert_eq!(first, again);
        } else {
            // A header that was read is written the same and read the same.
            let header = tail.header().unwrap().clone();
            let text = serde_json::to_vec(&header).unwrap();
            prop_assert_eq!(serde_json::from_slice::<Header>(&text).unwrap(), header);
        }
    }

    #[test]
    fn any_letter_is_a_command_or_a_reason_to_refuse_it(
        bytes in prop_oneof![pieces(), changed(COMMAND)], name in "[a-z0-9 ~-]{1,12}",
    ) {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(format!("{name}.json")), &bytes).unwrap();
        let mailbox = Mailbox::new(folder.path().to_owned());
        let letters = mailbox.waiting().unwrap();
        prop_assert_eq!(letters.len(), 1);
        prop_assert_eq!(&letters[0].id, &name);
        if let Err(why) = &letters[0].command {
            prop_assert!(!why.is_empty());
        }
        mailbox.remove(&letters[0]).unwrap();
        prop_assert!(mailbox.waiting().unwrap().is_empty());
    }

    #[test]
    fn letters_are_read_as_they_were_sent(orders in prop::collection::vec(0usize..4, 0..12)) {
        let folder = tempfile::tempdir().unwrap();
        let all = [Command::Checkpoint, Command::Pause, Command::Continue, Command::Stop];
        for order in &orders {
            control::send(folder.path(), all[*order]).unwrap();
        }
        let letters = Mailbox::new(folder.path().to_owned()).waiting().unwrap();
        let read: Vec<Command> = letters.into_iter().map(|letter| letter.command.unwrap()).collect();
        let sent: Vec<Command> = orders.into_iter().map(|order| all[order]).collect();
        prop_assert_eq!(read, sent);
    }

    #[test]
    fn a_manifest_of_any_bytes_proves_what_is_there_or_nothing(
        bytes in prop_oneof![pieces(), changed(MANIFEST)],
    ) {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("a.bin"), "abc").unwrap();
        fs::write(folder.path().join("manifest.json"), &bytes).unwrap();
        if let Ok(manifest) = verify(folder.path()) {
            let named = |entry: &Entry| entry.name == "a.bin" && entry.bytes == 3;
            prop_assert!(manifest.files.iter().all(named));
            prop_assert!(manifest.files.iter().all(|entry| entry.sha256 == Digest::of(b"abc")));
        }
    }

    #[test]
    fn a_folder_that_was_written_verifies_until_a_byte_of_it_changes(
        files in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..300), 1..4),
        place in any::<prop::sample::Index>(), bit in 0u8..8,
    ) {
        let root = tempfile::tempdir().unwrap();
        let folder = step_folder(root.path(), 1);
        let names: Vec<String> = (0..files.len()).map(|at| format!("{at}.bin")).collect();
        let contents: Vec<(&str, Vec<u8>)> =
            names.iter().map(String::as_str).zip(files.iter().cloned()).collect();
        let written: Manifest = write_folder(&folder, "test/1", &contents).unwrap();
        prop_assert_eq!(&verify(&folder).unwrap(), &written);
        let whole: usize = files.iter().map(Vec::len).sum();
        if whole > 0 {
            let mut at = place.index(whole);
            let which = files.iter().position(|file| {
                let here = at < file.len();
                at -= if here { 0 } else { file.len() };
                here
            }).unwrap();
            let mut bytes = files[which].clone();
            bytes[at] ^= 1 << bit;
            fs::write(folder.join(&names[which]), bytes).unwrap();
            prop_assert!(verify(&folder).is_err());
        }
    }

    #[test]
    fn a_result_of_any_bytes_is_a_document_or_an_error(
        bytes in prop_oneof![pieces(), changed(r#"{"format":"llm2clip.compare/1","rows":[0.1]}"#)],
    ) {
        let session = tempfile::tempdir().unwrap();
        let results = results_of(session.path());
        results.make().unwrap();
        let id: ResultId = "compare-1".parse().unwrap();
        fs::write(results.document_path(&id), &bytes).unwrap();
        fs::write(results.neighbours_path(&id), &bytes).unwrap();
        if let Ok(read) = results.read(&id) {
            prop_assert_eq!(Some(read.format.as_str()), read.document["format"].as_str());
        }
        prop_assert!(read_neighbours(&results.neighbours_path(&id)).is_err());
        prop_assert_eq!(results.list().unwrap(), vec![id]);
    }

    #[test]
    fn a_result_reads_back_as_it_was_written(
        texts in prop::collection::vec(any::<String>(), 0..6), value in any::<f64>(),
        names in prop::collection::vec("[a-z]{1,6}(-[0-9]{1,3})?", 1..4),
    ) {
        let session = tempfile::tempdir().unwrap();
        let results = results_of(session.path());
        let number = serde_json::Number::from_f64(value).map_or(Value::Null, Value::Number);
        let document = json!({"format": "llm2clip.inspect/1", "texts": texts, "value": number});
        let mut ids = std::collections::BTreeSet::new();
        for name in &names {
            let id = results.free_id(name).unwrap();
            results.write(&id, &document).unwrap();
            let mut read = results.read(&id).unwrap();
            prop_assert!(read.made().is_some());
            // The one key that hangs on the clock.
            read.document.as_object_mut().unwrap().remove(MADE);
            prop_assert_eq!(&read.document, &document);
            ids.insert(id);
        }
        prop_assert_eq!(ids.len(), names.len());
        prop_assert_eq!(results.list().unwrap(), ids.into_iter().collect::<Vec<_>>());
    }

    #[test]
    fn neighbours_read_back_as_they_were_written(
        queries in 0usize..6, k in 1usize..4, seed in any::<u32>(), role in any::<String>(),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.neighbours.safetensors");
        let number = |at: usize| (seed.wrapping_mul(2_654_435_761).wrapping_add(at as u32)) >> 8;
        let set = NeighbourSet {
            role,
            direction: "text-to-text".to_owned(),
            k,
            queries: (0..queries).map(|at| format!("q{at}\u{1b}")).collect(),
            units: Vec::new(),
            gallery: (0..4).map(|at| format!("g{at}")).collect(),
            rank_low: (0..queries).map(|at| 1 + number(at) % 4).collect(),
            rank_high: (0..queries).map(|at| 1 + number(at + 9) % 4).collect(),
            margin: (0..queries).map(|at| number(at) as f32 / 7.0).collect(),
            top_items: (0..queries * k).map(|at| number(at) % 4).collect(),
            top_scores: (0..queries * k).map(|at| number(at) as f32 / 3e7).collect(),
        };
        write_neighbours(&path, std::slice::from_ref(&set)).unwrap();
        prop_assert_eq!(read_neighbours(&path).unwrap(), vec![set]);
    }
}
