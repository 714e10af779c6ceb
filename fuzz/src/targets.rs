//! What is fuzzed: a function a reader, from the bytes of a file to what came of it.

use crate::seeds;
use llm2clip::data::bad::Policy;
use llm2clip::data::open::open_with;
use llm2clip::data::picture::{Exif, decode};
use llm2clip::data::read::braces;
use llm2clip::encode::{Sources, Table, parse_list};
use llm2clip::files::manifest;
use llm2clip::ids::RunName;
use llm2clip::recipe::{apply_set, from_toml, preset, validate};
use llm2clip::runner::evaluate::{Qrels, candidates};
use llm2clip::session::control::Mailbox;
use llm2clip::session::follow::read_run;
use llm2clip::session::index::{headed, index_path};
use llm2clip::session::neighbours::read_neighbours;
use llm2clip::session::runs::RunRow;
use llm2clip::session::system::SystemEvent;
use llm2clip::session::tail::{Budget, LogTail};
use llm2clip::session::{RunFollower, RunState, Time};
use llm2clip::shown::steers;
use std::path::Path;

/// One reader.
pub struct Target {
    /// Its name.
    pub name: &'static str,
    /// Valid files.
    pub seeds: fn() -> Vec<Vec<u8>>,
    /// Words that mean something to it.
    pub words: &'static [&'static str],
    /// Reads the bytes, as a file in this folder where it reads files. What comes back is told from
    /// what other inputs gave.
    pub run: fn(&Path, &[u8]) -> String,
}

const JSON: &[&str] = &[
    "\"id\"",
    "\"image\"",
    "\"images\"",
    "\"captions\"",
    "\"annotations\"",
    "\"sentences\"",
    "\"split\"",
    "\"text\"",
    "\"image_id\"",
    "\"caption\"",
    "\"raw\"",
    "true",
    "null",
    "{}",
    "[]",
    "\"\"",
];

const CSV: &[&str] =
    &["filepath", "title", "id", "language", "split", "\"\"", ",,", "\t\t", "\"\n"];

/// All of them.
pub const ALL: &[Target] = &[
    Target { name: "jsonl", seeds: seeds::json_lines, words: JSON, run: |f, b| set(f, "jsonl", b) },
    Target {
        name: "karpathy",
        seeds: seeds::karpathy,
        words: JSON,
        run: |f, b| set(f, "karpathy", b),
    },
    Target { name: "coco", seeds: seeds::coco, words: JSON, run: |f, b| set(f, "coco", b) },
    Target { name: "csv", seeds: seeds::tables, words: CSV, run: |f, b| set(f, "csv", b) },
    Target { name: "tsv", seeds: seeds::tables, words: CSV, run: |f, b| set(f, "tsv", b) },
    Target { name: "text", seeds: seeds::lines, words: &[], run: |f, b| set(f, "text", b) },
    Target { name: "folder", seeds: seeds::beside, words: JSON, run: folder },
    Target { name: "webdataset", seeds: seeds::tars, words: JSON, run: archive },
    Target { name: "recognise", seeds: anything, words: JSON, run: recognise },
    Target {
        name: "braces",
        seeds: lists,
        words: &["{", "}", "..", ",", "{0..9}", "{a,b}"],
        run: list,
    },
    Target {
        name: "picture",
        seeds: seeds::pictures,
        words: &["IHDR", "IDAT", "VP8L", "\u{ff}"],
        run: picture,
    },
    Target {
        name: "recipe",
        seeds: seeds::recipes,
        words: &["steps", "[[stages]]", "nan", "inf", "1e400"],
        run: recipe,
    },
    Target { name: "set", seeds: seeds::sets, words: &["steps", "=", ".", "nan"], run: sets },
    Target {
        name: "encoders",
        seeds: seeds::encoders,
        words: &["[", "]", "=", ",", "builtin:"],
        run: encoders,
    },
    Target {
        name: "safetensors",
        seeds: seeds::tensor_files,
        words: &["\"shape\"", "\"F16\"", "\"I8\"", "[0]"],
        run: tensors,
    },
    Target {
        name: "checkpoint",
        seeds: seeds::checkpoints,
        words: &["== ", "manifest.json", "..", "\"bytes\""],
        run: checkpoint,
    },
    Target {
        name: "log",
        seeds: seeds::logs,
        words: &["\"seq\"", "\"event\"", "\"step_finished\"", "\"time\""],
        run: log,
    },
    Target {
        name: "system",
        seeds: seeds::samples,
        words: &["\"seq\"", "\"sampled\"", "\"gpus\"", "\"disk_free\"", "1e400", "null"],
        run: samples,
    },
    Target {
        name: "index",
        seeds: seeds::indexes,
        words: &["\"segments\"", "\"bytes\"", "\"lines\"", "\"state\"", "\"stages\"", "[]"],
        run: index,
    },
    Target {
        name: "qrels",
        seeds: seeds::qrels,
        words: &[" 0 ", " 1\n", "%20", "%", "#0", "@1", "nan", "inf", "-1"],
        run: qrels,
    },
    Target {
        name: "candidates",
        seeds: seeds::candidates,
        words: &["\t", "\n", "\r\n", ","],
        run: classes,
    },
    Target {
        name: "mailbox",
        seeds: seeds::letters,
        words: &["\"stop\"", "\"format\""],
        run: mailbox,
    },
];

