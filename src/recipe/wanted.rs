//! Why a value does not fit its key, in words of whoever types it rather than of the types in the program.

/// `KEY: expected WHAT, found VALUE`; where the cause says it in words already, those.
pub(super) fn refusal(key: &str, value: &str, cause: &serde_json::Error) -> String {
    let cause = cause.to_string();
    let is_typed = ["invalid type", "invalid value", "unknown variant"]
        .iter()
        .any(|start| cause.starts_with(start));
    let expected = cause.rsplit_once(", expected ").filter(|_| is_typed).map(|(_, what)| what);
    let found = if value.is_empty() { "nothing" } else { value };
    match expected {
        Some(expected) => format!("{key}: expected {}, found {found}", words(expected)),
        None => format!("{key} = {value}: {cause}"),
    }
}

fn words(expected: &str) -> String {
    match expected {
        "f32" | "f64" => "a number".to_owned(),
        "u8" | "u16" | "u32" | "u64" | "usize" => "a whole number of at least 0".to_owned(),
        "i8" | "i16" | "i32" | "i64" | "isize" => "a whole number".to_owned(),
        "a boolean" => "true or false".to_owned(),
        "a string" => "a word".to_owned(),
        others => others.replace('`', ""),
    }
}

#[cfg(test)]
mod tests {
    use crate::recipe::{apply_set, preset};

    #[test]
    fn a_value_that_does_not_fit_is_told_what_would() {
        let recipe = preset("clip").unwrap();
        for (set, words) in [
            ("lr=foo", "lr: expected a number, found foo"),
            ("lr=", "lr: expected a number, found nothing"),
            ("steps=many", "steps: expected a whole number of at least 0, found many"),
            ("batch=1.5", "batch: expected a whole number of at least 0, found 1.5"),
            ("clip.batch=-3", "batch: expected a whole number of at least 0, found -3"),
            ("seed=-1", "seed: expected a whole number of at least 0, found -1"),
            ("report=maybe", "report: expected true or false, found maybe"),
        ] {
            assert_eq!(apply_set(&recipe, set).unwrap_err().to_string(), words);
        }
        let error = apply_set(&recipe, "schedule=sideways").unwrap_err().to_string();
        assert!(error.starts_with("schedule: expected one of "), "{error}");
        assert!(error.ends_with(", found sideways") && !error.contains('`'), "{error}");
    }
}
