//! `classify` from outside: one picture, a labelled folder, a labelled set.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod command;

use command::{clips, golden, llm2clip, printed};
use serde_json::{Value, json};
use std::path::Path;
use std::process::Output;

fn run(arguments: &[&str]) -> Output {
    llm2clip().arg("classify").args(arguments).arg("--quiet").output().unwrap()
}

fn document(arguments: &[&str]) -> Value {
    printed(&run(&[arguments, &["--json"]].concat()))
}

/// Shares of a picture's classes, by the classes' places.
fn shares(picture: &Value, row: usize, classes: usize) -> Vec<f64> {
    let mut shares = vec![f64::NAN; classes];
    for class in picture["classes"][row].as_array().unwrap() {
        shares[class["candidate"].as_u64().unwrap() as usize] =
            class["probability"].as_f64().unwrap();
    }
    shares
}

#[test]
fn one_picture_gets_a_share_of_every_class() {
    let (clips, own) = (clips(), golden("pictures/rgb-64x64.png"));
    let base = ["--encoders", &clips, "--image", &own, "--candidates", "a cat,a dog, a red kite"];
    let plain = document(&base);
    assert_eq!(plain["format"], "llm2clip.classify/1");
    assert_eq!(plain["candidates"], json!(["a cat", "a dog", "a red kite"]));
    assert_eq!(plain["templates"], json!(["{}"]));
    let row = &plain["rows"][0];
    assert_eq!((&row["scale_from"], &row["metrics"]), (&json!("model"), &Value::Null));
    let scale = row["scale"].as_f64().unwrap();
    let picture = &plain["pictures"][0];
    assert_eq!(picture["label"], Value::Null);
    let found = shares(picture, 0, 3);
    assert!((found.iter().sum::<f64>() - 1.0).abs() < 1e-9, "{found:?}");
    // Shares stand to each other as the scaled cosines say.
    let classes = picture["classes"][0].as_array().unwrap();
    let of = |at: usize, key: &str| classes[at][key].as_f64().unwrap();
    let ratio = of(0, "probability") / of(1, "probability");
    let wanted = (scale * (of(0, "cosine") - of(1, "cosine"))).exp();
    assert!((ratio / wanted - 1.0).abs() < 1e-4, "{ratio} {wanted}");
    // One template twice is one template; another one changes the shares.
    let template = |more: &[&str]| document(&[&base[..], more].concat());
    let once = template(&["--template", "a photo of {}"]);
    let twice = template(&["--template", "a photo of {}", "--template", "a photo of {}"]);
    for (a, b) in shares(&once["pictures"][0], 0, 3).iter().zip(shares(&twice["pictures"][0], 0, 3))
    {
        assert!((a - b).abs() < 1e-5);
    }
    assert_ne!(shares(&once["pictures"][0], 0, 3), found);
    let text = String::from_utf8(run(&base).stdout).unwrap();
    assert!(text.contains("a red kite") && text.contains("scale"), "{text}");
}

#[test]
fn folders_are_classes_and_what_is_no_candidate_is_counted_apart() {
    let folder = tempfile::tempdir().unwrap();
    for (class, count) in [("cat", 6), ("dog", 5), ("fish\u{1b}[2J", 2)] {
        let place = folder.path().join(class);
        std::fs::create_dir(&place).unwrap();
        for n in 0..count {
            let pixels = image::RgbImage::from_fn(30, 30, |x, y| {
                image::Rgb([(x * n) as u8, (y * 7) as u8, class.as_bytes()[0]])
            });
            pixels.save(place.join(format!("{n}.png"))).unwrap();
        }
    }
    let candidates = folder.path().join("classes.tsv");
    std::fs::write(&candidates, "cat\ta small cat\r\n\ndog\tone large dog that runs on a beach\n")
        .unwrap();
    let (clips, images) = (clips(), folder.path().display().to_string());
    let file = candidates.display().to_string();
    let base = ["--encoders", &clips, "--images", &images, "--candidates", &file];
    let found = document(&[&base[..], &["--template", "a photo of {}", "--seed", "3"]].concat());
    assert_eq!(found["candidates"], json!(["cat", "dog"]));
    assert_eq!(found["texts"], json!(["a small cat", "one large dog that runs on a beach"]));
    let labelled = &found["labelled"];
    assert_eq!(
        (&labelled["pictures"], &labelled["units"], &labelled["unknown"]),
        (&json!(11), &json!(11), &json!(2))
    );
    assert_eq!(labelled["unknown_labels"], json!([{"label": "fish\u{1b}[2J", "pictures": 2}]));
    // The counts are those of the choices.
    for (at, row) in found["rows"].as_array().unwrap().iter().enumerate() {
        let right = found["pictures"].as_array().unwrap().iter().filter(|picture| {
            let first = picture["classes"][at][0]["candidate"].as_u64().unwrap() as usize;
            picture["label"] == found["candidates"][first]
        });
        let share = right.count() as f64 / 11.0;
        // Cut before the class, both texts are one, and what ties is not right.
        let share = if at == 1 { 0.0 } else { share };
        assert_eq!(row["tied_share"], f64::from(u8::from(at == 1)));
        assert!((row["metrics"]["top-1"].as_f64().unwrap() - share).abs() < 1e-12);
        assert_eq!(row["metrics"]["top-5"], 1.0, "of two classes");
        let ends = row["ci95"]["top-1"].as_array().unwrap();
        assert!(ends[0].as_f64().unwrap() <= share && share <= ends[1].as_f64().unwrap());
    }
    assert_eq!(found["rows"][1]["truncated"], 2);
    let difference = &found["differences"][0];
    assert_eq!(
        (&difference["a"], &difference["b"], &difference["test"]),
        (&json!("short"), &json!("whole"), &json!("mcnemar"))
    );
    assert_eq!(difference["p"], difference["p_holm"], "one test");
    let text = run(&base);
    let text = String::from_utf8(text.stdout).unwrap();
    assert!(text.contains("not counted: 2") && !text.contains('\u{1b}'), "{text}");
}

