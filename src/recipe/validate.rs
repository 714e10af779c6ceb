//! All problems of a recipe at once, before anything runs.

use super::{Init, Objective, Recipe, Stage, Trainable, Watched};

/// One thing that is wrong, and what would be right.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {what}")]
pub struct Problem {
    /// `STAGE.KEY`, or the recipe's own key.
    pub place: String,
    /// What was expected and what was found.
    pub what: String,
}

/// Every problem of a recipe; empty means it can run.
pub fn validate(recipe: &Recipe) -> Vec<Problem> {
    let mut problems = Vec::new();
    if recipe.name.parse::<crate::ids::RunName>().is_err() {
        problems
            .push(problem("name", format!("expected a lower-case word, found {:?}", recipe.name)));
    }
    if recipe.stages.is_empty() {
        problems.push(problem("stages", "expected at least one stage, found none".to_owned()));
    }
    for (index, stage) in recipe.stages.iter().enumerate() {
        let earlier = &recipe.stages[..index];
        if earlier.iter().any(|other| other.name == stage.name) {
            problems.push(problem(
                &format!("{}.name", stage.name),
                "two stages have this name; names are unique in a recipe".to_owned(),
            ));
        }
        check_numbers(stage, &mut problems);
        check_kind(stage, &mut problems);
        check_references(stage, earlier, &mut problems);
    }
    problems
}

fn problem(place: &str, what: String) -> Problem {
    Problem { place: place.to_owned(), what }
}

fn check_numbers(stage: &Stage, problems: &mut Vec<Problem>) {
    let mut need = |key: &str, good: bool, expected: &str, found: String| {
        if !good {
            problems.push(problem(
                &format!("{}.{key}", stage.name),
                format!("expected {expected}, found {found}"),
            ));
        }
    };
    need("steps", stage.steps > 0, "at least 1", stage.steps.to_string());
    let least = if stage.objective.is_contrastive() { 2 } else { 1 };
    need("batch", stage.batch >= least, &format!("at least {least}"), stage.batch.to_string());
    need("lr", stage.lr.is_finite() && stage.lr > 0.0, "a positive number", stage.lr.to_string());
    need(
        "warmup",
        stage.warmup <= stage.steps,
        &format!("at most the stage's {} steps", stage.steps),
        stage.warmup.to_string(),
    );
    need("max_tokens", stage.max_tokens >= 3, "at least 3", stage.max_tokens.to_string());
    for (key, value) in [("beta1", stage.beta1), ("beta2", stage.beta2)] {
        need(key, (0.0..1.0).contains(&value), "a number from 0 to below 1", value.to_string());
    }
    need("eps", stage.eps > 0.0, "a positive number", stage.eps.to_string());
    need("weight_decay", stage.weight_decay >= 0.0, "0 or more", stage.weight_decay.to_string());
    need("clip_norm", stage.clip_norm >= 0.0, "0 or more", stage.clip_norm.to_string());
    need(
        "layer_decay",
        stage.layer_decay > 0.0 && stage.layer_decay <= 1.0,
        "a number above 0, at most 1",
        stage.layer_decay.to_string(),
    );
    need(
        "lora_dropout",
        (0.0..1.0).contains(&stage.lora_dropout),
        "a number from 0 to below 1",
        stage.lora_dropout.to_string(),
    );
    if stage.trainable == Trainable::Lora {
        need("lora_r", stage.lora_r > 0, "at least 1", stage.lora_r.to_string());
    }
    match &stage.objective {
        Objective::Mntp { mask_probability: p, .. } => {
            need("mask_probability", *p > 0.0 && *p <= 1.0, "above 0, at most 1", p.to_string());
        }
        Objective::Simcse { dropout: p, .. } => {
            need("dropout", *p > 0.0 && *p < 1.0, "above 0 and below 1", p.to_string());
        }
        Objective::CaptionContrastive { hard_negatives: n, near, .. } => {
            need("hard_negatives", *n <= 1, "0 or 1", n.to_string());
            need("near", *near <= stage.batch, "at most the batch", near.to_string());
        }
        Objective::Clip { vision, text, projection }
        | Objective::ClipSigmoid { vision, text, projection } => {
            need(
                "vision.patch",
                vision.patch > 0 && vision.image_size.is_multiple_of(vision.patch),
                &format!("a divisor of the image size {}", vision.image_size),
                vision.patch.to_string(),
            );
            for (key, width, heads) in [
                ("vision.heads", vision.width, vision.heads),
                ("text.heads", text.width, text.heads),
            ] {
                let good = heads > 0 && width.is_multiple_of(heads);
                need(key, good, &format!("a divisor of the width {width}"), heads.to_string());
            }
            need("projection", *projection > 0, "at least 1", projection.to_string());
        }
        Objective::CausalLm { llama, .. } => {
            let good = llama.heads > 0
                && llama.width.is_multiple_of(2 * llama.heads)
                && llama.kv_heads > 0
                && llama.heads.is_multiple_of(llama.kv_heads);
            need(
                "llama.heads",
                good,
                "heads that divide the width into even parts, and kv_heads that divide the heads",
                format!("{} on {} over {}", llama.heads, llama.kv_heads, llama.width),
            );
            need(
                "max_tokens",
                stage.max_tokens <= llama.positions,
                &format!("at most the model's {} positions", llama.positions),
                stage.max_tokens.to_string(),
            );
        }
        Objective::Llm2clip { .. } => {}
    }
}

