//! The emoji pictures: one greyscale image of index maps and one list of palettes a vendor.
//!
//! An emoji and its skin tones share a map where they are one drawing; each has its own palette.
//! The format is written by `scripts/emoji/pictures.py` and told in `docs/data.md`.

use super::{BuiltinError, PICTURE_SIDE, VENDORS};
use flate2::read::GzDecoder;
use std::io::Read as _;
use std::sync::{Arc, OnceLock};

/// Tiles a row of the map image.
const COLUMNS: usize = 16;
const PIXELS: usize = PICTURE_SIDE * PICTURE_SIDE;

/// 8-bit RGB, row by row: `[64, 64, 3]`.
pub type Pixels = [u8; PIXELS * 3];

struct Asset {
    map_name: &'static str,
    map: &'static [u8],
    palette_name: &'static str,
    palette: &'static [u8],
}

const ASSETS: [Asset; VENDORS.len()] = [
    Asset {
        map_name: "google.webp",
        map: include_bytes!("assets/google.webp"),
        palette_name: "google.pal.gz",
        palette: include_bytes!("assets/google.pal.gz"),
    },
    Asset {
        map_name: "twitter.webp",
        map: include_bytes!("assets/twitter.webp"),
        palette_name: "twitter.pal.gz",
        palette: include_bytes!("assets/twitter.pal.gz"),
    },
];

/// Bytes of the assets of pictures in the binary.
pub fn asset_bytes() -> usize {
    ASSETS.iter().map(|asset| asset.map.len() + asset.palette.len()).sum()
}

struct Vendor {
    /// Maps one after the other, `[maps, 64, 64]` palette indices.
    maps: Vec<u8>,
    /// For every picture the number of its map and its colours.
    pictures: Vec<(usize, Vec<[u8; 3]>)>,
}

static DECODED: [OnceLock<Result<Vendor, BuiltinError>>; VENDORS.len()] =
    [const { OnceLock::new() }; VENDORS.len()];

/// The picture of item `index` by `vendor` (a place in [`VENDORS`]). A vendor's set is decoded at
/// its first use, once.
///
/// # Errors
/// Where there is no such vendor or item, or the asset in the binary is damaged.
pub fn picture(vendor: u8, index: u32) -> Result<Pixels, BuiltinError> {
    let missing = BuiltinError::NoSuchPicture { vendor, index };
    let slot = DECODED.get(usize::from(vendor)).ok_or_else(|| missing.clone())?;
    let set = slot.get_or_init(|| decode(&ASSETS[usize::from(vendor)])).as_ref();
    let set = set.map_err(Clone::clone)?;
    let (number, palette) = set.pictures.get(index as usize).ok_or(missing)?;
    let mut pixels = [255; PIXELS * 3];
    let map = &set.maps[number * PIXELS..(number + 1) * PIXELS];
    for (pixel, &colour) in pixels.chunks_exact_mut(3).zip(map) {
        pixel.copy_from_slice(&palette[usize::from(colour)]);
    }
    Ok(pixels)
}

/// How many pictures `vendor` has.
///
/// # Errors
/// As [`picture`].
pub fn count(vendor: u8) -> Result<usize, BuiltinError> {
    picture(vendor, 0)?;
    let set = DECODED[usize::from(vendor)].get().and_then(|set| set.as_ref().ok());
    Ok(set.map_or(0, |set| set.pictures.len()))
}

fn decode(asset: &Asset) -> Result<Vendor, BuiltinError> {
    let sheet = image::load_from_memory_with_format(asset.map, image::ImageFormat::WebP)
        .map_err(|cause| BuiltinError::Unreadable {
            asset: asset.map_name,
            cause: Arc::new(cause),
        })?
        .into_rgb8();
    let maps = cut(&sheet)
        .ok_or(BuiltinError::Malformed { asset: asset.map_name, expected: "rows of 16 tiles" })?;
    let pictures = palettes(&gunzip(asset.palette_name, asset.palette)?)
        .filter(|pictures| fits(&maps, pictures))
        .ok_or(BuiltinError::Malformed {
            asset: asset.palette_name,
            expected: "whole palettes of maps that exist, with a colour for every index",
        })?;
    Ok(Vendor { maps, pictures })
}

