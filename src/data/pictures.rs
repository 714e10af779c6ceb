//! The pictures of a set, decoded when first asked for and kept as bytes while there is room, and
//! batches of them as patches.

use super::builtin;
use super::corpus::{Item, Picture};
use super::error::{DataError, Result};
use super::normalise::{patch_shape, write_patches};
use super::picture::{Exif, Rgb8, decode_file, decode_member};
use super::processor::{Processor, RandomCrop};
use crate::rng::Key;
use rayon::prelude::*;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

/// Decoded pictures kept at most, in bytes, unless said otherwise. Those in the binary do not
/// count: they lie in memory anyhow, a look-up away from pixels.
pub const KEEP_BYTES: usize = 512 << 20;

/// Decodes one picture, wherever it is.
pub fn load(picture: &Picture, exif: Exif) -> Result<Rgb8> {
    match picture {
        Picture::File(path) => decode_file(path, exif),
        Picture::Member { shard, name, offset, bytes } => {
            decode_member(shard, name, *offset, *bytes, exif)
        }
        Picture::Builtin { vendor, index } => {
            let pixels = builtin::picture(*vendor, *index)?.to_vec();
            Rgb8::new(builtin::PICTURE_SIDE, builtin::PICTURE_SIDE, pixels)
        }
    }
}

/// The pictures of some items, reached by (item, picture) as counted there. What is kept and what
/// is decoded again changes nothing but time.
#[derive(Debug)]
pub struct Pictures {
    sources: Vec<Picture>,
    starts: Vec<usize>,
    kept: Vec<OnceLock<Arc<Rgb8>>>,
    room: AtomicUsize,
    exif: Exif,
}

/// A picture of an item, both counted from 0.
pub type Place = (usize, usize);

/// Pictures as a tower reads them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PatchBatch {
    /// `[rows * tokens, 3 * patch * patch]`: see [`write_patches`].
    pub patches: Vec<f32>,
    /// How many pictures.
    pub rows: usize,
    /// Patches a picture.
    pub tokens: usize,
}

/// How a batch of pictures is made.
#[derive(Clone, Copy, Debug)]
pub struct PatchSpec<'a> {
    /// Size, crop, mean and deviation.
    pub processor: &'a Processor,
    /// Pixels an edge of a patch.
    pub patch: usize,
    /// In training, a random crop in the place of the processor's resize and crop.
    pub random: Option<RandomCrop>,
}

impl Pictures {
    /// The pictures of these items, none decoded yet; at most `keep_bytes` of decoded ones are
    /// kept.
    pub fn of(items: &[Item], exif: Exif, keep_bytes: usize) -> Self {
        let sources: Vec<Picture> =
            items.iter().flat_map(|item| item.pictures.iter().cloned()).collect();
        let mut starts = vec![0];
        for item in items {
            starts.push(starts[starts.len() - 1] + item.pictures.len());
        }
        let kept = sources.iter().map(|_| OnceLock::new()).collect();
        Self { sources, starts, kept, room: AtomicUsize::new(keep_bytes), exif }
    }

