//! `compare` from tables to its document: every number recomputed from the rows, and encoders that are
//! broken in a way that a table of results must not hide.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod command;

use command::{llm2clip, printed};
use llm2clip::encode::{Embeddings, Table, TableDtype};
use llm2clip::rng::Key;
use serde_json::{Value, json};
use std::path::Path;
use std::process::Output;

const ITEMS: usize = 24;
const DIM: usize = 4;

fn run(arguments: &[&str]) -> Output {
    let task = ["compare", "--task", "caption", "--readonly"];
    llm2clip().args(task).args(arguments).output().unwrap()
}

/// A set of items with two captions each; every two items are one concept.
fn dataset(folder: &Path) -> String {
    let line = |n: usize| {
        let captions = json!([format!("thing {n}"), format!("item {n} of many")]);
        format!(
            "{}\n",
            json!({"id": format!("i{n}"), "captions": captions, "concept": format!("c{}", n / 2)})
        )
    };
    let path = folder.join("set.jsonl");
    std::fs::write(&path, (0..ITEMS).map(line).collect::<String>()).unwrap();
    path.display().to_string()
}

/// Writes a table of the set's first captions, then its second ones.
fn table(folder: &Path, name: &str, values: Vec<f32>) -> String {
    let card = json!({"encoder": name, "kind": "llama", "tower": "text", "dim": DIM, "text": null,
        "layer": null, "picture": null, "normalised": true, "dtype": "f32", "tokenizer": null,
        "weights": null, "stands_on": []});
    let rows = Embeddings::new(DIM, values).unwrap();
    let path = folder.join(format!("{name}.safetensors"));
    Table { rows, card: serde_json::from_value(card).unwrap() }
        .save(&path, TableDtype::F32)
        .unwrap();
    format!("{name}=table:{}", path.display())
}

/// Rows whose products are exact in f32, few enough that ties are everywhere.
fn coarse(seed: u64) -> Vec<f32> {
    let mut stream = Key::new(seed).stream();
    let mut rows = Vec::new();
    for _ in 0..2 * ITEMS {
        if stream.below(3) == 0 {
            let axis = stream.below(DIM);
            rows.extend((0..DIM).map(|at| if at == axis { 1.0 } else { 0.0 }));
        } else {
            rows.extend((0..DIM).map(|_| if stream.below(2) == 0 { 0.5 } else { -0.5 }));
        }
    }
    rows
}

/// Metrics of a table's rows by loops: recall@1, recall@5, recall@10, MRR, median rank, tied share, mean
/// cosine and hub skewness.
fn plain(rows: &[f32]) -> [f64; 8] {
    let row = |at: usize| &rows[at * DIM..(at + 1) * DIM];
    let dot = |a: &[f32], b: &[f32]| -> f64 {
        a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum()
    };
    let (mut ranks, mut tied) = (Vec::new(), 0.0);
    let mut counts = [0.0f64; ITEMS];
    for query in 0..ITEMS {
        let scores: Vec<f64> = (0..ITEMS).map(|item| dot(row(query), row(ITEMS + item))).collect();
        let rivals = |counts: &dyn Fn(f64) -> bool| {
            (0..ITEMS).filter(|&item| item != query && counts(scores[item])).count() as f64
        };
        let (low, high) = (rivals(&|s| s > scores[query]), rivals(&|s| s >= scores[query]));
        tied += if low == high { 0.0 } else { 1.0 };
        ranks.push(1.0 + high);
        let mut order: Vec<usize> = (0..ITEMS).collect();
        order.sort_by(|&a, &b| scores[b].partial_cmp(&scores[a]).unwrap().then(a.cmp(&b)));
        for item in &order[..10] {
            counts[*item] += 1.0;
        }
    }
    ranks.sort_by(f64::total_cmp);
    let n = ITEMS as f64;
    let within = |k: f64| ranks.iter().filter(|&&rank| rank <= k).count() as f64 / n;
    let mut cosine = 0.0;
    for i in 0..ITEMS {
        for j in (0..ITEMS).filter(|&j| j != i) {
            cosine += dot(row(ITEMS + i), row(ITEMS + j)) / (n * (n - 1.0));
        }
    }
    let mean = counts.iter().sum::<f64>() / n;
    let moment = |power| counts.iter().map(|c| (c - mean).powi(power)).sum::<f64>() / n;
    [
        within(1.0),
        within(5.0),
        within(10.0),
        ranks.iter().map(|rank| 1.0 / rank).sum::<f64>() / n,
        0.5 * (ranks[ITEMS / 2 - 1] + ranks[ITEMS / 2]),
        tied / n,
        cosine,
        if moment(2) > 0.0 { moment(3) / moment(2).powf(1.5) } else { 0.0 },
    ]
}

