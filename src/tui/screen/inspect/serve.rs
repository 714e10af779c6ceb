//! What the child that answers typed queries is started with: the data of the result that is looked at,
//! and every encoder of the session, so that it need not start again for others.

use super::Shown;
use crate::tui::app::Shared;
use crate::tui::data::asked::spec;
use crate::tui::data::library::{LoadedResult, ResultContent};
use crate::tui::screen::compare::session;
use crate::tui::text;

/// Encoders by their labels, as `--encoders` takes them.
type Specs = Vec<(String, String)>;

/// What the child is started with, or why nobody can be asked.
pub fn arguments(shared: &Shared, shown: &Shown<'_>) -> Result<Vec<String>, String> {
    let (all, own) = results(shared, shown);
    let own = own.ok_or("the result is not there")?;
    let protocol = match &own.content {
        Ok(ResultContent::Compare(document, _)) => &document.protocol,
        Ok(ResultContent::Inspect(document, _)) => &document.protocol,
        // It has no neighbours, so no set is one of its rows.
        Ok(ResultContent::Classify(_)) | Err(_) => return Err("the result is not there".to_owned()),
    };
    let specs = together(all, own);
    for set in shown.sets {
        if !specs.iter().any(|(role, _)| *role == set.role) {
            return Err(format!("{} has no embeddings to ask", text::safe(&set.role)));
        }
    }
    let specs: Vec<&str> = specs.iter().map(|(_, spec)| spec.as_str()).collect();
    // Each is loaded when it is first asked.
    let mut arguments: Vec<String> =
        ["inspect", "--serve", "--lazy", "--dataset"].map(str::to_owned).into();
    arguments.push(protocol.dataset.clone());
    arguments.extend(["--encoders".to_owned(), specs.join(",")]);
    if let Some(split) = &protocol.split {
        arguments.extend(["--split".to_owned(), split.clone()]);
    }
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
    arguments.extend(shared.readonly.then(|| "--readonly".to_owned()));
    Ok(arguments)
}

/// Why the encoders in front cannot be shown a picture, where their cards say so.
pub fn blind(shared: &Shared, shown: &Shown<'_>) -> Option<String> {
    let own = results(shared, shown).1?;
    let is_blind = |role: &str| {
        own.encoders().iter().any(|(known, card)| *known == role && card["kind"] == "llama")
    };
    let set = shown.sets.into_iter().find(|set| is_blind(&set.role))?;
    let role = text::safe(&set.role);
    Some(format!("{role} is a Llama and has no image tower; a and b choose other encoders"))
}

fn results<'a>(
    shared: &'a Shared,
    shown: &Shown<'_>,
) -> (&'a [LoadedResult], Option<&'a LoadedResult>) {
    let all = session(shared).and_then(|id| shared.library.results.get(id));
    let all = all.map_or(&[][..], Vec::as_slice);
    (all, all.iter().find(|result| result.id == shown.result))
}

/// The encoders of all results, in an order of their own; of one alone where a label stands for two.
fn together(all: &[LoadedResult], own: &LoadedResult) -> Specs {
    let mut specs = Specs::new();
    add(&mut specs, own);
    let first = specs.clone();
    let mut unlike = false;
    for result in all.iter().filter(|result| result.id != own.id) {
        unlike |= add(&mut specs, result);
    }
    if unlike {
        return first;
    }
    specs.sort();
    specs
}

/// Adds a result's encoders; whether a label stood for another one.
fn add(specs: &mut Specs, result: &LoadedResult) -> bool {
    let mut unlike = false;
    for (role, card) in result.encoders() {
        let Some(spec) = spec(role, card) else { continue };
        match specs.iter().find(|(known, _)| known == role) {
            Some((_, known)) => unlike |= *known != spec,
            None => specs.push((role.to_owned(), spec)),
        }
    }
    unlike
}
