//! `compare` from outside: a second set of judgements, sweeps, smaller tables, languages.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod command;

use command::{golden, llm2clip, printed};
use serde_json::{Value, json};
use std::path::Path;
use std::process::Output;

fn run(arguments: &[&str]) -> Output {
    llm2clip().arg("compare").args(arguments).output().unwrap()
}

fn document(arguments: &[&str]) -> Value {
    printed(&run(&[arguments, &["--json", "--readonly", "--quiet"]].concat()))
}

const CAPTION: [&str; 6] =
    ["--task", "caption", "--language", "en", "--encoders", "bm25,mean=builtin:llama"];

/// The emoji set's first test items, by the queries of an inspection.
fn queries(count: usize) -> Vec<String> {
    let mut command = llm2clip();
    command.args(["inspect", "--encoders", "a=builtin:llama,b=builtin:llama", "--direction"]);
    command.args(["text-to-text", "--language", "en", "--slice", "both-wrong", "--pool", "40"]);
    let output = command.args(["--json", "--quiet"]).output().unwrap();
    let found: Value = serde_json::from_slice(&output.stdout).unwrap();
    let rows = found["summary"]["rows"].as_array().unwrap();
    let items = rows.iter().map(|row| row["query"].as_str().unwrap().split('#').next().unwrap());
    let mut items: Vec<String> = items.map(str::to_owned).collect();
    items.sort();
    items.dedup();
    assert!(items.len() >= count);
    items.truncate(count);
    items
}

#[test]
fn a_second_set_of_judgements_is_reported_beside_the_first() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("more.qrels");
    let items = queries(4);
    let [a, b, c, d] = &items[..] else { panic!("{items:?}") };
    // The set's own judgement of one, another item's of the next, by item and by caption; then ids
    // that nobody has, and a judgement that something is not relevant.
    let text = format!(
        "{a}#0 0 {a}#1 1\n{b}#0 0 {c}#1 2\n{b} 0 {d} 1\nnobody#0 0 {a}#1 1\n{c}#0 0 nothing%20here 1\n{d}#0 0 {a}#1 0\n"
    );
    std::fs::write(&file, text).unwrap();
    let path = file.display().to_string();
    let arguments = [&CAPTION[..], &["--pool", "40", "--qrels", &path]].concat();
    let found = document(&arguments);
    let plain = document(&[&CAPTION[..], &["--pool", "40"]].concat());
    let untimed = |rows: &Value| -> Vec<Value> {
        rows.as_array()
            .unwrap()
            .iter()
            .map(|row| json!([row["role"], row["metrics"], row["ci95"]]))
            .collect()
    };
    assert_eq!(untimed(&found["rows"]), untimed(&plain["rows"]), "the first is as it was");
    assert_eq!(found["protocol"]["judgements"], "own");
    let second = &found["qrels"];
    let name = second["protocol"]["judgements"].as_str().unwrap();
    assert!(name.starts_with("more.qrels sha256:"), "{name}");
    let read = &second["read"];
    assert_eq!(
        (&read["relevant"], &read["not_relevant"], &read["used"]),
        (&json!(5), &json!(1), &json!(3))
    );
    assert_eq!(read["unknown_queries"], json!({"count": 1, "first": ["nobody#0"]}));
    assert_eq!(read["unknown_items"], json!({"count": 1, "first": ["nothing here"]}));
    for row in second["rows"].as_array().unwrap() {
        assert_eq!((&row["queries"], &row["items"]), (&json!(2), &json!(40)));
    }
    // What both judge alike has one rank: the first query's, under a file that names it alone.
    std::fs::write(&file, format!("{a}#0 0 {a}#1 1\n")).unwrap();
    let one = document(&arguments)["qrels"]["rows"][1]["metrics"]["mrr"].as_f64().unwrap();
    assert!(one > 0.0 && one <= 1.0);
    std::fs::write(&file, format!("{a}#0 0 {a}#1 1\nnobody#0 0 {a}#1 1\n")).unwrap();
    let shown = run(&[&arguments[..], &["--readonly"]].concat());
    let text = String::from_utf8(shown.stdout).unwrap();
    assert!(text.contains("more.qrels"), "{text}");
    let said = String::from_utf8(shown.stderr).unwrap();
    let wanted = "1 queries are not in this comparison, such as \"nobody#0\"";
    assert!(said.contains(wanted) && !said.contains("items are not"), "{said}");
    std::fs::write(&file, "x 0 y 1\n").unwrap();
    let output = run(&[&arguments[..], &["--readonly", "--quiet"]].concat());
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("found none of them"));
}

