//! A frame as SVG. Blocks, rules and braille are drawn as shapes and letters are held to their cells, so
//! that it looks the same whatever fonts there are.

use crate::tui::text;
use ratatui::buffer::{Buffer, Cell};
use ratatui::style::{Color, Modifier};
use std::collections::BTreeMap;
use std::fmt::Write;

type Rgb = [u8; 3];

/// A cell in units of the picture.
const CELL: (f64, f64) = (9.0, 18.0);
/// From a cell's top to its letters' foot.
const FOOT: f64 = 13.5;
/// Around the cells.
const EDGE: f64 = 9.0;

/// A part of a cell: left, top, width and height, as shares of it.
type Part = [f64; 4];

/// The parts of a cell that a sign fills, and how densely; nothing for what a font draws.
fn parts(symbol: &str) -> Option<(Vec<Part>, f64)> {
    let mut letters = symbol.chars();
    let (Some(sign), None) = (letters.next(), letters.next()) else { return None };
    let code = u32::from(sign);
    let thin = |parts: &[Part]| Some((parts.to_vec(), 1.0));
    let (across, down) = (1.0 / CELL.0, 1.0 / CELL.1);
    let middle = [0.5 - across / 2.0, 0.5 - down / 2.0];
    let [left, top] = middle;
    let right_half = [left, top, 1.0 - left, down];
    let left_half = [0.0, top, left + across, down];
    let lower = [left, top, across, 1.0 - top];
    let upper = [left, 0.0, across, top + down];
    let flat = [0.0, top, 1.0, down];
    let tall = [left, 0.0, across, 1.0];
    match sign {
        '▀' => thin(&[[0.0, 0.0, 1.0, 0.5]]),
        '▐' => thin(&[[0.5, 0.0, 0.5, 1.0]]),
        '▁'..='█' => {
            let height = f64::from(code - 0x2580) / 8.0;
            thin(&[[0.0, 1.0 - height, 1.0, height]])
        }
        '▉'..='▏' => {
            let width = f64::from(0x2590 - code) / 8.0;
            thin(&[[0.0, 0.0, width, 1.0]])
        }
        '░'..='▓' => Some((vec![[0.0, 0.0, 1.0, 1.0]], f64::from(code - 0x2590) / 4.0)),
        '─' => thin(&[flat]),
        '│' => thin(&[tall]),
        '┌' => thin(&[right_half, lower]),
        '┐' => thin(&[left_half, lower]),
        '└' => thin(&[right_half, upper]),
        '┘' => thin(&[left_half, upper]),
        '├' => thin(&[tall, right_half]),
        '┤' => thin(&[tall, left_half]),
        '┬' => thin(&[flat, lower]),
        '┴' => thin(&[flat, upper]),
        '┼' => thin(&[flat, tall]),
        '\u{2800}'..='\u{28ff}' => {
            const DOTS: [(f64, f64); 8] = [
                (0.0, 0.0),
                (0.0, 1.0),
                (0.0, 2.0),
                (1.0, 0.0),
                (1.0, 1.0),
                (1.0, 2.0),
                (0.0, 3.0),
                (1.0, 3.0),
            ];
            let bits = code - 0x2800;
            let dot = |(bit, (x, y)): (usize, (f64, f64))| {
                (bits >> bit & 1 == 1).then_some([x / 2.0 + 0.12, y / 4.0 + 0.06, 0.26, 0.13])
            };
            Some((DOTS.into_iter().enumerate().filter_map(dot).collect(), 1.0))
        }
        _ => None,
    }
}

/// Keeps a seam from showing between shapes that touch, at whatever scale.
const CRISP: &str = " shape-rendering=\"crispEdges\"";

/// Whether a sign is a block, which meets the next cell's; lines and dots are smoothed.
fn is_block(symbol: &str) -> bool {
    symbol.starts_with(|sign| matches!(sign, '▀'..='▟'))
}

/// What a cell looks like.
#[derive(Clone, Copy, PartialEq)]
struct Look {
    letters: Rgb,
    ground: Rgb,
    bold: bool,
    underlined: bool,
}

