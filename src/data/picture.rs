//! Picture files to 8-bit RGB.

use super::error::{DataError, Result};
use super::read::tar::Archive;
use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageReader};
use std::io::Cursor;
use std::path::{Path, PathBuf};

/// A picture's file larger than this is refused unread. Bytes.
pub const MAX_FILE: u64 = 256 << 20;

/// A picture in memory, three bytes a pixel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rgb8 {
    /// Pixels across.
    pub width: usize,
    /// Pixels down.
    pub height: usize,
    /// `[height, width, 3]`
    pub pixels: Vec<u8>,
}

/// Whether a picture is turned as its EXIF data says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exif {
    /// Pixels as stored: what the published protocols do.
    Ignored,
    /// Turned: what people see, for their own folders.
    Applied,
}

/// Decodes JPEG, PNG or WebP, whatever its name says. Alpha is dropped, not composited, and grey
/// becomes three equal channels, as Pillow's `convert("RGB")` does.
pub fn decode(bytes: &[u8], exif: Exif) -> Result<Rgb8> {
    decode_inner(bytes, exif)
        .map_err(|source| DataError::DecodeBytes { bytes: bytes.len(), source })
}

/// Reads and decodes a file: see [`decode`].
pub fn decode_file(path: &Path, exif: Exif) -> Result<Rgb8> {
    let length = std::fs::metadata(path).map_err(DataError::read(path))?.len();
    check_length(length, || path.to_owned())?;
    let bytes = std::fs::read(path).map_err(DataError::read(path))?;
    decode_inner(&bytes, exif).map_err(|source| DataError::Decode { path: path.to_owned(), source })
}

/// Reads and decodes a member of an archive: see [`decode`]. Errors name both.
pub fn decode_member(
    shard: &Path,
    name: &str,
    offset: u64,
    bytes: u64,
    exif: Exif,
) -> Result<Rgb8> {
    let path = || shard.join(name);
    check_length(bytes, path)?;
    let bytes = Archive::bytes_at(shard, offset, bytes)?;
    decode_inner(&bytes, exif).map_err(|source| DataError::Decode { path: path(), source })
}

/// Refuses a file that is too large before it is read.
fn check_length(bytes: u64, path: impl FnOnce() -> PathBuf) -> Result<()> {
    if bytes > MAX_FILE {
        let expected = format!("a picture of at most {MAX_FILE} bytes");
        let found = format!("{bytes} bytes");
        return Err(DataError::Unreadable { path: path(), expected, found });
    }
    Ok(())
}

fn decode_inner(bytes: &[u8], exif: Exif) -> image::ImageResult<Rgb8> {
    let mut decoder = ImageReader::new(Cursor::new(bytes)).with_guessed_format()?.into_decoder()?;
    let orientation = match exif {
        Exif::Applied => decoder.orientation()?,
        Exif::Ignored => Orientation::NoTransforms,
    };
    let mut image = DynamicImage::from_decoder(decoder)?;
    image.apply_orientation(orientation);
    let rgb = image.into_rgb8();
    let (width, height) = (rgb.width() as usize, rgb.height() as usize);
    Ok(Rgb8 { width, height, pixels: rgb.into_raw() })
}

impl Rgb8 {
    /// Wraps `[height, width, 3]` bytes.
    pub fn new(width: usize, height: usize, pixels: Vec<u8>) -> Result<Self> {
        if width == 0 || height == 0 || pixels.len() != width * height * 3 {
            return Err(DataError::PictureSize {
                expected: format!("3 bytes for each pixel of {} bytes", pixels.len()),
                width,
                height,
            });
        }
        Ok(Self { width, height, pixels })
    }

    /// The part of `width` x `height` pixels whose upper left corner is (`left`, `top`).
    pub fn crop(&self, left: usize, top: usize, width: usize, height: usize) -> Result<Self> {
        if left + width > self.width || top + height > self.height || width * height == 0 {
            return Err(DataError::PictureSize {
                expected: format!("at least {}x{}", left + width.max(1), top + height.max(1)),
                width: self.width,
                height: self.height,
            });
        }
        let rows = self.pixels.chunks_exact(self.width * 3).skip(top).take(height);
        let pixels = rows.flat_map(|row| &row[left * 3..(left + width) * 3]).copied().collect();
        Ok(Self { width, height, pixels })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn png(image: &DynamicImage) -> Vec<u8> {
        let mut bytes = Cursor::new(Vec::new());
        image.write_to(&mut bytes, image::ImageFormat::Png).unwrap();
        bytes.into_inner()
    }

    #[test]
    fn alpha_is_dropped_and_grey_is_spread() {
        let clear = image::RgbaImage::from_pixel(2, 1, image::Rgba([9, 8, 7, 0]));
        let picture = decode(&png(&clear.into()), Exif::Ignored).unwrap();
        assert_eq!(picture, Rgb8 { width: 2, height: 1, pixels: vec![9, 8, 7, 9, 8, 7] });
        let grey = image::GrayImage::from_pixel(1, 1, image::Luma([5]));
        assert_eq!(decode(&png(&grey.into()), Exif::Applied).unwrap().pixels, [5; 3]);
    }

    #[test]
    fn a_crop_is_the_part_asked_for_and_no_more_than_there_is() {
        let picture = Rgb8::new(3, 2, (0..18).collect()).unwrap();
        let part = picture.crop(1, 1, 2, 1).unwrap();
        assert_eq!(part, Rgb8 { width: 2, height: 1, pixels: (12..18).collect() });
        assert!(picture.crop(2, 0, 2, 1).is_err() && picture.crop(0, 0, 0, 1).is_err());
        assert!(Rgb8::new(2, 2, vec![0; 11]).is_err());
    }

    #[test]
    fn broken_files_are_errors_with_their_path() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("broken.png");
        std::fs::write(&path, b"\x89PNG\r\n\x1a\nnothing").unwrap();
        let error = decode_file(&path, Exif::Ignored).unwrap_err();
        assert!(error.to_string().contains("broken.png"), "{error}");
        assert!(matches!(error, DataError::Decode { .. }));
        let absent = folder.path().join("absent.png");
        assert!(matches!(decode_file(&absent, Exif::Ignored), Err(DataError::Read { .. })));
        assert!(matches!(decode(b"", Exif::Ignored), Err(DataError::DecodeBytes { .. })));
    }
}
