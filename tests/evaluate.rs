//! `compare`, `inspect` and `classify` from outside: results in one table, pictures alone, what is left
//! out, and requests that are refused before anything is encoded.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod command;

use command::{golden, llm2clip, printed, refusal};
use serde_json::{Value, json};
use std::path::Path;
use std::process::Output;

/// The program with the words of a line.
fn run(line: &str) -> Output {
    let folder = env!("CARGO_MANIFEST_DIR");
    llm2clip().current_dir(folder).args(line.split_whitespace()).output().unwrap()
}

fn document(line: &str) -> Value {
    printed(&run(&format!("{line} --json --quiet")))
}

/// What stands on stderr of a request that was wrong.
fn refused(line: &str) -> String {
    refusal(&run(line), 2)
}

fn roles<'a>(found: &'a Value, direction: &str) -> Vec<&'a str> {
    let rows = found["rows"].as_array().unwrap().iter();
    let rows = rows.filter(|row| row["direction"] == direction);
    rows.map(|row| row["role"].as_str().unwrap()).collect()
}

#[test]
fn results_of_two_sessions_stand_in_one_table_and_are_tested_query_by_query() {
    let folder = tempfile::tempdir().unwrap();
    let folders = |session: &str| {
        let at = folder.path().join(session).display().to_string();
        format!("--sessions {at} --checkpoints {at}")
    };
    let base = "compare --task caption --language en --pool 60 --encoders";
    document(&format!("{base} words=bm25 {}", folders("a")));
    document(&format!("{base} llama=builtin:llama {}", folders("a")));
    let together = document(&format!("{base} words=bm25,llama=builtin:llama {}", folders("b")));
    let mut sessions: Vec<String> = std::fs::read_dir(folder.path().join("a"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.contains("compare"))
        .collect();
    sessions.sort();
    assert_eq!(sessions.len(), 2, "{sessions:?}");
    // Which of both was first is known by its row.
    let list = format!("x={}/caption-1,y={}/caption-1", sessions[0], sessions[1]);
    let base = format!("compare --results {list} {}", folders("a"));
    let found = document(&format!("{base} --baseline words"));
    let mut labels = roles(&found, "text-to-text");
    labels.sort_unstable();
    assert_eq!(labels, ["llama", "words"]);
    for row in found["rows"].as_array().unwrap() {
        let same = |other: &&Value| other["role"] == row["role"];
        let other = together["rows"].as_array().unwrap().iter().find(same).unwrap();
        assert_eq!((&row["metrics"], &row["ci95"]), (&other["metrics"], &other["ci95"]));
        assert!(row["result"].as_str().unwrap().ends_with("/caption-1"), "{row}");
    }
    let of = |found: &Value| -> Vec<Value> {
        let all = found["differences"].as_array().unwrap().iter();
        let all = all.filter(|one| one["a"] == "llama" && one["b"] == "words");
        all.map(|one| json!([one["metric"], one["delta"], one["ci95"], one["p"], one["n"]]))
            .collect()
    };
    assert_eq!(of(&found), of(&together), "as if both were measured together");
    assert_eq!(of(&found).len(), 5);
    assert_eq!(found["joined"]["results"].as_array().unwrap().len(), 2);
    assert_eq!(found["joined"].get("unpaired"), None);
    let text = String::from_utf8(run(&format!("{base} --baseline words")).stdout).unwrap();
    assert!(text.contains("llama less words, text-to-text: R@1"), "{text}");
    // Written where a session is named, and read again as any comparison.
    document(&format!("{base} --session {}", sessions[0]));
    let written = folder.path().join("a").join(&sessions[0]).join("results/joined-1.json");
    let written: Value = serde_json::from_slice(&std::fs::read(written).unwrap()).unwrap();
    assert_eq!(written["format"], "llm2clip.compare/1");
    let error = refused(&format!("{base} --baseline nobody"));
    assert!(error.contains("--baseline") && error.contains("words"), "{error}");
    let error = refused(&format!("{base} --pool 3"));
    assert!(error.contains("--pool"), "{error}");
}

#[test]
fn the_workbench_joins_results_as_the_command_does() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path().display().to_string();
    let folders = format!("--sessions {at} --checkpoints {at}");
    let base = "compare --task caption --language en --pool 60 --encoders";
    document(&format!("{base} words=bm25,llama=builtin:llama {folders}"));
    let sessions = std::fs::read_dir(folder.path()).unwrap();
    let mut names = sessions.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let session = names.find(|name| name.contains("compare")).unwrap();
    let last = "last=builtin:llama[pooling=last]";
    document(&format!("{base} words=bm25,{last} {folders} --session {session}"));
    let list = ["caption-1", "caption-2"].map(|id| format!("{id}={session}/{id}")).join(",");
    let found = document(&format!("compare --results {list} {folders}"));
    let frame = format!("{at}/frame.txt");
    let line = format!(
        "replay {session} --frame {frame} --size 200x50 --screen compare --keys J {folders}"
    );
    let output = run(&line);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = std::fs::read_to_string(frame).unwrap();
    let shown = |name: &str| {
        let line = text.lines().find(|line| line.contains(&format!("{name} ")));
        line.unwrap_or_else(|| panic!("{name}: {text}"))
    };
    let labels = ["caption-1/words", "llama", "caption-2/words", "last"];
    assert_eq!(roles(&found, "text-to-text"), labels);
    for (row, label) in found["rows"].as_array().unwrap().iter().zip(labels) {
        let line = shown(label);
        let recall = format!(" {:.1} ", row["metrics"]["recall@1"].as_f64().unwrap() * 100.0);
        assert!(line.contains(&recall), "{recall}: {line}");
    }
    let differences = found["differences"].as_array().unwrap().iter();
    let tested: Vec<&Value> = differences.filter(|one| one["metric"] == "recall@1").collect();
    assert_eq!(tested.len(), 5);
    assert_eq!(text.matches(" less ").count(), 5, "{text}");
    for one in tested {
        let name = |key: &str| one[key].as_str().unwrap();
        let number = |key: &str| one[key].as_f64().unwrap();
        let line = shown(&format!("{} less {}", name("a"), name("b")));
        let p = number("p_holm");
        let p = if p < 0.001 { "p <.001".to_owned() } else { format!("p {p:.3}") };
        let delta = format!(" {:+.1} ", number("delta") * 100.0);
        assert!(line.contains(&p) && line.contains(&delta), "{p} {delta}: {line}");
    }
    assert!(text.contains(found["family"].as_str().unwrap()), "{text}");
}

