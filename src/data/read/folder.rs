//! A folder of pictures, with or without texts beside them.

use super::super::bad::Place;
use super::super::corpus::{Item, Picture};
use super::super::error::{DataError, Result};
use super::Reading;
use super::beside::{Beside, LARGEST};
use std::path::{Path, PathBuf};

/// Endings of picture files, lower case.
const PICTURES: [&str; 5] = ["jpg", "jpeg", "png", "webp", "gif"];

/// What a folder holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holds {
    /// Pictures, or folders of pictures.
    Pictures,
    /// Tar shards.
    Shards,
    /// WordNet's files.
    Wordnet,
    /// Nothing that is data.
    Nothing,
}

/// What lies in a folder, and in the folders in it.
pub fn holds(path: &Path) -> Result<Holds> {
    let files = files(path)?;
    let any = |fits: &dyn Fn(&Path) -> bool| files.iter().any(|file| fits(file));
    if any(&|file| is_picture(file)) {
        return Ok(Holds::Pictures);
    }
    if any(&|file| ending(file).as_deref() == Some("tar")) {
        return Ok(Holds::Shards);
    }
    if any(&|file| file.file_name().is_some_and(|name| name == "data.noun")) {
        return Ok(Holds::Wordnet);
    }
    for folder in folders(path)? {
        if self::files(&folder)?.iter().any(|file| is_picture(file)) {
            return Ok(Holds::Pictures);
        }
    }
    Ok(Holds::Nothing)
}

/// The tar files of a folder, by name.
pub fn shards(path: &Path) -> Result<Vec<PathBuf>> {
    let mut files = files(path)?;
    files.retain(|file| ending(file).as_deref() == Some("tar"));
    Ok(files)
}

/// Whether a file's name ends as a picture's.
pub fn is_picture(path: &Path) -> bool {
    ending(path).is_some_and(|ending| PICTURES.contains(&ending.as_str()))
}

fn ending(path: &Path) -> Option<String> {
    path.extension().map(|ending| ending.to_string_lossy().to_lowercase())
}

fn entries(path: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(path).map_err(DataError::read(path))? {
        found.push(entry.map_err(DataError::read(path))?.path());
    }
    found.sort();
    Ok(found)
}

fn files(path: &Path) -> Result<Vec<PathBuf>> {
    Ok(entries(path)?.into_iter().filter(|entry| entry.is_file()).collect())
}

fn folders(path: &Path) -> Result<Vec<PathBuf>> {
    Ok(entries(path)?.into_iter().filter(|entry| entry.is_dir()).collect())
}

/// The pictures of a folder by file name: an item each, its id the name. Beside `a.jpg` may stand
/// `a.txt`, whose lines that are not empty are its captions, `a.cls`, its label, and `a.json`, an
/// object with the keys of a line of JSON lines (as img2dataset writes it). A folder without
/// pictures of its own is one of classes: the pictures of the folders in it, by folder and file
/// name, each with its folder as label and `folder/name` as id.
pub fn folder(path: &Path) -> Result<Reading> {
    let mut reading = Reading::default();
    let own: Vec<PathBuf> = files(path)?.into_iter().filter(|file| is_picture(file)).collect();
    if !own.is_empty() {
        for file in own {
            take(&mut reading, file, None);
        }
        return Ok(reading);
    }
    for class in folders(path)? {
        let label = name(&class);
        for file in files(&class)?.into_iter().filter(|file| is_picture(file)) {
            take(&mut reading, file, Some(&label));
        }
    }
    Ok(reading)
}

fn take(reading: &mut Reading, file: PathBuf, class: Option<&str>) {
    let id = class.map_or_else(|| name(&file), |class| format!("{class}/{}", name(&file)));
    let mut beside = Beside::default();
    for ending in ["json", "txt", "cls"] {
        let path = file.with_extension(ending);
        if let Err(what) = take_beside(&mut beside, ending, &path, &id) {
            return reading.bad(&path, &Place::Whole, what);
        }
    }
    let item = beside.finish(&id, vec![Picture::File(file.clone())]);
    let label = item.label.or(class.map(str::to_owned));
    reading.push(&file, Place::Whole, Item { label, ..item });
}

fn take_beside(beside: &mut Beside, ending: &str, path: &Path, id: &str) -> Result<(), String> {
    // What is no plain file may never end.
    let Some(data) = std::fs::metadata(path).ok().filter(std::fs::Metadata::is_file) else {
        return Ok(());
    };
    if data.len() > LARGEST {
        return Err(format!("expected at most {LARGEST} bytes, found {}", data.len()));
    }
    let bytes = std::fs::read(path).map_err(|error| format!("cannot be read: {error}"))?;
    beside.take(ending, &bytes, id)
}

fn name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::super::plain;
    use super::*;

    #[test]
    fn a_folder_is_its_pictures_by_name_with_the_texts_beside_them() {
        let home = tempfile::tempdir().unwrap();
        for name in ["b.PNG", "a.jpeg", "notes.txt", "10.webp", "9.webp", "c.gif"] {
            std::fs::write(home.path().join(name), "").unwrap();
        }
        std::fs::write(home.path().join("a.txt"), "\u{feff}one\n\n two\r\n").unwrap();
        std::fs::write(home.path().join("c.txt"), b"\xff").unwrap();
        let json = r#"{"captions": ["two\n"], "split": "test", "image": "elsewhere"}"#;
        std::fs::write(home.path().join("9.json"), json).unwrap();
        std::fs::create_dir(home.path().join("c.png")).unwrap();
        std::fs::create_dir(home.path().join("b.txt")).unwrap();
        let reading = folder(home.path()).unwrap();
        let ids: Vec<&str> = reading.items.iter().map(|item| item.id.as_str()).collect();
        assert_eq!(ids, ["10.webp", "9.webp", "a.jpeg", "b.PNG"]);
        assert_eq!(reading.items[2].captions, [plain("one"), plain(" two")]);
        let nine = &reading.items[1];
        assert_eq!((&nine.captions, nine.split.as_deref()), (&vec![plain("two\n")], Some("test")));
        assert_eq!(nine.pictures, [Picture::File(home.path().join("9.webp"))]);
        let bad = reading.bad.listed[0].to_string();
        assert!(bad.contains("c.txt: expected UTF-8"), "{bad}");
        assert!(matches!(folder(&home.path().join("absent")), Err(DataError::Read { .. })));
    }

    #[test]
    fn folders_of_pictures_are_classes() {
        let home = tempfile::tempdir().unwrap();
        assert_eq!(holds(home.path()).unwrap(), Holds::Nothing);
        for class in ["dog", "cat"] {
            std::fs::create_dir(home.path().join(class)).unwrap();
            std::fs::write(home.path().join(class).join("1.jpg"), "").unwrap();
        }
        assert_eq!(holds(home.path()).unwrap(), Holds::Pictures);
        let items = folder(home.path()).unwrap().items;
        let found: Vec<_> =
            items.iter().map(|item| (item.id.as_str(), item.label.as_deref())).collect();
        assert_eq!(found, [("cat/1.jpg", Some("cat")), ("dog/1.jpg", Some("dog"))]);
        std::fs::write(home.path().join("0.tar"), "").unwrap();
        assert_eq!(holds(home.path()).unwrap(), Holds::Shards);
    }
}