#[test]
fn a_set_whose_items_have_several_pictures_is_tested_by_sign_flips() {
    let groups = "animals & nature,food & drink,objects,symbols,people & body,smileys & emotion";
    let clips = clips();
    let found = document(&[
        "--encoders",
        &clips,
        "--dataset",
        "emoji",
        "--pool",
        "60",
        "--candidates",
        groups,
        "--top",
        "2",
    ]);
    let labelled = &found["labelled"];
    let (pictures, units) =
        (labelled["pictures"].as_u64().unwrap(), labelled["units"].as_u64().unwrap());
    assert!(pictures >= 2 * units && units > 0, "{labelled}");
    assert_eq!(found["differences"][0]["test"], "sign-flip");
    assert_eq!(found["protocol"]["split"], "test");
    assert_eq!(found["pictures"][0]["classes"][0].as_array().unwrap().len(), 2);
}

#[test]
fn requests_that_cannot_be_meant_are_refused() {
    let (clips, own) = (clips(), golden("pictures/rgb-64x64.png"));
    let with = |more: &[&str]| {
        let output = run(&[&["--encoders", &clips, "--image", &own], more].concat());
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    for (more, wanted) in [
        (&["--candidates", "no-such-file"][..], "at least two"),
        (&["--candidates", "a,b,a"], "twice"),
        (&["--candidates", "a,,b"], "without a text"),
        (&["--candidates", "a,b", "--template", "a photo"], "{}"),
        (&["--candidates", "a,b", "--images", "x"], "--images"),
        (&[], "--candidates"),
    ] {
        let (code, error) = with(more);
        assert_eq!(code, Some(2), "{error}");
        assert!(error.contains(wanted), "{error}");
    }
    let output = run(&["--encoders", "builtin:llama", "--image", &own, "--candidates", "a,b"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("no image tower"));
}

#[test]
fn a_result_is_saved_where_a_session_is_named_and_nowhere_else() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).display().to_string();
    let (sessions, checkpoints) = (at("sessions"), at("checkpoints"));
    let (clips, own) = (clips(), golden("pictures/rgb-64x64.png"));
    let base = [
        "--encoders",
        &clips,
        "--image",
        &own,
        "--candidates",
        "a,b",
        "--sessions",
        &sessions,
        "--checkpoints",
        &checkpoints,
    ];
    assert!(run(&base).status.success());
    assert!(!Path::new(&sessions).exists());
    let mut compare = llm2clip();
    compare.args(["compare", "--task", "caption", "--encoders", "bm25", "--pool", "20", "--quiet"]);
    compare.args(["--sessions", &sessions, "--checkpoints", &checkpoints]);
    assert!(compare.output().unwrap().status.success());
    let mut entries = std::fs::read_dir(&sessions).unwrap().map(Result::unwrap);
    let session = entries.find(|entry| entry.path().is_dir()).unwrap();
    let name = session.file_name().into_string().unwrap();
    let output = run(&[&base[..], &["--session", &name]].concat());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let saved = std::fs::read(session.path().join("results/classify-1.json")).unwrap();
    let saved: Value = serde_json::from_slice(&saved).unwrap();
    assert_eq!(saved["format"], "llm2clip.classify/1");
}
