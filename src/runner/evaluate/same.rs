//! Encoders under several labels that are one encoder: they give the same rows, bit by bit.

use super::answer::{Desk, Pair};
use super::encoders::{Encoded, TimedRows};
use crate::encode::Embeddings;
use crate::eval::Direction;
use crate::ids::Digest;
use crate::runner::{Narrator, RunError};
use sha2::{Digest as _, Sha256};

/// A digest of all rows of an encoder over a probe; of its name where it has no rows.
pub(super) fn digest(encoded: &Encoded) -> Digest {
    let mut hasher = Sha256::new();
    match encoded {
        // Its scores are a function of the probe alone, which is one for all that are compared.
        Encoded::Words(words) => hasher.update(words.card.encoder.as_bytes()),
        Encoded::Rows { queries, texts, pictures } => {
            for side in [queries, texts, pictures] {
                let shape = side.as_ref().map_or((0, 0), |TimedRows { rows, .. }| {
                    (rows.rows() as u64, rows.dim() as u64)
                });
                hasher.update(shape.0.to_le_bytes());
                hasher.update(shape.1.to_le_bytes());
                if let Some(side) = side {
                    feed(&mut hasher, side.rows.values());
                }
            }
        }
    }
    Digest::from_raw(&hasher.finalize())
}

/// A digest of all numbers of some tables of rows.
pub(super) fn digest_of(tables: &[&Embeddings]) -> Digest {
    let mut hasher = Sha256::new();
    for rows in tables {
        hasher.update((rows.dim() as u64).to_le_bytes());
        feed(&mut hasher, rows.values());
    }
    Digest::from_raw(&hasher.finalize())
}

/// Warns of labels that are one encoder.
pub(super) fn warn(groups: &[Vec<String>], narrator: &mut Narrator) -> Result<(), RunError> {
    for labels in groups {
        let labels = listed(labels);
        narrator
            .warn(&format!("{labels} give the same rows: this compares one encoder with itself"))?;
    }
    Ok(())
}

impl Desk<'_> {
    /// The labels of two encoders whose galleries in a direction have the same rows, which is warned
    /// of; none before both are encoded.
    ///
    /// # Errors
    /// A warning that could not be written.
    pub fn same_rows(
        &self,
        pair: Pair,
        direction: Direction,
        narrator: &mut Narrator,
    ) -> Result<Vec<Vec<String>>, RunError> {
        let seats = pair.map(|place| &self.seats[place]);
        let found = seats.iter().filter_map(|seat| {
            let rows = seat.rows(direction)?;
            Some((seat.spec.label.clone(), digest_of(&[&rows.rows])))
        });
        let found = groups(&found.collect::<Vec<_>>());
        warn(&found, narrator)?;
        Ok(found)
    }
}

fn feed(hasher: &mut Sha256, values: &[f32]) {
    let mut bytes = Vec::with_capacity(4 << 12);
    for chunk in values.chunks(1 << 12) {
        bytes.clear();
        bytes.extend(chunk.iter().flat_map(|value| value.to_le_bytes()));
        hasher.update(&bytes);
    }
}

/// The labels that share a digest, two at least, in their order.
pub(super) fn groups(labelled: &[(String, Digest)]) -> Vec<Vec<String>> {
    let mut groups: Vec<(&Digest, Vec<String>)> = Vec::new();
    for (label, digest) in labelled {
        match groups.iter_mut().find(|(known, _)| *known == digest) {
            Some((_, labels)) => labels.push(label.clone()),
            None => groups.push((digest, vec![label.clone()])),
        }
    }
    groups.into_iter().map(|(_, labels)| labels).filter(|labels| labels.len() > 1).collect()
}

/// `a and b`, `a, b and c`.
pub(super) fn listed(labels: &[String]) -> String {
    match labels {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_of_one_digest_are_grouped_in_their_order() {
        let labelled: Vec<(String, Digest)> = [("a", "x"), ("b", "y"), ("c", "x"), ("d", "x")]
            .map(|(label, rows)| (label.to_owned(), Digest::of(rows.as_bytes())))
            .into();
        let found = groups(&labelled);
        assert_eq!(found, [["a", "c", "d"]]);
        assert_eq!(listed(&found[0]), "a, c and d");
        assert!(groups(&labelled[..2]).is_empty());
    }
}
