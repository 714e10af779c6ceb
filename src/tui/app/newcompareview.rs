//! How the form of a new comparison looks.

use super::App;
use super::form::within;
use super::frame::sheet_width;
use super::newcompare::{Field, NewCompare};
use crate::tui::text;
use crate::tui::theme::Role;
use crate::tui::widget::paint::{bottom, pieces, put, top};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

/// Columns before a field's value.
const NAMES: u16 = 11;

impl App {
    pub(super) fn new_compare(&self, form: &NewCompare, area: Rect, buffer: &mut Buffer) {
        let inner = self.sheet(sheet_width(area), form.height(), "A new comparison", area, buffer);
        within(form.place(), inner, buffer, |inner, buffer| self.filled(form, inner, buffer));
    }

    fn filled(&self, form: &NewCompare, inner: Rect, buffer: &mut Buffer) {
        let shared = &self.shared;
        let style = |role| shared.theme.style(role);
        let (mut rest, mut known) = (inner, Rect::ZERO);
        for field in Field::ALL {
            let (line, below) = top(rest, 1);
            rest = below;
            let front = field == form.field;
            let value = self.field((field.name(), NAMES), front, line, buffer);
            match field {
                Field::Data => self.value(&form.data, front, value, buffer),
                Field::More => self.value(&form.more, front, value, buffer),
                Field::Encoders => self.value(&form.encoders, front, value, buffer),
                Field::Task => {
                    let words = if form.image { " caption [image]" } else { "[caption] image " };
                    let x = put(buffer, value, value.x, value.y, words, style(Role::Text));
                    let help = "  space changes it";
                    put(buffer, value, x, value.y, if front { help } else { "" }, style(Role::Dim));
                }
                Field::Queries | Field::Gallery => {
                    let words = form.languages.words(field == Field::Queries);
                    let x = put(buffer, value, value.x, value.y, words, style(Role::Text));
                    let own = form.languages.own(&form.chosen()).join(", ");
                    let help = match own.as_str() {
                        "" => "  space changes it".to_owned(),
                        own => format!("  space changes it; the encoders learned {own}"),
                    };
                    let help = if front { help.as_str() } else { "" };
                    let room = usize::from(value.right().saturating_sub(x));
                    let help = text::fit(help, room, shared.glyphs.cut());
                    put(buffer, value, x, value.y, &help, style(Role::Dim));
                }
                Field::Known => known = value,
            }
        }
        let (list, last) = bottom(rest, 3);
        let (count, height) = (form.known.len(), usize::from(list.height));
        let first = form.cursor.first(count, height);
        let mut help = "space takes or leaves one".to_owned();
        if count > height {
            help = format!("{} to {} of {count}, {help}", first + 1, first + height);
        }
        let help = text::fit(&help, usize::from(known.width), shared.glyphs.cut());
        put(buffer, known, known.x, known.y, &help, style(Role::Dim));
        for (at, (label, spec)) in
            form.known.iter().enumerate().skip(first).take(usize::from(list.height))
        {
            let y = list.y + (at - first) as u16;
            if form.field == Field::Known && at == form.cursor.at {
                buffer.set_style(Rect { y, height: 1, ..list }, style(Role::Selected));
            }
            let sign = if form.has(at) { shared.glyphs.tick() } else { " " };
            let is_here = at < form.here;
            let none = if is_here { "" } else { "  no weights here" };
            let names = if list.width < 90 { 24 } else { 40 };
            let room = usize::from(list.width).saturating_sub(names + 4 + none.len());
            pieces(
                shared,
                buffer,
                list,
                list.x,
                y,
                &[
                    (Role::Good, sign),
                    (
                        if is_here { Role::Text } else { Role::Dim },
                        &format!(
                            " {} ",
                            text::left(&text::safe(label), names, shared.glyphs.cut())
                        ),
                    ),
                    (Role::Dim, &text::fit_end(&text::safe(spec), room, shared.glyphs.cut())),
                    (Role::Warn, none),
                ],
            );
        }
        let (verdict, last) = top(last, 2);
        let (role, words) = match form.arguments() {
            Ok(_) if form.lacking().is_some() => {
                let label = form.lacking().unwrap_or_default();
                (Role::Warn, format!("the weights of {label} are not here; it will not start so"))
            }
            Ok(_) if form.caution().is_some() => (Role::Warn, form.caution().unwrap_or_default()),
            Ok(_) => {
                (Role::Good, format!("{} compares {}", shared.glyphs.tick(), form.chosen().len()))
            }
            Err(why) => (Role::Bad, why),
        };
        self.verdict(role, &words, verdict, buffer);
        let keys = [("enter", "starts it; it goes on when you leave"), ("tab", "next field")];
        self.last_line(&keys, last, buffer);
    }
}