fn check_kind(stage: &Stage, problems: &mut Vec<Problem>) {
    check_watched(stage, problems);
    let llm2clip = matches!(stage.objective, Objective::Llm2clip { .. });
    if stage.trainable == Trainable::Adapter && !llm2clip {
        problems.push(problem(
            &format!("{}.trainable", stage.name),
            format!("'adapter' is for llm2clip; {} takes all or lora", stage.objective.name()),
        ));
    }
    if stage.init == Init::Fresh {
        let what = match (&stage.objective, stage.trainable) {
            (Objective::Llm2clip { .. }, _) => {
                Some("llm2clip needs an image tower to start from, such as a clip stage")
            }
            (Objective::CausalLm { .. }, Trainable::All) => None,
            (objective, _) if objective.is_language() => {
                Some("needs a language model to start from, such as builtin:llama")
            }
            (_, Trainable::Lora) => Some("LoRA on fresh weights would train nothing else"),
            _ => None,
        };
        if let Some(what) = what {
            problems.push(problem(&format!("{}.init", stage.name), what.to_owned()));
        }
    }
}

/// What is watched must be measured, and often enough to be watched.
fn check_watched(stage: &Stage, problems: &mut Vec<Problem>) {
    let Stage { keep_best: watched, patience, .. } = stage;
    let name = watched.name();
    let place = |key: &str| format!("{}.{key}", stage.name);
    let contrastive = stage.objective.is_contrastive();
    if watched.is_retrieval() && !contrastive || *watched == Watched::Accuracy && contrastive {
        let fits = if contrastive { "recall@1, recall@5, recall@10 or mrr" } else { "accuracy" };
        problems.push(problem(
            &place("keep_best"),
            format!("{} gives loss or {fits}, found {name}", stage.objective.name()),
        ));
    } else if watched.every(stage) == 0 && (*watched != Watched::None || *patience > 0) {
        let every = if watched.is_retrieval() { "retrieval_every" } else { "validate_every" };
        problems.push(problem(
            &place(every),
            format!("{name} is watched: expected at least 1, found 0 (only at the stage's end)"),
        ));
    }
    if stage.retrieval_every > 0 && !contrastive {
        problems.push(problem(
            &place("retrieval_every"),
            format!("{} has no pairs to retrieve: expected 0", stage.objective.name()),
        ));
    }
}

fn check_references(stage: &Stage, earlier: &[Stage], problems: &mut Vec<Problem>) {
    let mut refer = |key: &str, name: &str, language: bool| {
        let place = format!("{}.{key}", stage.name);
        match earlier.iter().find(|other| other.name.as_str() == name) {
            None => problems.push(problem(
                &place,
                format!("expected an earlier stage of this recipe, found {name:?}"),
            )),
            Some(other) if other.objective.is_language() != language => problems.push(problem(
                &place,
                format!(
                    "stage {name:?} trains {}, the wrong kind of model",
                    other.objective.name()
                ),
            )),
            Some(_) => {}
        }
    };
    if let Init::Stage(name) = &stage.init {
        refer("init", name.as_str(), stage.objective.is_language());
    }
    if let Objective::Llm2clip { table, .. } = &stage.objective
        && let Some(name) = table.strip_prefix("stage:")
    {
        refer("table", name, true);
    }
}

#[cfg(test)]
mod tests {
    use super::super::{apply_set, names, preset};
    use super::*;

    #[test]
    fn every_preset_is_valid() {
        for name in names() {
            assert_eq!(validate(&preset(name).unwrap()), [], "{name}");
        }
    }

    #[test]
    fn all_problems_are_listed_at_once() {
        let mut recipe = preset("clip").unwrap();
        for set in ["steps=0", "batch=1", "vision.patch=7", "beta1=1.5"] {
            recipe = apply_set(&recipe, set).unwrap();
        }
        let places: Vec<_> = validate(&recipe).into_iter().map(|p| p.place).collect();
        for key in ["steps", "batch", "vision.patch", "beta1"] {
            assert!(places.contains(&format!("clip.{key}")), "{key} in {places:?}");
        }
    }

    #[test]
    fn a_stage_may_only_stand_on_an_earlier_one_of_its_kind() {
        let recipe = preset("demo").unwrap();
        let wrong = apply_set(&recipe, "simcse.init=stage:clip").unwrap();
        assert_eq!(validate(&wrong)[0].place, "simcse.init");
        let missing = apply_set(&recipe, "llm2clip.table=stage:later").unwrap();
        assert_eq!(validate(&missing)[0].place, "llm2clip.table");
    }

    #[test]
    fn what_is_watched_must_be_measured() {
        let places = |name: &str, sets: &[&str]| -> Vec<String> {
            let mut recipe = preset(name).unwrap();
            for set in sets {
                recipe = apply_set(&recipe, set).unwrap();
            }
            validate(&recipe).into_iter().map(|problem| problem.place).collect()
        };
        assert_eq!(places("clip", &["keep_best=recall@1"]), ["clip.retrieval_every"]);
        let sets = ["keep_best=recall@1", "retrieval_every=10", "patience=3"];
        assert_eq!(places("clip", &sets), [""; 0]);
        assert_eq!(places("clip", &["keep_best=accuracy"]), ["clip.keep_best"]);
        assert_eq!(places("mntp", &["keep_best=accuracy"]), [""; 0]);
        assert_eq!(places("mntp", &["patience=2", "validate_every=0"]), ["mntp.validate_every"]);
        assert_eq!(places("mntp", &["retrieval_every=5"]), ["mntp.retrieval_every"]);
        assert!(apply_set(&preset("clip").unwrap(), "keep_best=speed").is_err());
    }
}
