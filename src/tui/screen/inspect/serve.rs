//! What the child that answers typed queries is started with: the data of the result that is looked at,
//! and every encoder of the session, so that it need not start again for others. And which two encoders
//! are asked: those in front, unless they cannot be.

use super::Shown;
use super::source::Group;
use crate::eval::{Protocol, SetGiven};
use crate::tui::app::Shared;
use crate::tui::data::asked::spec;
use crate::tui::data::expected::Expected;
use crate::tui::data::library::{LoadedResult, ResultContent};
use crate::tui::screen::compare::session;
use crate::tui::text;

/// Encoders by their labels, as `--encoders` takes them.
type Specs = Vec<(String, String)>;

/// Results are read again while they are looked at.
const GONE: &str = "the result is not there";

/// What the child is started with, or why nobody can be asked.
pub fn arguments(
    shared: &Shared,
    shown: &Shown<'_>,
    roles: [&str; 2],
) -> Result<Vec<String>, String> {
    let (all, own) = results(shared, shown);
    let own = own.ok_or(GONE)?;
    let given = given(all, own)?;
    let specs = together(all, own);
    for role in roles {
        if !specs.iter().any(|(known, _)| *known == role) {
            return Err(format!("{} has no embeddings to ask", text::safe(role)));
        }
    }
    // Those that are known not to be here can do nothing for it.
    let serves = |(role, _): &&(String, String)| {
        roles.contains(&role.as_str()) || why_not(shared, &specs, role).is_none()
    };
    let served: Vec<&str> = specs.iter().filter(serves).map(|(_, spec)| spec.as_str()).collect();
    // Each is loaded when it is first asked.
    let mut arguments: Vec<String> = ["inspect", "--serve", "--lazy"].map(str::to_owned).into();
    arguments.extend(given.arguments());
    arguments.extend(["--encoders".to_owned(), served.join(",")]);
    arguments.extend(shared.readonly.then(|| "--readonly".to_owned()));
    Ok(arguments)
}

/// Which two encoders are asked: those in front; where one of them has no embeddings, or its weights are
/// not here, the first of the same direction that can be, and why.
pub fn asked<'a>(
    shared: &Shared,
    shown: &Shown<'a>,
    groups: &[Group<'a>],
    pictured: bool,
) -> Result<([&'a str; 2], Option<String>), String> {
    let front = shown.sets.map(|set| set.role.as_str());
    let (all, own) = results(shared, shown);
    let specs = together(all, own.ok_or(GONE)?);
    let whys = front.map(|role| why_not(shared, &specs, role));
    let Some(why) = whys.iter().flatten().next() else { return Ok((front, None)) };
    let is_front =
        |group: &&Group<'_>| group.result == shown.result && group.direction == shown.direction;
    let own = groups.iter().find(is_front).map_or_else(Vec::new, |group| here(shared, group));
    let sees = |role: &str| !(pictured && is_blind(shown.from, role));
    let mut others = own.into_iter().filter(|role| !front.contains(role) && sees(role));
    let mut side = |at: usize| if whys[at].is_none() { Some(front[at]) } else { others.next() };
    if let (Some(a), Some(b)) = (side(0), side(1)) {
        let words = format!("{why}: {} and {} are asked", text::safe(a), text::safe(b));
        return Ok(([a, b], Some(words)));
    }
    let other = groups.iter().filter(|group| !is_front(group)).find_map(|group| {
        let roles = here(shared, group);
        let [a, b, ..] = &roles[..] else { return None };
        Some(format!(
            "{why}; d goes to {} of {}, where {} and {} can be asked",
            group.direction,
            text::safe(group.result),
            text::safe(a),
            text::safe(b)
        ))
    });
    // Where nobody of this session can be asked, who is asked says which other one can.
    other.map_or(Ok((front, None)), Err)
}

/// Whether two encoders of what is looked at can be asked, as far as that is known.
pub fn can_ask(shared: &Shared, shown: &Shown<'_>) -> bool {
    let groups = super::source::groups(shared);
    let is_front =
        |group: &&Group<'_>| group.result == shown.result && group.direction == shown.direction;
    groups.iter().find(is_front).is_some_and(|group| here(shared, group).len() > 1)
}

/// The encoders of a group that can be asked, as far as that is known; each once.
fn here<'a>(shared: &Shared, group: &Group<'a>) -> Vec<&'a str> {
    let all = session(shared).and_then(|id| shared.library.results.get(id));
    let specs = together(all.map_or(&[][..], Vec::as_slice), group.from);
    let mut roles: Vec<&str> = Vec::new();
    for set in &group.sets {
        if !roles.contains(&&*set.role) && why_not(shared, &specs, &set.role).is_none() {
            roles.push(&set.role);
        }
    }
    roles
}