pub(super) fn gunzip(asset: &'static str, bytes: &[u8]) -> Result<Vec<u8>, BuiltinError> {
    let mut out = Vec::new();
    GzDecoder::new(bytes)
        .read_to_end(&mut out)
        .map_err(|cause| BuiltinError::Unreadable { asset, cause: Arc::new(cause) })?;
    Ok(out)
}

/// Tiles of a sheet whose three channels are equal, one after the other; none where its sides do
/// not divide.
fn cut(sheet: &image::RgbImage) -> Option<Vec<u8>> {
    let (width, height) = (sheet.width() as usize, sheet.height() as usize);
    if width != COLUMNS * PICTURE_SIDE || height % PICTURE_SIDE != 0 {
        return None;
    }
    let mut maps = Vec::with_capacity(width * height);
    let raw = sheet.as_raw();
    for tile in 0..COLUMNS * (height / PICTURE_SIDE) {
        let (left, top) = (tile % COLUMNS * PICTURE_SIDE, tile / COLUMNS * PICTURE_SIDE);
        for row in top..top + PICTURE_SIDE {
            let start = (row * width + left) * 3;
            maps.extend(raw[start..start + PICTURE_SIDE * 3].iter().step_by(3));
        }
    }
    Some(maps)
}

/// Reads every palette; none where the bytes end in the middle of one.
fn palettes(mut bytes: &[u8]) -> Option<Vec<(usize, Vec<[u8; 3]>)>> {
    let mut pictures = Vec::new();
    let mut first: Vec<Option<usize>> = Vec::new();
    while !bytes.is_empty() {
        let (head, rest) = bytes.split_at_checked(3)?;
        let (number, colours) =
            (usize::from(head[0]) | usize::from(head[1]) << 8, usize::from(head[2]) + 1);
        let (steps, rest) = rest.split_at_checked(colours * 3)?;
        bytes = rest;
        if first.len() <= number {
            first.resize(number + 1, None);
        }
        let of_map: Option<&(usize, Vec<[u8; 3]>)> = first[number].and_then(|at| pictures.get(at));
        let mut palette = vec![[0; 3]; colours];
        for channel in 0..3 {
            let mut last = 0u8;
            for (at, &step) in steps[channel * colours..(channel + 1) * colours].iter().enumerate()
            {
                let from = match of_map {
                    Some((_, base)) => base.get(at)?[channel],
                    None => last,
                };
                last = from.wrapping_add(step);
                palette[at][channel] = last;
            }
        }
        first[number].get_or_insert(pictures.len());
        pictures.push((number, palette));
    }
    Some(pictures)
}

/// Every picture's map is there and asks for no colour that its palette lacks.
fn fits(maps: &[u8], pictures: &[(usize, Vec<[u8; 3]>)]) -> bool {
    let highest: Vec<usize> = maps
        .chunks(PIXELS)
        .map(|map| usize::from(map.iter().copied().max().unwrap_or(0)))
        .collect();
    pictures
        .iter()
        .all(|(number, palette)| highest.get(*number).is_some_and(|&most| most < palette.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_first_palette_is_read_in_steps_and_a_later_one_as_differences_from_it() {
        let bytes = [0, 0, 1, 10, 5, 20, 255, 0, 1, 0, 0, 1, 1, 0, 0, 2, 0, 255];
        let read = palettes(&bytes).unwrap();
        assert_eq!(read[0], (0, vec![[10, 20, 0], [15, 19, 1]]));
        assert_eq!(read[1], (0, vec![[11, 20, 0], [15, 21, 0]]));
    }

    #[test]
    fn damaged_palettes_are_refused() {
        assert_eq!(palettes(&[0, 0]), None);
        assert_eq!(palettes(&[0, 0, 1, 1, 2, 3]), None);
        let more_colours_than_the_first = [0, 0, 0, 1, 2, 3, 0, 0, 1, 0, 0, 0, 0, 0, 0];
        assert_eq!(palettes(&more_colours_than_the_first), None);
        assert!(!fits(&[1; PIXELS], &[(0, vec![[0; 3]])]));
        assert!(!fits(&[0; PIXELS], &[(1, vec![[0; 3]])]));
    }

    #[test]
    fn a_picture_that_is_not_there_is_an_error() {
        let error = picture(9, 0).unwrap_err();
        assert!(error.to_string().contains("vendor 9"), "{error}");
        assert!(picture(0, 1_000_000).is_err());
    }
}