fn look(cell: &Cell, (ground, letters): (Rgb, Rgb)) -> Look {
    let colour = |colour: Color, plain: Rgb| match colour {
        Color::Rgb(r, g, b) => [r, g, b],
        _ => plain,
    };
    let (mut front, mut back) = (colour(cell.fg, letters), colour(cell.bg, ground));
    if cell.modifier.contains(Modifier::REVERSED) {
        (front, back) = (back, front);
    }
    if cell.modifier.contains(Modifier::DIM) {
        front = std::array::from_fn(|at| {
            ((u16::from(front[at]) * 3 + u16::from(back[at]) * 2) / 5) as u8
        });
    }
    Look {
        letters: front,
        ground: back,
        bold: cell.modifier.contains(Modifier::BOLD),
        underlined: cell.modifier.contains(Modifier::UNDERLINED),
    }
}

fn hex([r, g, b]: Rgb) -> String {
    format!("#{r:02x}{g:02x}{b:02x}")
}

/// A number with as few digits as it needs.
fn short(value: f64) -> String {
    let text = format!("{value:.2}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

fn add(path: &mut String, x: f64, y: f64, width: f64, height: f64) {
    let (x, y, width, height) = (short(x), short(y), short(width), short(height));
    let _ = write!(path, "M{x} {y}h{width}v{height}h-{width}z");
}

/// A frame on a ground, with the colour of plain letters.
#[must_use]
pub fn svg(frame: &Buffer, colours: (Rgb, Rgb), title: &str) -> String {
    let area = frame.area;
    let width = f64::from(area.width) * CELL.0 + 2.0 * EDGE;
    let height = f64::from(area.height) * CELL.1 + 2.0 * EDGE;
    let mut grounds: BTreeMap<Rgb, String> = BTreeMap::new();
    // By colour, density in eighths, and whether the edges of neighbours must meet.
    let mut shapes: BTreeMap<(Rgb, u8, bool), String> = BTreeMap::new();
    let mut letters = String::new();
    for y in 0..area.height {
        let top = EDGE + f64::from(y) * CELL.1;
        let mut x = 0;
        while x < area.width {
            let (first, from) = (look(&frame[(x, y)], colours), x);
            let drawn = parts(frame[(x, y)].symbol()).is_some();
            let mut words = String::new();
            let left = |x: u16| EDGE + f64::from(x) * CELL.0;
            while x < area.width {
                let cell = &frame[(x, y)];
                let shape = parts(cell.symbol());
                if look(cell, colours) != first || shape.is_some() != drawn {
                    break;
                }
                if let Some((parts, density)) = shape {
                    let density = (density * 8.0).round() as u8;
                    let look = (first.letters, density, is_block(cell.symbol()));
                    let path = shapes.entry(look).or_default();
                    for [px, py, w, h] in parts {
                        let (px, py) = (left(x) + px * CELL.0, top + py * CELL.1);
                        add(path, px, py, w * CELL.0, h * CELL.1);
                    }
                }
                words.push_str(cell.symbol());
                x += (text::width(cell.symbol()) as u16).max(1);
            }
            let span = f64::from(x - from) * CELL.0;
            if first.ground != colours.0 {
                add(grounds.entry(first.ground).or_default(), left(from), top, span, CELL.1);
            }
            if !drawn && !words.trim().is_empty() {
                line(&mut letters, &words, first, left(from), top);
            }
        }
    }
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {w} {h}\" width=\"{w}\" \
         height=\"{h}\" role=\"img\" font-family=\"ui-monospace,'DejaVu Sans Mono',Menlo,Consolas,\
         monospace\" font-size=\"14.5\" xml:space=\"preserve\">\n<title>{}</title>\n\
         <rect width=\"{w}\" height=\"{h}\" fill=\"{}\"/>\n",
        escape(title),
        hex(colours.0),
        w = short(width),
        h = short(height),
    );
    for (colour, path) in grounds {
        let _ = writeln!(out, "<path fill=\"{}\"{CRISP} d=\"{path}\"/>", hex(colour));
    }
    for ((colour, density, block), path) in shapes {
        let opacity = if density == 8 {
            String::new()
        } else {
            format!(" fill-opacity=\"{}\"", short(f64::from(density) / 8.0))
        };
        let crisp = if block { CRISP } else { "" };
        let _ = writeln!(out, "<path fill=\"{}\"{opacity}{crisp} d=\"{path}\"/>", hex(colour));
    }
    out.push_str(&letters);
    out.push_str("</svg>\n");
    out
}

/// Words in one style, stretched to the cells they take.
fn line(out: &mut String, words: &str, look: Look, left: f64, top: f64) {
    let trimmed = words.trim_start_matches(' ');
    let left = left + (words.len() - trimmed.len()) as f64 * CELL.0;
    let trimmed = trimmed.trim_end_matches(' ');
    let span = text::width(trimmed) as f64 * CELL.0;
    let bold = if look.bold { " font-weight=\"bold\"" } else { "" };
    let under = if look.underlined { " text-decoration=\"underline\"" } else { "" };
    let _ = writeln!(
        out,
        "<text x=\"{}\" y=\"{}\" fill=\"{}\"{bold}{under} textLength=\"{}\" \
         lengthAdjust=\"spacingAndGlyphs\">{}</text>",
        short(left),
        short(top + FOOT),
        hex(look.letters),
        short(span),
        escape(trimmed)
    );
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use ratatui::layout::Rect;
    use ratatui::style::Style;

    #[test]
    fn letters_are_held_to_their_cells_and_blocks_are_shapes() {
        let mut frame = Buffer::empty(Rect::new(0, 0, 12, 1));
        frame.set_string(0, 0, "  a<b 얼", Style::new());
        frame.set_string(9, 0, "▀▄", Style::new().fg(Color::Rgb(1, 2, 3)).bg(Color::Rgb(4, 5, 6)));
        let svg = svg(&frame, ([0, 0, 0], [255, 255, 255]), "a & b");
        assert!(svg.contains("<title>a &amp; b</title>"));
        assert!(
            svg.contains("<text x=\"27\" y=\"22.5\" fill=\"#ffffff\" textLength=\"54\""),
            "{svg}"
        );
        assert!(svg.contains(">a&lt;b 얼</text>"));
        let crisp = "shape-rendering=\"crispEdges\"";
        let blocks = format!("<path fill=\"#010203\" {crisp} d=\"M90 9h9v9h-9zM99 18h9v9h-9z\"/>");
        assert!(svg.contains(&blocks), "{svg}");
        assert!(svg.contains(&format!("<path fill=\"#040506\" {crisp} d=\"M90 9h18v18h-18z\"/>")));
    }

    #[test]
    fn blocks_meet_without_a_seam_and_dots_stay_round() {
        let mut frame = Buffer::empty(Rect::new(0, 0, 3, 1));
        frame.set_string(0, 0, "█⣿─", Style::new().fg(Color::Rgb(1, 2, 3)));
        let svg = svg(&frame, ([0, 0, 0], [255, 255, 255]), "");
        let paths: Vec<&str> = svg.lines().filter(|line| line.starts_with("<path")).collect();
        assert_eq!(paths.len(), 2, "{svg}");
        let crisp = paths.iter().filter(|path| path.contains("crispEdges"));
        assert_eq!(crisp.map(|path| path.matches('M').count()).collect::<Vec<_>>(), [1]);
    }

    #[test]
    fn every_block_stays_in_its_cell() {
        for code in (0x2500..0x25a0).chain(0x2800..0x2900) {
            let sign = char::from_u32(code).unwrap().to_string();
            let Some((parts, density)) = parts(&sign) else { continue };
            assert!(density > 0.0 && density <= 1.0);
            for [x, y, w, h] in parts {
                assert!(x >= 0.0 && y >= 0.0 && x + w < 1.001 && y + h < 1.001, "{sign}");
            }
        }
    }
}
