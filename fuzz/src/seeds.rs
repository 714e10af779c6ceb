//! Small valid files to begin from.

use llm2clip::encode::{Embeddings, Table, TableDtype};
use llm2clip::ids::RunName;
use llm2clip::session::follow::read_run;
use llm2clip::session::index::{headed, marks_of};
use llm2clip::session::neighbours::{NeighbourSet, write_neighbours};
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn texts(texts: &[&str]) -> Vec<Vec<u8>> {
    texts.iter().map(|text| text.as_bytes().to_vec()).collect()
}

/// JSON lines.
pub fn json_lines() -> Vec<Vec<u8>> {
    texts(&[
        "{\"id\": \"a\", \"image\": \"sub/a.png\", \"captions\": [\"one\", {\"text\": \"\u{d55c}\", \"language\": \"ko\"}], \"split\": \"test\", \"label\": 3, \"concept\": \"c\", \"base\": true, \"url\": [1, null]}\n\n{\"image\": [\"b.png\", \"c.png\"]}\n{\"captions\": []}\n{\"id\": 7}\n",
        "{\"file_name\": \"d.png\", \"text\": \"d \\ud83d\\ude00 \\ud800\"}\r\n{\"filepath\": \"e.png\", \"caption\": [\"x\"], \"title\": null}",
    ])
}

/// Karpathy's document.
pub fn karpathy() -> Vec<Vec<u8>> {
    texts(&[
        r#"{"images": [{"filepath": "val2014", "sentids": [1, 2], "filename": "a.jpg", "imgid": 0, "split": "restval", "sentences": [{"tokens": ["a", "b"], "raw": "A b.", "imgid": 0, "sentid": 1}, {"tokens": ["c"]}], "cocoid": 7}, {"filename": "b.jpg", "split": "val", "sentences": []}], "dataset": "coco"}"#,
    ])
}

/// COCO's document.
pub fn coco() -> Vec<Vec<u8>> {
    texts(&[
        r#"{"info": {"year": 2017}, "licenses": [], "images": [{"id": 7, "file_name": "a.jpg", "width": 3}, {"id": 9, "file_name": "b.jpg"}], "annotations": [{"id": 1, "image_id": 9, "caption": "of b"}, {"id": 2, "image_id": 7, "caption": "one", "language": "en"}, {"id": 4, "image_id": 8, "caption": "lost"}]}"#,
    ])
}

/// Tables.
pub fn tables() -> Vec<Vec<u8>> {
    texts(&[
        "filepath,title,language,split,label,url\na.jpg,\"one, \"\"two\"\"\",en,test,cat,u\nb.jpg,\"x\ny\",,,,\na.jpg,three,ko,test,,v\n",
        "filepath\ttitle\na.jpg\tone\nb.jpg\ttwo\na.jpg\tthree\n",
        "id,caption,text,concept\n7,a,b,c\n7,d,,c\n,e,f,\n",
    ])
}

/// Plain text.
pub fn lines() -> Vec<Vec<u8>> {
    texts(&["one dog\n\n two\0cats \r\nand \u{202e}more", "\u{feff}x", "{not json}\n"])
}

/// What stands beside a picture in a folder.
pub fn beside() -> Vec<Vec<u8>> {
    texts(&[
        "one\ntwo\n\n three\r\n",
        r#"{"captions": ["a", {"text": "b", "language": "en"}], "id": "x", "split": "test", "label": 3, "image": "y"}"#,
        r#"{"caption": "one", "key": "00001", "width": 3, "sha256": "0"}"#,
    ])
}

/// A tar header whose checksum fits.
pub fn tar_header(name: &[u8], size: &str, kind: u8) -> Vec<u8> {
    let mut block = vec![0; 512];
    block[..name.len()].copy_from_slice(name);
    block[124..124 + size.len()].copy_from_slice(size.as_bytes());
    block[257..265].copy_from_slice(b"ustar\x0000");
    block[156] = kind;
    mend_sum(&mut block);
    block
}

