//! The table as a page of the documentation.

use super::{Context, TABLE};
use std::fmt::Write;

/// `docs/keys.md`, from the table alone.
#[must_use]
pub fn markdown() -> String {
    let mut page = String::from(
        "# Keys\n\nEvery key of the workbench, from the table that the program itself reads its keys, its help and its palette from \
         (`src/tui/keys/table.rs`). The palette (`:`) finds every action by its name. The mouse works too: click a screen's name, a line \
         or a chart, turn the wheel; nothing needs it.\n",
    );
    let has_keys = |context: &Context| TABLE.iter().any(|entry| entry.context == *context);
    for context in Context::ALL.into_iter().filter(has_keys) {
        let _ = write!(
            page,
            "\n## {}\n\n| key | action | what it does |\n|---|---|---|\n",
            context.title()
        );
        for entry in TABLE.iter().filter(|entry| entry.context == context) {
            let keys: Vec<String> = entry
                .key_texts
                .iter()
                .map(|key| format!("`{}`", key.replace('|', "\\|")))
                .collect();
            let _ = writeln!(page, "| {} | {} | {} |", keys.join(" "), entry.name, entry.what);
        }
    }
    page
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_context_without_keys_has_no_heading() {
        let page = markdown();
        let titles: Vec<&str> = page.lines().filter_map(|line| line.strip_prefix("## ")).collect();
        for context in Context::ALL {
            let has_keys = TABLE.iter().any(|entry| entry.context == context);
            assert_eq!(titles.contains(&context.title()), has_keys, "{}", context.title());
        }
        assert!(
            page.lines()
                .zip(page.lines().skip(1))
                .all(|(a, b)| a != "|---|---|---|" || !b.is_empty())
        );
    }
}
