//! Which languages ask and answer in a new comparison, and which ones the encoders were trained on.

use super::super::form::beside;
use crate::tui::app::Shared;

/// The built-in set, and the languages of its captions.
const EMOJI: &str = "emoji";
const SPOKEN: &[&str] = &["en", "ko", "de", "fr", "es", "ja", "zh"];

/// What is chosen, and what is known of encoders.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Languages {
    /// Of the captions that ask; none for all.
    query: Option<String>,
    /// Of those that answer. Either both are named or neither is.
    gallery: Option<String>,
    /// Stages that were trained on one language, as `--encoders` takes them, and which.
    trained: Vec<(String, String)>,
}

impl Languages {
    /// All languages, and what the runs' recipes say of theirs.
    #[must_use]
    pub fn of(shared: &Shared) -> Self {
        let mut trained = Vec::new();
        for run in &shared.library.runs {
            for stage in run.recipe.iter().flat_map(|recipe| &recipe.stages) {
                let language = stage.captions.trim();
                if language != "all" && !language.is_empty() && !language.contains(',') {
                    trained.push((format!("{}/{}", run.id, stage.name), language.to_owned()));
                }
            }
        }
        Self { trained, ..Self::default() }
    }

    /// What is chosen of the side that asks, or of the one that answers.
    #[must_use]
    pub fn words(&self, asks: bool) -> &str {
        let side = if asks { &self.query } else { &self.gallery };
        side.as_deref().unwrap_or("all languages")
    }

    /// As `compare` takes them.
    #[must_use]
    pub fn flags(&self) -> Vec<String> {
        let flags: Vec<(&str, &String)> = match (&self.query, &self.gallery) {
            (Some(query), Some(gallery)) if query == gallery => vec![("--language", query)],
            (query, gallery) => {
                let query = query.iter().map(|one| ("--query-language", one));
                query.chain(gallery.iter().map(|one| ("--gallery-language", one))).collect()
            }
        };
        flags.into_iter().flat_map(|(flag, one)| [flag.to_owned(), one.clone()]).collect()
    }

    /// The languages that these encoders were trained on one of, as they stand there.
    #[must_use]
    pub fn own(&self, encoders: &[String]) -> Vec<&str> {
        let mut own: Vec<&str> = Vec::new();
        for encoder in encoders {
            let head = encoder.split('[').next().unwrap_or_default();
            let source = head.split_once('=').map_or(head, |(_, source)| source);
            let of = |(stage, _): &&(String, String)| {
                let inside = source.strip_prefix(stage.as_str());
                inside.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
                    || (source.contains('/') && stage.ends_with(&format!("/{source}")))
            };
            if let Some((_, language)) = self.trained.iter().find(of)
                && !own.contains(&language.as_str())
            {
                own.push(language);
            }
        }
        own
    }

    /// What can be chosen: all, the encoders' own, then the others that a set is known to have.
    fn choices(&self, data: &str, encoders: &[String]) -> Vec<Option<String>> {
        let mut choices = self.own(encoders);
        let spoken: &[&str] = if data.trim() == EMOJI { SPOKEN } else { &[] };
        for &language in spoken {
            if !choices.contains(&language) {
                choices.push(language);
            }
        }
        let named = choices.into_iter().map(|language| Some(language.to_owned()));
        std::iter::once(None).chain(named).collect()
    }

    /// Takes the next choice of a side. The other side follows where it is the same, and where one alone
    /// would be named.
    pub fn turn(&mut self, asks: bool, (data, encoders): (&str, &[String]), back: bool) {
        let choices = self.choices(data, encoders);
        let now = if asks { &self.query } else { &self.gallery };
        let at = choices.iter().position(|choice| choice == now).unwrap_or(0);
        let next = choices.get(beside(at, choices.len(), back)).cloned().flatten();
        let follows = |other: &Option<String>| other.is_none() || next.is_none();
        if asks {
            if self.gallery == self.query || follows(&self.gallery) {
                self.gallery.clone_from(&next);
            }
            self.query = next;
        } else {
            if follows(&self.query) {
                self.query.clone_from(&next);
            }
            self.gallery = next;
        }
    }

    /// What is to be known where captions of all languages ask encoders that were trained on one.
    #[must_use]
    pub fn caution(&self, data: &str, encoders: &[String]) -> Option<String> {
        let own = self.own(encoders);
        let first = own.first().filter(|_| self.query.is_none() && data.trim() == EMOJI)?;
        Some(format!(
            "captions of all {} languages ask, and encoders learned {} alone: space on queries takes {first}",
            SPOKEN.len(),
            own.join(" or ")
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn languages() -> Languages {
        let trained = [("20261124-100000-a-aaaaaa/x-1/clip", "ko")];
        let trained = trained.map(|(stage, language)| (stage.to_owned(), language.to_owned()));
        Languages { trained: trained.into(), ..Languages::default() }
    }

    #[test]
    fn an_encoder_is_known_by_any_name_it_can_be_given() {
        let own = |encoder: &str| languages().own(&[encoder.to_owned()]).len();
        for known in [
            "x-1/clip",
            "20261124-100000-a-aaaaaa/x-1/clip",
            "a=x-1/clip[tower=text]",
            "20261124-100000-a-aaaaaa/x-1/clip/step-000100",
        ] {
            assert_eq!(own(known), 1, "{known}");
        }
        for other in ["bm25", "clip", "x-1/clip-continued", "builtin:llama", ""] {
            assert_eq!(own(other), 0, "{other}");
        }
    }

    #[test]
    fn the_encoders_language_comes_first_and_no_side_is_named_alone() {
        let mut languages = languages();
        let encoders = ["x-1/clip".to_owned()];
        let emoji = ("emoji", &encoders[..]);
        languages.turn(true, emoji, false);
        assert_eq!(languages.flags(), ["--language", "ko"]);
        languages.turn(false, emoji, false);
        assert_eq!((languages.words(true), languages.words(false)), ("ko", "en"));
        languages.turn(true, emoji, false);
        assert_eq!(languages.flags(), ["--language", "en"]);
        languages.turn(false, emoji, true);
        languages.turn(false, emoji, true);
        assert!(languages.flags().is_empty() && languages.words(true) == "all languages");
        assert!(languages.caution("emoji", &encoders).is_some());
        // What a set of one's own speaks is not known here.
        assert_eq!(languages.caution("pets.jsonl", &encoders), None);
        languages.turn(false, ("pets.jsonl", &encoders[..]), true);
        assert_eq!(languages.flags(), ["--language", "ko"]);
    }
}
