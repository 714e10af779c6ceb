//! The configuration file in force, and every setting with the place it comes from.

use super::{Check, Surroundings};

const GROUP: &str = "configuration";

pub(super) fn checks(around: &Surroundings) -> Vec<Check> {
    let file = around.config.as_ref();
    let file = file.map_or_else(|| "none".to_owned(), |path| path.display().to_string());
    let mut checks = vec![Check::new(GROUP, "file", file)];
    for setting in &around.settings {
        let found = format!("{} ({})", setting.value, setting.from);
        checks.push(Check::new(GROUP, setting.name, found));
    }
    checks
}

#[cfg(test)]
mod tests {
    use super::super::Setting;
    use super::*;

    #[test]
    fn the_file_and_where_each_setting_comes_from_are_said() {
        let setting = Setting { name: "threads", value: "2".into(), from: "--threads".into() };
        let around = Surroundings {
            config: Some("/p/llm2clip.toml".into()),
            settings: vec![setting],
            ..Surroundings::default()
        };
        let said: Vec<_> =
            checks(&around).into_iter().map(|check| (check.name, check.found)).collect();
        let expected = [("file", "/p/llm2clip.toml"), ("threads", "2 (--threads)")];
        assert_eq!(said, expected.map(|(name, found)| (name, found.to_owned())));
        assert_eq!(checks(&Surroundings::default())[0].found, "none");
    }
}
