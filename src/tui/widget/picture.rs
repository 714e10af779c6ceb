//! A picture in so many cells: half-blocks, or what the painter fills.

use crate::ids::Digest;
use crate::tui::app::Shared;
use crate::tui::picture::{Graphics, Key, Rgb, placeholder};
use crate::tui::theme::{Depth, Role, nearest_indexed};
use crate::tui::widget::paint::put;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Color, Style};

/// Draws a picture of the screen, or that it is on its way, or not there.
pub fn picture(shared: &Shared, buffer: &mut Buffer, area: Rect, digest: &Digest) {
    picture_by(shared.graphics_now(), shared, buffer, area, digest);
}

/// Draws a picture of what lies over the screen likewise.
pub fn picture_in_front(shared: &Shared, buffer: &mut Buffer, area: Rect, digest: &Digest) {
    picture_by(shared.graphics_in_front(), shared, buffer, area, digest);
}

fn picture_by(
    graphics: Graphics,
    shared: &Shared,
    buffer: &mut Buffer,
    area: Rect,
    digest: &Digest,
) {
    let area = area.intersection(buffer.area);
    if area.is_empty() || graphics == Graphics::Off {
        return;
    }
    let key = Key { picture: digest.clone(), columns: area.width, rows: area.height };
    let Some(drawn) = shared.library.pictures.get(&key) else {
        let words = if shared.library.pictures.is_missing(&key) {
            "no picture"
        } else {
            shared.glyphs.cut()
        };
        let words = crate::tui::text::fit(words, usize::from(area.width), "");
        let x = area.x + area.width.saturating_sub(crate::tui::text::width(&words) as u16) / 2;
        put(buffer, area, x, area.y + area.height / 2, &words, shared.theme.style(Role::Faint));
        return;
    };
    for row in 0..area.height {
        for column in 0..area.width {
            let Some(cell) = buffer.cell_mut((area.x + column, area.y + row)) else { continue };
            match graphics {
                Graphics::Kitty | Graphics::KittyInTmux => {
                    cell.set_symbol(&placeholder(row, column));
                    cell.set_style(Style::new().fg(Color::Indexed(drawn.number)));
                }
                Graphics::Halfblocks => {
                    let at = usize::from(row) * usize::from(area.width) + usize::from(column);
                    let Some([upper, lower]) = drawn.halves.get(at) else { continue };
                    let colour = |rgb: Rgb| colour(shared.theme.depth, rgb);
                    match (upper, lower) {
                        (Some(upper), Some(lower)) => {
                            let style = Style::new().fg(colour(*upper)).bg(colour(*lower));
                            cell.set_symbol("▀").set_style(style);
                        }
                        (Some(upper), None) => {
                            cell.set_symbol("▀").set_style(Style::new().fg(colour(*upper)));
                        }
                        (None, Some(lower)) => {
                            cell.set_symbol("▄").set_style(Style::new().fg(colour(*lower)));
                        }
                        (None, None) => {}
                    }
                }
                _ => {}
            }
        }
    }
}

fn colour(depth: Depth, [r, g, b]: Rgb) -> Color {
    match depth {
        Depth::Indexed => Color::Indexed(nearest_indexed(r, g, b)),
        _ => Color::Rgb(r, g, b),
    }
}
