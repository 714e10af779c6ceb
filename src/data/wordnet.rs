//! WordNet's synsets as lines of plain English, to train a language model on.
//!
//! The files are those of Princeton's database, `data.noun`, `data.verb`, `data.adj` and
//! `data.adv` (Debian: package `wordnet-base`, `/usr/share/wordnet`); format: `wndb(5WN)`. They
//! begin with the licence, whose notice goes with whatever is made of them.

use super::error::{DataError, Result};
use std::path::Path;

/// The files, in the order they are read.
pub const FILES: [&str; 4] = ["data.noun", "data.verb", "data.adj", "data.adv"];

/// Every synset of a folder with the four files, in file order, as `lemma, lemma: gloss`.
///
/// # Errors
/// A file is missing or not UTF-8, or a line is no synset, with its number.
pub fn glosses(folder: &Path) -> Result<Vec<String>> {
    let mut lines = Vec::new();
    for name in FILES {
        let path = folder.join(name);
        let text = std::fs::read_to_string(&path).map_err(DataError::read(&path))?;
        parse(&path, &text, &mut lines)?;
    }
    Ok(lines)
}

fn parse(path: &Path, text: &str, lines: &mut Vec<String>) -> Result<()> {
    // The licence's lines begin with two spaces, and no synset's line does.
    for (at, line) in text.lines().enumerate().filter(|(_, line)| !line.starts_with("  ")) {
        let gloss = gloss(line).ok_or_else(|| DataError::Line {
            path: path.to_owned(),
            line: at + 1,
            expected: "a synset: offset, file, kind, count, words, pointers, |, gloss",
            found: line.chars().take(40).collect(),
        })?;
        lines.push(gloss);
    }
    Ok(())
}

/// `00001930 03 n 01 physical_entity 0 007 @ ... | an entity ...` as `physical entity: an entity
/// ...`. The count of words is hexadecimal; a word of an adjective may end in its place, `(p)`;
/// examples in quotes are part of the gloss.
fn gloss(line: &str) -> Option<String> {
    let (synset, gloss) = line.split_once(" | ")?;
    let mut fields = synset.split(' ').skip(3);
    let count = usize::from_str_radix(fields.next()?, 16).ok()?;
    let mut words = Vec::with_capacity(count);
    for _ in 0..count {
        let word = fields.next()?;
        fields.next()?;
        let word = word.split_once('(').map_or(word, |(word, _)| word);
        words.push(word.replace('_', " "));
    }
    let gloss = gloss.split_whitespace().collect::<Vec<_>>().join(" ");
    (!words.is_empty() && !gloss.is_empty()).then(|| format!("{}: {gloss}", words.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LICENCE: &str =
        "  1 This software and database is being provided to you, the LICENSEE, by  \n";
    const NOUN: &str = concat!(
        "00002137 03 n 02 abstraction 0 abstract_entity 0 010 @ 00001740 n 0000 + 00692347 v 0101 ",
        "| a general concept formed by extracting common features from specific examples  \n",
    );
    const ADJECTIVE: &str = concat!(
        "00003553 00 s 02 emergent 0 emerging(p) 0 003 & 00003356 a 0000 + 00050693 n 0101 ",
        "| coming into existence; \"an emergent republic\"  \n",
    );

    fn folder(noun: &str) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for name in FILES {
            let text = match name {
                "data.noun" => noun,
                "data.adj" => ADJECTIVE,
                _ => "",
            };
            std::fs::write(folder.path().join(name), format!("{LICENCE}{text}")).unwrap();
        }
        folder
    }

    #[test]
    fn a_synset_becomes_its_words_and_its_gloss() {
        let folder = folder(NOUN);
        assert_eq!(
            glosses(folder.path()).unwrap(),
            [
                "abstraction, abstract entity: a general concept formed by extracting common \
                 features from specific examples",
                "emergent, emerging: coming into existence; \"an emergent republic\"",
            ]
        );
    }

    #[test]
    fn what_is_no_synset_is_an_error_with_its_line() {
        let error = glosses(folder("00001740 03 n 01 entity\n").path()).unwrap_err().to_string();
        assert!(error.contains("data.noun:2:"), "{error}");
        let empty = tempfile::tempdir().unwrap();
        assert!(matches!(glosses(empty.path()), Err(DataError::Read { .. })));
    }
}
