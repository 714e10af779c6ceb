//! What stands beside a query's words in the list: both ranks, what was gained, what became of it as
//! signs, and margins where there is room.

use crate::eval::compare::Slice;
use crate::tui::data::pairing::PairedQuery;

/// A slice's sign in the list; before the slice's name above the list it says what it stands for.
#[must_use]
pub const fn sign(slice: Slice) -> &'static str {
    match slice {
        Slice::Fixed => "+",
        Slice::Broke => "-",
        Slice::BothRight => "=",
        Slice::BothWrong => "x",
        Slice::Tie => "~",
        Slice::Hub => "#",
    }
}

/// A slice's name where there is little room.
const fn short(slice: Slice) -> &'static str {
    match slice {
        Slice::BothRight => "right",
        Slice::BothWrong => "wrong",
        other => other.name(),
    }
}

/// How many queries there are and how many each slice has, in words, with the place of each slice: with
/// the sign that it has in the list before its name, in as many words as there is room for.
pub fn sizes(
    (all, sizes): (usize, [usize; Slice::ALL.len()]),
    chosen: Option<usize>,
    room: usize,
) -> Vec<(Option<usize>, String)> {
    let with = |name: fn(Slice) -> &'static str, unchosen: bool| -> Vec<(Option<usize>, String)> {
        let slice = |(at, (slice, size)): (usize, (Slice, usize))| {
            let (sign, name) = (sign(slice), name(slice));
            let words = if Some(at) == chosen {
                format!("[{sign}{name} {size}] ")
            } else if unchosen {
                format!("{sign}{name} {size} ")
            } else {
                format!("{sign}{size} ")
            };
            (Some(at), words)
        };
        let every = if chosen.is_none() { format!("[all {all}] ") } else { format!(" all {all} ") };
        let slices = Slice::ALL.into_iter().zip(sizes).enumerate().map(slice);
        std::iter::once((None, every)).chain(slices).collect()
    };
    let fits = |parts: &[(Option<usize>, String)]| {
        parts.iter().map(|(_, words)| words.len()).sum::<usize>() <= room + 1
    };
    let full = with(Slice::name, true);
    if fits(&full) {
        return full;
    }
    let shorter = with(short, true);
    if fits(&shorter) { shorter } else { with(short, false) }
}

/// The slices of a query as signs, each in a column of its own: what became of it, a tie, a hub.
fn flags(query: &PairedQuery) -> String {
    let of = |slices: &[Slice]| {
        let found = slices.iter().find(|slice| query.slices.contains(**slice));
        found.map_or(" ", |slice| sign(*slice))
    };
    let all = Slice::ALL;
    let (became, beside) = all.split_at(4);
    format!("{}{}{}", of(became), of(&beside[..1]), of(&beside[1..]))
}

/// The columns that a list of some width has room for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Figures {
    /// Cells of a rank and the space before it.
    rank: usize,
    /// Margins: none, the second encoder's, both.
    margins: usize,
}

/// Cells of a margin and the space before it.
const MARGIN: usize = 7;

/// Cells of signs and the space before them.
const FLAGS: usize = 4;

impl Figures {
    /// Those for a list of this width, whose highest rank is this.
    #[must_use]
    pub fn of(width: usize, highest: u32) -> Self {
        let rank = (highest.to_string().len() + 1).max(4);
        let margins = match width {
            0..=43 => 0,
            44..=63 => 1,
            _ => 2,
        };
        Self { rank, margins }
    }

    /// Cells they take.
    #[must_use]
    pub const fn width(self) -> usize {
        3 * self.rank + 1 + FLAGS + self.margins * MARGIN
    }

    /// What stands above them.
    #[must_use]
    pub fn head(self) -> String {
        let margins = match self.margins {
            0 => "    ",
            1 => "   margin b",
            _ => "      margins a, b",
        };
        let (rank, gain) = (self.rank, self.rank + 1);
        format!("{:>rank$}{:>rank$}{:>gain$}{margins}", "a", "b", "gain")
    }

    /// Both ranks of a query.
    #[must_use]
    pub fn ranks(self, query: &PairedQuery) -> String {
        let rank = self.rank;
        format!("{:>rank$}{:>rank$}", query.rank[0], query.rank[1])
    }

    /// Ranks gained.
    #[must_use]
    pub fn gain(self, query: &PairedQuery) -> String {
        format!("{:>+1$}", query.gain(), self.rank + 1)
    }

    /// Its signs, then the margins there is room for.
    #[must_use]
    pub fn rest(self, query: &PairedQuery) -> String {
        let margins = query.margin.iter().skip(2 - self.margins);
        let margins: Vec<String> = margins.map(|margin| format!("{margin:>+MARGIN$.3}")).collect();
        format!(" {}{}", flags(query), margins.concat())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_slice_has_its_size_in_the_room_there_is() {
        let said = |all, chosen, room| {
            let sizes = sizes((all, [all / 5, 90, all / 3, all / 2, 12, 380]), chosen, room);
            sizes.into_iter().map(|(_, words)| words).collect::<String>()
        };
        assert_eq!(
            said(760, None, 79),
            "[all 760] +fixed 152 -broke 90 =both-right 253 xboth-wrong 380 ~tie 12 #hub 380 "
        );
        // All captions of COCO's test at 80x24, and the emoji at the least size there is.
        let large = said(25_000, Some(3), 79);
        assert_eq!(
            large,
            " all 25000 +fixed 5000 -broke 90 =right 8333 [xwrong 12500] ~tie 12 #hub 380 "
        );
        assert_eq!(said(760, Some(5), 59), " all 760 +152 -90 =253 x380 ~12 [#hub 380] ");
        for room in [59, 79, 119] {
            for chosen in [None, Some(0), Some(2), Some(5)] {
                assert!(said(25_000, chosen, room).len() <= room + 1, "{room} {chosen:?}");
            }
        }
    }

    fn query(rank: [u32; 2], slices: &[Slice]) -> PairedQuery {
        let slices = slices.iter().copied().collect();
        PairedQuery { at: 0, rank, margin: [-0.25, 0.125], slices }
    }

    #[test]
    fn flags_are_single_signs_in_columns_of_their_own() {
        let of = |slices: &[Slice]| flags(&query([1, 1], slices));
        assert_eq!(of(&[Slice::Fixed]), "+  ");
        assert_eq!(of(&[Slice::BothWrong, Slice::Hub]), "x #");
        assert_eq!(of(&[Slice::Broke, Slice::Tie, Slice::Hub]), "-~#");
        let mut signs = Slice::ALL.map(sign).to_vec();
        signs.sort_unstable();
        signs.dedup();
        assert_eq!(signs.len(), Slice::ALL.len());
    }

    #[test]
    fn a_row_is_as_wide_as_its_head_and_has_margins_where_there_is_room() {
        let query = query([123, 7], &[Slice::BothWrong]);
        for (width, margins) in [(35, ""), (47, " +0.125"), (80, " -0.250 +0.125")] {
            let figures = Figures::of(width, 760);
            let row = [figures.ranks(&query), figures.gain(&query), figures.rest(&query)].concat();
            assert_eq!(row, format!(" 123   7 +116 x  {margins}"));
            assert_eq!(figures.head().len(), figures.width());
            assert_eq!(row.len(), figures.width());
            // Words have as much room, at 80x24 too.
            assert!(2 * figures.width() <= width + 1, "{width}");
        }
        assert_eq!(Figures::of(35, 25_000).ranks(&query), "   123     7");
    }
}
