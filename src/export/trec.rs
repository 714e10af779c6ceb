//! Ranked lists and judgements in TREC's formats, as `trec_eval` and its kin read them.
//!
//! A run line is `query Q0 item rank score tag`, a judgement `query 0 item relevance`. Those
//! programs order by score and break ties by item name in their own way. Here a tie counts against
//! the encoder, so a run has none: of equal scores wrong answers come first, and each line's score is
//! at least a step of 32 bits below that of the line before it.

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

/// The run of one encoder in one direction; the tag is its role. `relevant` says of each query what is
/// relevant, in the order of the set's queries.
#[must_use]
pub fn run(set: &NeighbourSet, relevant: &Relevant) -> String {
    let tag = field(&set.role);
    let mut text = String::new();
    for (at, query) in set.queries.iter().enumerate() {
        let query = field(query);
        let mut above = f32::INFINITY;
        for (place, (item, score)) in counted(set, relevant, at).into_iter().enumerate() {
            let score = score.min(above.next_down());
            above = score;
            let item = set.gallery.get(item as usize).map_or("", String::as_str);
            let _ = writeln!(text, "{query} Q0 {} {} {score} {tag}", field(item), place + 1);
        }
    }
    text
}

/// A query's list as its high rank counts: of equal scores wrong answers first; and where more wrong
/// answers tie with the best right one than the list holds, the right ones of that score stand beyond
/// the list.
fn counted(set: &NeighbourSet, relevant: &Relevant, query: usize) -> Vec<(u32, f32)> {
    let range = query * set.k..(query + 1) * set.k;
    let items = set.top_items.get(range.clone()).unwrap_or_default();
    let scores = set.top_scores.get(range).unwrap_or_default();
    let all = items.iter().copied().zip(scores.iter().copied());
    let mut list: Vec<(u32, f32)> =
        all.filter(|(item, _)| (*item as usize) < set.gallery.len()).collect();
    let right = |item: u32| query < relevant.queries() && relevant.holds(query, item);
    list.sort_by(|a, b| b.1.total_cmp(&a.1).then(right(a.0).cmp(&right(b.0))));
    let Some(first) = list.iter().position(|(item, _)| right(*item)) else { return list };
    let best = list[first].1;
    let rank = set.rank_high.get(query).map_or(0, |rank| *rank as usize);
    if rank > first + 1 {
        list.retain(|(item, score)| *score != best || !right(*item));
    }
    list
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
            units: Vec::new(),
            gallery: vec!["a".into(), "b%".into()],
            k: 2,
            rank_low: vec![1, 1],
            rank_high: vec![1, 1],
            margin: vec![0.0, 0.0],
            top_items: vec![1, 0, 0, u32::MAX],
            top_scores: vec![0.75, 0.5, 0.25, 0.0],
        };
        let want = "q#0 Q0 b%25 1 0.75 llama%20cc\nq#0 Q0 a 2 0.5 llama%20cc\nq%201 Q0 a 1 0.25 llama%20cc\n";
        let relevant = Relevant::from_lists([vec![0], vec![1, 0]]);
        assert_eq!(run(&set, &relevant), want);
        let text = qrels(&set.queries, &set.gallery, &relevant);
        assert_eq!(text, "q#0 0 a 1\nq%201 0 a 1\nq%201 0 b%25 1\n");
    }

    /// The place of the first right answer as `trec_eval` finds it: by score as 32 bits, then by name,
    /// the later first.
    fn found(run: &str, query: &str, right: &str) -> Option<usize> {
        let mut lines: Vec<(f32, &str)> = run
            .lines()
            .map(|line| line.split(' ').collect::<Vec<_>>())
            .filter(|fields| fields[0] == query)
            .map(|fields| (fields[4].parse().unwrap(), fields[2]))
            .collect();
        lines.sort_by(|a, b| b.0.total_cmp(&a.0).then(b.1.cmp(a.1)));
        lines.iter().position(|(_, item)| *item == right).map(|place| place + 1)
    }

    #[test]
    fn ties_count_against_the_encoder_as_in_the_tables() {
        let set = |scores: [f32; 4], rank_high: u32| NeighbourSet {
            role: "bm25".into(),
            direction: "text-to-text".into(),
            queries: vec!["q".into()],
            units: Vec::new(),
            gallery: ["d", "c", "b", "a", "e"].map(str::to_owned).into(),
            k: 4,
            rank_low: vec![1],
            rank_high: vec![rank_high],
            margin: vec![0.0],
            top_items: vec![0, 1, 2, 3],
            top_scores: scores.into(),
        };
        let right = |item: u32| Relevant::from_lists([vec![item]]);
        // The right answer stands first by the order of items and by name; three others tie.
        let tied = set([12.5; 4], 4);
        assert_eq!(found(&run(&tied, &right(0)), "q", "d"), Some(4));
        assert_eq!(found(&run(&tied, &right(3)), "q", "a"), Some(4));
        // A fourth wrong answer of that score lies beyond the list.
        let beyond = run(&set([0.0; 4], 5), &right(0));
        assert_eq!((found(&beyond, "q", "d"), beyond.lines().count()), (None, 3));
        // Neighbouring numbers stay in order behind a tie.
        let close = set([1.0, 1.0, 1.0_f32.next_down(), 0.5], 3);
        let text = run(&close, &right(2));
        assert_eq!(found(&text, "q", "b"), Some(3));
        assert_eq!(found(&text, "q", "a"), Some(4));
        // Without ties scores are as they were found.
        let plain = run(&set([0.75, 0.5, 0.25, 0.125], 2), &right(1));
        assert!(plain.starts_with("q Q0 d 1 0.75 bm25\nq Q0 c 2 0.5 bm25\n"), "{plain}");
    }
}
