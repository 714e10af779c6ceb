//! Judgements that ids do not say, out of a session as TREC files: a second set, and pictures alone.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use llm2clip::session::judged::read_judged;
use llm2clip::session::neighbours::read_neighbours;
use llm2clip::session::results::{ResultId, results_of};
use llm2clip::session::thumbnails::Thumbnails;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

struct Home(tempfile::TempDir);

impl Home {
    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn document(&self, line: &str) -> Value {
        let output = Command::new(env!("CARGO_BIN_EXE_llm2clip"))
            .env("LLM2CLIP_CONFIG", "none")
            .env("LLM2CLIP_SESSIONS", self.path("sessions"))
            .env("LLM2CLIP_CHECKPOINTS", self.path("checkpoints"))
            .current_dir(self.0.path())
            .args(line.split_whitespace())
            .args(["--json", "--quiet"])
            .output()
            .unwrap();
        assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap()
    }

    fn session(&self) -> String {
        let mut names = std::fs::read_dir(self.path("sessions"))
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter(|name| !name.starts_with('.'));
        let name = names.next().unwrap();
        assert_eq!(names.next(), None);
        name
    }

    fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }
}

/// Lines of four and six fields by their query: its items in order of the file.
fn items(text: &str) -> BTreeMap<&str, Vec<&str>> {
    let mut found: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for line in text.lines() {
        let fields: Vec<&str> = line.split(' ').collect();
        found.entry(fields[0]).or_default().push(fields[2]);
    }
    found
}

/// The share of judged queries whose first item in a run answers them, as `trec_eval -c` counts it.
fn success_1(run: &str, qrels: &str) -> f64 {
    let (lists, judged) = (items(run), items(qrels));
    let right = judged.iter().filter(|(query, relevant)| {
        lists.get(*query).and_then(|list| list.first()).is_some_and(|item| relevant.contains(item))
    });
    right.count() as f64 / judged.len() as f64
}

#[test]
fn a_second_set_of_judgements_has_runs_and_qrels_of_its_own() {
    let home = Home(tempfile::tempdir().unwrap());
    let set: String = (0..12)
        .map(|n| {
            let texts = [format!("a kite number {n}"), format!("kite {n} in the sky")];
            format!("{}\n", json!({"id": format!("i{n}"), "captions": texts}))
        })
        .collect();
    std::fs::write(home.path("set.jsonl"), set).unwrap();
    // By caption, by item, on ids that nobody has, and not relevant.
    let text = "i0#0 0 i0#1 1\ni0#0 0 i3#1 2\ni2 0 i5 1\nnobody 0 i1 1\ni4#0 0 i4#1 0\n";
    std::fs::write(home.path("more.qrels"), text).unwrap();
    let found = home.document(
        "compare --task caption --dataset set.jsonl --encoders bm25,mean=builtin:llama --qrels more.qrels",
    );
    let session = home.session();
    let exported = home.document(&format!("export {session} --out out --formats trec,csv"));
    let files: BTreeSet<&str> =
        exported["files"].as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect();
    assert_eq!(exported.get("skipped"), None, "{exported}");
    for name in ["caption-1.text-to-text.qrels", "caption-1.second.text-to-text.qrels"] {
        assert!(files.contains(name), "{files:?}");
    }
    let second = home.read("out/caption-1.second.text-to-text.qrels");
    assert_eq!(second, "i0#0 0 i0#1 1\ni0#0 0 i3#1 1\ni2#0 0 i5#1 1\n");
    let own = home.read("out/caption-1.text-to-text.qrels");
    assert_eq!(own.lines().count(), 12);
    for (table, qrels, stem) in
        [(&found["qrels"], &second, "caption-1.second"), (&found, &own, "caption-1")]
    {
        for row in table["rows"].as_array().unwrap() {
            let role = row["role"].as_str().unwrap();
            let run = home.read(&format!("out/{stem}.{role}.text-to-text.run"));
            let recall = row["metrics"]["recall@1"].as_f64().unwrap();
            assert!((success_1(&run, qrels) - recall).abs() < 1e-9, "{stem} {role}");
        }
    }
    // What was exported can be asked with again.
    let again = home.document(
        "compare --task caption --dataset set.jsonl --encoders bm25 --readonly --qrels out/caption-1.second.text-to-text.qrels",
    );
    assert_eq!(again["qrels"]["rows"][0]["metrics"], found["qrels"]["rows"][0]["metrics"]);
    // A session of an earlier version has the table and not its judgements.
    let results = home.path("sessions").join(&session).join("results");
    std::fs::remove_file(results.join("caption-1.second.judged.safetensors")).unwrap();
    let exported = home.document(&format!("export {session} --out old --formats trec"));
    let what = exported["skipped"][0]["what"].as_str().unwrap();
    assert!(what.contains("second judgements of result caption-1"), "{exported}");
    assert!(home.path("old/caption-1.text-to-text.qrels").exists());
}

