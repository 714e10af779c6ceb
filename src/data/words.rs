//! Words of a text, for what compares texts by the words they share.

use regex::Regex;
use std::sync::OnceLock;

/// Lower-cased `\w+`, in order, repeats included.
pub fn words(text: &str) -> Vec<String> {
    static WORD: OnceLock<Option<Regex>> = OnceLock::new();
    // The pattern is constant and valid; without it there would be no words at all.
    let Some(word) = WORD.get_or_init(|| Regex::new(r"\w+").ok()) else { return Vec::new() };
    let text = text.to_lowercase();
    word.find_iter(&text).map(|found| found.as_str().to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_other_scripts_are_words() {
        assert_eq!(words("웃는 얼굴, Straße"), ["웃는", "얼굴", "straße"]);
    }
}
