//! From what a user names to a corpus: the one place that knows every reader.

use super::bad::{BadRows, Policy};
use super::builtin;
use super::corpus::{Caption, Corpus, Item};
use super::error::{DataError, Result};
use super::format::{Format, recognise};
use super::named::{Named, named};
use super::read::{
    Reading, braces, coco, folder, json_lines, karpathy, lines, name_of, shards, table,
};
use std::path::{Path, PathBuf};

/// The name of the set inside the binary.
pub const EMOJI: &str = "emoji";

/// Opens a data set with the usual [`Policy`]: see [`open_with`].
pub fn open(spec: &str, data_dir: Option<&Path>) -> Result<Corpus> {
    open_with(spec, data_dir, Policy::default())
}

/// Opens a data set: `emoji`, a published protocol's name (see [`super::named`]), or a file, a folder or a list of shards, whose format is found out
/// from its content unless its name stands in front (`coco:captions.json`, `wordnet:FOLDER`). A
/// path that is not absolute is looked for from `data_dir`, where one is given. What exists under
/// the whole name, colon included, is a path.
///
/// # Errors
/// Nothing of that name, what its reader says, with file and line, or more bad rows than `policy`
/// allows.
pub fn open_with(spec: &str, data_dir: Option<&Path>, policy: Policy) -> Result<Corpus> {
    if spec == EMOJI {
        return Ok(builtin::emoji()?.clone());
    }
    let (format, path) = find(spec, data_dir)?;
    let reading = match format {
        Format::Emoji => return Ok(builtin::emoji()?.clone()),
        Format::Wordnet => return wordnet(&path),
        Format::JsonLines => json_lines::json_lines(&path)?,
        Format::Karpathy => karpathy::karpathy(&path)?,
        Format::Coco => coco::coco(&path)?,
        Format::Csv | Format::Tsv => table::table(&path, format)?,
        Format::Folder => folder::folder(&path)?,
        Format::Webdataset => shards::shards(&path)?,
        Format::Text => lines::text_lines(&path)?,
    };
    let Reading { items, bad, .. } = reading;
    if !policy.allows(&bad) {
        return Err(DataError::too_many(spec, policy, bad));
    }
    let name = match format {
        Format::Webdataset => shards::name_of_list(&path),
        _ => name_of(&path),
    };
    let corpus = Corpus::new(name, items).read_from(format.name(), bad);
    match protocol(spec, data_dir) {
        Some(named) => named.check(corpus),
        None => Ok(corpus),
    }
}

/// The published set that a name stands for, unless it is a path.
fn protocol(spec: &str, data_dir: Option<&Path>) -> Option<&'static Named> {
    named(spec).filter(|_| !within(spec, data_dir).exists())
}

/// The format of a set and where it lies.
pub fn find(spec: &str, data_dir: Option<&Path>) -> Result<(Format, PathBuf)> {
    let whole = match protocol(spec, data_dir) {
        Some(named) => named.find(data_dir)?,
        None => within(spec, data_dir),
    };
    if let Some((format, path)) = Format::forced(spec).filter(|_| !whole.exists()) {
        let path = within(path, data_dir);
        let listed = format == Format::Webdataset && braces::is_list(&path);
        if !path.exists() && !listed {
            return Err(DataError::NoSuchSet { spec: spec.to_owned(), found: "nothing" });
        }
        return Ok((format, path));
    }
    Ok((recognise(spec, &whole)?, whole))
}

fn within(path: &str, data_dir: Option<&Path>) -> PathBuf {
    data_dir.map_or_else(|| PathBuf::from(path), |folder| folder.join(path))
}

/// WordNet's glosses, one an item; no splits.
fn wordnet(folder: &Path) -> Result<Corpus> {
    let items = super::wordnet::glosses(folder)?
        .into_iter()
        .enumerate()
        .map(|(at, text)| Item {
            id: format!("gloss-{at}"),
            concept: format!("gloss-{at}"),
            pictures: Vec::new(),
            captions: vec![Caption { text, language: Some("en".to_owned()) }],
            split: None,
            label: None,
            base: true,
            extra: serde_json::Map::new(),
        })
        .collect();
    let corpus = Corpus::new("wordnet", items);
    Ok(corpus.read_from(Format::Wordnet.name(), BadRows::default()))
}

#[cfg(test)]
mod tests {
    use super::super::read::tar::tests::archive;
    use super::*;