#[test]
fn joined_rows_of_concepts_with_several_items_are_tested_over_concepts() {
    let folder = tempfile::tempdir().unwrap();
    let things = ["cat", "dog", "red kite", "old house", "small boat", "green hill"];
    let line = |n: usize| {
        let (thing, kind) = (things[n / 2], ["drawn", "photographed"][n % 2]);
        let captions = [format!("a {kind} {thing}"), format!("the {thing}, number {n}")];
        json!({"id": format!("i{n}"), "concept": thing, "captions": captions}).to_string() + "\n"
    };
    let set = folder.path().join("things.jsonl");
    std::fs::write(&set, (0..12).map(line).collect::<String>()).unwrap();
    let at = folder.path().join("s").display().to_string();
    let folders = format!("--sessions {at} --checkpoints {at}");
    let base = format!("compare --task caption --dataset {} {folders} --encoders", set.display());
    let (words, llama) = ("words=bm25", "llama=builtin:llama");
    let together = document(&format!("{base} {words},{llama}"));
    let folders_there = std::fs::read_dir(&at).unwrap().map(|entry| entry.unwrap().file_name());
    let mut names = folders_there.map(|name| name.into_string().unwrap());
    let session = names.find(|name| name.contains("-compare-")).unwrap();
    for one in [words, llama] {
        document(&format!("{base} {one} --session {session}"));
    }
    let list = format!("x={session}/caption-2,y={session}/caption-3");
    let found = document(&format!("compare --results {list} {folders}"));
    assert_eq!(found["joined"].get("unpaired"), None);
    assert_eq!((&found["rows"][0]["queries"], &found["rows"][0]["units"]), (&json!(12), &json!(6)));
    assert_eq!(found["differences"], together["differences"], "as if both were measured together");
    let first = &found["differences"][0];
    assert_eq!((&first["n"], &first["test"]), (&json!(6), &json!("sign-flip")));
}

