//! A picture's file to what is shown of it in so many cells.

use super::sixel::sixel;
use super::{Drawn, Graphics, Key, Rgb};
use crate::tui::osc::base64;
use image::imageops::{FilterType, resize};
use image::{ExtendedColorType, ImageEncoder, ImageReader, Limits, RgbImage, Rgba, RgbaImage};
use std::io::Cursor;

/// A thumbnail decodes to no more than this. Bytes.
const MEMORY: u64 = 64 << 20;

/// Characters of base64 in one part of Kitty's protocol.
const PART: usize = 4096;

/// The marks that number rows and columns of Kitty's placeholders, from 0.
const NUMBERS: [char; 40] = [
    '\u{305}', '\u{30d}', '\u{30e}', '\u{310}', '\u{312}', '\u{33d}', '\u{33e}', '\u{33f}',
    '\u{346}', '\u{34a}', '\u{34b}', '\u{34c}', '\u{350}', '\u{351}', '\u{352}', '\u{357}',
    '\u{35b}', '\u{363}', '\u{364}', '\u{365}', '\u{366}', '\u{367}', '\u{368}', '\u{369}',
    '\u{36a}', '\u{36b}', '\u{36c}', '\u{36d}', '\u{36e}', '\u{36f}', '\u{483}', '\u{484}',
    '\u{485}', '\u{486}', '\u{487}', '\u{592}', '\u{593}', '\u{594}', '\u{595}', '\u{597}',
];

/// The character that stands for a cell of a picture in Kitty's protocol.
const PLACEHOLDER: char = '\u{10eeee}';

/// The largest picture in cells, a side.
pub const LARGEST: u16 = NUMBERS.len() as u16;

/// A cell of a picture in Kitty's protocol.
#[must_use]
pub fn placeholder(row: u16, column: u16) -> String {
    let mark = |at: u16| NUMBERS[usize::from(at) % NUMBERS.len()];
    [PLACEHOLDER, mark(row), mark(column)].iter().collect()
}

/// Makes a picture ready; nothing where its file cannot be decoded. `cell` is in pixels.
#[must_use]
pub fn draw(
    bytes: &[u8],
    key: &Key,
    graphics: Graphics,
    cell: (u16, u16),
    number: u8,
) -> Option<Drawn> {
    let picture = decode(bytes)?;
    let (columns, rows) = (u32::from(key.columns), u32::from(key.rows));
    let cell = (u32::from(cell.0.max(1)), u32::from(cell.1.max(1)));
    let room = (columns * cell.0, rows * cell.1);
    let (width, height) = fit(&picture, room);
    let taken = (width.div_ceil(cell.0), height.div_ceil(cell.1));
    let offset = ((columns - taken.0.min(columns)) / 2, (rows - taken.1.min(rows)) / 2);
    let sent = match graphics {
        Graphics::Off | Graphics::Halfblocks => Vec::new(),
        Graphics::Kitty | Graphics::KittyInTmux => {
            // The terminal makes it as large as its cells: no more is sent than there is.
            let (width, height) = (width.min(picture.width()), height.min(picture.height()));
            let png = png(&resized(&picture, width, height))?;
            kitty(&png, number, (key.columns, key.rows), graphics == Graphics::KittyInTmux)
        }
        Graphics::Iterm2 => iterm2(&in_cells(&picture, (width, height), taken, cell)?, taken),
        Graphics::Sixel => {
            let small = resized(&picture, width, height);
            let pixels: Vec<Rgb> = small.pixels().map(|pixel| pixel.0).collect();
            sixel(&pixels, small.width() as usize)
        }
    };
    Some(Drawn {
        key: key.clone(),
        number,
        halves: halves(&picture, columns, rows),
        offset: (offset.0 as u16, offset.1 as u16),
        sent,
    })
}

/// Decodes with a bound on memory; what is transparent lies on white.
fn decode(bytes: &[u8]) -> Option<RgbImage> {
    let mut reader = ImageReader::new(Cursor::new(bytes)).with_guessed_format().ok()?;
    let mut limits = Limits::default();
    limits.max_alloc = Some(MEMORY);
    reader.limits(limits);
    let picture = reader.decode().ok()?;
    if !picture.color().has_alpha() {
        return Some(picture.into_rgb8()).filter(|picture| picture.width() * picture.height() > 0);
    }
    let with_alpha = picture.into_rgba8();
    let mut plain = RgbImage::new(with_alpha.width(), with_alpha.height());
    for (to, Rgba([r, g, b, a])) in plain.pixels_mut().zip(with_alpha.pixels()) {
        let on_white = |part: u8| {
            ((u32::from(part) * u32::from(*a) + 255 * (255 - u32::from(*a))) / 255) as u8
        };
        to.0 = [*r, *g, *b].map(on_white);
    }
    Some(plain)
}

