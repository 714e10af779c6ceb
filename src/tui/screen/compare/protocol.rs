//! A comparison's protocol in words: what other results must share to stand in its table.

use crate::eval::document::TIE_RULE;
use crate::eval::{CompareDocument, Protocol};
use crate::tui::text;

/// The built-in set, whose captions are in seven languages.
const EMOJI: &str = "emoji";

/// What results must share, in one line.
#[must_use]
pub fn words(document: &CompareDocument) -> String {
    let protocol = &document.protocol;
    let mut parts = vec![format!("data {}", protocol.dataset)];
    parts.extend(protocol.split.as_ref().map(|split| format!("split {split}")));
    parts.push(format!(
        "pool {}",
        protocol.pool.map_or_else(|| "all".to_owned(), |pool| pool.to_string())
    ));
    parts.push(format!("captions {}", protocol.captions));
    parts.extend(languages(protocol));
    parts.push(format!("judgements {}", protocol.judgements));
    parts.push(ties(&protocol.tie_rule));
    parts.push(format!("itself left out: {}", protocol.self_exclusion));
    parts.push(rules(protocol.rules));
    text::safe(&parts.join(", "))
}

/// Who asks and who answers in which language, where that is chosen, or could have been.
fn languages(protocol: &Protocol) -> Vec<String> {
    let (query, gallery) = (&protocol.query_language, &protocol.gallery_language);
    // The first two captions of that set are English.
    let is_mixed = protocol.dataset == EMOJI && !protocol.captions.starts_with("first-two");
    if query.is_none() && gallery.is_none() {
        return if is_mixed { vec!["queries: all languages".to_owned()] } else { Vec::new() };
    }
    let said = |side: &str, language: &Option<String>| {
        language.as_ref().map(|language| format!("{side} in {language}"))
    };
    [said("queries", query), said("gallery", gallery)].into_iter().flatten().collect()
}

/// How equal scores count.
#[must_use]
pub fn ties(rule: &str) -> String {
    match rule {
        TIE_RULE => "ties take the lower place, scores rounded to 2^-20".to_owned(),
        other => format!("ties: {other}"),
    }
}

/// The version of the rules of measuring.
#[must_use]
pub fn rules(version: u32) -> String {
    format!("rules v{version}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_languages_are_named_where_a_set_has_many_and_nothing_was_chosen() {
        let said = |dataset: &str, captions: &str, query: Option<&str>, gallery: Option<&str>| {
            let mut protocol = Protocol::new(dataset, Some("test"), "ab", captions);
            protocol.query_language = query.map(str::to_owned);
            protocol.gallery_language = gallery.map(str::to_owned);
            languages(&protocol).join(", ")
        };
        assert_eq!(said("emoji", "any", None, None), "queries: all languages");
        assert_eq!(said("emoji", "first-two", None, None), "");
        assert_eq!(said("pets", "any", None, None), "");
        assert_eq!(said("emoji", "any", Some("ko"), Some("en")), "queries in ko, gallery in en");
    }

    #[test]
    fn ties_and_rules_are_said_in_words() {
        assert!(ties(TIE_RULE).starts_with("ties take the lower place"));
        assert_eq!((ties("high"), rules(1)), ("ties: high".to_owned(), "rules v1".to_owned()));
    }
}