fn document(arguments: &[&str]) -> Value {
    printed(&run(&[arguments, &["--json"]].concat()))
}

#[test]
fn a_document_says_of_a_table_what_loops_over_its_rows_say() {
    let folder = tempfile::tempdir().unwrap();
    let set = dataset(folder.path());
    let seeds = [1, 2, 3, 4];
    let tables = seeds.map(|seed| table(folder.path(), &format!("t{seed}"), coarse(seed)));
    let found = document(&["--dataset", &set, "--encoders", &tables.join(","), "--quiet"]);
    let rows = found["rows"].as_array().unwrap();
    assert_eq!(rows.len(), seeds.len());
    for (row, seed) in rows.iter().zip(seeds) {
        let metrics = &row["metrics"];
        let found = [
            &metrics["recall@1"],
            &metrics["recall@5"],
            &metrics["recall@10"],
            &metrics["mrr"],
            &metrics["median_rank"],
            &row["tied_share"],
            &row["mean_cosine"],
            &row["hub_skewness"],
        ]
        .map(|value| value.as_f64().unwrap());
        for (at, (found, wanted)) in found.iter().zip(plain(&coarse(seed))).enumerate() {
            assert!((found - wanted).abs() < 1e-6, "table {seed}, number {at}: {found} {wanted}");
        }
        assert!(found[5] > 0.5, "ties are what this is about");
        assert_eq!((&row["queries"], &row["units"]), (&json!(ITEMS), &json!(ITEMS / 2)));
        // Nobody saw these rows being made.
        assert!(row["ms_per_item"].is_null() && row["ms_per_query"].is_null(), "{row}");
        assert!(row["search_ms_per_query"].as_f64().unwrap() > 0.0, "{row}");
    }
    for difference in found["differences"].as_array().unwrap() {
        let value = |role: &Value| {
            let row = rows.iter().find(|row| row["role"] == *role).unwrap();
            row["metrics"][difference["metric"].as_str().unwrap()].as_f64().unwrap()
        };
        let wanted = value(&difference["a"]) - value(&difference["b"]);
        assert!((difference["delta"].as_f64().unwrap() - wanted).abs() < 1e-12);
    }
}

