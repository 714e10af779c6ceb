//! Pulling from a hub, with a small one on loopback: what is fetched, what goes on where it was cut
//! off, what is refused; and encoders out of what was pulled.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use llm2clip::ids::Digest;
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::{Arc, Mutex};

const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

/// Serves one repository, `owner/tiny`.
struct Hub {
    endpoint: String,
    /// Range headers that came, by file.
    ranges: Arc<Mutex<Vec<(String, u64)>>>,
}

#[derive(Clone, Default)]
struct Manners {
    /// Cuts the first answer with this file's bytes off in the middle.
    cuts: Option<&'static str>,
    /// Names another digest for this file.
    lies: Option<&'static str>,
}

impl Hub {
    fn start(files: BTreeMap<String, Vec<u8>>, manners: Manners) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let ranges = Arc::new(Mutex::new(Vec::new()));
        let heard = ranges.clone();
        let cut = Arc::new(Mutex::new(manners.cuts));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(stream) = stream else { return };
                let _ = answer(stream, &files, &manners, &heard, &cut);
            }
        });
        Self { endpoint, ranges }
    }
}

fn answer(
    mut stream: TcpStream,
    files: &BTreeMap<String, Vec<u8>>,
    manners: &Manners,
    heard: &Mutex<Vec<(String, u64)>>,
    cut: &Mutex<Option<&'static str>>,
) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let path = line.split(' ').nth(1).unwrap_or_default().to_owned();
    let mut range = None;
    loop {
        let mut header = String::new();
        if reader.read_line(&mut header)? == 0 || header.trim().is_empty() {
            break;
        }
        if let Some(bytes) = header.to_lowercase().trim().strip_prefix("range: bytes=") {
            range = Some(bytes.to_owned());
        }
    }
    if path == "/api/models/owner/tiny/revision/main" {
        let siblings: Vec<Value> =
            files.keys().map(|name| serde_json::json!({"rfilename": name})).collect();
        let body = serde_json::json!({"sha": COMMIT, "siblings": siblings}).to_string();
        let length = body.len();
        return write!(
            stream,
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
        );
    }
    let name = path.strip_prefix("/owner/tiny/resolve/main/").unwrap_or_default();
    let Some(bytes) = files.get(name) else {
        return write!(
            stream,
            "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        );
    };
    let range = range.unwrap_or_else(|| "0-".to_owned());
    let (start, end) = range.split_once('-').unwrap();
    let start: usize = start.parse().unwrap_or(0);
    let end = end.parse().map_or(bytes.len(), |end: usize| end + 1).min(bytes.len());
    if end - start > 1 || range.ends_with('-') {
        heard.lock().unwrap().push((name.to_owned(), start as u64));
    }
    let etag = match manners.lies {
        Some(lie) if lie == name => "0".repeat(64),
        _ => Digest::of(bytes).as_str().to_owned(),
    };
    write!(
        stream,
        "HTTP/1.1 206 Partial Content\r\nETag: \"{etag}\"\r\nX-Repo-Commit: {COMMIT}\r\nContent-Range: bytes {start}-{}/{}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        end - 1,
        bytes.len(),
        end - start
    )?;
    let mut sent = &bytes[start..end];
    let mut cut = cut.lock().unwrap();
    if *cut == Some(name) && sent.len() > 1 {
        sent = &sent[..sent.len() / 2];
        *cut = None;
    }
    stream.write_all(sent)
}

fn llama() -> BTreeMap<String, Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/encoders/llama");
    let mut files: BTreeMap<String, Vec<u8>> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap())
        .map(|entry| {
            (entry.file_name().into_string().unwrap(), std::fs::read(entry.path()).unwrap())
        })
        .collect();
    files.insert(
        "tiny.Q8_0.gguf".into(),
        std::fs::read(
            Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/encoders/q8_0.gguf"),
        )
        .unwrap(),
    );
    files.insert("README.md".into(), b"words".to_vec());
    files.insert("onnx/model.safetensors".into(), b"another program's".to_vec());
    files
}

