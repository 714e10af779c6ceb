//! What of a data set is not in a comparison, counted.

use super::Direction;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What was left out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftOut {
    /// Items that lack what the task needs.
    pub items: usize,
    /// Rows of the set that could not be read, or whose picture is not there.
    pub bad_rows: usize,
    /// By direction, what would ask but has no answer; those without any are not named.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub queries: BTreeMap<Direction, usize>,
}

impl LeftOut {
    /// Whether nothing was.
    #[must_use]
    pub fn is_nothing(&self) -> bool {
        self.items == 0 && self.bad_rows == 0 && self.queries.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directions_are_named_where_something_is_left_out_of_them() {
        let nothing = LeftOut::default();
        assert!(nothing.is_nothing());
        assert_eq!(serde_json::to_string(&nothing).unwrap(), r#"{"items":0,"bad_rows":0}"#);
        let some = LeftOut { queries: [(Direction::ImageToImage, 3)].into(), ..nothing };
        let json = serde_json::to_string(&some).unwrap();
        assert_eq!(json, r#"{"items":0,"bad_rows":0,"queries":{"image-to-image":3}}"#);
        assert_eq!(serde_json::from_str::<LeftOut>(&json).unwrap(), some);
        assert!(!some.is_nothing());
    }
}
