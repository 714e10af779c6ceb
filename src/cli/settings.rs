//! Flags, environment and configuration file together: which of them every setting comes from.

use super::config::{self, NAMES, Settings};
use super::global::{Global, Refused};
use crate::doctor::Setting;
use crate::session::paths::Roots;
use crate::tui::picture::Choice;
use clap::ArgMatches;
use clap::parser::ValueSource;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;

/// Where a setting comes from; each wins over those behind it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Source {
    /// A flag of this command.
    Flag,
    /// A variable of the environment.
    Environment,
    /// The configuration file.
    File,
    /// None of them.
    #[default]
    Nowhere,
}

/// The configuration file in force, and where every setting comes from.
#[derive(Clone, Debug, Default)]
pub struct InForce {
    file: Option<PathBuf>,
    sources: BTreeMap<&'static str, Source>,
}

impl InForce {
    /// Where a setting comes from.
    pub fn source(&self, name: &str) -> Source {
        self.sources.get(name).copied().unwrap_or_default()
    }

    /// Whether a flag of this command says so, and not what stands for every command.
    pub fn by_flag(&self, name: &str) -> bool {
        self.source(name) == Source::Flag
    }
}

/// The variable of a setting.
fn variable(name: &str) -> String {
    format!("LLM2CLIP_{}", name.replace('-', "_").to_ascii_uppercase())
}

/// Reads the configuration file in force and takes from it what neither a flag nor the environment says.
pub fn take_file(global: &mut Global, matches: &ArgMatches) -> anyhow::Result<()> {
    let file = config::in_force()?;
    let settings = match &file {
        Some(path) => config::read(path).map_err(Refused)?,
        None => Settings::default(),
    };
    let said = |name: &str| match matches.value_source(&name.replace('-', "_")) {
        Some(ValueSource::CommandLine) => Source::Flag,
        Some(ValueSource::EnvVariable) => Source::Environment,
        _ => Source::Nowhere,
    };
    let mut sources = BTreeMap::new();
    for name in NAMES {
        let mut source = said(name);
        if source == Source::Nowhere && settings.names.contains(name) {
            source = Source::File;
            take(global, &settings, name);
        }
        sources.insert(name, source);
    }
    global.config = InForce { file, sources };
    Ok(())
}

fn take(global: &mut Global, settings: &Settings, name: &str) {
    match name {
        "sessions" => global.sessions = Some(settings.sessions.clone()),
        "checkpoints" => global.checkpoints = Some(settings.checkpoints.clone()),
        "device" => global.device.clone_from(&settings.device),
        "threads" => global.threads = Some(settings.threads),
        "memory-limit" => global.memory_limit = Some(settings.memory_limit),
        "seed" => global.seed = Some(settings.seed),
        "quiet" => global.quiet = settings.quiet,
        "ascii" => global.ascii = settings.ascii,
        "theme" => global.theme.clone_from(&settings.theme),
        "graphics" => global.graphics = settings.graphics,
        "readonly" => global.readonly = settings.readonly,
        _ => {}
    }
}

impl Global {
    /// A setting with its value, by the place that says so: for messages about what it asks for.
    pub fn asked(&self, name: &str, value: &str) -> String {
        match (self.config.source(name), &self.config.file) {
            (Source::File, Some(file)) => format!("{name} = {value} in {}", file.display()),
            (Source::Environment, _) => format!("{}={value}", variable(name)),
            _ => format!("--{name} {value}"),
        }
    }

    /// Flags of this command as variables, for what the workbench starts beside itself: the rest of
    /// the environment and the file reach it anyway.
    pub fn as_variables(&self) -> Vec<(String, OsString)> {
        let values = [
            ("device", Some(self.device.clone())),
            ("threads", self.threads.map(|threads| threads.to_string())),
            ("memory-limit", self.memory_limit.map(|limit| limit.to_string())),
            ("seed", self.seed.map(|seed| seed.to_string())),
        ];
        let by_flag = values.into_iter().filter(|(name, _)| self.config.by_flag(name));
        by_flag.filter_map(|(name, value)| Some((variable(name), value?.into()))).collect()
    }

    /// The seed that a flag names: a run that goes on from another keeps its own where none does.
    pub fn seed_of_flag(&self) -> Option<u64> {
        self.seed.filter(|_| self.config.by_flag("seed"))
    }

    /// A recipe's changes with the seed among them: a flag comes last and wins, and what stands for
    /// every command comes first.
    pub fn with_seed(&self, sets: &[String]) -> Vec<String> {
        let seed = self.seed.map(|seed| format!("seed={seed}"));
        let (first, last) = if self.config.by_flag("seed") { (None, seed) } else { (seed, None) };
        first.into_iter().chain(sets.iter().cloned()).chain(last).collect()
    }

    /// The configuration file in force.
    pub fn config_file(&self) -> Option<PathBuf> {
        self.config.file.clone()
    }

    /// Every setting with where it comes from.
    pub fn settings(&self, roots: &Roots) -> Vec<Setting> {
        let or = |value: Option<String>, else_: &str| value.unwrap_or_else(|| else_.to_owned());
        let graphics = match self.graphics {
            Choice::Auto => "auto",
            Choice::Only(way) => way.name(),
        };
        let value = |name: &str| match name {
            "sessions" => roots.sessions.display().to_string(),
            "checkpoints" => roots.checkpoints.display().to_string(),
            "device" => self.device.clone(),
            "threads" => or(self.threads.map(|threads| threads.to_string()), "all cores"),
            "memory-limit" => {
                or(self.memory_limit.map(|limit| format!("{limit} bytes")), "what is free")
            }
            "seed" => or(self.seed.map(|seed| seed.to_string()), "the recipe's"),
            "quiet" => self.quiet.to_string(),
            "ascii" => self.ascii.to_string(),
            "theme" => self.theme.clone(),
            "graphics" => graphics.to_owned(),
            "readonly" => self.readonly.to_string(),
            _ => String::new(),
        };
        let from = |name: &str| match self.config.source(name) {
            Source::Flag => format!("--{name}"),
            Source::Environment => variable(name),
            Source::File => "the configuration file".to_owned(),
            Source::Nowhere => "default".to_owned(),
        };
        NAMES.map(|name| Setting { name, value: value(name), from: from(name) }).into()
    }
}