/// The largest size of these proportions in a room; at least one pixel.
fn fit(picture: &RgbImage, room: (u32, u32)) -> (u32, u32) {
    let (width, height) = (f64::from(picture.width()), f64::from(picture.height()));
    let scale = (f64::from(room.0) / width).min(f64::from(room.1) / height);
    let side = |length: f64, most: u32| ((length * scale).round() as u32).clamp(1, most.max(1));
    (side(width, room.0), side(height, room.1))
}

fn resized(picture: &RgbImage, width: u32, height: u32) -> RgbImage {
    if (width, height) == picture.dimensions() {
        return picture.clone();
    }
    resize(picture, width, height, FilterType::Triangle)
}

/// Two pixels a cell: a cell is about twice as high as wide.
fn halves(picture: &RgbImage, columns: u32, rows: u32) -> Vec<[Option<Rgb>; 2]> {
    let (width, height) = fit(picture, (columns, rows * 2));
    let small = resized(picture, width, height);
    let (left, above) = ((columns - width) / 2, (rows * 2 - height) / 2);
    let pixel = |x: u32, y: u32| {
        let (x, y) = (x.checked_sub(left)?, y.checked_sub(above)?);
        small.get_pixel_checked(x, y).map(|pixel| pixel.0)
    };
    let cells = (0..rows).flat_map(|row| (0..columns).map(move |column| (row, column)));
    cells.map(|(row, column)| [pixel(column, row * 2), pixel(column, row * 2 + 1)]).collect()
}

/// A picture in a corner of clear cells that it does not fill, as a PNG no larger than its pixels need.
///
/// Terminals that ask for the proportions to be kept do not agree on the side that then gives way,
/// and a picture that stands out of its cells is not wiped with them.
fn in_cells(
    picture: &RgbImage,
    (width, height): (u32, u32),
    cells: (u32, u32),
    cell: (u32, u32),
) -> Option<Vec<u8>> {
    let scale = (f64::from(picture.width()) / f64::from(width)).min(1.0);
    let scaled = |length: u32| ((f64::from(length) * scale).round() as u32).max(1);
    let small = resized(picture, scaled(width), scaled(height));
    let mut ground = RgbaImage::new(
        scaled(cells.0 * cell.0).max(small.width()),
        scaled(cells.1 * cell.1).max(small.height()),
    );
    for (x, y, pixel) in small.enumerate_pixels() {
        let [r, g, b] = pixel.0;
        ground.put_pixel(x, y, Rgba([r, g, b, 255]));
    }
    let mut bytes = Vec::new();
    image::codecs::png::PngEncoder::new(&mut bytes)
        .write_image(&ground, ground.width(), ground.height(), ExtendedColorType::Rgba8)
        .ok()?;
    Some(bytes)
}

fn png(picture: &RgbImage) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    image::codecs::png::PngEncoder::new(&mut bytes)
        .write_image(picture, picture.width(), picture.height(), ExtendedColorType::Rgb8)
        .ok()?;
    Some(bytes)
}

/// Sends a picture under its number, to be shown where placeholders of that number stand.
fn kitty(png: &[u8], number: u8, (columns, rows): (u16, u16), tmux: bool) -> Vec<u8> {
    let coded = base64(png);
    let parts: Vec<&[u8]> = coded.as_bytes().chunks(PART).collect();
    let mut out = Vec::with_capacity(coded.len() + 64 * parts.len());
    for (at, part) in parts.iter().enumerate() {
        let more = u8::from(at + 1 < parts.len());
        let head = if at == 0 {
            format!("a=T,U=1,q=2,f=100,t=d,i={number},c={columns},r={rows},m={more}")
        } else {
            format!("q=2,m={more}")
        };
        let command = [b"\x1b_G", head.as_bytes(), b";", part, b"\x1b\\"].concat();
        out.extend(if tmux { through_tmux(&command) } else { command });
    }
    out
}

/// Bytes that tmux passes on, where its user has allowed that.
#[must_use]
pub fn through_tmux(bytes: &[u8]) -> Vec<u8> {
    let mut out = b"\x1bPtmux;".to_vec();
    for byte in bytes {
        if *byte == 0x1b {
            out.push(0x1b);
        }
        out.push(*byte);
    }
    out.extend(b"\x1b\\");
    out
}

