//! Small pictures of pictures: what a session keeps so that it can be looked at where its data set is
//! not.

use super::corpus::Picture;
use super::error::{DataError, Result};
use super::picture::{Exif, PictureError, Rgb8};
use super::pictures::load;
use super::resize::{Filter, resize};
use image::codecs::jpeg::JpegEncoder;
use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::{ExtendedColorType, ImageEncoder};

/// Pixels of a thumbnail's longer side, at most.
pub const THUMBNAIL_SIDE: usize = 128;

/// Quality of a photograph's JPEG.
const QUALITY: u8 = 82;

/// A picture made small enough for a session, as a file's bytes: drawn ones as PNG, photographs as
/// JPEG. Equal pixels give equal bytes.
pub fn thumbnail(picture: &Picture, exif: Exif) -> Result<Vec<u8>> {
    let small = shrink(load(picture, exif)?);
    let (width, height) = (small.width as u32, small.height as u32);
    let mut bytes = Vec::new();
    let done = if matches!(picture, Picture::Builtin { .. }) {
        PngEncoder::new_with_quality(&mut bytes, CompressionType::Best, FilterType::Adaptive)
            .write_image(&small.pixels, width, height, ExtendedColorType::Rgb8)
    } else {
        JpegEncoder::new_with_quality(&mut bytes, QUALITY).write_image(
            &small.pixels,
            width,
            height,
            ExtendedColorType::Rgb8,
        )
    };
    let count = small.pixels.len();
    done.map_err(|error| DataError::DecodeBytes {
        bytes: count,
        source: PictureError::from(error),
    })?;
    Ok(bytes)
}

/// At most [`THUMBNAIL_SIDE`] a side, in its own proportions; smaller ones as they are.
fn shrink(picture: Rgb8) -> Rgb8 {
    let longest = picture.width.max(picture.height);
    if longest <= THUMBNAIL_SIDE {
        return picture;
    }
    let side = |length: usize| {
        ((length as f64 * THUMBNAIL_SIDE as f64 / longest as f64).round() as usize).max(1)
    };
    resize(&picture, side(picture.width), side(picture.height), Filter::Bicubic)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::picture::decode;

    #[test]
    fn a_drawn_picture_keeps_its_pixels_and_a_large_one_its_proportions() {
        let picture = Picture::Builtin { vendor: 0, index: 3 };
        let bytes = thumbnail(&picture, Exif::Ignored).unwrap();
        assert_eq!(decode(&bytes, Exif::Ignored).unwrap(), load(&picture, Exif::Ignored).unwrap());
        assert_eq!(bytes, thumbnail(&picture, Exif::Ignored).unwrap());
        let wide = Rgb8::new(400, 100, vec![7; 400 * 100 * 3]).unwrap();
        let small = shrink(wide);
        assert_eq!((small.width, small.height), (128, 32));
    }
}
