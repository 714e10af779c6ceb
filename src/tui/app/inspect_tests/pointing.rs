//! The mouse on Inspect.

use super::*;
use ratatui::buffer::Buffer;

/// Clicks on the first cell of a text.
fn click_on(app: &mut App, wanted: &str, nth: usize) {
    let area = Rect::new(0, 0, 120, 40);
    let mut buffer = Buffer::empty(area);
    app.view(area, &mut buffer);
    let starts = |(column, row): &(u16, u16)| {
        let rest = *column..area.width;
        rest.map(|x| buffer[(x, *row)].symbol()).collect::<String>().starts_with(wanted)
    };
    let cells = (0..area.height).flat_map(|row| (0..area.width).map(move |column| (column, row)));
    let (column, row) = cells.filter(starts).nth(nth).unwrap();
    app.update(Msg::Click { column, row });
}

#[test]
fn slices_queries_and_neighbours_are_chosen_with_the_mouse() {
    let mut app = pets();
    app.update(Msg::Resize { width: 120, height: 40 });
    let at = |app: &App, key: &str| app.screens.inspect.looked_at(&app.shared).get(key).cloned();
    click_on(&mut app, "=both-right", 0);
    assert_eq!(at(&app, "slice"), Some(json!("both-right")));
    assert_eq!(at(&app, "query"), Some(json!("dog#0")));
    click_on(&mut app, "all 2", 0);
    assert_eq!(at(&app, "slice"), None);
    // The query's own line is the first with its words.
    click_on(&mut app, "a drawn dog", 0);
    assert_eq!(at(&app, "query"), Some(json!("dog#0")));
    press(&mut app, "g");
    // The second encoder's first neighbour: one click chooses it, one more follows it.
    click_on(&mut app, "a drawn dog", 1);
    assert_eq!(at(&app, "query"), Some(json!("cat#0")));
    click_on(&mut app, "a drawn dog", 1);
    assert_eq!(at(&app, "query"), Some(json!("dog#0")));
    press(&mut app, "u");
    assert_eq!(at(&app, "query"), Some(json!("cat#0")));
}