/// The error with its causes: nothing in it may steer a terminal once it is shown as text is.
fn said(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(next) = cause {
        text = format!("{text}: {next}");
        cause = next.source();
    }
    text
}

fn write(folder: &Path, name: &str, bytes: &[u8]) -> std::path::PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, bytes).expect("an input");
    path
}

fn open(spec: &str, folder: &Path) -> String {
    match open_with(spec, Some(folder), Policy::LENIENT) {
        Ok(corpus) => {
            let warning = corpus.bad.warning(&corpus.name).unwrap_or_default();
            assert!(!warning.chars().any(steers), "a warning steers the terminal");
            assert_eq!(corpus.bad.rows >= corpus.bad.count, true);
            let first = corpus.bad.listed.first().map(|row| row.what.clone());
            format!("{} items {first:?}", usize::from(!corpus.items.is_empty()))
        }
        Err(error) => said(&error),
    }
}

fn set(folder: &Path, format: &str, bytes: &[u8]) -> String {
    write(folder, "input", bytes);
    open(&format!("{format}:input"), folder)
}

fn folder(folder: &Path, bytes: &[u8]) -> String {
    let inside = folder.join("pictures");
    std::fs::create_dir_all(&inside).expect("a folder");
    for name in ["a.jpg", "b.jpg", "a.txt", "b.json"] {
        write(&inside, name, bytes);
    }
    open("folder:pictures", folder)
}

/// With the checksums as they are, and with those of every header made to fit.
fn archive(folder: &Path, bytes: &[u8]) -> String {
    let mut mended = bytes.to_vec();
    for block in mended.chunks_exact_mut(512) {
        if block[0] != 0 && (&block[257..262] == b"ustar" || block[156].is_ascii_digit()) {
            seeds::mend_sum(block);
        }
    }
    let plain = set(folder, "webdataset", bytes);
    format!("{plain} | {}", set(folder, "webdataset", &mended))
}

fn anything() -> Vec<Vec<u8>> {
    let all = [
        seeds::json_lines(),
        seeds::karpathy(),
        seeds::coco(),
        seeds::tables(),
        seeds::lines(),
        seeds::tars(),
    ];
    all.concat()
}

fn recognise(folder: &Path, bytes: &[u8]) -> String {
    write(folder, "input", bytes);
    open("input", folder)
}

fn lists() -> Vec<Vec<u8>> {
    vec![b"a-{000..003}-{x,y}.tar".to_vec(), b"sub/*.tar".to_vec(), b"{{1..2},z}.tar".to_vec()]
}

fn list(folder: &Path, bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    match braces::expand(&folder.join(text.trim_start_matches('/'))) {
        Ok(paths) => format!("{} paths", usize::from(paths.len() > 1)),
        Err(error) => said(&error),
    }
}

