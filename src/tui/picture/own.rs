//! An own picture's file to a small one: what a camera wrote is larger than what a terminal shows.

use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader, Limits};
use std::io::Cursor;

/// A picture decodes to no more than this. Bytes.
const MEMORY: u64 = 512 << 20;

/// Pixels of the longer side.
const EDGE: u32 = 512;

/// A picture's file as a small PNG, turned as its camera was held, as towers see own pictures; nothing where
/// it cannot be decoded.
#[must_use]
pub fn small(file: &[u8]) -> Option<Vec<u8>> {
    let mut reader = ImageReader::new(Cursor::new(file)).with_guessed_format().ok()?;
    let mut limits = Limits::default();
    limits.max_alloc = Some(MEMORY);
    reader.limits(limits);
    let mut decoder = reader.into_decoder().ok()?;
    let turned = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let mut picture = DynamicImage::from_decoder(decoder).ok()?;
    picture.apply_orientation(turned);
    if picture.width().max(picture.height()) > EDGE {
        picture = picture.thumbnail(EDGE, EDGE);
    }
    // As many kinds of pixels as PNG has, and terminals show eight bits.
    let eight = if picture.color().has_alpha() {
        DynamicImage::from(picture.into_rgba8())
    } else {
        DynamicImage::from(picture.into_rgb8())
    };
    let mut png = Cursor::new(Vec::new());
    eight.write_to(&mut png, ImageFormat::Png).ok()?;
    Some(png.into_inner())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn png(width: u32, height: u32) -> Vec<u8> {
        let mut bytes = Cursor::new(Vec::new());
        DynamicImage::new_rgb8(width, height).write_to(&mut bytes, ImageFormat::Png).unwrap();
        bytes.into_inner()
    }

    #[test]
    fn a_large_picture_becomes_small_and_keeps_its_proportions() {
        let size = |file: &[u8]| {
            let picture = image::load_from_memory(&small(file)?).ok()?;
            Some((picture.width(), picture.height()))
        };
        assert_eq!(size(&png(2048, 1024)), Some((512, 256)));
        assert_eq!(size(&png(37, 23)), Some((37, 23)));
        assert_eq!(small(b"no picture"), None);
    }
}
