//! Bad input from outside: pictures that cannot be decoded, options that would change nothing, files
//! without a line.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod command;

use command::{golden, llm2clip, printed};
use serde_json::{Value, json};
use std::process::Output;

fn run(arguments: &[&str]) -> Output {
    llm2clip().args(arguments).arg("--quiet").output().unwrap()
}

fn document(arguments: &[&str]) -> (Value, String) {
    let output = run(&[arguments, &["--json"]].concat());
    (printed(&output), String::from_utf8_lossy(&output.stderr).into_owned())
}

fn refused(arguments: &[&str], code: i32) -> String {
    let output = run(arguments);
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {error}");
    error
}

#[test]
fn one_bad_picture_of_a_folder_is_left_out_and_said() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join("pics");
    std::fs::create_dir(&folder).unwrap();
    for n in 0..110 {
        let to = folder.join(format!("p{n:03}.png"));
        std::fs::copy(golden("pictures/rgb-64x64.png"), to).unwrap();
    }
    let bad = folder.join("a.png");
    std::fs::write(&bad, "no picture at all").unwrap();
    let (clip, pics) = (golden("encoders/clip"), folder.display().to_string());
    let warned = |error: &str| {
        assert_eq!(error.matches("warning").count(), 1, "{error}");
        assert!(error.contains("a.png") && error.contains("another kind of file"), "{error}");
    };
    let classify = ["classify", "--encoders", &clip, "--images", &pics, "--candidates", "a,b"];
    let (found, error) = document(&classify);
    assert_eq!(found["pictures"].as_array().unwrap().len(), 110);
    warned(&error);
    let out = home.path().join("t.safetensors").display().to_string();
    let encoder = format!("{clip}[tower=image]");
    let (found, error) =
        document(&["embed", "--encoder", &encoder, "--images", &pics, "--out", &out]);
    assert_eq!(found["rows"], 110);
    warned(&error);
    let pair = format!("a={clip},b={clip}");
    let asked = ["inspect", "--encoders", &pair, "--dataset", &pics];
    let (found, error) = document(&[&asked[..], &["--direction", "image-to-image"]].concat());
    assert_eq!(found["summary"]["queries"], 110);
    warned(&error);
    // Asked for alone, it is an error that says what would do.
    let alone = bad.display().to_string();
    for command in [
        &["classify", "--encoders", &clip, "--image", &alone, "--candidates", "a,b"][..],
        &["encoder", &clip, "--image", &alone],
    ] {
        let error = refused(command, 1);
        let wanted = "expected a whole JPEG, PNG, WebP or GIF picture, found another kind of file";
        assert!(error.contains(wanted) && error.contains("replace the file"), "{error}");
    }
    // Two of a hundred are too many.
    std::fs::write(folder.join("b.png"), "nor this").unwrap();
    let error = refused(&classify, 1);
    assert!(error.contains("2 of 112 rows are bad"), "{error}");
}

#[test]
fn options_that_would_change_nothing_are_refused_as_requests() {
    let clip = golden("encoders/clip");
    for (encoders, part) in [
        ("bm25[pooling=last]".to_owned(), "no options for bm25"),
        ("builtin:llama[tower=image]".to_owned(), "found tower=image"),
        ("builtin:llama[max_tokens=100000]".to_owned(), "max_tokens of at most 256"),
        ("builtin:llama[pooling=mean,pooling=last]".to_owned(), "pooling= once"),
        (format!("{clip}[tower=image]"), "found tower=image"),
        (format!("{clip}[bos=false]"), "found bos="),
    ] {
        let compare = ["compare", "--task", "caption", "--language", "en", "--pool", "5"];
        let error = refused(&[&compare[..], &["--readonly", "--encoders", &encoders]].concat(), 2);
        assert!(error.contains(part) && error.contains("expected"), "{encoders}: {error}");
    }
    let home = tempfile::tempdir().unwrap();
    let at = |name: &str| home.path().join(name).display().to_string();
    std::fs::write(at("texts"), "a\n\nb").unwrap();
    std::fs::write(at("empty"), "").unwrap();
    let embed = |encoder: &str, texts: &str| {
        ["embed", "--encoder", encoder, "--texts", &at(texts), "--out", &at("t.safetensors")]
            .map(str::to_owned)
    };
    let error = refused(&embed("bm25", "texts").each_ref().map(String::as_str), 2);
    assert!(error.contains("bm25 compares words"), "{error}");
    let error = refused(&embed("builtin:llama", "empty").each_ref().map(String::as_str), 2);
    assert!(error.contains("found an empty file"), "{error}");
    // The card of CLIP's text tower says how texts become rows.
    let (found, _) = document(&embed(&clip, "texts").each_ref().map(String::as_str));
    assert_eq!(found["rows"], 3);
    let card = &found["encoder"];
    assert_eq!(
        (&card["text"]["template"], &card["text"]["pooling"]),
        (&json!("none"), &json!("eos"))
    );
    assert!(card["text"]["max_tokens"].as_u64().unwrap() > 1);
    assert_eq!(card["encoder"], "tests/golden/encoders/clip");
}

#[test]
fn bm25_is_inspected_where_texts_ask_for_texts() {
    let asked = ["inspect", "--encoders", "bm25,builtin:llama", "--language", "en", "--pool", "40"];
    let (found, _) = document(&[&asked[..], &["--direction", "text-to-text"]].concat());
    assert!(found["summary"]["queries"].as_u64().unwrap() >= 40);
    assert_eq!(found["lists"][0]["encoder"]["kind"], "bm25");
    let error = refused(&[&asked[..], &["--direction", "text-to-image"]].concat(), 2);
    assert!(error.contains("compares words"), "{error}");
}