#[test]
fn pictures_that_answer_each_other_by_label_are_judged_so_in_qrels() {
    let home = Home(tempfile::tempdir().unwrap());
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let pictures = ["rgb-64x64.png", "rgb-37x23.png", "jpeg-444-37x23.jpg"];
    let set: String = (0..3)
        .map(|n| {
            let label = if n < 2 { "x" } else { "y" };
            let path = golden.join("pictures").join(pictures[n]);
            format!("{}\n", json!({"id": format!("i{n}"), "image": path, "label": label}))
        })
        .collect();
    std::fs::write(home.path("set.jsonl"), set).unwrap();
    let clip = golden.join("encoders/clip").display().to_string();
    home.document(&format!("compare --task image --dataset set.jsonl --encoders clip={clip}"));
    let session = home.session();
    home.document(&format!(
        "inspect --dataset set.jsonl --direction image-to-image --encoders a={clip},b={clip} --session {session}"
    ));
    home.document(&format!("export {session} --out out --formats trec"));
    for result in ["image-1", "inspect-1"] {
        let qrels = home.read(&format!("out/{result}.image-to-image.qrels"));
        assert_eq!(qrels, "i0@0 0 i1@0 1\ni1@0 0 i0@0 1\n", "{result}");
    }
    // A session of an earlier version kept no judgements, and ids know nothing of labels.
    let results = home.path("sessions").join(&session).join("results");
    std::fs::remove_file(results.join("image-1.judged.safetensors")).unwrap();
    let exported = home.document(&format!("export {session} --out old --formats trec"));
    let skipped = exported["skipped"].as_array().unwrap();
    assert_eq!(skipped.len(), 1, "{exported}");
    let what = "judgements of result image-1 in direction image-to-image as TREC files";
    assert_eq!(skipped[0]["what"], what);
    assert!(skipped[0]["why"].as_str().unwrap().contains("one label"), "{exported}");
    let files = exported["files"].as_array().unwrap();
    let of = |result: &str| files.iter().any(|name| name.as_str().unwrap().starts_with(result));
    assert!(!of("image-1.") && of("inspect-1."), "{exported}");
}

#[test]
fn an_inspection_keeps_its_lists_by_a_second_set_of_judgements_too() {
    let home = Home(tempfile::tempdir().unwrap());
    let set: String = (0..12)
        .map(|n| {
            let texts = [format!("a kite number {n}"), format!("kite {n} in the sky")];
            format!("{}\n", json!({"id": format!("i{n}"), "captions": texts}))
        })
        .collect();
    std::fs::write(home.path("set.jsonl"), set).unwrap();
    std::fs::write(home.path("more.qrels"), "i0#0 0 i3#1 1\ni2 0 i5 1\n").unwrap();
    home.document("compare --task caption --dataset set.jsonl --encoders bm25");
    let session = home.session();
    let found = home.document(&format!(
        "inspect --dataset set.jsonl --encoders bm25,mean=builtin:llama --direction text-to-text --qrels more.qrels --session {session}"
    ));
    let folder = home.path("sessions").join(&session);
    let results = results_of(&folder);
    let id: ResultId = "inspect-1".parse().unwrap();
    assert!(results.neighbours_path(&id).exists());
    let sets = read_neighbours(&results.second_neighbours_path(&id)).unwrap();
    let judged = read_judged(&results.second_judged_path(&id)).unwrap();
    assert_eq!(sets.iter().map(|set| set.role.as_str()).collect::<Vec<_>>(), ["bm25", "mean"]);
    assert_eq!(judged.len(), 1);
    assert_eq!((&judged[0].queries, &judged[0].gallery), (&sets[0].queries, &sets[0].gallery));
    assert_eq!(sets[0].queries, ["i0#0", "i2#0", "i2#1"]);
    assert_eq!(found["qrels"]["summary"]["queries"], 3);
    assert!(judged[0].judgements.starts_with("more.qrels sha256:"));
    // A folder says nothing of what answers what: the file's are the only lists.
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let (pictures, clip) = (golden.join("pictures"), golden.join("encoders/clip"));
    std::fs::write(home.path("more.qrels"), "rgb-37x23.png 0 rgb-64x64.png 1\n").unwrap();
    home.document(&format!(
        "inspect --dataset {} --encoders whole={clip},short={clip}[max_tokens=4] --direction image-to-image --qrels more.qrels --session {session}",
        pictures.display(),
        clip = clip.display()
    ));
    let id: ResultId = "inspect-2".parse().unwrap();
    assert!(!results.neighbours_path(&id).exists());
    let sets = read_neighbours(&results.second_neighbours_path(&id)).unwrap();
    assert_eq!(sets[1].queries, ["rgb-37x23.png@0"]);
    let shown = Thumbnails::of(&folder).read_map(&id).unwrap();
    assert!(shown.pictures.contains_key("rgb-37x23.png@0"), "{:?}", shown.pictures.keys());
    home.document(&format!("export {session} --out out --formats trec"));
    assert!(home.path("out/inspect-1.second.text-to-text.qrels").exists());
    let only = home.read("out/inspect-2.second.image-to-image.qrels");
    assert_eq!(only, "rgb-37x23.png@0 0 rgb-64x64.png@0 1\n");
}
