//! Ranked lists and judgements in TREC's formats, as `trec_eval` and its kin read them.
//!
//! A run line is `query Q0 item rank score tag`, a judgement `query 0 item relevance`. Those
//! programs order by score and break ties by item name in their own way; the ranks written here
//! are ours.

use crate::eval::Relevant;
use crate::session::neighbours::NeighbourSet;
use std::fmt::Write as _;

/// A name without white space: fields are separated by it. `%` and white space become `%` and the
/// hexadecimal digits of their bytes.
fn field(name: &str) -> String {
    name.chars().fold(String::new(), |mut text, letter| {
        if letter.is_whitespace() || letter.is_control() || letter == '%' {
            let mut bytes = [0; 4];
            for byte in letter.encode_utf8(&mut bytes).bytes() {
                let _ = write!(text, "%{byte:02X}");
            }
        } else {
            text.push(letter);
        }
        text
    })
}

/// The run of one encoder in one direction; the tag is its role.
#[must_use]
pub fn run(set: &NeighbourSet) -> String {
    let tag = field(&set.role);
    let mut text = String::new();
    for (at, query) in set.queries.iter().enumerate() {
        let query = field(query);
        for (place, (item, score)) in set.top(at).enumerate() {
            let _ = writeln!(text, "{query} Q0 {} {} {score} {tag}", field(item), place + 1);
        }
    }
    text
}

/// What is relevant to each query; ids in the order of `relevant`'s queries and the gallery.
#[must_use]
pub fn qrels(queries: &[String], gallery: &[String], relevant: &Relevant) -> String {
    let mut text = String::new();
    for (at, query) in queries.iter().enumerate().take(relevant.queries()) {
        for item in relevant.of(at) {
            if let Some(item) = gallery.get(*item as usize) {
                let _ = writeln!(text, "{} 0 {} 1", field(query), field(item));
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_become_lines() {
        let set = NeighbourSet {
            role: "llama cc".into(),
            direction: "text-to-image".into(),
            queries: vec!["q#0".into(), "q 1".into()],
            gallery: vec!["a".into(), "b%".into()],
            k: 2,
            rank_low: vec![1, 1],
            rank_high: vec![1, 1],
            margin: vec![0.0, 0.0],
            top_items: vec![1, 0, 0, u32::MAX],
            top_scores: vec![0.75, 0.5, 0.25, 0.0],
        };
        let want = "q#0 Q0 b%25 1 0.75 llama%20cc\nq#0 Q0 a 2 0.5 llama%20cc\nq%201 Q0 a 1 0.25 llama%20cc\n";
        assert_eq!(run(&set), want);
        let relevant = Relevant::from_lists([vec![0], vec![1, 0]]);
        let text = qrels(&set.queries, &set.gallery, &relevant);
        assert_eq!(text, "q#0 0 a 1\nq%201 0 a 1\nq%201 0 b%25 1\n");
    }
}