    /// One picture, decoded.
    ///
    /// # Errors
    /// There is no such picture, or it cannot be read.
    pub fn get(&self, (item, picture): Place) -> Result<Arc<Rgb8>> {
        let of_item = self.starts.get(item).zip(self.starts.get(item + 1));
        let Some(at) =
            of_item.and_then(|(from, to)| (from + picture < *to).then(|| from + picture))
        else {
            return Err(DataError::Range {
                what: "picture of an item",
                expected: format!("a picture that item {item} of the set has"),
                found: picture,
            });
        };
        if let Some(kept) = self.kept[at].get() {
            return Ok(Arc::clone(kept));
        }
        let decoded = Arc::new(load(&self.sources[at], self.exif)?);
        if matches!(self.sources[at], Picture::Builtin { .. }) {
            return Ok(decoded);
        }
        let bytes = decoded.pixels.len();
        let room = self
            .room
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |room| room.checked_sub(bytes));
        if room.is_ok() {
            return Ok(Arc::clone(self.kept[at].get_or_init(|| decoded)));
        }
        Ok(decoded)
    }

    /// These pictures as patches, made on all threads. `keys` holds one key a row for the random
    /// crop (unused without one); equal keys give equal rows, whatever else is in the batch.
    pub fn batch(&self, places: &[Place], keys: &[Key], spec: PatchSpec) -> Result<PatchBatch> {
        let (tokens, width) = patch_shape(spec.processor.crop, spec.patch)?;
        let table = spec.processor.normalise.table();
        let mut patches = vec![0.0; places.len() * tokens * width];
        let done: Vec<Result<()>> = patches
            .par_chunks_mut(tokens * width)
            .enumerate()
            .map(|(row, out)| {
                let picture = self.get(places[row])?;
                let square = match (spec.random, keys.get(row)) {
                    (Some(random), Some(&key)) => {
                        spec.processor.random_square(&picture, random, key)?
                    }
                    _ => spec.processor.square(&picture)?,
                };
                write_patches(&square, spec.patch, &table, out);
                Ok(())
            })
            .collect();
        done.into_iter().collect::<Result<Vec<()>>>()?;
        Ok(PatchBatch { patches, rows: places.len(), tokens })
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::super::corpus::Corpus;
    use super::*;

    /// Two items, the first with two pictures; the folder must live as long as they are read.
    pub(crate) fn files() -> (tempfile::TempDir, Corpus) {
        let folder = tempfile::tempdir().unwrap();
        let item = |id: &str, names: &[&str]| Item {
            id: id.to_owned(),
            concept: id.to_owned(),
            pictures: names
                .iter()
                .map(|name| {
                    let path = folder.path().join(name);
                    let image = image::RgbImage::from_fn(20, 14, |x, y| {
                        image::Rgb([x as u8 * 9, y as u8 * 9, name.as_bytes()[0]])
                    });
                    image.save(&path).unwrap();
                    Picture::File(path)
                })
                .collect(),
            captions: vec![super::super::corpus::Caption { text: id.to_owned(), language: None }],
            split: None,
            label: None,
            base: true,
            extra: serde_json::Map::new(),
        };
        let items = vec![item("one", &["a.png", "b.png"]), item("two", &["c.png"])];
        (folder, Corpus::new("files", items))
    }

    #[test]
    fn keeping_pictures_changes_nothing_and_batches_do_not_hang_on_their_cut() {
        let (_folder, corpus) = files();
        let processor = Processor::clip(8);
        let spec =
            PatchSpec { processor: &processor, patch: 4, random: Some(RandomCrop::default()) };
        let places = [(0, 0), (1, 0), (0, 1)];
        let keys = [1, 2, 3].map(Key::new);
        let make = |keep, range: std::ops::Range<usize>| {
            let pictures = Pictures::of(&corpus.items, Exif::Ignored, keep);
            let first = pictures.batch(&places[range.clone()], &keys[range.clone()], spec).unwrap();
            let again = pictures.batch(&places[range.clone()], &keys[range], spec).unwrap();
            assert_eq!(first, again);
            first
        };
        let whole = make(KEEP_BYTES, 0..3);
        assert_eq!((whole.rows, whole.tokens, whole.patches.len()), (3, 4, 3 * 4 * 48));
        assert_eq!(whole, make(0, 0..3));
        let parts = [make(1000, 0..1).patches, make(1000, 1..3).patches].concat();
        assert_eq!(whole.patches, parts);
    }

    #[test]
    fn the_pictures_in_the_binary_are_patches_too() {
        let items = &builtin::emoji().unwrap().items[..3];
        let pictures = Pictures::of(items, Exif::Ignored, KEEP_BYTES);
        let processor = Processor::clip(64);
        let spec = PatchSpec { processor: &processor, patch: 8, random: None };
        let batch = pictures.batch(&[(0, 0), (2, 1)], &[], spec).unwrap();
        assert_eq!((batch.rows, batch.tokens, batch.patches.len()), (2, 64, 2 * 64 * 192));
        let pixels = builtin::picture(0, 0).unwrap();
        let table = processor.normalise.table();
        assert_eq!(batch.patches[64], table[1][usize::from(pixels[1])]);
    }

    #[test]
    fn a_picture_that_is_not_there_is_an_error() {
        let (folder, corpus) = files();
        let pictures = Pictures::of(&corpus.items, Exif::Ignored, KEEP_BYTES);
        assert!(pictures.get((1, 1)).is_err() && pictures.get((2, 0)).is_err());
        drop(folder);
        assert!(matches!(pictures.get((1, 0)), Err(DataError::Read { .. })));
    }
}
