//! What the child that answers typed queries is started with: the data and the encoders of the result
//! that is looked at.

use super::Shown;
use crate::session::neighbours::NeighbourSet;
use crate::tui::app::Shared;
use crate::tui::data::asked::spec;
use crate::tui::data::library::ResultContent;
use crate::tui::screen::compare::session;
use crate::tui::text;

/// The question's encoders and data, or why they cannot be asked.
pub fn arguments(
    shared: &Shared,
    shown: &Shown<'_>,
    direction: String,
) -> Result<Vec<String>, String> {
    let results = session(shared).and_then(|id| shared.library.results.get(id));
    let result = results.into_iter().flatten().find(|result| result.id == shown.result);
    let content = result.and_then(|result| result.content.as_ref().ok());
    let card = |set: &NeighbourSet| match content? {
        ResultContent::Compare(document, _) => document
            .rows
            .iter()
            .find(|row| row.role == set.role)
            .and_then(|row| spec(&row.role, &row.encoder)),
        ResultContent::Inspect(document, _) => document
            .lists
            .iter()
            .find(|list| list.role == set.role)
            .and_then(|list| spec(&list.role, &list.encoder)),
        // It has no neighbours, so no set names one of its rows.
        ResultContent::Classify(_) => None,
    };
    let protocol = match content {
        Some(ResultContent::Compare(document, _)) => &document.protocol,
        Some(ResultContent::Inspect(document, _)) => &document.protocol,
        Some(ResultContent::Classify(_)) | None => {
            return Err("the result is not there".to_owned());
        }
    };
    let specs = shown.sets.map(|set| {
        card(set).ok_or_else(|| format!("{} has no embeddings to ask", text::safe(&set.role)))
    });
    let [a, b] = specs;
    let encoders = format!("{},{}", a?, b?);
    let mut arguments: Vec<String> = ["inspect", "--serve", "--dataset"].map(str::to_owned).into();
    arguments.push(protocol.dataset.clone());
    arguments.extend(["--encoders".to_owned(), encoders]);
    if let Some(split) = &protocol.split {
        arguments.extend(["--split".to_owned(), split.clone()]);
    }
    // One direction is made ready, not all that the encoders could answer.
    arguments.extend(["--direction".to_owned(), direction]);
    let languages = [&protocol.query_language, &protocol.gallery_language];
    match languages {
        [Some(query), Some(gallery)] if query == gallery => {
            arguments.extend(["--language".to_owned(), query.clone()]);
        }
        [Some(query), Some(gallery)] => {
            arguments.extend(["--query-language".to_owned(), query.clone()]);
            arguments.extend(["--gallery-language".to_owned(), gallery.clone()]);
        }
        _ => {}
    }
    if let Some(pool) = protocol.pool {
        arguments.extend(["--pool".to_owned(), pool.to_string()]);
    }
    Ok(arguments)
}
