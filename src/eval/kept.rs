//! The ranks of a row as its result keeps them, and the units of its queries: what intervals and tests
//! resample.
//!
//! The id of a query says which item it is of. Where a unit is more than one item, the units are kept
//! beside the ranks.

use super::Direction;
use super::bootstrap::number_units;
use crate::ids::item_of;
use std::collections::BTreeMap;

/// The ranks of one row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptRanks {
    /// The row's label.
    pub role: String,
    /// The row's direction.
    pub direction: Direction,
    /// Ids of the queries: `item#k` or `item@n`.
    pub queries: Vec<String>,
    /// The high rank of each.
    pub ranks: Vec<u32>,
    /// The unit of each, as [`units_to_keep`] left them.
    pub units: Vec<u32>,
}

/// The units of queries that are kept: none where every item is a unit, as the ids say then.
#[must_use]
pub fn units_to_keep(queries: &[String], units: &[u32]) -> Vec<u32> {
    if number_units(units).0 == item_units(queries) { Vec::new() } else { units.to_vec() }
}

/// The item of each query, numbered in the order of the queries.
fn item_units(queries: &[String]) -> Vec<u32> {
    let mut numbers: BTreeMap<&str, u32> = BTreeMap::new();
    let mut units = Vec::with_capacity(queries.len());
    for query in queries {
        let next = numbers.len() as u32;
        units.push(*numbers.entry(item_of(query)).or_insert(next));
    }
    units
}

/// The unit of each query of a row with so many.
///
/// # Errors
/// What is kept does not give that number; in words.
pub(super) fn units_of(kept: &KeptRanks, expected: usize) -> Result<Vec<u32>, String> {
    let is_said = !kept.units.is_empty();
    let units = if is_said { kept.units.clone() } else { item_units(&kept.queries) };
    let found = number_units(&units).1;
    if units.len() == kept.queries.len() && found == expected {
        return Ok(units);
    }
    Err(if is_said {
        format!("its neighbours name {found} units of queries, and its row has {expected}")
    } else {
        format!(
            "its queries are of {found} items in {expected} units, and its neighbours, written by an earlier version, do not say which items are one unit; measure it again"
        )
    })
}

/// Rows of one protocol ask of the same units: what one row says of its queries holds for those of the
/// same queries that do not say it.
pub(super) fn lend_units<'a>(rows: impl Iterator<Item = &'a mut KeptRanks>) {
    let mut rows: Vec<&mut KeptRanks> = rows.collect();
    for direction in Direction::ALL {
        let says = |row: &&&mut KeptRanks| row.direction == direction && !row.units.is_empty();
        let said = rows.iter().find(says).map(|row| (row.queries.clone(), row.units.clone()));
        let Some((queries, units)) = said else { continue };
        for row in rows.iter_mut().filter(|row| row.direction == direction) {
            if row.units.is_empty() && row.queries == queries {
                row.units.clone_from(&units);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(queries: &[&str], units: &[u32]) -> KeptRanks {
        KeptRanks {
            role: "clip".to_owned(),
            direction: Direction::TextToText,
            queries: queries.iter().map(|&query| query.to_owned()).collect(),
            ranks: vec![1; queries.len()],
            units: units.to_vec(),
        }
    }

    #[test]
    fn units_are_kept_where_ids_do_not_say_them() {
        let queries = kept(&["cat#0", "cat#1", "dog@0", "cow"], &[]).queries;
        assert!(units_to_keep(&queries, &[4, 4, 6, 9]).is_empty());
        assert_eq!(units_to_keep(&queries, &[4, 4, 4, 9]), [4, 4, 4, 9]);
        // As many units as items, in another order: draws go by it.
        assert_eq!(units_to_keep(&queries, &[9, 9, 6, 4]), [9, 9, 6, 4]);
        // Signs within a picture's name are no part of a query's number.
        let queries = kept(&["me@home.jpg", "me@work.jpg", "me@work.jpg@1"], &[]).queries;
        assert!(units_to_keep(&queries, &[0, 1, 1]).is_empty());
    }

    #[test]
    fn a_row_without_its_units_borrows_those_of_another_on_the_same_queries() {
        let queries = ["cat#0", "kitten#0", "dog#0"];
        let mut rows =
            [kept(&queries, &[]), kept(&queries, &[0, 0, 1]), kept(&["a#0", "b#0"], &[])];
        assert!(units_of(&rows[0], 2).unwrap_err().contains("3 items in 2 units"));
        assert!(units_of(&rows[1], 3).unwrap_err().contains("name 2 units"));
        lend_units(rows.iter_mut());
        assert_eq!(units_of(&rows[0], 2), Ok(vec![0, 0, 1]));
        assert_eq!(units_of(&rows[2], 2), Ok(vec![0, 1]));
    }
}