/// Makes a header's checksum fit what stands in it.
pub fn mend_sum(block: &mut [u8]) {
    block[148..156].fill(b' ');
    let sum: u64 = block.iter().map(|&byte| u64::from(byte)).sum();
    block[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
}

/// A tar archive of these members.
pub fn tar(members: &[(&str, u8, &[u8])]) -> Vec<u8> {
    let mut archive = Vec::new();
    for (name, kind, bytes) in members {
        archive.extend(tar_header(name.as_bytes(), &format!("{:011o}", bytes.len()), *kind));
        archive.extend(*bytes);
        archive.resize(archive.len().div_ceil(512) * 512, 0);
    }
    archive.resize(archive.len() + 1024, 0);
    archive
}

/// Archives.
pub fn tars() -> Vec<Vec<u8>> {
    vec![
        tar(&[
            ("0001.jpg", b'0', b"picture"),
            (
                "0001.json",
                b'0',
                br#"{"captions": ["one", {"text": "two", "language": "en"}], "w": 3}"#,
            ),
            ("0001.txt", b'0', b"one\nthree\n"),
            ("sub/", b'5', b""),
            ("sub/0002.seg.PNG", b'0', b"pixels"),
            ("sub/0002.cls", b'0', b"7\n"),
        ]),
        tar(&[
            ("pax", b'x', b"20 path=sub/abc.txt\n11 size=003\n"),
            ("other", b'0', b"abcdefg"),
            ("@LongLink", b'L', b"long/name.txt\0"),
            ("short", b'0', b"caption"),
        ]),
    ]
}

/// The goldens' pictures: every format that is decoded.
pub fn pictures() -> Vec<Vec<u8>> {
    let folder = root().join("tests/golden/pictures");
    let mut paths: Vec<PathBuf> = std::fs::read_dir(folder)
        .expect("the goldens")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| {
            let ending = path.extension().unwrap_or_default().to_string_lossy().into_owned();
            ["png", "jpg", "webp", "gif"].contains(&ending.as_str())
        })
        .collect();
    paths.sort();
    paths.iter().map(|path| std::fs::read(path).expect("a golden")).collect()
}

/// Recipes as TOML: every preset.
pub fn recipes() -> Vec<Vec<u8>> {
    llm2clip::recipe::names()
        .iter()
        .filter_map(|name| llm2clip::recipe::preset(name))
        .filter_map(|recipe| toml::to_string(&recipe).ok())
        .map(String::into_bytes)
        .collect()
}

/// Changes to a recipe, one a line.
pub fn sets() -> Vec<Vec<u8>> {
    texts(&["steps=4\nclip.lr=1e-3\n", "data=emoji+a.jsonl", "vision.width=64\ntext.layers=2"])
}

/// Encoders as the command line names them.
pub fn encoders() -> Vec<Vec<u8>> {
    texts(&[
        "a=builtin:llama[pooling=mean,layer=3],bm25",
        "x/clip@40[tower=image],table:a.safetensors",
        "m[attention=bidirectional,template=llm2vec,bos=true,lora=a+b,max_tokens=9]",
    ])
}

/// A safetensors file of these tensors, f32.
pub fn safetensors(tensors: &[(&str, &[usize])], metadata: Option<&str>) -> Vec<u8> {
    let mut entries: Vec<String> = Vec::new();
    let mut at = 0;
    if let Some(metadata) = metadata {
        entries.push(format!("\"__metadata__\":{metadata}"));
    }
    for (name, shape) in tensors {
        let bytes = 4 * shape.iter().product::<usize>();
        let shape: Vec<String> = shape.iter().map(ToString::to_string).collect();
        entries.push(format!(
            "\"{name}\":{{\"dtype\":\"F32\",\"shape\":[{}],\"data_offsets\":[{at},{}]}}",
            shape.join(","),
            at + bytes
        ));
        at += bytes;
    }
    let header = format!("{{{}}}", entries.join(","));
    let mut file = (header.len() as u64).to_le_bytes().to_vec();
    file.extend(header.as_bytes());
    file.extend((0..at).map(|byte| (byte % 60) as u8));
    file
}

