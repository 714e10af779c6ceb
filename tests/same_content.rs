//! One content, written in every format: the same items, the same training, the same comparison.
//! `scripts/same_content.py` does the same to a manifest of one's own.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod training;

use llm2clip::data::corpus::Corpus;
use llm2clip::data::open::open;
use llm2clip::data::picture::Exif;
use llm2clip::data::pictures::load;
use llm2clip::encode::parse_list;
use llm2clip::eval::Task;
use llm2clip::runner::evaluate::{
    Captions, CompareRequest, Encoders, Probe, ProbeRequest, compare as compare_encoders,
};
use llm2clip::runner::{Narrator, Voice};
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};
use training::{run, session, small, workspace};

const ITEMS: usize = 20;

/// What `--dataset` is given for each format, below the folder.
const SETS: [(&str, &str); 9] = [
    ("jsonl", "set.jsonl"),
    ("karpathy", "karpathy.json"),
    ("coco", "captions_pictures.json"),
    ("csv", "set.csv"),
    ("tsv", "set.tsv"),
    ("folder", "pictures"),
    ("webdataset", "shard-{0..2}.tar"),
    ("webdataset", "shard-*.tar"),
    ("jsonl", "jsonl:renamed.csv"),
];

fn caption(item: usize, k: usize) -> String {
    let things = ["dog", "red boat", "town, with \"quotes\"", "얼굴", "tree\u{202e}\u{1b}[2J"];
    let places = ["by the sea", "at night", "on a hill", "in the rain"];
    format!("{} {} {k} number {}", things[item % 5], places[(item + k) % 4], item / 3)
}

fn picture(item: usize) -> Vec<u8> {
    let image = image::RgbImage::from_fn(40 + item as u32, 50, |x, y| {
        let (x, y) = (x as usize, y as usize);
        image::Rgb([(x * item) as u8, (y * (item + 2)) as u8, (x * y + item * 9) as u8])
    });
    let mut bytes = std::io::Cursor::new(Vec::new());
    image.write_to(&mut bytes, image::ImageFormat::Png).unwrap();
    bytes.into_inner()
}

fn write_tables(folder: &Path) {
    for (name, separator) in [("set.csv", b','), ("set.tsv", b'\t')] {
        let mut table =
            csv::WriterBuilder::new().delimiter(separator).from_path(folder.join(name)).unwrap();
        table.write_record(["filepath", "title"]).unwrap();
        for item in 0..ITEMS {
            for k in 0..3 {
                let path = format!("pictures/{item:03}.png");
                table.write_record([path, caption(item, k)]).unwrap();
            }
        }
        table.flush().unwrap();
    }
}

fn write_shards(folder: &Path) {
    for shard in 0..3 {
        let file = fs::File::create(folder.join(format!("shard-{shard}.tar"))).unwrap();
        let mut tar = tar::Builder::new(file);
        for item in (0..ITEMS).filter(|item| item / 8 == shard) {
            let captions: Vec<String> = (0..3).map(|k| caption(item, k)).collect();
            let text = json!({ "captions": captions }).to_string().into_bytes();
            for (ending, bytes) in [("json", text), ("png", picture(item))] {
                let mut header = tar::Header::new_ustar();
                header.set_size(bytes.len() as u64);
                tar.append_data(&mut header, format!("{item:03}.{ending}"), bytes.as_slice())
                    .unwrap();
            }
        }
        tar.finish().unwrap();
    }
}

fn write_everything(folder: &Path) {
    fs::create_dir(folder.join("pictures")).unwrap();
    let mut lines = String::new();
    let (mut karpathy, mut images, mut annotations) = (Vec::new(), Vec::new(), Vec::new());
    for item in 0..ITEMS {
        let name = format!("{item:03}.png");
        let captions: Vec<String> = (0..3).map(|k| caption(item, k)).collect();
        fs::write(folder.join("pictures").join(&name), picture(item)).unwrap();
        let beside = folder.join("pictures").join(format!("{item:03}.txt"));
        fs::write(beside, captions.join("\n")).unwrap();
        let line = json!({"image": format!("pictures/{name}"), "captions": captions});
        lines += &format!("{line}\n");
        let sentences: Vec<Value> = captions.iter().map(|text| json!({ "raw": text })).collect();
        karpathy.push(json!({"filepath": "pictures", "filename": name, "sentences": sentences}));
        images.push(json!({"id": item, "file_name": name}));
        annotations.extend(captions.iter().map(|text| json!({"image_id": item, "caption": text})));
    }
    fs::write(folder.join("set.jsonl"), &lines).unwrap();
    fs::write(folder.join("renamed.csv"), &lines).unwrap();
    let karpathy = json!({"images": karpathy, "dataset": "same"});
    fs::write(folder.join("karpathy.json"), karpathy.to_string()).unwrap();
    let coco = json!({"annotations": annotations, "images": images});
    fs::write(folder.join("captions_pictures.json"), coco.to_string()).unwrap();
    write_tables(folder);
    write_shards(folder);
}

