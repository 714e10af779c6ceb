//! Picture files to 8-bit RGB.

use super::error::{DataError, Result};
use super::read::tar::Archive;
use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader, Limits, RgbImage};
use std::io::Cursor;
use std::path::{Path, PathBuf};

/// A picture's file larger than this is refused unread. Bytes.
pub const MAX_FILE: u64 = 256 << 20;
/// A picture of more pixels is refused before it is decoded: Pillow's bound for warning of a
/// decompression bomb (a quarter of a gibibyte of RGB).
pub const MAX_PIXELS: u64 = 89_478_485;
/// Memory that decoding one picture may take. Bytes.
const MAX_MEMORY: u64 = 1 << 30;

/// Why a picture cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum PictureError {
    /// The decoder refused it.
    #[error(
        "expected a whole JPEG, PNG, WebP or GIF picture, found {}; replace the file or leave it out",
        found(.0)
    )]
    Image(image::ImageError),
    /// It could not be looked at.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// Decoding it would take too much memory.
    #[error("expected at most {MAX_PIXELS} pixels, found {width}x{height}")]
    TooLarge {
        /// Pixels across.
        width: u32,
        /// Pixels down.
        height: u32,
    },
    /// Its data stops before its end.
    #[error(
        "expected a whole JPEG picture, found a truncated one: the end's marker is missing; replace \
         the file or leave it out"
    )]
    Truncated,
}

impl From<image::ImageError> for PictureError {
    fn from(error: image::ImageError) -> Self {
        Self::Image(error)
    }
}

/// What the decoder says, as the end of a sentence.
fn found(error: &image::ImageError) -> String {
    if let image::ImageError::Unsupported(wrong) = error
        && matches!(wrong.kind(), image::error::UnsupportedErrorKind::Format(_))
    {
        return "another kind of file".to_owned();
    }
    let said = error.to_string();
    let said = said.trim_end_matches('.');
    let mut letters = said.chars();
    let first = letters.next().map(|letter| letter.to_lowercase().to_string());
    format!("one that cannot be decoded ({}{})", first.unwrap_or_default(), letters.as_str())
}

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

/// Decodes JPEG, PNG, WebP or a GIF's first frame, whatever its name says. Alpha is dropped, not
/// composited, and grey becomes three equal channels, as Pillow's `convert("RGB")` does.
///
/// # Errors
/// It is none of these, truncated, or larger than [`MAX_PIXELS`].
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

fn decode_inner(bytes: &[u8], exif: Exif) -> Result<Rgb8, PictureError> {
    let mut reader = ImageReader::new(Cursor::new(bytes)).with_guessed_format()?;
    if reader.format() == Some(ImageFormat::Jpeg) && !jpeg_ends(bytes) {
        return Err(PictureError::Truncated);
    }
    let mut limits = Limits::no_limits();
    limits.max_alloc = Some(MAX_MEMORY);
    reader.limits(limits);
    let mut decoder = reader.into_decoder()?;
    let (width, height) = decoder.dimensions();
    let pixels = u64::from(width) * u64::from(height);
    if pixels > MAX_PIXELS {
        return Err(PictureError::TooLarge { width, height });
    }
    let orientation = match exif {
        Exif::Applied => decoder.orientation()?,
        Exif::Ignored => Orientation::NoTransforms,
    };
    let mut image = DynamicImage::from_decoder(decoder)?;
    image.apply_orientation(orientation);
    let rgb = eight_bits(image);
    let (width, height) = (rgb.width() as usize, rgb.height() as usize);
    Ok(Rgb8 { width, height, pixels: rgb.into_raw() })
}

/// The header's width and height in pixels, without decoding.
///
/// # Errors
/// As [`decode`], but for what only decoding finds.
pub fn size(bytes: &[u8]) -> Result<(u32, u32), PictureError> {
    let reader = ImageReader::new(Cursor::new(bytes)).with_guessed_format()?;
    let (width, height) = reader.into_dimensions()?;
    if u64::from(width) * u64::from(height) > MAX_PIXELS {
        return Err(PictureError::TooLarge { width, height });
    }
    Ok((width, height))
}