/// Why an encoder cannot be asked, where that is known.
fn why_not(shared: &Shared, specs: &Specs, role: &str) -> Option<String> {
    let Some((_, spec)) = specs.iter().find(|(known, _)| known == role) else {
        return Some(format!("{} has no embeddings", text::safe(role)));
    };
    let named = spec.strip_prefix(role).and_then(|rest| rest.strip_prefix('='));
    let source = named.unwrap_or(spec).split('[').next().unwrap_or_default();
    let lacks = shared.library.lacks(source);
    lacks.then(|| format!("the weights of {} are not here", text::safe(role)))
}

/// What an answer must stand on to be set beside the result.
pub fn expected(shared: &Shared, shown: &Shown<'_>) -> Result<Expected, String> {
    let own = results(shared, shown).1;
    own.and_then(Expected::of).ok_or_else(|| GONE.to_owned())
}

/// How the result's data set was given: as it says itself; else as another result on the same items
/// says; the set inside the program needs no more than its name.
fn given(all: &[LoadedResult], own: &LoadedResult) -> Result<SetGiven, String> {
    let (protocol, own_given) = data_of(own).ok_or(GONE)?;
    if let Some(given) = own_given {
        return Ok(given.clone());
    }
    let like = |other: &Protocol| Protocol {
        captions: protocol.captions.clone(),
        captions_digest: protocol.captions_digest.clone(),
        judgements: protocol.judgements.clone(),
        ..other.clone()
    };
    let twins = all.iter().filter_map(data_of).filter(|(other, _)| like(other) == *protocol);
    if let Some(given) = twins.into_iter().find_map(|(_, given)| given) {
        return Ok(given.clone());
    }
    if protocol.dataset != "emoji" {
        return Err(format!(
            "{} is older than the record of how its data set {} was given: compare or inspect once more into this session, and ask there",
            text::safe(&own.id),
            text::safe(&protocol.dataset)
        ));
    }
    Ok(SetGiven {
        dataset: protocol.dataset.clone(),
        data: None,
        split: protocol.split.clone().unwrap_or_else(|| "test".to_owned()),
        pool: protocol.pool,
        query_language: protocol.query_language.clone(),
        gallery_language: protocol.gallery_language.clone(),
    })
}

/// A result's protocol, and how its data set was given.
fn data_of(result: &LoadedResult) -> Option<(&Protocol, Option<&SetGiven>)> {
    match &result.content {
        Ok(ResultContent::Compare(document, _)) => {
            Some((&document.protocol, document.given.as_ref()))
        }
        Ok(ResultContent::Inspect(document, _)) => {
            Some((&document.protocol, document.given.as_ref()))
        }
        // It has no neighbours, so no set is one of its rows.
        Ok(ResultContent::Classify(_)) | Err(_) => None,
    }
}

/// Why the encoders in front cannot be shown a picture, where their cards say so.
pub fn blind(shown: &Shown<'_>) -> Option<String> {
    let set = shown.sets.into_iter().find(|set| is_blind(shown.from, &set.role))?;
    let role = text::safe(&set.role);
    Some(format!("{role} is a Llama and has no image tower; a and b choose other encoders"))
}

/// Whether an encoder of a result is a Llama, which sees no pictures.
pub fn is_blind(result: &LoadedResult, role: &str) -> bool {
    result.encoders().iter().any(|(known, card)| *known == role && card["kind"] == "llama")
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
    let others = all.iter().filter(|result| result.id != own.id);
    let (mut specs, unlike) = collected(std::iter::once(own).chain(others));
    if unlike {
        return collected(std::iter::once(own)).0;
    }
    specs.sort();
    specs
}

/// Encoders of results, the first one's first; whether a label stood for two.
fn collected<'a>(results: impl Iterator<Item = &'a LoadedResult> + Clone) -> (Specs, bool) {
    let mut specs = Specs::new();
    let mut unlike = false;
    // A card of pictures says nothing of texts, and counts where there is no other.
    for of_pictures in [false, true] {
        let cards = results.clone().flat_map(LoadedResult::encoders);
        for (role, card) in cards.filter(|(_, card)| (card["tower"] == "image") == of_pictures) {
            let Some(new) = spec(role, card) else { continue };
            let same = |known: &str| {
                let more = known.strip_prefix(&new).unwrap_or("none");
                more.is_empty() || (of_pictures && more.starts_with('['))
            };
            match specs.iter().find(|(known, _)| known == role) {
                Some((_, known)) => unlike |= !same(known),
                None => specs.push((role.to_owned(), new)),
            }
        }
    }
    (specs, unlike)
}
