//! What the queries of a result were judged by: its own judgements, where ids do not say them, and a second
//! set with the lists it has.

use super::library::LoadedResult;
use crate::session::judged::JudgedSet;
use crate::session::neighbours::NeighbourSet;

/// Judgements of a result.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Judged {
    /// Its own, a direction each.
    pub own: Vec<JudgedSet>,
    /// A second set, likewise.
    pub second: Vec<JudgedSet>,
    /// Who stood near whom under the second set; each on queries that it speaks of.
    pub lists: Vec<NeighbourSet>,
}

impl Judged {
    /// With a second set and its lists; those that it does not speak of are left out.
    #[must_use]
    pub fn new(own: Vec<JudgedSet>, second: Vec<JudgedSet>, mut lists: Vec<NeighbourSet>) -> Self {
        lists.retain(|set| second.iter().any(|one| is_of(one, set)));
        Self { own, second, lists }
    }
}

fn is_of(one: &JudgedSet, set: &NeighbourSet) -> bool {
    one.direction == set.direction && one.queries == set.queries
}

impl LoadedResult {
    /// What answers what, by the second set of judgements or by its own.
    #[must_use]
    pub fn judgements(&self, second: bool) -> &[JudgedSet] {
        if second { &self.judged.second } else { &self.judged.own }
    }

    /// Where what answers the queries of a set stands among those, where ids do not say so.
    #[must_use]
    pub fn judged_at(&self, set: &NeighbourSet, second: bool) -> Option<usize> {
        self.judgements(second).iter().position(|one| is_of(one, set))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_that_no_judgement_speaks_of_are_left_out() {
        let list = |direction: &str, query: &str| NeighbourSet {
            direction: direction.into(),
            queries: vec![query.into()],
            ..NeighbourSet::default()
        };
        let judged = JudgedSet {
            direction: "text-to-text".into(),
            queries: vec!["a#0".into()],
            ..JudgedSet::default()
        };
        let lists = [("text-to-text", "a#0"), ("text-to-text", "b#0"), ("text-to-image", "a#0")];
        let lists = lists.map(|(direction, query)| list(direction, query)).into();
        let found = Judged::new(Vec::new(), vec![judged], lists);
        assert_eq!(found.lists, [list("text-to-text", "a#0")]);
    }
}
