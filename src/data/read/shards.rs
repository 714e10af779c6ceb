//! webdataset's shards: tar archives whose members of one name are a sample.
//!
//! A shard is gone through once, from its beginning to its end: texts are read, pictures are passed
//! over and remembered by where they lie, to be read when they are needed.

use super::super::bad::Place;
use super::super::corpus::Picture;
use super::super::error::Result;
use super::beside::{Beside, LARGEST};
use super::tar::{Archive, Member};
use super::{Reading, braces, folder, name_of};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Samples of a stream that training shuffles among themselves.
pub const WINDOW: usize = 4096;

/// A sample that is being collected.
#[derive(Default)]
struct Sample {
    key: String,
    pictures: Vec<Picture>,
    beside: Beside,
    wrong: Option<(String, String)>,
}

/// Reads shards: one archive, a list of them (`train-{000..003}.tar`, `*.tar`) or a folder of them,
/// in that order. Members that follow each other and share their path up to the first dot of the
/// file's name are a sample, and that path is its key. Of a sample count
///
/// - `.jpg`, `.jpeg`, `.png`, `.webp`, `.gif`: its pictures;
/// - `.txt`: captions, a line each; `.cls`: the label;
/// - `.json`: an object with the keys of a line of JSON lines (`image` aside): several `captions`
///   or one `caption`, `id`, `split`, `label`; other keys are kept.
///
/// Captions of the text that stand in the JSON too count once. An item's id is `id`, else the key;
/// a key that an earlier shard had gets its shard's name in front. Other members are passed over.
///
/// # Errors
/// An archive is torn, lies about sizes, or names what does not lie below it: with its member.
pub fn shards(path: &Path) -> Result<Reading> {
    let files = if path.is_dir() { folder::shards(path)? } else { braces::expand(path)? };
    let mut reading = Reading::default();
    for file in &files {
        read(file, &mut reading)?;
    }
    Ok(reading)
}

/// The name of the set that a list of shards is.
pub fn name_of_list(path: &Path) -> String {
    let name = if braces::is_list(path) {
        let text = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let end = text.find(['{', '*']).unwrap_or(text.len());
        text[..end].trim_end_matches(['-', '_', '.']).to_owned()
    } else {
        name_of(path)
    };
    if name.is_empty() { "shards".to_owned() } else { name }
}

fn read(path: &Path, reading: &mut Reading) -> Result<()> {
    let shared = Arc::new(path.to_owned());
    let mut archive = Archive::open(path)?;
    let mut sample = Sample::default();
    while let Some(member) = archive.next_member()? {
        let (key, ending) = split_name(&member.name);
        if key.is_empty() {
            continue;
        }
        if key != sample.key {
            finish(std::mem::take(&mut sample), path, reading);
            key.clone_into(&mut sample.key);
        }
        sample.take(&mut archive, &member, &ending, &shared)?;
    }
    finish(sample, path, reading);
    Ok(())
}

/// The path up to the first dot of the file's name, and what follows it, in lower case.
fn split_name(name: &str) -> (&str, String) {
    let start = name.rfind('/').map_or(0, |slash| slash + 1);
    match name[start..].find('.') {
        Some(dot) => (&name[..start + dot], name[start + dot + 1..].to_lowercase()),
        None => (name, String::new()),
    }
}

impl Sample {
    fn take(
        &mut self,
        archive: &mut Archive,
        member: &Member,
        ending: &str,
        shard: &Arc<PathBuf>,
    ) -> Result<()> {
        match ending.rsplit('.').next().unwrap_or_default() {
            "jpg" | "jpeg" | "png" | "webp" | "gif" => self.pictures.push(Picture::Member {
                shard: Arc::clone(shard),
                name: member.name.clone(),
                offset: member.offset,
                bytes: member.bytes,
            }),
            kind if Beside::takes(kind) => {
                let read = if member.bytes > LARGEST {
                    Err(format!("expected at most {LARGEST} bytes, found {}", member.bytes))
                } else {
                    let bytes = archive.read(member)?;
                    self.beside.take(kind, &bytes, &self.key)
                };
                if let Err(what) = read {
                    self.wrong.get_or_insert((member.name.clone(), what));
                }
            }
            _ => {}
        }
        Ok(())
    }
}