#[test]
fn results_of_other_protocols_are_refused_with_every_key_that_differs() {
    let error = refused(
        "compare --sessions sessions --results pocket/image-1,small=tour/image-2 --readonly",
    );
    assert!(error.contains("pool: null in pocket/image-1, 40 in small"), "{error}");
    let error = refused("compare --sessions sessions --results tour/image-1,tour/caption-1");
    for key in ["task: image in tour/image-1, caption in tour/caption-1", "captions: \"any\""] {
        assert!(error.contains(key), "{error}");
    }
    let error = refused("compare --sessions sessions --results pocket/image-1,tour/image-9");
    assert!(error.contains("image-9") && error.contains("caption-1, caption-2"), "{error}");
    let error = refused("compare --sessions sessions --results tour/image-1,tour/inspect-1");
    assert!(error.contains("expected a comparison"), "{error}");
    let error = refused("compare --sessions sessions --results tour/image-1");
    assert!(error.contains("expected two"), "{error}");
    assert!(refused("compare --sessions sessions --results tour").contains("SESSION/RESULT"));
    assert!(refused("compare --task caption").contains("--encoders"));
}

#[test]
fn rows_whose_ranks_were_not_kept_have_the_differences_of_their_own_results() {
    let list = "pocket/image-1,tour=tour/image-1";
    let found = document(&format!("compare --sessions sessions --results {list} --readonly"));
    let expected = ["pocket-1/clip", "pocket-1/llm2clip", "clip", "clip-continued", "llm2clip"];
    assert_eq!(roles(&found, "image-to-image"), expected);
    let differences = found["differences"].as_array().unwrap();
    let of_pocket = |label: &Value| label.as_str().unwrap().starts_with("pocket-1/");
    assert!(differences.iter().all(|one| of_pocket(&one["a"]) == of_pocket(&one["b"])));
    let tests = differences.iter().filter(|one| one["p_holm"].is_number()).count();
    let family = found["family"].as_str().unwrap();
    assert!(tests > 0 && family.ends_with(&format!(" tested them: {tests} tests")), "{family}");
    let unpaired = found["joined"]["unpaired"].as_array().unwrap();
    assert_eq!(unpaired.len(), 4 * expected.len());
    assert!(unpaired[0]["why"].as_str().unwrap().contains("neighbours"), "{}", unpaired[0]);
    let twice = "a=tour/image-2,b=pocket/image-1,a=tour/image-1";
    assert!(refused(&format!("compare --sessions sessions --results {twice}")).contains("twice"));
}

/// Pictures of a folder of the tests as a set: so many an item.
fn pictures(folder: &Path, item: impl Fn(usize, &[String]) -> Value) -> String {
    let names = ["rgb-64x64.png", "rgb-37x23.png", "jpeg-444-37x23.jpg", "jpeg-420-37x23.jpg"];
    let more = ["jpeg-progressive-50x31.jpg", "webp-33x21.webp"];
    let paths: Vec<String> =
        names.iter().chain(&more).map(|name| golden(&format!("pictures/{name}"))).collect();
    let lines: String =
        (0..3).map(|n| format!("{}\n", item(n, &paths[2 * n..2 * n + 2]))).collect();
    let path = folder.join("pictures.jsonl");
    std::fs::write(&path, lines).unwrap();
    path.display().to_string()
}

#[test]
fn pictures_without_captions_are_compared_with_each_other() {
    let folder = tempfile::tempdir().unwrap();
    let set = pictures(folder.path(), |n, paths| json!({"id": format!("i{n}"), "image": paths}));
    let clip = golden("encoders/clip");
    let line = format!("compare --task image --dataset {set} --encoders clip={clip} --readonly");
    let found = document(&line);
    assert_eq!(found["protocol"]["captions"], "none, pictures of an item");
    assert_eq!(found["rows"].as_array().unwrap().len(), 1);
    let row = &found["rows"][0];
    assert_eq!(row["direction"], "image-to-image");
    assert_eq!((&row["queries"], &row["items"], &row["units"]), (&json!(6), &json!(6), &json!(3)));
    assert_eq!(found["left_out"], json!({"items": 0, "bad_rows": 0}));
    // The same pictures one by one, by label.
    let set = pictures(
        folder.path(),
        |n, paths| json!({"id": format!("i{n}"), "image": paths[0], "label": if n < 2 { "x" } else { "y" }}),
    );
    let line = format!("compare --task image --dataset {set} --encoders clip={clip} --readonly");
    let found = document(&line);
    assert_eq!(found["protocol"]["captions"], "none, pictures of a label");
    assert_eq!((&found["rows"][0]["queries"], &found["rows"][0]["items"]), (&json!(2), &json!(3)));
    assert_eq!(found["left_out"]["queries"], json!({"image-to-image": 1}));
    let shown = String::from_utf8(run(&line).stdout).unwrap();
    let left = "left out: 1 queries of image-to-image that nothing answers";
    assert!(shown.contains(left), "{shown}");
    let set = pictures(folder.path(), |n, paths| json!({"id": format!("i{n}"), "image": paths[0]}));
    let error = refused(&format!("compare --task image --dataset {set} --encoders clip={clip}"));
    assert!(error.contains("two pictures an item"), "{error}");
}