#[test]
fn replicates_are_gathered_under_a_second_set_of_judgements_too() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("more.qrels");
    let items = queries(2);
    let (a, b) = (&items[0], &items[1]);
    std::fs::write(&file, format!("{a}#0 0 {b}#1 1\n{b}#0 0 {a}#1 1\n")).unwrap();
    let path = file.display().to_string();
    let encoders = "words#1=bm25,words#2=bm25,llm#1=builtin:llama,llm#2=builtin:llama[pooling=last],alone#1=bm25";
    let arguments = [
        &["--task", "caption", "--language", "en", "--encoders", encoders][..],
        &["--pool", "40", "--qrels", &path],
    ]
    .concat();
    let found = document(&arguments);
    let second = &found["qrels"];
    assert_ne!(second["replicates"], found["replicates"], "they are of their own rows");
    let (rows, all) = (second["rows"].as_array().unwrap(), &second["replicates"]);
    assert_eq!(all.as_array().unwrap().len(), 2);
    assert_eq!(all[1]["of"], json!(["llm#1", "llm#2"]));
    let mrr: Vec<&Value> = rows.iter().map(|row| &row["metrics"]["mrr"]).collect();
    assert_eq!(all[1]["metrics"]["mrr"]["values"], json!(mrr[2..4]));
    let differences = second["replicate_differences"].as_array().unwrap();
    let pairs: Vec<_> = differences.iter().filter(|one| one["metric"] == "mrr").collect();
    assert_eq!(pairs.len(), 1);
    assert_eq!((&pairs[0]["a"], &pairs[0]["b"]), (&json!("llm"), &json!("words")));
    let plain = [&CAPTION[..], &["--pool", "40", "--qrels", &path]].concat();
    assert_eq!(document(&plain)["qrels"].get("replicates"), None, "nothing without them");
    let shown = run(&[&arguments[..], &["--readonly", "--quiet"]].concat());
    let text = String::from_utf8(shown.stdout).unwrap();
    assert_eq!(text.matches("replicates  text-to-text").count(), 2, "{text}");
}

#[test]
fn the_best_layer_and_pooling_are_chosen_on_validation_items_and_shown_on_the_test() {
    let found = document(&[&CAPTION[..], &["--pool", "60", "--sweep", "layers"]].concat());
    let sweep = &found["sweep"];
    assert_eq!(
        (&sweep["over"], &sweep["protocol"]["split"]),
        (&json!("layers"), &json!("validation"))
    );
    assert_eq!(found["protocol"]["split"], "test");
    let rows = sweep["rows"].as_array().unwrap();
    let layers = rows.iter().map(|row| row["layer"].as_u64().unwrap()).max().unwrap() + 1;
    assert_eq!(rows.len() as u64, layers * 3, "each layer under three poolings");
    let recall = |row: &Value| row["metrics"]["recall@1"].as_f64().unwrap();
    let most = rows.iter().map(recall).fold(0.0, f64::max);
    let chosen = &sweep["chosen"][0];
    let best = rows
        .iter()
        .find(|row| row["layer"] == chosen["layer"] && row["pooling"] == chosen["pooling"]);
    assert_eq!(recall(best.unwrap()), most);
    let roles: Vec<&str> =
        found["rows"].as_array().unwrap().iter().map(|row| row["role"].as_str().unwrap()).collect();
    assert_eq!(roles, ["bm25", "mean", "mean-best"]);
    assert_eq!(chosen["as"], "mean-best");
    assert_eq!(found["rows"][2]["encoder"]["text"]["pooling"], chosen["pooling"]);
    assert_eq!(found["rows"][2]["encoder"]["layer"], chosen["layer"]);
    let found = document(&[&CAPTION[..], &["--pool", "60", "--sweep", "poolings"]].concat());
    let rows = found["sweep"]["rows"].as_array().unwrap();
    let tried: std::collections::BTreeSet<String> =
        rows.iter().map(|row| format!("{} {}", row["pooling"], row["bos"])).collect();
    assert_eq!((rows.len(), tried.len()), (6, 6), "three poolings, with BOS and without");
}