fn iterm2(file: &[u8], (columns, rows): (u32, u32)) -> Vec<u8> {
    format!(
        "\x1b]1337;File=inline=1;size={};width={columns};height={rows};preserveAspectRatio=0:{}\x07",
        file.len(),
        base64(file)
    )
    .into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::Digest;

    fn file(width: u32, height: u32) -> Vec<u8> {
        let picture = RgbImage::from_fn(width, height, |x, _| {
            image::Rgb([if x < width / 2 { 250 } else { 5 }; 3])
        });
        png(&picture).unwrap()
    }

    fn key(columns: u16, rows: u16) -> Key {
        Key { picture: Digest::of(b"x"), columns, rows }
    }

    #[test]
    fn half_blocks_keep_proportions_and_leave_the_rest_empty() {
        let drawn = draw(&file(64, 64), &key(10, 4), Graphics::Halfblocks, (8, 16), 1).unwrap();
        assert_eq!(drawn.halves.len(), 40);
        let row = &drawn.halves[..10];
        assert!(row[0][0].is_none() && row[9][0].is_none());
        assert!(row[2][0].unwrap()[0] > 200 && row[7][1].unwrap()[0] < 50);
        assert!(drawn.sent.is_empty());
        assert!(draw(b"no picture", &key(4, 2), Graphics::Sixel, (8, 16), 1).is_none());
    }

    #[test]
    fn each_way_sends_what_its_terminals_read() {
        let sent = |graphics| draw(&file(64, 32), &key(8, 4), graphics, (8, 16), 7).unwrap().sent;
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        let kitty = text(sent(Graphics::Kitty));
        assert!(kitty.starts_with("\x1b_Ga=T,U=1,q=2,f=100,t=d,i=7,c=8,r=4,m=0;"));
        assert!(kitty.ends_with("\x1b\\"));
        let tmux = text(sent(Graphics::KittyInTmux));
        assert!(tmux.starts_with("\x1bPtmux;\x1b\x1b_G") && tmux.ends_with("\x1b\x1b\\\x1b\\"));
        let iterm = text(sent(Graphics::Iterm2));
        assert!(
            iterm.starts_with("\x1b]1337;File=inline=1;") && iterm.contains("width=8;height=2")
        );
        assert!(iterm.contains("preserveAspectRatio=0"));
        // 64 by 32 pixels in 8 by 4 cells of 8 by 16: as they are.
        assert!(text(sent(Graphics::Sixel)).starts_with("\x1bP0;1;0q\"1;1;64;32#"));
        assert_eq!(placeholder(0, 1), "\u{10eeee}\u{305}\u{30d}");
    }

    #[test]
    fn a_file_fills_its_cells_and_what_it_lacks_is_clear() {
        // 60 by 60 pixels in 10 by 5 cells of 9 by 16: 80 by 80, which takes nine columns of 81.
        let picture = decode(&file(60, 60)).unwrap();
        let (width, height) = fit(&picture, (90, 80));
        assert_eq!((width, height), (80, 80));
        let png = in_cells(&picture, (width, height), (9, 5), (9, 16)).unwrap();
        let back = image::load_from_memory(&png).unwrap().into_rgba8();
        assert_eq!(back.dimensions(), (61, 60));
        assert_eq!((back.get_pixel(59, 59).0[3], back.get_pixel(60, 0).0[3]), (255, 0));
        let large = decode(&file(400, 100)).unwrap();
        let png = in_cells(&large, fit(&large, (80, 64)), (10, 2), (8, 16)).unwrap();
        assert_eq!(image::load_from_memory(&png).unwrap().into_rgba8().dimensions(), (80, 32));
    }

    #[test]
    fn a_long_picture_is_sent_in_parts() {
        let noise = RgbImage::from_fn(128, 128, |x, y| {
            let n = x.wrapping_mul(2_654_435_761) ^ y.wrapping_mul(40_503_999);
            image::Rgb([n as u8, (n >> 8) as u8, (n >> 16) as u8])
        });
        let bytes = kitty(&png(&noise).unwrap(), 3, (16, 8), false);
        let text = String::from_utf8(bytes).unwrap();
        assert_eq!(text.matches("m=0;").count(), 1);
        assert!(text.matches("m=1;").count() >= 2);
    }
}