fn picture(_: &Path, bytes: &[u8]) -> String {
    match decode(bytes, Exif::Applied) {
        Ok(picture) => {
            assert_eq!(picture.pixels.len(), picture.width * picture.height * 3);
            "a picture".to_owned()
        }
        Err(error) => said(&error),
    }
}

fn recipe(_: &Path, bytes: &[u8]) -> String {
    match from_toml(&String::from_utf8_lossy(bytes)) {
        Ok(recipe) => {
            let problems = validate(&recipe);
            format!("{:?}", problems.first().map(ToString::to_string))
        }
        Err(error) => said(&error),
    }
}

fn sets(_: &Path, bytes: &[u8]) -> String {
    let mut recipe = preset("clip").expect("a preset");
    for line in String::from_utf8_lossy(bytes).lines() {
        match apply_set(&recipe, line) {
            Ok(changed) => recipe = changed,
            Err(error) => return said(&error),
        }
    }
    format!("{} problems", usize::from(!validate(&recipe).is_empty()))
}

fn encoders(_: &Path, bytes: &[u8]) -> String {
    match parse_list(&String::from_utf8_lossy(bytes)) {
        Ok(list) => format!("{} encoders", list.len().min(4)),
        Err(error) => said(&error),
    }
}

fn tensors(folder: &Path, bytes: &[u8]) -> String {
    let path = write(folder, "input.safetensors", bytes);
    let table = Table::open(&path).map_or_else(|error| said(&error), |_| "a table".to_owned());
    let near = read_neighbours(&path).map_or_else(|error| said(&error), |_| "sets".to_owned());
    let device = candle_core::Device::Cpu;
    let plain = candle_core::safetensors::load_buffer(bytes, &device);
    let plain = plain.map_or_else(|error| said(&error), |_| "tensors".to_owned());
    format!("{table} | {near} | {plain}")
}

fn checkpoint(folder: &Path, bytes: &[u8]) -> String {
    let stage = folder.join("session/run/clip");
    let inside = manifest::step_folder(&stage, 4);
    let _ = std::fs::remove_dir_all(&inside);
    std::fs::create_dir_all(&inside).expect("a folder");
    write(&inside, "params.safetensors", &seeds::safetensors(&[("logit_scale", &[1])], None));
    let text = String::from_utf8_lossy(bytes);
    for part in text.split("== ").skip(1) {
        let (name, content) = part.split_once('\n').unwrap_or((part, ""));
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '.';
        if !name.is_empty() && name.chars().all(plain) && !name.starts_with('.') && name.len() < 64
        {
            write(&inside, name, content.trim_end_matches('\n').as_bytes());
        }
    }
    let verified = manifest::verify(&inside).map_or_else(|e| said(&e), |_| "whole".to_owned());
    let newest = manifest::newest_valid(&stage).is_some();
    let device = candle_core::Device::Cpu;
    let sources = Sources { checkpoints: folder.to_owned(), device, weigh: false };
    // The manifest is made to fit too, so that what stands behind it is reached.
    let files: Vec<(String, Vec<u8>)> = std::fs::read_dir(&inside)
        .expect("the folder")
        .filter_map(|entry| {
            let path = entry.ok()?.path();
            let name = path.file_name()?.to_str()?.to_owned();
            (name != "manifest.json")
                .then(|| std::fs::read(&path).ok().map(|bytes| (name, bytes)))?
        })
        .collect();
    let contents: Vec<(&str, Vec<u8>)> =
        files.iter().map(|(name, bytes)| (name.as_str(), bytes.clone())).collect();
    let written = manifest::write_folder(&inside, "llm2clip.checkpoint/1", &contents);
    let loaded = match written {
        Ok(_) => {
            sources.load_checkpoint(&inside).map_or_else(|e| said(&e), |_| "loaded".to_owned())
        }
        Err(error) => said(&error),
    };
    format!("{verified} {newest} | {loaded}")
}