/// Tensors, and tables in every dtype and neighbours as the program writes them.
pub fn tensor_files() -> Vec<Vec<u8>> {
    let folder = std::env::temp_dir().join(format!("llm2clip-seeds-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let path = folder.join("seed.safetensors");
    let card = r#"{"encoder":"test","kind":"llama","tower":"text","dim":4,"text":null,"layer":null,"picture":null,"normalised":true,"dtype":"f32","tokenizer":null,"weights":null,"stands_on":[]}"#;
    let values = vec![0.5f32; 12];
    let mut files = vec![safetensors(&[("a.weight", &[2, 2]), ("b", &[3])], None)];
    for dtype in [TableDtype::F32, TableDtype::F16, TableDtype::Int8] {
        let rows = Embeddings::new(4, values.clone()).expect("rows");
        let table = Table { rows, card: serde_json::from_str(card).expect("a card") };
        table.save(&path, dtype).expect("a table");
        files.push(std::fs::read(&path).expect("the table"));
    }
    let set = NeighbourSet {
        role: "clip".into(),
        direction: "text-to-image".into(),
        queries: vec!["a#0".into(), "b#0".into()],
        gallery: vec!["a".into(), "b".into(), "c".into()],
        k: 2,
        rank_low: vec![1, 2],
        rank_high: vec![1, 3],
        margin: vec![0.25, -0.5],
        top_items: vec![0, 2, 1, 0],
        top_scores: vec![0.75, 0.5, 0.5, 0.0],
        units: Vec::new(),
    };
    write_neighbours(&path, &[set]).expect("neighbours");
    files.push(std::fs::read(&path).expect("the neighbours"));
    let _ = std::fs::remove_dir_all(&folder);
    files
}

/// A checkpoint's files, one behind the other, each after `== NAME` on a line of its own.
pub fn checkpoints() -> Vec<Vec<u8>> {
    let manifest = r#"{"format":"llm2clip.checkpoint/1","files":[{"name":"card.json","bytes":2,"sha256":"44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"}]}"#;
    let card = r#"{"format":"llm2clip.card/1","kind":"clip","config":{},"tokenizer":"builtin","base":{"source":"builtin:llama","digest":"44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"},"whole":true}"#;
    texts(&[
        &format!("== manifest.json\n{manifest}\n== card.json\n{{}}\n== state.json\n{{}}"),
        &format!("== manifest.json\n{{}}\n== card.json\n{card}\n== tokenizer.json\n{{}}"),
    ])
}

/// Logs: the oldest one that must open for ever.
pub fn logs() -> Vec<Vec<u8>> {
    vec![std::fs::read(root().join("tests/golden/logs/v1.jsonl")).expect("the golden log")]
}

/// Commands.
pub fn letters() -> Vec<Vec<u8>> {
    texts(&[r#"{"format":"llm2clip.command/1","command":"pause","time":"2026-11-24T03:50:43Z"}"#])
}

/// Samples of the machine.
pub fn samples() -> Vec<Vec<u8>> {
    let head = r#"{"format":"llm2clip.log/1","log":"system","session":"20261124-040000-tiny-abcdef","run":"tiny-1","segment":1,"time":"2026-11-24T04:00:00.000Z","program_version":"0.1.0"}"#;
    let record = r#"{"seq":1,"time":"2026-11-24T04:00:02.000Z","event":"sampled","cores_used":0.5,"busiest_core":1.0,"cores":2,"memory_used":3,"memory_total":4,"process_bytes":1,"disk_free":{"sessions":7,"checkpoints":8}}"#;
    let gpu = r#"{"seq":2,"time":"2026-11-24T04:00:04.000Z","event":"sampled","cores_used":0.25,"busiest_core":0.5,"cores":2,"memory_used":3,"memory_total":4,"process_bytes":1,"disk_free":{"sessions":7},"gpus":[{"name":"GPU","utilisation":0.5,"memory_used":1,"watts":80.5}]}"#;
    vec![format!("{head}\n{record}\n{gpu}\n").into_bytes()]
}

/// Indexes of the golden log: as the program writes one of it, read to its end and halfway.
pub fn indexes() -> Vec<Vec<u8>> {
    let folder = std::env::temp_dir().join(format!("llm2clip-indexes-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let run: RunName = "tiny-1".parse().expect("a name");
    let log = folder.join("tiny-1.1.jsonl");
    let whole = logs().remove(0);
    let half = whole.len() / 2;
    let half = half + whole[half..].iter().position(|byte| *byte == b'\n').expect("a line") + 1;
    let files = [whole.len(), half].map(|bytes| {
        std::fs::write(&log, &whole[..bytes]).expect("a log");
        let follower = read_run(&folder, &run).expect("the log");
        let segment = serde_json::json!({
            "segment": 1,
            "bytes": bytes,
            "lines": whole[..bytes].iter().filter(|byte| **byte == b'\n').count(),
            "oddities": {"bad_lines": 0, "bad": [], "unknown_kinds": 0, "unknown_keys": 0},
            "marks": marks_of(&log, bytes as u64).expect("its marks"),
        });
        let index = serde_json::json!({"segments": [segment], "state": follower.state()});
        headed(format!("{index}\n").as_bytes()).expect("a head")
    });
    let _ = std::fs::remove_dir_all(&folder);
    files.into()
}

/// Judgements.
pub fn qrels() -> Vec<Vec<u8>> {
    texts(&["a#0 0 a#1 1\nb 0 c%20d@0 2\n\n", "a\t0\tb\t0.5\r\nc 0 d -1\n"])
}

/// Classes, with texts and without.
pub fn candidates() -> Vec<Vec<u8>> {
    texts(&["cat\ta small cat\n\ndog\ta large dog\n", "one\ntwo\nthree\r\n", "a cat,a dog"])
}