#[test]
fn a_constant_encoder_finds_nothing_and_says_that_all_is_tied() {
    let folder = tempfile::tempdir().unwrap();
    let set = dataset(folder.path());
    let constant = table(folder.path(), "same", [1.0, 0.0, 0.0, 0.0].repeat(2 * ITEMS));
    let arguments = ["--dataset", &set, "--encoders", &constant];
    let row = &document(&arguments)["rows"][0];
    assert_eq!(row["metrics"]["recall@1"], 0.0);
    assert_eq!(row["metrics"]["recall@10"], 0.0);
    assert_eq!(row["tied_share"], 1.0);
    assert!((row["mean_cosine"].as_f64().unwrap() - 1.0).abs() < 1e-6);
    let output = run(&arguments);
    let (said, warned) =
        (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert!(said.contains("100.0 % of its answers tie"), "{said}");
    assert!(warned.contains("same in direction text-to-text: every answer ties"), "{warned}");
}

#[test]
fn a_row_that_is_no_number_ends_the_comparison_and_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let set = dataset(folder.path());
    let bad = table(folder.path(), "bad", coarse(1));
    let path = folder.path().join("bad.safetensors");
    let mut bytes = std::fs::read(&path).unwrap();
    // Numbers lie at the end of the file, row after row.
    let from = bytes.len() - (2 * ITEMS - 7) * DIM * 4;
    bytes[from..from + 4].copy_from_slice(&f32::NAN.to_le_bytes());
    std::fs::write(&path, bytes).unwrap();
    let output = run(&["--dataset", &set, "--encoders", &format!("bm25,{bad}"), "--json"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(output.stdout.is_empty());
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(error.contains("row 7 is not finite") && error.contains("bad.safetensors"), "{error}");
}

#[test]
fn one_encoder_under_two_labels_differs_in_nothing_and_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let set = dataset(folder.path());
    let (first, other) =
        (table(folder.path(), "a", coarse(1)), table(folder.path(), "c", coarse(2)));
    let again = first.replacen("a=", "b=", 1);
    let encoders = [first, again, other].join(",");
    let arguments = ["--dataset", &set, "--encoders", &encoders];
    let found = document(&arguments);
    assert_eq!(found["same_rows"], json!([["a", "b"]]));
    let own = |one: &&Value| one["a"] == "b" && one["b"] == "a";
    let differences: Vec<&Value> =
        found["differences"].as_array().unwrap().iter().filter(own).collect();
    assert_eq!(differences.len(), 5);
    for one in differences {
        assert_eq!((&one["delta"], &one["ci95"]), (&json!(0.0), &json!([0.0, 0.0])));
        if one["metric"] == "recall@1" {
            assert_eq!((&one["p"], &one["p_holm"]), (&json!(1.0), &json!(1.0)));
        }
    }
    let output = run(&arguments);
    let (said, warned) =
        (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert!(said.contains("the same rows under several labels: a, b"), "{said}");
    assert!(warned.contains("a and b give the same rows"), "{warned}");
}

#[test]
fn replicates_are_shown_one_by_one_and_paired_by_their_numbers() {
    let folder = tempfile::tempdir().unwrap();
    let set = dataset(folder.path());
    let label = |name: &str, table: &str| format!("{name}={}", table.split_once('=').unwrap().1);
    let tables: Vec<String> =
        (1..=6).map(|seed| table(folder.path(), &format!("t{seed}"), coarse(seed))).collect();
    let names = ["clip#1", "clip#2", "clip#3", "llm#1", "llm#2", "llm#3"];
    let encoders: Vec<String> =
        names.iter().zip(&tables).map(|(name, table)| label(name, table)).collect();
    let encoders = encoders.join(",");
    let arguments = ["--dataset", &set, "--encoders", &encoders];
    let found = document(&arguments);
    let rows = found["rows"].as_array().unwrap();
    assert_eq!(rows.len(), 6, "rows stay as they are");
    let mrr: Vec<f64> = rows.iter().map(|row| row["metrics"]["mrr"].as_f64().unwrap()).collect();
    let replicates = found["replicates"].as_array().unwrap();
    assert_eq!(replicates.len(), 2);
    assert_eq!(replicates[1]["of"], json!(["llm#1", "llm#2", "llm#3"]));
    assert_eq!(replicates[1]["metrics"]["mrr"]["values"], json!(mrr[3..]));
    let differences = found["replicate_differences"].as_array().unwrap();
    assert_eq!(differences.len(), 5, "a pair of names in five metrics");
    let one = differences.iter().find(|one| one["metric"] == "mrr").unwrap();
    assert_eq!((&one["a"], &one["b"]), (&json!("llm"), &json!("clip")));
    let deltas: Vec<f64> = (0..3).map(|at| mrr[3 + at] - mrr[at]).collect();
    assert_eq!(one["values"], json!(deltas));
    let more = deltas.iter().filter(|&&delta| delta > 0.0).count();
    assert_eq!(one["positive"], json!(more));
    assert!(one.get("p").is_none());
    let said = String::from_utf8(run(&arguments).stdout).unwrap();
    assert!(said.contains("replicates  text-to-text"), "{said}");
    assert!(said.contains("llm less clip, pair by pair: #1, #2, #3"), "{said}");
    for value in &mrr {
        assert!(said.contains(&format!("{value:.3}")), "{said}");
    }
}
