//! `inspect` from outside: one query, a typed text, an own picture, all queries, and line after line.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod command;

use command::{clips, golden, llm2clip, printed, refusal};
use llm2clip::eval::SetGiven;
use llm2clip::eval::classify::ClassifyDocument;
use serde_json::{Value, json};
use std::io::Write;
use std::process::{Output, Stdio};

const LLAMAS: &str = "mean=builtin:llama,last=builtin:llama[pooling=last]";

fn run(arguments: &[&str]) -> Output {
    llm2clip().arg("inspect").args(arguments).arg("--quiet").output().unwrap()
}

fn document(arguments: &[&str]) -> Value {
    printed(&run(&[arguments, &["--json"]].concat()))
}

fn refused(arguments: &[&str], code: i32) -> String {
    refusal(&run(arguments), code)
}

/// Starts a server, hands it the lines and returns its answers once its input ended.
fn serve(arguments: &[&str], lines: &[u8]) -> Vec<Value> {
    let mut child = llm2clip()
        .args([&["inspect", "--serve", "--quiet"], arguments].concat())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(lines).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn items(list: &Value) -> Vec<&str> {
    list["hits"].as_array().unwrap().iter().map(|hit| hit["item"].as_str().unwrap()).collect()
}

#[test]
fn a_typed_text_finds_its_own_caption_first_and_nothing_says_what_is_relevant() {
    let text = ["--encoders", LLAMAS, "--direction", "text-to-text", "--language", "en"];
    let all = document(&[&text[..], &["--pool", "40", "--slice", "both-wrong"]].concat());
    let query = all["summary"]["rows"][0]["query"].as_str().unwrap();
    let by_id = document(&[&text[..], &["--pool", "40", "--query-id", query]].concat());
    let caption = by_id["query"]["text"].as_str().unwrap();
    let typed = document(&[&text[..], &["--pool", "40", "--text", caption, "-k", "3"]].concat());
    assert_eq!(
        (&typed["format"], &typed["query"]),
        (&json!("llm2clip.inspect/1"), &json!({"text": caption}))
    );
    assert_eq!(typed["protocol"], by_id["protocol"]);
    for list in typed["lists"].as_array().unwrap() {
        assert_eq!(items(list)[0], query, "the caption itself is not left out of a typed query");
        assert_eq!(list["hits"].as_array().unwrap().len(), 3);
        assert!(list["hits"].as_array().unwrap().iter().all(|hit| hit["relevant"].is_null()));
        assert!(list["hits"][0]["score"].as_f64().unwrap() > 0.9999);
    }
    assert_eq!(typed["difference"]["first_relevant"], json!([null, null]));
    // By its id the same text leaves itself out, and knows what answers it.
    assert!(!items(&by_id["lists"][0]).contains(&query));
    assert!(by_id["lists"][0]["hits"][0]["relevant"].is_boolean());
    assert!(by_id["difference"]["first_relevant"][0].as_u64().unwrap() > 1);
}

#[test]
fn an_own_picture_is_found_in_a_folder_without_captions() {
    let (clips, folder) = (clips(), golden("pictures"));
    let own = golden("pictures/rgb-37x23.png");
    let base = ["--encoders", &clips, "--dataset", &folder, "--direction"];
    let found = document(&[&base[..], &["image-to-image", "--image", &own]].concat());
    // It lies in the folder, so that it would be its own first neighbour.
    assert_eq!(found["query"], json!({"image": own, "item": "rgb-37x23.png@0"}));
    assert!(!items(&found["lists"][0]).contains(&"rgb-37x23.png@0"));
    assert_eq!(items(&found["lists"][0]), items(&found["lists"][1]), "one image tower");
    assert_eq!(found["difference"]["overlap@k"], 1.0);
    let by_id = document(&[&base[..], &["image-to-image", "--query-id", "rgb-37x23.png"]].concat());
    assert_eq!(items(&by_id["lists"][0]), items(&found["lists"][0]));
    assert_eq!(by_id["difference"]["first_relevant"], json!([null, null]));
    assert!(by_id["lists"][0]["hits"][0]["relevant"].is_null());
    let typed = document(
        &[&base[..], &["text-to-image", "--text", "a dog on a long beach", "-k", "99"]].concat(),
    );
    let files = std::fs::read_dir(&folder).unwrap().count();
    assert_eq!(items(&typed["lists"][0]).len(), files - 2, "every picture of the folder");
    assert_eq!(
        (&typed["lists"][0]["truncated"], &typed["lists"][1]["truncated"]),
        (&Value::Null, &json!(true))
    );
    let text = run(&[&base[..], &["text-to-image", "--text", "a\u{1b}[2Jdog"]].concat());
    let text = String::from_utf8(text.stdout).unwrap();
    assert!(text.contains("a\\u{1b}[2Jdog") && !text.contains('\u{1b}'), "{text}");
    // Without captions there are no slices, and still two lists of neighbours for every picture.
    let all = document(&[&base[..], &["image-to-image"]].concat());
    let summary = &all["summary"];
    assert_eq!((&summary["queries"], &summary["overlap@k"]), (&json!(files - 2), &json!(1.0)));
    assert_eq!(summary["rows"].as_array().unwrap().len(), files - 2);
    assert_eq!(summary["rows"][0]["first_relevant"], json!([null, null]));
    let error = refused(&[&base[..], &["image-to-image", "--slice", "fixed"]].concat(), 2);
    assert!(error.contains("what is relevant"), "{error}");
    let error = refused(&[&base[..], &["image-to-text", "--image", &own]].concat(), 2);
    assert!(error.contains("has none here"), "{error}");
}

#[test]
fn a_server_lets_both_encoders_choose_among_texts_as_classify_does() {
    let (clips, folder) = (clips(), golden("pictures"));
    let own = golden("pictures/rgb-37x23.png");
    let lines = [
        json!({"id": 1, "image": own, "candidates": ["a dog on a long beach", " a cat "]}),
        json!({"id": 2, "query_id": "rgb-37x23.png", "candidates": ["a dog", "a cat", "a hat"]}),
        json!({"id": 3, "query_id": "rgb-37x23.png#4", "candidates": ["a dog"]}),
        json!({"id": 4, "text": "a dog", "candidates": ["a dog", "a cat"]}),
        json!({"id": 5, "query_id": "nobody", "candidates": ["a dog", "a cat"]}),
    ];
    let lines: String = lines.iter().map(|line| format!("{line}\n")).collect();
    let base = ["--encoders", &clips, "--dataset", &folder, "--direction", "image-to-image"];
    let answers = serve(&base, lines.as_bytes());
    let output = llm2clip()
        .args(["classify", "--encoders", &clips, "--image", &own, "--json", "--quiet"])
        .args(["--candidates", "a dog on a long beach,a cat"])
        .output()
        .unwrap();
    let classified = printed(&output);
    assert_eq!(answers[0]["id"], 1);
    // Read as what they are: a server writes 32-bit numbers with all their digits.
    let typed = |value: &Value| serde_json::from_value::<ClassifyDocument>(value.clone()).unwrap();
    let (served, classified) = (typed(&answers[0]), typed(&classified));
    assert_eq!(served.pictures, classified.pictures);
    assert_eq!(served.candidates, classified.candidates);
    assert_eq!(served.protocol, classified.protocol);
    assert_eq!(served.rows[1].scale, classified.rows[1].scale);
    assert_eq!(answers[1]["pictures"][0]["item"], "rgb-37x23.png@0");
    assert_eq!(answers[1]["pictures"][0]["classes"][1].as_array().unwrap().len(), 3);
    for (at, wanted) in [(2, "at least two"), (3, "no picture"), (4, "nobody")] {
        let error = answers[at]["error"].as_str().unwrap();
        assert!(error.contains(wanted), "{error}");
    }
}

#[test]
fn what_changed_most_comes_first_in_a_slice() {
    let clips = clips();
    let base =
        ["--encoders", &clips, "--direction", "text-to-image", "--language", "en", "--pool", "60"];
    let mut rows = 0;
    for slice in ["fixed", "broke", "both-wrong"] {
        let all = document(&[&base[..], &["--slice", slice]].concat());
        let summary = &all["summary"];
        let listed = summary["rows"].as_array().unwrap();
        assert_eq!(listed.len() as u64, summary["slices"][slice].as_u64().unwrap());
        let change = |row: &Value| {
            let rank = |at: usize| row["first_relevant"][at].as_i64().unwrap();
            let margin = |at: usize| row["margin"][at].as_f64().unwrap() as f32;
            ((rank(1) - rank(0)).abs(), (margin(1) - margin(0)).abs())
        };
        let changes: Vec<(i64, f32)> = listed.iter().map(change).collect();
        assert!(changes.is_sorted_by(|a, b| a >= b), "{changes:?}");
        rows += listed.len();
    }
    assert!(rows > 60, "only {rows} rows");
    let error = refused(&[&base[..], &["--slice", "odd"]].concat(), 2);
    assert!(error.contains("both-right"), "{error}");
}

#[test]
fn a_second_set_of_judgements_has_slices_of_its_own() {
    let (clips, folder) = (clips(), tempfile::tempdir().unwrap());
    let file = folder.path().join("more.qrels");
    let name = file.to_str().unwrap();
    let four = |summary: &Value| -> u64 {
        let of = |slice: &str| summary["slices"][slice].as_u64().unwrap();
        ["fixed", "broke", "both-right", "both-wrong"].map(of).iter().sum()
    };
    let base =
        ["--encoders", &clips, "--direction", "text-to-image", "--language", "en", "--pool", "20"];
    let own = document(&[&base[..], &["--slice", "both-wrong"]].concat());
    let query = own["summary"]["rows"][0]["query"].as_str().unwrap();
    let by_id = document(&[&base[..], &["--query-id", query]].concat());
    let best = items(&by_id["lists"][0])[0].to_owned();
    std::fs::write(&file, format!("{query} 0 {best} 1\nnobody 0 {best} 1\n")).unwrap();
    let both = document(&[&base[..], &["--qrels", name, "--slice", "both-wrong"]].concat());
    assert_eq!(both["summary"], own["summary"]);
    let second = &both["qrels"];
    assert!(second["protocol"]["judgements"].as_str().unwrap().starts_with("more.qrels sha256:"));
    assert_eq!((&second["read"]["used"], &second["read"]["relevant"]), (&json!(1), &json!(2)));
    assert_eq!(second["summary"]["queries"], 1);
    // The first encoder's best is right by this file.
    let right = |slice: &str| second["summary"]["slices"][slice].as_u64().unwrap();
    assert_eq!(right("both-right") + right("broke"), 1, "{second}");
    let text = String::from_utf8(run(&[&base[..], &["--qrels", name]].concat()).stdout).unwrap();
    assert!(text.contains("judged by more.qrels"), "{text}");
    // A folder that says nothing of what is relevant has slices by the file.
    let pictures = golden("pictures");
    let base = ["--encoders", &clips, "--dataset", &pictures, "--direction", "image-to-image"];
    std::fs::write(&file, "rgb-37x23.png 0 rgb-64x64.png 1\n").unwrap();
    for slice in ["both-wrong", "both-right"] {
        let found = document(&[&base[..], &["--qrels", name, "--slice", slice]].concat());
        assert_eq!(found["summary"]["slices"], json!({}));
        assert_eq!(
            (&found["qrels"]["summary"]["queries"], four(&found["qrels"]["summary"])),
            (&json!(1), 1)
        );
    }
    std::fs::write(&file, "nobody 0 nothing 1\n").unwrap();
    let error = refused(&[&base[..], &["--qrels", name]].concat(), 2);
    assert!(error.contains("found none of them"), "{error}");
    refused(&[&base[..], &["--qrels", name, "--query-id", "rgb-37x23.png"]].concat(), 2);
}

#[test]
fn how_many_are_listed_decides_no_slice() {
    let clips = clips();
    let base =
        ["--encoders", &clips, "--direction", "text-to-image", "--language", "en", "--pool", "60"];
    let of = |k: &str| document(&[&base[..], &["-k", k]].concat())["summary"].clone();
    let (one, ten, many) = (of("1"), of("10"), of("40"));
    assert_eq!((&one["slices"], &many["slices"]), (&ten["slices"], &ten["slices"]));
    assert!(ten["slices"]["hub"].as_u64().unwrap() > 0, "hubs are what this is about: {ten}");
    assert_eq!((&one["k"], &many["k"]), (&json!(1), &json!(40)));
    // What is listed is as long as was asked for.
    let id = document(&[&base[..], &["--slice", "both-wrong"]].concat());
    let id = id["summary"]["rows"][0]["query"].as_str().unwrap().to_owned();
    let found = document(&[&base[..], &["-k", "2", "--query-id", &id]].concat());
    assert_eq!(items(&found["lists"][0]).len(), 2);
    assert!(found["difference"]["rows"].as_array().unwrap().len() <= 4);
}

#[test]
fn a_server_answers_line_after_line_and_outlives_bad_ones() {
    let (clips, own) = (clips(), golden("pictures/rgb-64x64.png"));
    let base = ["--encoders", &clips, "--pool", "20", "--language", "en"];
    let mut lines = Vec::new();
    let mut ask = |line: Value| lines.extend(format!("{line}\n").into_bytes());
    ask(json!({"id": 1, "text": "grinning face", "direction": "text-to-image", "k": 4}));
    ask(json!({"id": "two", "image": own}));
    ask(json!({"id": [3], "query_id": "nobody", "direction": "text-to-text"}));
    ask(json!({"id": 4}));
    ask(json!({"id": 5, "text": "a", "image": "b"}));
    ask(json!({"id": 6, "text": "a", "direction": "image-to-image"}));
    ask(json!({"id": 7, "image": "no/such/file.png"}));
    ask(json!({"id": 8, "text": "a", "derection": "text-to-image"}));
    ask(json!({"id": 9, "text": "a", "direction": "text-to-image", "k": 0}));
    ask(json!({"id": 10, "text": " ", "direction": "text-to-image"}));
    lines.extend(b"\n{not json\n\xff\xfe\n[1]\n");
    lines.extend(vec![b'x'; (1 << 20) + 10]);
    lines.extend(
        b"\n{\"id\":11,\"text\":\"grinning face\",\"direction\":\"text-to-image\",\"k\":4}",
    );
    let answers =
        serve(&[&base[..], &["--direction", "image-to-image", "-k", "2"]].concat(), &lines);
    assert_eq!(answers.len(), 15);
    let ids: Vec<&Value> = answers.iter().map(|answer| &answer["id"]).collect();
    assert_eq!(
        json!(ids),
        json!([1, "two", [3], 4, 5, 6, 7, 8, 9, 10, null, null, null, null, 11])
    );
    assert_eq!(answers[0]["lists"][0]["hits"].as_array().unwrap().len(), 4);
    assert_eq!(answers[0]["lists"][0]["hits"], answers[14]["lists"][0]["hits"]);
    assert_eq!(answers[1]["direction"], "image-to-image");
    assert_eq!(answers[1]["lists"][1]["hits"].as_array().unwrap().len(), 2);
    for (at, wanted) in [
        (2, "no query is called"),
        (3, "exactly one"),
        (4, "exactly one"),
        (5, "starts at image"),
        (6, "no/such/file.png"),
        (7, "derection"),
        (8, "at least 1"),
        (9, "empty"),
        (10, "JSON"),
        (11, "JSON"),
        (12, "not a question"),
        (13, "at most"),
    ] {
        let error = answers[at]["error"].as_str().unwrap_or_else(|| panic!("{}", answers[at]));
        assert!(error.contains(wanted), "{error}");
        assert_eq!(answers[at].as_object().unwrap().len(), 2);
    }
}

#[test]
fn a_lazy_server_lets_any_two_of_its_encoders_answer_and_loads_only_those() {
    let (clips, own) = (clips(), golden("pictures/rgb-64x64.png"));
    let encoders = format!(
        "gone=no/such/checkpoint,{clips},llama=builtin:llama,last=builtin:llama[pooling=last],\
         first=builtin:llama[layer=1]"
    );
    let base = ["--lazy", "--readonly", "--encoders", &encoders, "--pool", "20"];
    let lines = [
        json!({"id": 1, "text": "a cat", "direction": "text-to-image", "encoders": ["whole", "short"]}),
        json!({"id": 2, "text": "a cat", "direction": "text-to-image", "encoders": ["short", "whole"]}),
        json!({"id": 3, "image": own, "direction": "image-to-image", "encoders": ["short", "whole"]}),
        json!({"id": 4, "text": "a cat", "direction": "text-to-text", "encoders": ["llama", "whole"]}),
        json!({"id": 5, "image": own, "candidates": ["a cat", "a dog"], "encoders": ["whole", "llama"]}),
        json!({"id": 6, "text": "a cat", "direction": "text-to-text"}),
        json!({"id": 7, "text": "a cat", "direction": "text-to-text", "encoders": ["whole", "nobody"]}),
        json!({"id": 9, "text": "a cat", "direction": "text-to-text", "encoders": ["last", "first"]}),
        json!({"id": 8, "image": own, "candidates": ["a cat", "a dog"], "encoders": ["short", "whole"]}),
    ];
    let lines: String = lines.iter().map(|line| format!("{line}\n")).collect();
    let answers = serve(&[&base[..], &["--language", "en"]].concat(), lines.as_bytes());
    let roles = |at: usize, rows: &str| {
        let rows = answers[at][rows].as_array().unwrap_or_else(|| panic!("{}", answers[at]));
        rows.iter().map(|row| row["role"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(roles(0, "lists"), ["whole", "short"]);
    assert_eq!(roles(1, "lists"), ["short", "whole"]);
    assert_eq!(answers[0]["lists"][0]["hits"], answers[1]["lists"][1]["hits"]);
    assert_eq!(roles(2, "lists"), ["short", "whole"]);
    assert_eq!(roles(3, "lists"), ["llama", "whole"]);
    assert_eq!(roles(7, "lists"), ["last", "first"]);
    // Let go of by now, and loaded again.
    assert_eq!(roles(8, "rows"), ["short", "whole"]);
    for (at, wanted) in [(4, "no image tower"), (5, "no/such/checkpoint"), (6, "there are gone")] {
        let error = answers[at]["error"].as_str().unwrap_or_else(|| panic!("{}", answers[at]));
        assert!(error.contains(wanted), "{error}");
    }
}

#[test]
fn own_pictures_are_chosen_for_beside_a_set_without_any() {
    let clips = clips();
    let own = golden("pictures/rgb-64x64.png");
    let folder = tempfile::tempdir().unwrap();
    let set = folder.path().join("set.jsonl");
    let item = |n: usize| json!({"id": n.to_string(), "captions": ["a cat", "a small cat"]});
    let lines: String = (0..3).map(|n| format!("{}\n", item(n))).collect();
    std::fs::write(&set, lines).unwrap();
    let set = set.display().to_string();
    let lines = [
        json!({"id": 1, "image": own, "candidates": ["a cat", "a dog"]}),
        json!({"id": 2, "query_id": "0", "candidates": ["a cat", "a dog"]}),
        json!({"id": 3, "text": "a cat", "direction": "text-to-text"}),
    ];
    let lines: String = lines.iter().map(|line| format!("{line}\n")).collect();
    let answers = serve(&["--lazy", "--encoders", &clips, "--dataset", &set], lines.as_bytes());
    assert_eq!(answers[0]["pictures"][0]["item"], own, "{}", answers[0]);
    let error = answers[1]["error"].as_str().unwrap();
    assert!(error.contains("has no pictures here"), "{error}");
    assert_eq!(answers[2]["lists"].as_array().unwrap().len(), 2, "{}", answers[2]);
}

#[test]
fn a_server_answers_as_the_command_does() {
    let clips = clips();
    let base = ["--encoders", &clips, "--pool", "30", "--language", "en"];
    for direction in ["text-to-text", "text-to-image", "image-to-image", "image-to-text"] {
        let all =
            document(&[&base[..], &["--direction", direction, "--slice", "both-wrong"]].concat());
        let id = all["summary"]["rows"][0]["query"].as_str().unwrap();
        let alone = document(&[&base[..], &["--direction", direction, "--query-id", id]].concat());
        let line = json!({"id": "x", "query_id": id, "direction": direction}).to_string();
        let served = serve(&base, line.as_bytes()).remove(0);
        let scores = |answer: &Value| -> Vec<f64> {
            let hits = answer["lists"][1]["hits"].as_array().unwrap().clone();
            hits.iter().map(|hit| hit["score"].as_f64().unwrap()).collect()
        };
        for (a, b) in scores(&alone).iter().zip(scores(&served)) {
            assert!((a - b).abs() < 1e-5, "{direction}");
        }
        for key in ["protocol", "query", "direction"] {
            assert_eq!(alone[key], served[key], "{direction}");
        }
        // Only texts are cut, and only by the one that reads four tokens.
        let of_texts = direction.starts_with("text");
        for answer in [&alone, &served] {
            let cut = [0, 1].map(|list| answer["lists"][list]["truncated"] == true);
            assert_eq!(cut, [false, of_texts], "{direction}: {answer}");
        }
        let first = [&alone, &served].map(|answer| answer["difference"]["first_relevant"].clone());
        assert_eq!(first[0], first[1], "{direction}");
    }
}

#[test]
fn a_result_says_how_its_set_was_given_and_so_it_is_served_again() {
    let home = tempfile::tempdir().unwrap();
    std::fs::write(home.path().join("lines.txt"), "a red kite\na blue boat\na green hill\n")
        .unwrap();
    let data = home.path().display().to_string();
    let set = ["--dataset", "text:lines.txt", "--data", &data, "--pool", "2"];
    let both = ["--encoders", LLAMAS];
    let found = document(&[&both[..], &set, &["--direction", "text-to-text"]].concat());
    assert_eq!(found["protocol"]["dataset"], "lines");
    let given: SetGiven = serde_json::from_value(found["given"].clone()).unwrap();
    assert_eq!((given.dataset.as_str(), given.data.as_deref()), (set[1], Some(set[3])));
    let again = given.arguments();
    let again: Vec<&str> = both.into_iter().chain(again.iter().map(String::as_str)).collect();
    let line = json!({"id": 1, "text": "a kite", "direction": "text-to-text"}).to_string();
    let answer = serve(&again, line.as_bytes()).remove(0);
    assert_eq!(answer["protocol"], found["protocol"]);
    assert_eq!(answer["given"], found["given"]);
    assert_eq!(items(&answer["lists"][0]).len(), 2);
}

#[test]
fn requests_that_cannot_be_meant_are_refused() {
    let both = ["--encoders", LLAMAS];
    let error = refused(&both, 2);
    assert!(error.contains("--direction"), "{error}");
    let error = refused(&["--encoders", "builtin:llama", "--direction", "text-to-text"], 2);
    assert!(error.contains("expected two, found 1"), "{error}");
    let error = refused(
        &[&both[..], &["--direction", "text-to-text", "--text", "a", "--serve"]].concat(),
        2,
    );
    assert!(error.contains("--serve"), "{error}");
    let error = refused(
        &[&both[..], &["--direction", "text-to-text", "--query-language", "ko"]].concat(),
        2,
    );
    assert!(error.contains("--gallery-language"), "{error}");
    let error = refused(
        &["--encoders", "bm25,builtin:llama", "--direction", "text-to-text", "--text", "a"],
        2,
    );
    assert!(error.contains("no embeddings"), "{error}");
    let error = refused(&[&both[..], &["--direction", "text-to-image", "--text", "a"]].concat(), 2);
    assert!(error.contains("no image tower"), "{error}");
    let error = refused(
        &[&both[..], &["--direction", "text-to-text", "--language", "en", "--query-id", "none"]]
            .concat(),
        2,
    );
    assert!(error.contains("no query is called \"none\"; the first ones are"), "{error}");
}

#[test]
fn korean_asks_english_and_only_english_answers() {
    let arguments = [
        "--encoders",
        LLAMAS,
        "--direction",
        "text-to-text",
        "--pool",
        "30",
        "--query-language",
        "ko",
        "--gallery-language",
        "en",
        "--slice",
        "both-wrong",
    ];
    let all = document(&arguments);
    assert_eq!(
        (&all["protocol"]["query_language"], &all["protocol"]["gallery_language"]),
        (&json!("ko"), &json!("en"))
    );
    let id = all["summary"]["rows"][0]["query"].as_str().unwrap();
    let one = document(&[&arguments[..10], &["--query-id", id]].concat());
    let asks = one["query"]["text"].as_str().unwrap();
    assert!(!asks.is_ascii(), "{asks}");
    // Captions 0 and 1 of an item are the English ones.
    for item in items(&one["lists"][0]) {
        assert!(item.ends_with("#0") || item.ends_with("#1"), "{item}");
    }
}
