//! What a query takes under an encoder, as its result measured it.

use crate::tui::data::library::{LoadedResult, ResultContent};

/// Milliseconds of a query.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Took {
    /// To encode it and search the gallery.
    all: f64,
    /// Of that, the search, where it was measured apart.
    search: Option<f64>,
}

/// What a query of a result takes; nothing where the result does not say.
pub fn took(result: &LoadedResult, role: &str, direction: &str) -> Option<Took> {
    match result.content.as_ref().ok()? {
        ResultContent::Compare(document, _) => {
            let is = |row: &&crate::eval::CompareRow| {
                row.role == role && row.direction.name() == direction
            };
            let row = document.rows.iter().find(is)?;
            Some(Took { all: row.ms_per_query?, search: row.search_ms_per_query })
        }
        ResultContent::Inspect(document, _) if document.direction.name() == direction => {
            let list = document.lists.iter().find(|list| list.role == role)?;
            Some(Took { all: list.ms, search: None })
        }
        ResultContent::Inspect(..) | ResultContent::Classify(_) => None,
    }
}

/// The notes of an encoder's list, in full and then in fewer words: rank, margin, time.
pub fn notes(rank: u32, margin: f32, took: Option<Took>) -> Vec<String> {
    let plain = [
        format!("rank {rank}, margin {margin:+.3}"),
        format!("rank {rank}, {margin:+.3}"),
        format!("rank {rank}"),
        rank.to_string(),
    ];
    let Some(Took { all, search }) = took else { return plain.into() };
    let ms = milliseconds(all);
    let mut notes: Vec<String> = Vec::new();
    if let Some(search) = search {
        notes.push(format!("{}, {ms} a query, search {}", plain[0], milliseconds(search)));
    }
    notes.push(format!("{}, {ms} a query", plain[0]));
    // The margin stands beside the query in the list as well.
    notes.extend(plain[..3].iter().map(|words| format!("{words}, {ms}")));
    notes.extend(plain.into_iter().skip(2));
    notes
}

fn milliseconds(ms: f64) -> String {
    if ms < 10.0 { format!("{ms:.2} ms") } else { format!("{ms:.0} ms") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notes_say_how_long_a_query_takes_and_the_rank_last_of_all() {
        let took = |search| Some(Took { all: 0.667, search });
        let words = notes(36, -0.039, took(Some(0.018)));
        assert_eq!(words[0], "rank 36, margin -0.039, 0.67 ms a query, search 0.02 ms");
        assert_eq!(words[1..], notes(36, -0.039, took(None))[..]);
        let short = ["rank 36, -0.039, 0.67 ms", "rank 36, 0.67 ms", "rank 36", "36"];
        assert_eq!(words[3..], short);
        // The longest that fits is taken: each is shorter than the one before.
        assert!(words.windows(2).all(|pair| pair[0].len() > pair[1].len()), "{words:?}");
        assert_eq!(notes(1, 0.5, None)[0], "rank 1, margin +0.500");
        assert_eq!(milliseconds(123.4), "123 ms");
    }
}
