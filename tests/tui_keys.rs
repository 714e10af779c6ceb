//! `docs/keys.md` is made from the key table. `UPDATE_DOCS=1` writes it.

#![allow(clippy::unwrap_used)]

use std::path::Path;

#[test]
fn the_page_of_keys_is_what_the_table_says() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/keys.md");
    let page = llm2clip::tui::keys::markdown();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&path, &page).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(written, page, "docs/keys.md differs from the table; UPDATE_DOCS=1 writes it again");
}