/// What of a comparison must not hang on the format: everything but times and names.
fn numbers(place: &llm2clip::runner::Workspace, corpus: &Corpus, clip: &Path) -> Vec<Value> {
    let encoders = Encoders { workspace: place, exif: Exif::Ignored };
    let mut found = Vec::new();
    for (task, captions, specs) in [
        (Task::Caption, Captions::FirstTwo, "bm25".to_owned()),
        (Task::Image, Captions::Any, format!("clip={}", clip.display())),
    ] {
        let probe = Probe::new(corpus, &ProbeRequest::new(task, captions)).unwrap();
        let encoders_asked = parse_list(&specs).unwrap();
        let request = CompareRequest { encoders: encoders_asked, ..CompareRequest::default() };
        let mut narrator = Narrator::new(None, Voice::Quiet);
        let (document, _) = compare_encoders(&encoders, &probe, &request, &mut narrator).unwrap();
        let document = serde_json::to_value(&document).unwrap();
        for row in document["rows"].as_array().unwrap() {
            found.push(json!([row["direction"], row["metrics"], row["ci95"], row["mean_cosine"]]));
        }
    }
    found
}

#[test]
fn the_same_content_gives_the_same_numbers_in_every_format() {
    let home = tempfile::tempdir().unwrap();
    let data = home.path().join("data");
    fs::create_dir(&data).unwrap();
    write_everything(&data);
    let place = workspace(home.path());
    let mut first: Option<(Vec<Vec<String>>, String, Vec<Value>)> = None;
    let mut clip: Option<PathBuf> = None;
    for (format, name) in SETS {
        let corpus = open(name, Some(&data)).unwrap();
        assert_eq!((corpus.format.as_str(), corpus.items.len()), (format, ITEMS), "{name}");
        assert_eq!(corpus.bad.count, 0, "{name}: {}", corpus.bad);
        let texts: Vec<Vec<String>> = corpus
            .items
            .iter()
            .map(|item| item.captions.iter().map(|caption| caption.text.clone()).collect())
            .collect();
        for (at, item) in corpus.items.iter().enumerate() {
            let decoded = load(&item.pictures[0], Exif::Ignored).unwrap();
            assert_eq!(decoded.width, 40 + at, "{name}");
        }
        let spec = match name.split_once(':') {
            Some((format, path)) => format!("{format}:{}", data.join(path).display()),
            None => data.join(name).display().to_string(),
        };
        let sets = [format!("data={spec}"), "captions=all".to_owned()];
        let recipe = small("clip", &[&sets[0], &sets[1]]);
        let session = session(&place);
        let outcome = run(&place, &session, &recipe).unwrap();
        let digest = outcome.final_digest.unwrap().to_string();
        let mut log = fs::read_dir(session.folder()).unwrap().map(|entry| entry.unwrap().path());
        let log = log.find(|path| path.to_string_lossy().ends_with(".1.jsonl")).unwrap();
        let started = fs::read_to_string(log).unwrap();
        assert!(started.contains(&format!("\"format\":\"{format}\"")), "{name} is not named");
        let clip = clip.get_or_insert_with(|| {
            let run = place.checkpoints.join(session.id().to_string());
            run.join(outcome.run.as_str()).join("clip/step-000004")
        });
        let found = (texts, digest, numbers(&place, &corpus, clip));
        match &first {
            None => first = Some(found),
            Some(first) => assert_eq!(first, &found, "{name}"),
        }
    }
}