/// Sixteen bits to eight as Pillow does: the upper byte of colours and of grey with alpha, but of
/// grey alone the value itself, cut to 255.
fn eight_bits(image: DynamicImage) -> RgbImage {
    let upper = |value: u16| (value >> 8) as u8;
    match image {
        DynamicImage::ImageLuma16(grey) => {
            spread(grey.width(), grey.height(), grey.pixels().map(|p| [p.0[0].min(255) as u8; 3]))
        }
        DynamicImage::ImageLumaA16(grey) => {
            spread(grey.width(), grey.height(), grey.pixels().map(|p| [upper(p.0[0]); 3]))
        }
        DynamicImage::ImageRgb16(image) => {
            spread(image.width(), image.height(), image.pixels().map(|p| p.0.map(upper)))
        }
        DynamicImage::ImageRgba16(image) => {
            let colours = image.pixels().map(|p| [upper(p.0[0]), upper(p.0[1]), upper(p.0[2])]);
            spread(image.width(), image.height(), colours)
        }
        other => other.into_rgb8(),
    }
}

fn spread(width: u32, height: u32, pixels: impl Iterator<Item = [u8; 3]>) -> RgbImage {
    let mut image = RgbImage::new(width, height);
    for (to, from) in image.pixels_mut().zip(pixels) {
        to.0 = from;
    }
    image
}

/// Whether a JPEG's last scan is followed by the end's marker. Decoders fill up what is missing
/// with grey; a picture that was half downloaded is none to learn from.
fn jpeg_ends(bytes: &[u8]) -> bool {
    let mut at = 2;
    loop {
        // The next marker: 0xff, any number of fill bytes, the marker's own byte.
        let Some(found) = bytes.get(at..).and_then(|rest| rest.iter().position(|&b| b == 0xff))
        else {
            return false;
        };
        at += found;
        while bytes.get(at) == Some(&0xff) {
            at += 1;
        }
        let Some(&marker) = bytes.get(at) else { return false };
        at += 1;
        match marker {
            0xd9 => return true,
            // Stuffed bytes, restarts and markers without a length.
            0x00 | 0x01 | 0xd0..=0xd8 => {}
            _ => {
                let Some(length) = bytes.get(at..at + 2) else { return false };
                at += usize::from(u16::from_be_bytes([length[0], length[1]])).max(2);
            }
        }
    }
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
    fn truncated_files_are_refused_whatever_is_missing() {
        let picture = image::RgbImage::from_fn(40, 30, |x, y| {
            image::Rgb([(x * 6) as u8, (y * 8) as u8, (x * y) as u8])
        });
        for format in [ImageFormat::Jpeg, ImageFormat::Png, ImageFormat::WebP, ImageFormat::Gif] {
            let mut bytes = Cursor::new(Vec::new());
            DynamicImage::from(picture.clone()).write_to(&mut bytes, format).unwrap();
            let bytes = bytes.into_inner();
            assert!(decode(&bytes, Exif::Applied).is_ok(), "{format:?}");
            // A PNG's last chunk and a GIF's last byte hold no pixels.
            for end in 0..bytes.len() - 40 {
                assert!(decode(&bytes[..end], Exif::Ignored).is_err(), "{format:?} cut at {end}");
            }
        }
    }

    #[test]
    fn a_bomb_is_refused_by_its_header() {
        let mut bytes = png(&image::GrayImage::from_pixel(1, 1, image::Luma([5])).into());
        bytes[16..24].copy_from_slice(&[0, 1, 0, 0, 0, 1, 0, 0]);
        // The header's checksum, as it is for these sizes.
        let mut crc = flate2::Crc::new();
        crc.update(&bytes[12..29]);
        bytes[29..33].copy_from_slice(&crc.sum().to_be_bytes());
        let error = decode(&bytes, Exif::Ignored).unwrap_err();
        let cause = std::error::Error::source(&error).unwrap().to_string();
        assert!(cause.contains("89478485") && cause.contains("65536x65536"), "{cause}");
        assert!(size(&bytes).is_err());
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