fn finish(sample: Sample, path: &Path, reading: &mut Reading) {
    let Sample { key, pictures, beside, wrong } = sample;
    if let Some((member, what)) = wrong {
        return reading.bad(path, &Place::Member(member), what);
    }
    if key.is_empty() || (pictures.is_empty() && beside.is_empty()) {
        return;
    }
    let mut item = beside.finish(&key, pictures);
    if item.id == key && reading.knows(&key) {
        let id = format!("{}/{key}", name_of(path));
        if item.concept == item.id {
            item.concept.clone_from(&id);
        }
        item.id = id;
    }
    reading.push(path, Place::Member(key), item);
}

#[cfg(test)]
mod tests {
    use super::super::tar::tests::archive;
    use super::*;

    fn read_all(shards: &[(&str, Vec<u8>)], list: &str) -> Result<Reading> {
        let folder = tempfile::tempdir().unwrap();
        for (name, bytes) in shards {
            std::fs::write(folder.path().join(name), bytes).unwrap();
        }
        super::shards(&folder.path().join(list))
    }

    #[test]
    fn members_of_one_name_are_a_sample() {
        let first = archive(&[
            ("0001.jpg", b"picture"),
            ("0001.json", br#"{"captions": ["one", {"text": "two", "language": "en"}], "w": 3, "image": "x"}"#),
            ("0001.txt", b"one\nthree\n"),
            ("sub/a.b/0002.seg.PNG", b"pixels"),
            ("sub/a.b/0002.cls", b"7\n"),
            ("readme", b"passed over"),
            ("0003.json", b"{"),
            ("0003.png", b""),
        ]);
        let second =
            archive(&[("0001.txt", b"again"), ("0004.json", br#"{"id": "own", "caption": "c"}"#)]);
        let shards = [("s-0.tar", first), ("s-1.tar", second)];
        let reading = read_all(&shards, "s-{0..1}.tar").unwrap();
        let found: Vec<(String, Vec<String>)> = reading
            .items
            .iter()
            .map(|item| {
                let texts = item.captions.iter().map(|caption| caption.text.clone());
                (item.id.clone(), texts.collect())
            })
            .collect();
        let expected: [(&str, &[&str]); 4] = [
            ("0001", &["one", "two", "three"]),
            ("sub/a.b/0002", &[]),
            ("s-1/0001", &["again"]),
            ("own", &["c"]),
        ];
        for ((id, texts), (expected, captions)) in found.iter().zip(expected) {
            assert_eq!(
                (id.as_str(), texts.as_slice()),
                (expected, &captions.iter().map(|&c| c.to_owned()).collect::<Vec<_>>()[..])
            );
        }
        assert_eq!(found.len(), expected.len());
        let item = &reading.items[0];
        assert_eq!(item.pictures[0].identity(), "file:0001.jpg:7");
        assert_eq!(
            (&item.extra["w"], item.captions[1].language.as_deref()),
            (&3.into(), Some("en"))
        );
        assert_eq!(reading.items[1].label.as_deref(), Some("7"));
        let bad = reading.bad.listed[0].to_string();
        assert!(reading.bad.count == 1 && bad.contains("s-0.tar: member 0003.json:"), "{bad}");
        assert_eq!(read_all(&shards, "").unwrap().items.len(), found.len());
    }

    #[test]
    fn a_torn_shard_is_an_error_with_its_file_and_member() {
        let whole = archive(&[("0001.txt", b"one"), ("0002.txt", b"two")]);
        let error = read_all(&[("torn.tar", whole[..1600].to_vec())], "*.tar").unwrap_err();
        let error = error.to_string();
        assert!(error.contains("torn.tar") && error.contains("0002.txt"), "{error}");
        assert!(read_all(&[], "absent-{0..1}.tar").is_err());
    }

    #[test]
    fn a_list_of_shards_is_named_by_what_they_share() {
        for (path, name) in [
            ("a/train-{000..003}.tar", "train"),
            ("a/*.tar", "shards"),
            ("a/train.tar", "train"),
            ("a/shards", "shards"),
        ] {
            assert_eq!(name_of_list(Path::new(path)), name);
        }
    }
}
