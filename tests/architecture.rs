//! The house rules, as tests: the import table of `lib.rs`, file sizes, module headers, where
//! candle and plotters may stand, and where `unsafe` may.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::format_collect)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Libraries, and the modules they may stand in.
const HOMES: [(&str, &[&str]); 4] = [
    ("candle_", &["nn", "model", "encode", "train", "runner", "bench"]),
    ("plotters", &["export"]),
    ("clap", &["cli"]),
    ("ratatui", &["tui"]),
];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|end| end == "rs") {
            files.push(path);
        }
    }
    files.sort();
    files
}

/// The module a file of `src` belongs to: its first folder, or its own name.
fn module_of(path: &Path) -> String {
    let relative = path.strip_prefix(root().join("src")).unwrap();
    let first = relative.components().next().unwrap().as_os_str().to_string_lossy().into_owned();
    first.trim_end_matches(".rs").to_owned()
}

fn import_table() -> BTreeMap<String, BTreeSet<String>> {
    let map = fs::read_to_string(root().join("src/lib.rs")).unwrap();
    let table = map.split("```import-table").nth(1).expect("the table in lib.rs");
    let table = table.split("```").next().unwrap();
    table
        .lines()
        .filter_map(|line| line.trim_start_matches("//!").split_once("->"))
        .map(|(module, imports)| {
            let imports = imports.split_whitespace().filter(|name| *name != "-");
            (module.trim().to_owned(), imports.map(str::to_owned).collect())
        })
        .collect()
}

/// Names that follow `crate::` anywhere in the code, groups in braces included; comments left out.
fn crate_imports(text: &str) -> BTreeSet<String> {
    let code: String = text
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .map(|line| format!("{line}\n"))
        .collect();
    let word = |text: &str| -> String {
        text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
    };
    let mut names = BTreeSet::new();
    for after in code.split("crate::").skip(1) {
        match after.strip_prefix('{') {
            None => {
                names.insert(word(after));
            }
            Some(group) => {
                let mut depth = 0;
                let mut part = String::new();
                for c in group.chars() {
                    match c {
                        '{' => depth += 1,
                        '}' if depth == 0 => break,
                        '}' => depth -= 1,
                        ',' if depth == 0 => {
                            names.insert(word(part.trim()));
                            part.clear();
                            continue;
                        }
                        _ => {}
                    }
                    part.push(c);
                }
                names.insert(word(part.trim()));
            }
        }
    }
    names.remove("");
    names
}

/// Whether a file imports a module only by the part that the table names, such as `runner::client`.
fn only_a_part(allowed: &BTreeSet<String>, import: &str, text: &str) -> bool {
    let lines = || text.lines().filter(|line| !line.trim_start().starts_with("//"));
    let named = format!("crate::{import}");
    allowed.iter().filter(|entry| entry.starts_with(&format!("{import}::"))).any(|entry| {
        let part = format!("crate::{entry}");
        lines().all(|line| line.matches(&named).count() == line.matches(&part).count())
    })
}

#[test]
fn every_import_stands_in_the_table() {
    let table = import_table();
    let mut wrong = Vec::new();
    for path in rust_files(&root().join("src")) {
        let module = module_of(&path);
        if module == "lib" || module == "main" {
            continue;
        }
        let allowed =
            table.get(&module).unwrap_or_else(|| panic!("{module} is not in the import table"));
        let text = fs::read_to_string(&path).unwrap();
        // What only tests import is not the program's.
        let text = {
            let inner = text.match_indices("\n#[cfg(test)]\n").map(|(at, _)| at).find(|at| {
                text[*at..].lines().nth(2).is_some_and(|line| line.ends_with("mod tests {"))
            });
            text[..inner.unwrap_or(text.len())].to_owned()
        };
        for import in crate_imports(&text) {
            let known = table.contains_key(&import);
            if known
                && import != module
                && !["ids", "files"].contains(&import.as_str())
                && !allowed.contains(&import)
                && !only_a_part(allowed, &import, &text)
            {
                wrong.push(format!("{}: {module} may not import {import}", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_page_of_the_architecture_has_the_same_table() {
    let page = fs::read_to_string(root().join("docs/ARCHITECTURE.md")).unwrap();
    let rows = page.lines().filter_map(|line| {
        let cells: Vec<&str> = line.strip_prefix("| `")?.strip_suffix(" |")?.split(" | ").collect();
        let [module, _, imports] = cells.as_slice() else { return None };
        let imports =
            imports.trim_matches('`').split_whitespace().filter(|name| *name != "nothing");
        Some((module.trim_matches('`').to_owned(), imports.map(str::to_owned).collect()))
    });
    assert_eq!(rows.collect::<BTreeMap<String, BTreeSet<String>>>(), import_table());
    let map = fs::read_to_string(root().join("src/lib.rs")).unwrap().replace("//!", "");
    let words =
        |text: &str| text.split_whitespace().map(|word| format!("{word} ")).collect::<String>();
    let homes = HOMES.map(|(library, modules)| {
        let names: Vec<String> = modules.iter().map(|module| format!("`{module}`")).collect();
        let names = match names.split_last() {
            Some((last, rest)) if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
            _ => names.concat(),
        };
        let stands = if library == "candle_" {
            "candle stands only in"
        } else {
            &format!("{library} only in")
        };
        format!("{stands} {names}")
    });
    for home in homes {
        assert!(words(&page).contains(&home), "the page does not say: {home}");
        assert!(words(&map).contains(&home), "lib.rs does not say: {home}");
    }
}

#[test]
fn the_import_reader_sees_single_names_and_groups() {
    let names =
        crate_imports("use crate::rng::Key;\nuse crate::{ids::{A, B}, eval};\n// crate::no");
    assert_eq!(names.into_iter().collect::<Vec<_>>(), ["eval", "ids", "rng"]);
}

#[test]
fn libraries_stay_behind_their_modules() {
    for path in rust_files(&root().join("src")) {
        let module = module_of(&path);
        for line in fs::read_to_string(&path).unwrap().lines() {
            let code = line.trim_start();
            for (library, modules) in HOMES {
                let used = code.starts_with(&format!("use {library}"))
                    || (!code.starts_with("//") && code.contains(&format!("{library}::")))
                    || (library == "candle_"
                        && !code.starts_with("//")
                        && ["candle_core::", "candle_nn::"].iter().any(|name| code.contains(name)));
                assert!(
                    !used || modules.contains(&module.as_str()),
                    "{}: {library} has no place in {module}: {code}",
                    path.display()
                );
            }
        }
    }
}

#[test]
fn files_have_a_header_and_at_most_500_lines() {
    let mut files = rust_files(&root().join("src"));
    files.extend(rust_files(&root().join("tests")));
    for path in files {
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.starts_with("//!"), "{} has no header", path.display());
        let lines = text.lines().count();
        assert!(lines <= 500, "{} has {lines} lines", path.display());
    }
}

#[test]
fn unsafe_stands_only_where_the_design_allows_it() {
    for path in rust_files(&root().join("src")) {
        let relative = path.strip_prefix(root()).unwrap().to_string_lossy().into_owned();
        let allowed = relative.starts_with("src/nn/kernel/")
            || relative == "src/encode/mmap.rs"
            || relative == "src/eval/product.rs";
        let text = fs::read_to_string(&path).unwrap();
        let opens = text.contains("allow(unsafe_code)") || text.contains("expect(unsafe_code");
        assert!(allowed || !opens, "{relative} opens the door to unsafe code");
    }
}