#[test]
fn an_inspection_of_pictures_alone_judges_as_a_comparison_does() {
    let folder = tempfile::tempdir().unwrap();
    let set = pictures(
        folder.path(),
        |n, paths| json!({"id": format!("i{n}"), "image": paths[0], "label": if n < 2 { "x" } else { "y" }}),
    );
    let clip = golden("encoders/clip");
    let compared =
        document(&format!("compare --task image --dataset {set} --encoders a={clip} --readonly"));
    let line = format!(
        "inspect --dataset {set} --direction image-to-image --encoders a={clip},b={clip}[max_tokens=4]"
    );
    let all = document(&line);
    assert_eq!(all["protocol"], compared["protocol"]);
    assert_eq!(all["summary"]["queries"], 2, "the third picture has a label of its own");
    assert!(all["summary"]["slices"]["both-right"].is_u64(), "{all}");
    let one = document(&format!("{line} --query-id i0@0"));
    assert!(one["difference"]["first_relevant"][0].is_u64(), "{one}");
    for hit in one["lists"][0]["hits"].as_array().unwrap() {
        assert_eq!(hit["relevant"], json!(hit["item"] == "i1@0"), "{one}");
    }
    let lone = document(&format!("{line} --query-id i2@0"));
    assert_eq!(lone["difference"]["first_relevant"], json!([null, null]));
}

#[test]
fn an_image_tower_alone_stands_beside_whole_models_in_one_direction() {
    let clip = golden("encoders/clip");
    let base = "compare --task image --language en --pool 20 --readonly --encoders";
    let found = document(&format!("{base} whole={clip},half={clip}[tower=image]"));
    assert_eq!(roles(&found, "image-to-image"), ["whole", "half"]);
    assert_eq!(roles(&found, "text-to-image"), ["whole"]);
    let error = refused(&format!(
        "compare --task caption --language en --pool 20 --readonly --encoders half={clip}[tower=image]"
    ));
    assert!(error.contains("found tower=image"), "{error}");
}

#[test]
fn a_row_says_how_its_embeddings_lie_how_long_a_search_takes_and_what_was_cut() {
    let clip = golden("encoders/clip");
    let line = format!(
        "compare --task image --language en --pool 30 --quantised --readonly --encoders short={clip}[max_tokens=4]"
    );
    let found = document(&line);
    for row in found["rows"].as_array().unwrap() {
        let alignment = row["geometry"]["alignment"].as_f64().unwrap();
        assert!((0.0..=4.0).contains(&alignment), "{row}");
        let of = |row: &Value, key: &str| row[key].as_f64().unwrap();
        let (search, whole) = (of(row, "search_ms_per_query"), of(row, "ms_per_query"));
        assert!(search > 0.0 && search < whole, "{search} {whole}");
        for small in row["quantised"].as_array().unwrap() {
            let search = of(small, "search_ms_per_query");
            assert!(search > 0.0 && search < of(small, "ms_per_query"), "{small}");
        }
    }
    let shown = String::from_utf8(run(&line).stdout).unwrap();
    for part in [
        "alignment",
        "uniformity",
        "hub skewness",
        "search ms",
        "ms/item",
        "index ms",
        "bytes/item",
        "texts were cut",
        "of them the search, index",
    ] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    // Words have no rows: scoring them is the search.
    let words =
        document("compare --task caption --language en --pool 30 --encoders bm25 --readonly");
    let row = &words["rows"][0];
    assert_eq!(row["search_ms_per_query"], row["ms_per_query"]);
    // Every cost that is measured stands in the table of either task; what is not is a dash.
    let line = "compare --task caption --language en --pool 30 --readonly --quiet --encoders words=bm25,llama=builtin:llama";
    let shown = String::from_utf8(run(line).stdout).unwrap();
    let cells = |name: &str| -> Vec<&str> {
        let line = shown.lines().find(|line| line.starts_with(name)).unwrap();
        line.split_whitespace().collect()
    };
    assert!(shown.contains("  ms/query search ms   ms/item  index ms bytes/item\n"), "{shown}");
    let costs = |name: &str| -> Vec<bool> {
        let cells = cells(name);
        cells[cells.len() - 5..].iter().map(|cell| cell.parse::<f64>().is_ok()).collect()
    };
    assert_eq!(costs("llama "), [true; 5], "{shown}");
    assert_eq!(costs("words "), [true, true, false, true, false], "{shown}");
}

