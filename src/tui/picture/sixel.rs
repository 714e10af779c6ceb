//! Pixels to Sixel: a palette of at most 255 colours by median cut, bands of six rows.

use super::Rgb;
use std::collections::BTreeMap;
use std::fmt::Write;

/// Colours of a palette.
const COLOURS: usize = 255;

/// A picture of `width` pixels across as Sixel, drawn at the cursor.
#[must_use]
pub fn sixel(pixels: &[Rgb], width: usize) -> Vec<u8> {
    let height = pixels.len() / width.max(1);
    let (palette, place) = palette(pixels);
    let mut out = format!("\x1bP0;1;0q\"1;1;{width};{height}");
    for (at, colour) in palette.iter().enumerate() {
        let [r, g, b] = colour.map(|part| (u32::from(part) * 100 + 127) / 255);
        let _ = write!(out, "#{at};2;{r};{g};{b}");
    }
    for band in place.chunks(width * 6) {
        let mut rows: BTreeMap<u8, Vec<u8>> = BTreeMap::new();
        for (at, colour) in band.iter().enumerate() {
            rows.entry(*colour).or_insert_with(|| vec![0; width])[at % width] |= 1 << (at / width);
        }
        for (colour, bits) in rows {
            let _ = write!(out, "#{colour}");
            for run in bits.chunk_by(|a, b| a == b) {
                let sign = char::from(63 + run[0]);
                if run.len() > 3 {
                    let _ = write!(out, "!{}{sign}", run.len());
                } else {
                    out.extend(std::iter::repeat_n(sign, run.len()));
                }
            }
            out.push('$');
        }
        out.push('-');
    }
    out.push_str("\x1b\\");
    out.into_bytes()
}

/// Colours, and for every pixel its place among them.
fn palette(pixels: &[Rgb]) -> (Vec<Rgb>, Vec<u8>) {
    // Five bits a part are enough for small pictures.
    let coarse = |colour: &Rgb| colour.map(|part| part >> 3);
    let mut counts: BTreeMap<Rgb, (u64, [u64; 3])> = BTreeMap::new();
    for pixel in pixels {
        let (count, sums) = counts.entry(coarse(pixel)).or_default();
        *count += 1;
        for part in 0..3 {
            sums[part] += u64::from(pixel[part]);
        }
    }
    let mut boxes: Vec<Vec<Rgb>> = vec![counts.keys().copied().collect()];
    while boxes.len() < COLOURS.min(counts.len()) {
        let spread = |colours: &[Rgb]| {
            (0..3)
                .map(|part| {
                    let parts = || colours.iter().map(|colour| colour[part]);
                    (parts().max().unwrap_or(0) - parts().min().unwrap_or(0), part)
                })
                .max_by_key(|(spread, part)| (*spread, 2 - part))
                .unwrap_or((0, 0))
        };
        let widest = (0..boxes.len()).max_by_key(|at| (spread(&boxes[*at]).0, boxes.len() - at));
        let Some(at) = widest.filter(|at| boxes[*at].len() > 1) else { break };
        let (_, part) = spread(&boxes[at]);
        boxes[at].sort_by_key(|colour| (colour[part], *colour));
        let half = boxes[at].len() / 2;
        let rest = boxes[at].split_off(half);
        boxes.push(rest);
    }
    let mut places = BTreeMap::new();
    let mut colours = Vec::new();
    for (at, colours_of_box) in boxes.iter().enumerate() {
        let (mut count, mut sums) = (0, [0; 3]);
        for colour in colours_of_box {
            places.insert(*colour, at as u8);
            let (more, parts) = counts[colour];
            count += more;
            for part in 0..3 {
                sums[part] += parts[part];
            }
        }
        colours.push(sums.map(|sum: u64| (sum / u64::max(count, 1)) as u8));
    }
    let place = pixels.iter().map(|pixel| places[&coarse(pixel)]).collect();
    (colours, place)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads Sixel back: colours by pixel, as far as this module writes it.
    fn decode(bytes: &[u8], width: usize, height: usize) -> Vec<Option<Rgb>> {
        let text = std::str::from_utf8(bytes).unwrap();
        let body = text.strip_prefix("\x1bP0;1;0q\"").unwrap().strip_suffix("\x1b\\").unwrap();
        let mut pixels = vec![None; width * height];
        let mut colours: BTreeMap<usize, Rgb> = BTreeMap::new();
        let (mut x, mut band, mut colour, mut repeat) = (0, 0, 0, 1);
        let mut rest = &body[body.find('#').unwrap()..];
        while let Some(sign) = rest.chars().next() {
            rest = &rest[1..];
            let digits = |rest: &mut &str| {
                let end =
                    rest.find(|c: char| !c.is_ascii_digit() && c != ';').unwrap_or(rest.len());
                let found: Vec<usize> =
                    rest[..end].split(';').map(|part| part.parse().unwrap()).collect();
                *rest = &rest[end..];
                found
            };
            match sign {
                '#' => {
                    let found = digits(&mut rest);
                    colour = found[0];
                    if found.len() > 1 {
                        let part = |at: usize| (found[at] * 255 / 100) as u8;
                        colours.insert(colour, [part(2), part(3), part(4)]);
                    }
                }
                '!' => repeat = digits(&mut rest)[0],
                '$' => x = 0,
                '-' => (x, band) = (0, band + 1),
                sign => {
                    for _ in 0..std::mem::replace(&mut repeat, 1) {
                        for bit in 0..6 {
                            let y = band * 6 + bit;
                            if (sign as usize - 63) >> bit & 1 == 1 && y < height {
                                pixels[y * width + x] = Some(colours[&colour]);
                            }
                        }
                        x += 1;
                    }
                }
            }
        }
        pixels
    }

    #[test]
    fn every_pixel_comes_back_nearly_in_its_colour() {
        let (width, height) = (37, 20);
        let pixels: Vec<Rgb> = (0..width * height)
            .map(|at| [(at * 7 % 256) as u8, (at / width * 12) as u8, (at % width * 6) as u8])
            .collect();
        let back = decode(&sixel(&pixels, width), width, height);
        for (pixel, back) in pixels.iter().zip(back) {
            let back = back.unwrap();
            for part in 0..3 {
                assert!(pixel[part].abs_diff(back[part]) < 28, "{pixel:?} {back:?}");
            }
        }
    }
}
