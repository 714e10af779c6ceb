//! COCO's caption document: `captions_val2017.json` and its like.

use super::super::bad::Place;
use super::super::corpus::{Caption, Item, Picture};
use super::super::error::Result;
use super::{Reading, item, json, name, object, plain, text};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// A picture of the document before its captions are known.
struct Image {
    id: String,
    file: Option<String>,
    extra: Map<String, Value>,
    at: usize,
}

/// Reads `{"images": [{"id": 7, "file_name": "a.jpg"}], "annotations": [{"id": 1, "image_id": 7,
/// "caption": "..."}]}`, in either order. Items stand in the order of `images`, captions in that of
/// `annotations`; an item's id is the image's. Pictures are looked for beside the document, in
/// `images` and in the folder that its name ends in (`../val2017` for
/// `annotations/captions_val2017.json`, as COCO is laid out): the first of these that has the first
/// picture. An annotation of no image is bad.
pub fn coco(path: &Path) -> Result<Reading> {
    let mut reading = Reading::default();
    let mut images: Vec<Image> = Vec::new();
    let mut captions: BTreeMap<String, Vec<(usize, Caption)>> = BTreeMap::new();
    json::for_each_element(path, &["images", "annotations"], |list, at, value| {
        let place = Place::Entry(["images", "annotations"][list], at);
        let read = if list == 0 {
            read_image(value, at).map(|image| images.push(image))
        } else {
            read_annotation(value).map(|(image, caption)| {
                captions.entry(image).or_default().push((at, caption));
            })
        };
        if let Err(what) = read {
            reading.bad(path, &place, what);
        }
    })?;
    let first = images.iter().find_map(|image| image.file.as_deref());
    let folder = first.map_or_else(PathBuf::new, |first| folder_of(path, first));
    for image in images {
        let place = Place::Entry("images", image.at);
        if reading.knows(&image.id) {
            // Its captions stay with the first of that id.
            reading.push(path, place, item(image.id, Vec::new(), Vec::new()));
            continue;
        }
        let own = captions.remove(&image.id).unwrap_or_default();
        let pictures = image.file.iter().map(|file| Picture::File(folder.join(file))).collect();
        let own = own.into_iter().map(|(_, caption)| caption).collect();
        reading.push(path, place, Item { extra: image.extra, ..item(image.id, pictures, own) });
    }
    let mut lost: Vec<(usize, String)> = captions
        .into_iter()
        .flat_map(|(image, own)| own.into_iter().map(move |(at, _)| (at, image.clone())))
        .collect();
    lost.sort_unstable();
    for (at, image) in lost {
        let image = crate::shown::excerpt(&image, 40);
        let what = format!("expected the \"image_id\" of an image, found {image}");
        reading.bad(path, &Place::Entry("annotations", at), what);
    }
    Ok(reading)
}

fn read_image(value: Value, at: usize) -> Result<Image, String> {
    let mut map = object(value)?;
    let id = name(map.remove("id").as_ref(), "id")?;
    let file = text(map.remove("file_name").as_ref(), "file_name")?;
    let id = id.ok_or_else(|| "expected an \"id\", found none".to_owned())?;
    Ok(Image { id, file, extra: map, at })
}

fn read_annotation(value: Value) -> Result<(String, Caption), String> {
    let map = object(value)?;
    let image = name(map.get("image_id"), "image_id")?
        .ok_or_else(|| "expected an \"image_id\", found none".to_owned())?;
    let caption = text(map.get("caption"), "caption")?
        .ok_or_else(|| "expected a \"caption\", found none".to_owned())?;
    let language = text(map.get("language"), "language")?;
    Ok((image, Caption { language, ..plain(caption) }))
}

/// The folder that has a picture of that name.
fn folder_of(document: &Path, file: &str) -> PathBuf {
    let beside = document.parent().unwrap_or(Path::new(""));
    let stem = super::name_of(document);
    let set = stem.rsplit('_').next().unwrap_or_default();
    let above = beside.parent().unwrap_or(Path::new(""));
    let places = [beside.to_owned(), beside.join("images"), beside.join(set), above.join(set)];
    let found = places.iter().find(|folder| folder.join(file).is_file());
    found.cloned().unwrap_or_else(|| beside.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn captions_find_their_images_in_either_order_and_the_lost_are_listed() {
        let home = tempfile::tempdir().unwrap();
        let (notes, pictures) = (home.path().join("annotations"), home.path().join("val2017"));
        std::fs::create_dir(&notes).unwrap();
        std::fs::create_dir(&pictures).unwrap();
        std::fs::write(pictures.join("a.jpg"), "").unwrap();
        let path = notes.join("captions_val2017.json");
        let document = r#"{"info": {}, "annotations": [
            {"id": 1, "image_id": 9, "caption": "of b"}, {"id": 2, "image_id": 7, "caption": "one"},
            {"id": 3, "image_id": 7, "caption": "two"}, {"id": 4, "image_id": 8, "caption": "lost"},
            {"id": 5, "image_id": 7}, 3],
          "images": [{"id": 7, "file_name": "a.jpg", "width": 3}, {"id": 9, "file_name": "b.jpg"},
            {"id": 7, "file_name": "c.jpg"}, {"file_name": "d.jpg"}, {"id": 11}]}"#;
        std::fs::write(&path, document).unwrap();
        let reading = coco(&path).unwrap();
        let of = |item: &Item| {
            let texts: Vec<String> = item.captions.iter().map(|c| c.text.clone()).collect();
            (item.id.clone(), texts.join("|"))
        };
        let found: Vec<(String, String)> = reading.items.iter().map(of).collect();
        let expected = [("7", "one|two"), ("9", "of b"), ("11", "")];
        assert_eq!(found, expected.map(|(id, texts)| (id.to_owned(), texts.to_owned())));
        assert_eq!(reading.items[0].pictures, [Picture::File(pictures.join("a.jpg"))]);
        assert!(reading.items[2].pictures.is_empty());
        let bad: Vec<&str> =
            reading.bad.listed.iter().filter_map(|row| row.entry.as_deref()).collect();
        assert_eq!(
            bad,
            ["annotations[4]", "annotations[5]", "images[3]", "images[2]", "annotations[3]"]
        );
    }
}