#[test]
fn a_set_without_validation_items_does_not_choose_on_its_test() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, from: usize, to: usize| {
        let line = |n: usize| {
            format!("{{\"id\":\"{n}\",\"captions\":[\"thing number {n}\",\"item {n} of many\"]}}\n")
        };
        let path = folder.path().join(name);
        std::fs::write(&path, (from..to).map(line).collect::<String>()).unwrap();
        path.display().to_string()
    };
    let (test, other) = (write("test.jsonl", 0, 20), write("other.jsonl", 15, 40));
    let base = [
        "--task",
        "caption",
        "--encoders",
        "builtin:llama",
        "--dataset",
        &test,
        "--sweep",
        "poolings",
    ];
    let output = run(&[&base[..], &["--readonly"]].concat());
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("--validation"));
    let found = document(&[&base[..], &["--validation", &other]].concat());
    assert_eq!(
        (&found["sweep"]["dropped"], &found["sweep"]["protocol"]["dataset"]),
        (&json!(5), &json!("other"))
    );
    let output =
        run(&["--task", "caption", "--encoders", "bm25", "--sweep", "layers", "--readonly"]);
    assert!(String::from_utf8_lossy(&output.stderr).contains("a Llama among the encoders"));
}

#[test]
fn smaller_tables_say_what_they_save_and_what_they_lose() {
    let clip = format!("clip={}", golden("encoders/clip"));
    let base = ["--task", "image", "--encoders", &clip, "--pool", "30", "--language", "en"];
    let found = document(&[&base[..], &["--quantised"]].concat());
    let rows = found["rows"].as_array().unwrap();
    assert_eq!(rows.len(), 4);
    for row in rows {
        let bytes = row["bytes_per_item"].as_f64().unwrap();
        let [half, eighth] = &row["quantised"].as_array().unwrap()[..] else { panic!("{row}") };
        assert_eq!((&half["dtype"], &eighth["dtype"]), (&json!("f16"), &json!("int8")));
        assert_eq!(half["bytes_per_item"].as_f64().unwrap(), bytes / 2.0);
        assert_eq!(eighth["bytes_per_item"].as_f64().unwrap(), bytes / 4.0 + 4.0);
        for small in [half, eighth] {
            let lost = row["metrics"]["recall@1"].as_f64().unwrap()
                - small["metrics"]["recall@1"].as_f64().unwrap();
            assert!((small["lost_recall@1"].as_f64().unwrap() - lost).abs() < 1e-12);
            let kept = small["kept@10"].as_f64().unwrap();
            assert!((0.2..=1.0).contains(&kept), "{small}");
        }
        assert!(half["kept@10"].as_f64() >= eighth["kept@10"].as_f64(), "{row}");
        // Every score is in the histogram once.
        let count = |kind: &str| -> u64 {
            row["scores"][kind].as_array().unwrap().iter().map(|n| n.as_u64().unwrap()).sum()
        };
        let (queries, items) = (row["queries"].as_u64().unwrap(), row["items"].as_u64().unwrap());
        let own =
            u64::from(row["direction"] == "image-to-image" || row["direction"] == "text-to-text");
        assert_eq!(count("relevant") + count("others"), queries * (items - own));
    }
    assert_eq!(document(&base)["rows"][0]["quantised"], Value::Null);
}