#[test]
fn what_cannot_be_meant_is_refused_before_anything_is_encoded() {
    let clip = golden("encoders/clip");
    let text = "compare --task caption --language en --readonly --encoders";
    for (line, wanted) in [
        (format!("{text} a=bm25,a=builtin:llama"), "two encoders are called \"a\""),
        (format!("{text} bm25,bm25"), "another label"),
        (format!("{text} bm25,nobody/clip"), "no encoder is called"),
        (format!("{text} bm25,table:nope"), "table:FILE"),
        (
            format!("{text} bm25,pocket-1/clip@99 --checkpoints checkpoints"),
            "with a step that was saved: ",
        ),
        (format!("{text} bm25,hf:nobody/nothing"), "llm2clip pull"),
        (format!("{text} bm25 --baseline nobody"), "expected one of bm25, found \"nobody\""),
        (format!("{text} llama=builtin:llama,llama-best=bm25 --sweep layers"), "llama-best"),
        (format!("{text} bm25 --pool 0"), "at least 1"),
        (format!("{text} bm25 --pool 1"), "a gallery of 1"),
        (format!("{text} bm25 --split nope"), "in split \"nope\""),
        (format!("{text} bm25 --dataset nope.jsonl"), "no data set"),
        (format!("{text} bm25 --qrels nope.qrels"), "expected a file of judgements"),
        (format!("compare --task image --readonly --encoders {clip},bm25"), "caption task"),
        (format!("compare --task image --readonly --encoders {clip},builtin:llama"), "image tower"),
        (
            "inspect --encoders a=builtin:llama,a=bm25 --direction text-to-text".to_owned(),
            "two encoders",
        ),
        (
            format!(
                "inspect --encoders a={clip},b={clip} --direction image-to-image --image nope.png"
            ),
            "found none at nope.png",
        ),
        (
            format!("inspect --encoders a={clip},b={clip} --direction image-to-image --text dog"),
            "cannot ask in direction",
        ),
        (
            format!("inspect --encoders a={clip},b={clip} --direction image-to-image -k 0"),
            "at least 1",
        ),
        (
            format!("classify --encoders {clip} --image nope.png --candidates a,b"),
            "found none at nope.png",
        ),
        (
            format!("classify --encoders {clip} --dataset emoji --candidates a,b --top 0"),
            "at least 1",
        ),
        (
            format!("classify --encoders {clip},nobody/clip --dataset emoji --candidates a,b"),
            "no encoder is called",
        ),
    ] {
        let error = refused(&line);
        assert!(error.contains(wanted), "{line}: {error}");
        assert!(!error.contains("encoding"), "{line}: {error}");
    }
    // Known once the model is loaded.
    let error = refused(&format!("{text} builtin:llama[layer=99] --pool 5"));
    assert!(error.contains("layer 99"), "{error}");
}

#[test]
fn one_encoder_under_two_labels_is_told_in_an_inspection_and_in_a_classification() {
    let (clip, own) = (golden("encoders/clip"), golden("pictures/rgb-64x64.png"));
    let twice = format!("a={clip},b={clip}");
    let base = format!("inspect --encoders {twice} --pool 20 --language en --direction");
    let own_too = format!("text-to-image --image {own}").replace("text-to-image", "image-to-image");
    for asked in ["text-to-image", "text-to-image --text dog", own_too.as_str()] {
        let line = format!("{base} {asked}");
        assert_eq!(document(&line)["same_rows"], json!([["a", "b"]]), "{line}");
        let output = run(&line);
        let (said, warned) =
            (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
        assert!(warned.contains("a and b give the same rows"), "{warned}");
        assert!(said.contains("the same rows under several labels: a, b"), "{said}");
    }
    let line = format!("classify --encoders {twice} --image {own} --candidates cat,dog");
    assert_eq!(document(&line)["same_rows"], json!([["a", "b"]]));
    assert!(String::from_utf8(run(&line).stderr).unwrap().contains("give the same rows"));
    let apart = format!("a={clip},b={clip}[max_tokens=4]");
    let line = format!("classify --encoders {apart} --image {own} --candidates").to_owned();
    let long = "a-very-long-text-of-many-parts,another-text-with-as-many-parts";
    assert_eq!(document(&format!("{line} {long}")).get("same_rows"), None);
}
