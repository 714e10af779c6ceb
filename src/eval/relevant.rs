//! What answers what: relevant items, the unit each query belongs to, and the query itself.

use super::Error;

/// For every query, the gallery items that answer it. One flat list with where each query starts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Relevant {
    starts: Vec<usize>,
    items: Vec<u32>,
}

impl Relevant {
    /// Takes a list of gallery indices a query; sorts each and drops repetitions.
    pub fn from_lists<I: IntoIterator<Item = u32>>(lists: impl IntoIterator<Item = I>) -> Self {
        let mut relevant = Self { starts: vec![0], items: Vec::new() };
        for list in lists {
            let mut list: Vec<u32> = list.into_iter().collect();
            list.sort_unstable();
            list.dedup();
            relevant.items.extend(list);
            relevant.starts.push(relevant.items.len());
        }
        relevant
    }

    /// Query `q` is answered by item `q` alone.
    #[must_use]
    pub fn diagonal(queries: usize) -> Self {
        Self::from_lists((0..queries as u32).map(|q| [q]))
    }

    /// The number of queries.
    #[must_use]
    pub fn queries(&self) -> usize {
        self.starts.len().saturating_sub(1)
    }

    /// The items that answer a query, ascending.
    #[must_use]
    pub fn of(&self, query: usize) -> &[u32] {
        &self.items[self.starts[query]..self.starts[query + 1]]
    }

    /// Whether an item answers a query.
    #[must_use]
    pub fn holds(&self, query: usize, item: u32) -> bool {
        self.of(query).binary_search(&item).is_ok()
    }
}

/// All that ranking needs to know beside the scores.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Judgements {
    /// What answers each query.
    pub relevant: Relevant,
    /// The unit (image, concept) each query belongs to: what intervals and tests resample.
    pub units: Vec<u32>,
    /// Where each query itself stands in the gallery, to be left out; `None` where queries and
    /// gallery are different things.
    pub itself: Option<Vec<u32>>,
}

impl Judgements {
    /// Checks sizes and indices against a gallery of that size, and that every query has an answer
    /// besides itself.
    pub fn check(&self, queries: usize, gallery: usize) -> Result<(), Error> {
        let sizes = [
            ("relevant", self.relevant.queries()),
            ("units", self.units.len()),
            ("itself", self.itself.as_ref().map_or(queries, Vec::len)),
        ];
        for (what, found) in sizes {
            if found != queries {
                return Err(Error::Shape { what, expected: queries, found });
            }
        }
        for query in 0..queries {
            let of = self.relevant.of(query);
            let own = self.itself.as_ref().map(|itself| itself[query]);
            for (what, item) in [("relevant", of.last().copied()), ("itself", own)] {
                if let Some(item) = item.filter(|&item| item as usize >= gallery) {
                    return Err(Error::Range { what, query, item: item as usize, gallery });
                }
            }
            if of.iter().all(|&item| own == Some(item)) {
                return Err(Error::NothingRelevant { query });
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn judgements_that_cannot_be_ranked_are_refused() {
        let good = Judgements {
            relevant: Relevant::from_lists([vec![1, 0, 1], vec![2]]),
            units: vec![0, 1],
            itself: Some(vec![0, 1]),
        };
        assert_eq!(good.relevant.of(0), [0, 1]);
        assert!(good.relevant.holds(1, 2) && !good.relevant.holds(1, 1));
        assert_eq!(good.check(2, 3), Ok(()));
        assert!(matches!(good.check(2, 2), Err(Error::Range { query: 1, item: 2, .. })));
        assert!(matches!(good.check(3, 3), Err(Error::Shape { .. })));
        let own = Judgements { itself: Some(vec![0, 2]), ..good };
        assert_eq!(own.check(2, 3), Err(Error::NothingRelevant { query: 1 }));
    }
}