fn run(endpoint: &str, home: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_llm2clip"));
    command.env("LLM2CLIP_CONFIG", "none");
    for key in [
        "HTTP_PROXY",
        "HTTPS_PROXY",
        "ALL_PROXY",
        "http_proxy",
        "https_proxy",
        "all_proxy",
        "HF_TOKEN",
        "HF_HUB_CACHE",
    ] {
        command.env_remove(key);
    }
    command
        .env("HF_ENDPOINT", endpoint)
        .env("HF_HOME", home)
        .arg("--sessions")
        .arg(home.join("sessions"))
        .arg("--checkpoints")
        .arg(home.join("checkpoints"))
        .args(arguments)
        .output()
        .unwrap()
}

fn document(output: &Output) -> Value {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn refusal(output: &Output, code: i32) -> String {
    assert_eq!(output.status.code(), Some(code), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn a_pulled_model_is_an_encoder_without_a_network() {
    let hub = Hub::start(llama(), Manners::default());
    let home = tempfile::tempdir().unwrap();
    let pulled = document(&run(&hub.endpoint, home.path(), &["pull", "owner/tiny", "--json"]));
    assert_eq!(
        (pulled["commit"].as_str(), pulled["format"].as_str()),
        (Some(COMMIT), Some("llm2clip.pull/1"))
    );
    let names = |document: &Value, cached: bool| -> Vec<String> {
        let files = document["files"].as_array().unwrap().iter();
        let files = files.filter(|file| file["cached"] == cached);
        files.map(|file| file["file"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(
        names(&pulled, false),
        ["config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"]
    );
    let again = document(&run(&hub.endpoint, home.path(), &["pull", "owner/tiny@main", "--json"]));
    assert_eq!(names(&again, true).len(), 4);
    document(&run(&hub.endpoint, home.path(), &["pull", "owner/tiny", "tiny.Q8_0.gguf", "--json"]));
    // The hub is gone; what was pulled is still here.
    let nowhere = "http://127.0.0.1:9";
    let texts = home.path().join("texts.txt");
    std::fs::write(&texts, "a dog\n").unwrap();
    for (encoder, dim) in [("hf:owner/tiny", 32), ("hf:owner/tiny/tiny.Q8_0.gguf", 32)] {
        let out = home.path().join("out.safetensors");
        let arguments = [
            "embed",
            "--encoder",
            encoder,
            "--texts",
            texts.to_str().unwrap(),
            "--out",
            out.to_str().unwrap(),
            "--json",
            "--quiet",
        ];
        let embedded = document(&run(nowhere, home.path(), &arguments));
        assert_eq!(embedded["dim"], dim);
    }
    let error = refusal(&run(nowhere, home.path(), &["encoder", "hf:owner/other"]), 1);
    assert!(error.contains("llm2clip pull owner/other"), "{error}");
    let error = refusal(&run(nowhere, home.path(), &["pull", "owner/other"]), 1);
    assert!(error.contains("could not be asked"), "{error}");
}

#[test]
fn a_fetch_that_was_cut_off_goes_on_where_it_stopped() {
    let files = llama();
    let wanted = files["model.safetensors"].clone();
    let hub = Hub::start(files, Manners { cuts: Some("model.safetensors"), lies: None });
    let home = tempfile::tempdir().unwrap();
    let pulled = document(&run(&hub.endpoint, home.path(), &["pull", "owner/tiny", "--json"]));
    let folder = PathBuf::from(pulled["folder"].as_str().unwrap());
    assert!(std::fs::read(folder.join("model.safetensors")).unwrap() == wanted);
    let ranges = hub.ranges.lock().unwrap();
    let starts: Vec<u64> = ranges
        .iter()
        .filter(|(name, _)| name == "model.safetensors")
        .map(|(_, start)| *start)
        .collect();
    assert!(starts.len() == 2 && starts[0] == 0 && starts[1] > 0, "{starts:?}");
}

#[test]
fn what_arrives_damaged_or_is_not_there_is_refused() {
    let hub = Hub::start(llama(), Manners { cuts: None, lies: Some("model.safetensors") });
    let home = tempfile::tempdir().unwrap();
    let error = refusal(&run(&hub.endpoint, home.path(), &["pull", "owner/tiny"]), 1);
    assert!(error.contains("damaged") && error.contains("model.safetensors"), "{error}");
    let error = refusal(&run(&hub.endpoint, home.path(), &["pull", "owner/tiny", "no.bin"]), 2);
    assert!(error.contains("README.md"), "{error}");
    let error = refusal(&run(&hub.endpoint, home.path(), &["pull", "not a name"]), 2);
    assert!(error.contains("owner/name"), "{error}");
}