    const KARPATHY: &str = r#"{"images": [{"filename": "a.jpg", "sentences": [{"raw": "x"}]}]}"#;
    const COCO: &str = r#"{"info": {"a": [1]}, "images": [{"id": 1, "file_name": "a.jpg"}],
        "annotations": [{"image_id": 1, "caption": "x"}]}"#;

    fn home(files: &[(&str, &[u8])]) -> tempfile::TempDir {
        let home = tempfile::tempdir().unwrap();
        for (name, bytes) in files {
            std::fs::write(home.path().join(name), bytes).unwrap();
        }
        home
    }

    #[test]
    fn each_kind_of_name_finds_its_reader() {
        let home = home(&[
            ("a.jsonl", b"{\"captions\": [\"x\"]}"),
            ("b.txt", b"one\ntwo"),
            ("c.bin", b"\0\x01\xff"),
            ("d.png", b"\x89PNG\r\n\x1a\n"),
            ("e", b""),
            ("f.json", b"[{}]"),
            ("g", &[0x1f, 0x8b]),
        ]);
        let open = |spec: &str| open(spec, Some(home.path()));
        assert_eq!(open("emoji").unwrap().digest, builtin::emoji().unwrap().digest);
        assert!(matches!(open("wordnet:."), Err(DataError::Read { .. })));
        assert_eq!(open("a.jsonl").unwrap().items.len(), 1);
        assert_eq!(open("b.txt").unwrap().items.len(), 2);
        assert_eq!(open(".").unwrap().items.len(), 1);
        for (spec, found) in [
            ("c.bin", "another kind"),
            ("absent", "nothing"),
            ("coco:absent", "nothing"),
            ("wordnet:absent", "nothing"),
            ("d.png", "a single picture"),
            ("/dev/null", "a pipe or a device"),
            ("e", "an empty file"),
            ("f.json", "a JSON list"),
            ("g", "gzip"),
        ] {
            let error = open(spec).unwrap_err().to_string();
            assert!(error.contains(found) && error.contains(spec), "{error}");
        }
    }

    #[test]
    fn a_format_is_recognised_by_its_content_whatever_its_name() {
        let tar = archive(&[("1.txt", b"one")]);
        let home = home(&[
            ("a", b"\xef\xbb\xbf\n {\"captions\": [\"x\"]}\n"),
            ("b", KARPATHY.as_bytes()),
            ("c.txt", COCO.as_bytes()),
            ("d.txt", b"image,caption\na.jpg,x\n"),
            ("e", b"filepath\ttitle\na.jpg\tx\n"),
            ("f", b"one dog, two cats\nand more\n"),
            ("g.jpg", &tar),
            ("h.json", b"{\"id\": 1}\n{\"id\": 2}\n"),
            ("i", b"{not json at all}\n"),
            ("j.json", b"{\"images\": [{\"id\": 1}], \"annotations\": [{"),
            ("empty.csv", b""),
        ]);
        for (name, format) in [
            ("a", "jsonl"),
            ("b", "karpathy"),
            ("c.txt", "coco"),
            ("d.txt", "csv"),
            ("e", "tsv"),
            ("f", "text"),
            ("g.jpg", "webdataset"),
            ("h.json", "jsonl"),
            ("i", "text"),
            ("j.json", "coco"),
            ("empty.csv", "csv"),
            ("absent-{0..1}.tar", "webdataset"),
        ] {
            let found = find(name, Some(home.path())).unwrap().0;
            assert_eq!(found.name(), format, "{name}");
        }
        let opened = open("g.jpg", Some(home.path())).unwrap();
        assert_eq!((opened.format.as_str(), opened.items.len()), ("webdataset", 1));
    }

    #[test]
    fn a_format_can_be_forced_and_a_path_with_a_colon_stays_one() {
        let home = home(&[("a", b"{\"id\": 1}\n"), ("text:a", b"{\"id\": 1}\n{}\n")]);
        let find = |spec: &str| find(spec, Some(home.path())).unwrap();
        assert_eq!(find("csv:a"), (Format::Csv, home.path().join("a")));
        assert_eq!(find("text:a"), (Format::JsonLines, home.path().join("text:a")));
        assert_eq!(open("jsonl:a", Some(home.path())).unwrap().items[0].id, "1");
    }

    #[test]
    fn bad_rows_are_skipped_up_to_a_share_and_then_refused() {
        let good = "{}\n".repeat(198);
        let home = home(&[("a.jsonl", format!("{good}{{\n[]\n").as_bytes())]);
        let open = |max_bad| open_with("a.jsonl", Some(home.path()), Policy { max_bad });
        let corpus = open(0.01).unwrap();
        assert_eq!((corpus.items.len(), corpus.bad.count, corpus.bad.rows), (198, 2, 200));
        let error = open(0.009).unwrap_err().to_string();
        for word in ["2 of 200", "0.9 %", "a.jsonl:199:", "a.jsonl:200:"] {
            assert!(error.contains(word), "{error}");
        }
        assert!(open(0.0).is_err() && open(1.0).is_ok());
    }
}