fn log(folder: &Path, bytes: &[u8]) -> String {
    let path = write(folder, "tiny-1.1.jsonl", bytes);
    let mut tail = match LogTail::open(&path) {
        Ok(tail) => tail,
        Err(error) => return said(&error),
    };
    let mut state = RunState::default();
    let read = tail.poll(Budget::ALL, |record| state.apply(record));
    let odd = tail.oddities();
    let first = odd.bad.first().map(|line| line.why.clone());
    format!("{:?} {first:?}", read.map_err(|error| said(&error)))
}

fn mailbox(folder: &Path, bytes: &[u8]) -> String {
    let inside = folder.join("control");
    std::fs::create_dir_all(&inside).expect("a folder");
    write(&inside, "1.json", bytes);
    match Mailbox::new(inside).waiting() {
        Ok(letters) => format!("{:?}", letters.first().map(|letter| letter.command.clone())),
        Err(error) => said(&error),
    }
}

fn samples(folder: &Path, bytes: &[u8]) -> String {
    let path = write(folder, "tiny-1.1.system.jsonl", bytes);
    let mut tail = match LogTail::<SystemEvent>::open_as(&path) {
        Ok(tail) => tail,
        Err(error) => return said(&error),
    };
    let mut read = 0;
    let reached = tail.poll(Budget::ALL, |_| read += 1);
    let first = tail.oddities().bad.first().map(|line| line.why.clone());
    format!("{} {first:?} {:?}", read.min(3), reached.map_err(|error| said(&error)))
}

/// As it is, and with a first line that fits what stands below it: beside the log that the valid one was
/// made from.
fn index(folder: &Path, bytes: &[u8]) -> String {
    let inside = folder.join("indexed");
    let run: RunName = "tiny-1".parse().expect("a name");
    let path = index_path(&inside, &run);
    std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
    write(&inside, "tiny-1.1.jsonl", &seeds::logs()[0]);
    let body = bytes.iter().position(|byte| *byte == b'\n').map_or(bytes, |end| &bytes[end + 1..]);
    let mended = headed(body).expect("a head");
    let state = |follower: &RunFollower| {
        let text = serde_json::to_string(follower.state()).unwrap_or_default();
        // What is quoted does not tell outcomes apart.
        text.replace('"', "'")
    };
    let mut plain = RunFollower::new(&inside, run.clone());
    plain.poll(Budget::ALL).expect("the log");
    let without = state(&plain);
    let outcomes = [bytes, &mended].map(|bytes| {
        std::fs::write(&path, bytes).expect("an input");
        match read_run(&inside, &run) {
            Ok(follower) => {
                let session = "20261124-040000-tiny-abcdef".parse().expect("a name");
                // A row, and the derived numbers in it, can be made of any state.
                let _ = RunRow::of(&session, &follower, Time::EPOCH);
                first_difference(&state(&follower), &without)
            }
            Err(error) => said(&error),
        }
    });
    outcomes.join(" | ")
}

/// Where one text leaves another, or that it does not.
fn first_difference(text: &str, other: &str) -> String {
    let same = text.chars().zip(other.chars()).take_while(|(a, b)| a == b).count();
    if text == other {
        return "as without an index".to_owned();
    }
    text.chars().skip(same.saturating_sub(40)).take(80).collect()
}

fn qrels(folder: &Path, bytes: &[u8]) -> String {
    let path = write(folder, "input.qrels", bytes);
    Qrels::open(&path).map_or_else(|error| said(&error), |_| "judgements".to_owned())
}

fn classes(folder: &Path, bytes: &[u8]) -> String {
    let path = write(folder, "input.classes", bytes).display().to_string();
    let file = candidates(&path)
        .map_or_else(|error| said(&error), |list| format!("{} classes", list.len().min(4)));
    // Behind a comma it is a list of texts and no file's name.
    let text = format!("a class,{}", String::from_utf8_lossy(bytes).replace('\0', " "));
    let text = candidates(&text).map_or_else(|error| said(&error), |_| "classes".to_owned());
    format!("{file} | {text}")
}
