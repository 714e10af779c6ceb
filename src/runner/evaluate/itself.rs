//! A user's picture file that is a picture of the gallery: it would be its own nearest neighbour.

use super::probe::Entry;
use crate::data::corpus::Picture;
use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

/// The place of the picture that a file is: by its path, links resolved, else by its bytes; the first
/// of several copies. A file that cannot be read is none: whoever encodes it says why.
pub(super) fn place_of_file(pictures: &[Entry<Picture>], file: &Path) -> Option<usize> {
    let own = fs::canonicalize(file).ok()?;
    let is_own = |picture: &Picture| match picture {
        Picture::File(path) => fs::canonicalize(path).is_ok_and(|path| path == own),
        _ => false,
    };
    if let Some(place) = pictures.iter().position(|entry| is_own(&entry.content)) {
        return Some(place);
    }
    let bytes = fs::read(&own).ok()?;
    let is_copy = |picture: &Picture| {
        length(picture) == Some(bytes.len() as u64)
            && read(picture).is_ok_and(|there| there.as_deref() == Some(&bytes[..]))
    };
    pictures.iter().position(|entry| is_copy(&entry.content))
}

/// Bytes of a picture's file; none where it has no file.
fn length(picture: &Picture) -> Option<u64> {
    match picture {
        Picture::File(path) => fs::metadata(path).ok().map(|data| data.len()),
        Picture::Member { bytes, .. } => Some(*bytes),
        Picture::Builtin { .. } => None,
    }
}

fn read(picture: &Picture) -> io::Result<Option<Vec<u8>>> {
    match picture {
        Picture::File(path) => fs::read(path).map(Some),
        Picture::Member { shard, offset, bytes, .. } => {
            let mut file = File::open(shard.as_path())?;
            file.seek(SeekFrom::Start(*offset))?;
            let mut there = Vec::new();
            file.take(*bytes).read_to_end(&mut there)?;
            Ok(Some(there))
        }
        Picture::Builtin { .. } => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    #[test]
    fn a_file_is_known_by_its_path_through_links_and_by_its_bytes() {
        let home = tempfile::tempdir().unwrap();
        let put = |name: &str, bytes: &[u8]| {
            let path = home.path().join(name);
            fs::write(&path, bytes).unwrap();
            path
        };
        let (a, b) = (put("a.png", b"first"), put("b.png", b"other"));
        let shard = Arc::new(put("c.tar", b"headthird"));
        let member = Picture::Member { shard, name: "x.png".into(), offset: 4, bytes: 5 };
        let pictures = [
            Picture::Builtin { vendor: 0, index: 0 },
            member,
            Picture::File(a.clone()),
            Picture::File(b.clone()),
            Picture::File(put("copy.png", b"other")),
        ];
        let entry =
            |picture: &Picture| Entry { id: String::new(), item: 0, content: picture.clone() };
        let pictures: Vec<_> = pictures.iter().map(entry).collect();
        let place = |path: &Path| place_of_file(&pictures, path);
        assert_eq!(place(&a), Some(2));
        assert_eq!(place(&home.path().join("copy.png")), Some(4), "its own path goes first");
        assert_eq!(place(&put("elsewhere", b"other")), Some(3));
        assert_eq!(place(&put("member", b"third")), Some(1));
        assert_eq!(place(&put("new.png", b"sixth")), None);
        assert_eq!(place(&home.path().join("absent")), None);
        let link = home.path().join("link");
        std::os::unix::fs::symlink(&b, &link).unwrap();
        assert_eq!(place(&link), Some(3));
    }
}
