//! Where Inspect's parts stand, and how many pictures fit.

use crate::tui::widget::paint::{right, top};
use ratatui::layout::Rect;

/// Where the parts of the screen stand.
#[derive(Clone, Copy, Debug)]
pub struct Layout {
    /// Slices with their sizes.
    pub slices: Rect,
    /// The list of queries.
    pub list: Rect,
    /// What the chosen query is.
    pub head: Rect,
    /// Its picture; of no size where there is no room.
    pub picture: Rect,
    /// What lies below: both columns.
    pub below: Rect,
}

/// Columns and rows of the query's picture.
const PICTURE: (u16, u16) = (8, 4);

/// Widths of pictures in columns, the widest first; they are half as many rows high.
const WIDTHS: [u16; 6] = [20, 16, 12, 10, 8, 6];

/// Lays out the area below the screen's title.
#[must_use]
pub fn layout(inner: Rect, pictures: bool) -> Layout {
    let (slices, inner) = top(inner, 1);
    // The list has 36 columns; where that leaves next to nothing beside it, a part of all.
    let beside = inner.width.saturating_sub(36).max(inner.width * 2 / 5);
    let (list, detail) = right(inner, (inner.width * 3 / 5).min(beside));
    let tall = pictures && detail.height >= 18;
    let (head, below) = top(detail, if tall { PICTURE.1 } else { 2 });
    let picture = if tall { Rect { width: PICTURE.0.min(head.width), ..head } } else { Rect::ZERO };
    let used = if tall { picture.width + 1 } else { 0 };
    let head = Rect { x: head.x + used, width: head.width.saturating_sub(used), ..head };
    Layout { slices, list, head, picture, below }
}

/// The two columns: side by side, or above each other where names would have no room.
#[must_use]
pub fn columns(below: Rect) -> [Rect; 2] {
    if below.width < 64 {
        let (above, under) = top(below, below.height / 2);
        return [above, under];
    }
    let width = (below.width - 1) / 2;
    [Rect { width, ..below }, Rect { x: below.x + width + 1, width, ..below }]
}

/// Places of the pictures of `count` hits in a column below its title, with a line under each; and what
/// is left below them for the list.
#[must_use]
pub fn tiles(inner: Rect, count: usize) -> (Vec<Rect>, Rect) {
    let grid = |width: u16, lines: u16| -> (Vec<Rect>, Rect) {
        let (height, per) = (width / 2, ((inner.width + 1) / (width + 1)).max(1));
        let tile = |at: u16| Rect {
            x: inner.x + (at % per) * (width + 1),
            y: inner.y + (at / per) * (height + 1),
            width,
            height,
        };
        let shown = (count as u16).min(per * lines);
        ((0..shown).map(tile).collect(), top(inner, lines * (height + 1)).1)
    };
    if count == 0 {
        return (Vec::new(), inner);
    }
    for width in WIDTHS.into_iter().filter(|width| *width <= inner.width) {
        let per = ((inner.width + 1) / (width + 1)).max(1);
        let lines = (count as u16).div_ceil(per);
        if lines * (width / 2 + 1) + count as u16 <= inner.height {
            return grid(width, lines);
        }
    }
    // Not all fit: the first few in one line, and two lines of the list.
    let fits = |width: &u16| *width <= 10 && *width <= inner.width && width / 2 + 3 <= inner.height;
    match WIDTHS.into_iter().find(fits) {
        Some(width) => grid(width, 1),
        None => (Vec::new(), inner),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn both_parts_have_room_on_every_terminal() {
        for (width, list, detail) in [(44, 27, 17), (60, 36, 24), (80, 36, 44), (120, 48, 72)] {
            let parts = layout(Rect::new(0, 0, width, 20), false);
            assert_eq!((parts.list.width, parts.below.width), (list, detail), "{width}");
        }
    }

    proptest! {
        #[test]
        fn pictures_stand_inside_their_column_and_apart(
            width in 0u16..120, height in 0u16..60, count in 0usize..30
        ) {
            let inner = Rect { x: 3, y: 2, width, height };
            let (tiles, rest) = tiles(inner, count);
            prop_assert!(tiles.len() <= count);
            prop_assert!(rest.height <= inner.height);
            for (at, tile) in tiles.iter().enumerate() {
                prop_assert_eq!(tile.intersection(inner), *tile);
                prop_assert!(tile.bottom() < rest.y + 1);
                for other in &tiles[at + 1..] {
                    prop_assert!(tile.intersection(*other).is_empty());
                }
            }
        }
    }
}