#[test]
fn one_language_asks_another_both_ways() {
    let ways = [("ko", "en"), ("en", "ko")];
    let mut asked = Vec::new();
    for (query, gallery) in ways {
        let found = document(&[
            "--task",
            "caption",
            "--encoders",
            "builtin:llama",
            "--pool",
            "30",
            "--query-language",
            query,
            "--gallery-language",
            gallery,
        ]);
        let protocol = &found["protocol"];
        assert_eq!(
            (&protocol["query_language"], &protocol["gallery_language"]),
            (&json!(query), &json!(gallery))
        );
        assert_eq!(
            (&found["rows"][0]["queries"], &found["rows"][0]["items"]),
            (&json!(30), &json!(30))
        );
        asked.push(found["rows"][0]["metrics"].clone());
    }
    let none = run(&["--task", "caption", "--encoders", "bm25", "--language", "xx", "--readonly"]);
    let error = String::from_utf8_lossy(&none.stderr).into_owned();
    assert!(error.contains("in xx (it has en, ko"), "{error}");
}

#[test]
fn a_saved_comparison_holds_its_neighbours_and_exports_its_charts() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).display().to_string();
    let (sessions, checkpoints, out) = (at("sessions"), at("checkpoints"), at("out"));
    let places = ["--sessions", &sessions, "--checkpoints", &checkpoints, "--quiet"];
    let arguments = [&CAPTION[..], &["--pool", "40", "--sweep", "layers"], &places].concat();
    assert!(run(&arguments).status.success());
    let mut entries = std::fs::read_dir(&sessions).unwrap().map(Result::unwrap);
    let session = entries.find(|entry| entry.path().is_dir()).unwrap();
    assert!(session.path().join("results/caption-1.neighbours.safetensors").exists());
    let name = session.file_name().into_string().unwrap();
    let export = |out: &str| {
        let export = ["export", name.as_str(), "--out", out];
        let output = llm2clip().args(export).args(places).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    };
    export(&out);
    let again = at("again");
    export(&again);
    for file in [
        "caption-1-ranks-text-to-text-bm25-mean",
        "caption-1-scores-text-to-text",
        "caption-1-sweep-mean",
    ] {
        for end in ["svg", "png"] {
            let bytes = |out: &str| std::fs::read(format!("{out}/{file}.{end}")).expect(file);
            assert_eq!(bytes(&out), bytes(&again));
        }
    }
    let sweep = std::fs::read_to_string(format!("{out}/sweep.csv")).unwrap();
    assert!(
        sweep.starts_with("result,role,layer,pooling,bos,recall@1,") && sweep.lines().count() > 10
    );
    assert!(Path::new(&format!("{out}/caption-1.mean.text-to-text.run")).exists());
}

#[test]
fn what_was_measured_is_told_where_it_cannot_be_kept() {
    let folder = tempfile::tempdir().unwrap();
    let set: String = (0..4)
        .map(|n| format!("{}\n", json!({"captions": [format!("kite {n}"), format!("a kite {n}")]})))
        .collect();
    let path = folder.path().join("set.jsonl");
    std::fs::write(&path, set).unwrap();
    // A file stands where the folder of sessions would be made.
    let sessions = folder.path().join("taken");
    std::fs::write(&sessions, "").unwrap();
    let (path, taken) = (path.display().to_string(), sessions.display().to_string());
    let checkpoints = folder.path().join("checkpoints").display().to_string();
    let output = run(&[
        "--task",
        "caption",
        "--dataset",
        &path,
        "--encoders",
        "bm25",
        "--json",
        "--quiet",
        "--sessions",
        &taken,
        "--checkpoints",
        &checkpoints,
    ]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("error") && said.contains("making the folders"), "{said}");
    let found: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(found["rows"].as_array().unwrap().len(), 1);
}
