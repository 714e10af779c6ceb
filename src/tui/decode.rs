//! The bytes a terminal sends, taken apart: keys, clicks and pastes, and among them its answers to the
//! question about pictures, whenever they come and however they are cut.
//!
//! crossterm's own reader keeps none of those answers and takes parts of them for keys, so there is one
//! reader of the terminal, which is this.

mod sequence;

use super::keys::Key;
use super::msg::Msg;
use super::picture::detect::{Answer, is_light};
use ratatui::crossterm::event::{KeyCode, KeyModifiers};
use sequence::{Step, control, function, plain, pressed};
use std::time::Duration;

/// Something a terminal sent.
#[derive(Clone, Debug)]
pub enum Heard {
    /// What somebody did: a key, a click, the wheel, a paste.
    Done(Msg),
    /// What the terminal says of itself.
    Answer(Answer),
}

const ESC: u8 = 0x1b;
const BEL: u8 = 0x07;
/// How an answer about Kitty's protocol begins.
const KITTY: &[u8] = b"\x1b_G";
/// How an answer with name and version begins.
const VERSION: &[u8] = b"\x1bP>|";
/// How an answer with the ground's colour begins.
const GROUND: &[u8] = b"\x1b]11;";
/// What ends a paste.
const PASTED: &[u8] = b"\x1b[201~";
/// What may follow an escape that came alone, if it was the beginning of more.
const BEGINNINGS: &[u8] = b"[O_P]";
/// Bytes of a sequence, at most: a longer one is none.
const LONGEST: usize = 256;
/// How long an escape alone may be the beginning of more.
const ESCAPE: Duration = Duration::from_millis(20);
/// How long a key with alt held may be the beginning of more.
const ALT: Duration = Duration::from_millis(500);
/// How long the end of a paste is waited for, on a line that may stall: then it is taken as it came.
const PASTE: Duration = Duration::from_secs(10);
/// Bytes of a paste, at most: what is more is not kept.
const LARGEST: usize = 1 << 20;
/// How long the rest of what nobody types is waited for, on a line that may stall.
const STALE: Duration = Duration::from_secs(5);

/// Takes bytes apart as they come.
#[derive(Debug, Default)]
pub struct Decoder {
    /// What is read in part.
    rest: Vec<u8>,
    /// A paste under way.
    paste: Option<Vec<u8>>,
}

impl Decoder {
    /// Takes bytes that were read at once.
    pub fn feed(&mut self, bytes: &[u8]) -> Vec<Heard> {
        let mut heard = Vec::new();
        // A key with alt held comes in one piece.
        if self.rest == [ESC] && bytes.first().is_some_and(|next| !BEGINNINGS.contains(next)) {
            heard.extend(self.give_up());
        }
        self.rest.extend_from_slice(bytes);
        loop {
            if let Some(paste) = &mut self.paste {
                let from = (paste.len() + 1).saturating_sub(PASTED.len());
                paste.append(&mut self.rest);
                let found = paste[from..].windows(PASTED.len()).position(|part| part == PASTED);
                let Some(end) = found.map(|at| from + at) else {
                    // The mark's own beginning stays, to be found when its rest comes.
                    if paste.len() > LARGEST {
                        paste.drain(LARGEST - PASTED.len()..paste.len() - PASTED.len());
                    }
                    break;
                };
                self.rest = paste.split_off(end + PASTED.len());
                paste.truncate(end);
                heard.push(pasted(paste));
                self.paste = None;
            }
            match step(&self.rest) {
                Step::Whole(length, what) => {
                    self.rest.drain(..length);
                    heard.extend(what);
                }
                Step::Paste(length) => {
                    self.rest.drain(..length);
                    self.paste = Some(Vec::new());
                }
                Step::Half => break,
            }
        }
        heard
    }

    /// How long the rest of what is read in part is waited for; none where nothing is.
    #[must_use]
    pub fn patience(&self) -> Option<Duration> {
        if self.paste.is_some() {
            return Some(PASTE);
        }
        match self.rest[..] {
            [] => None,
            [ESC] => Some(ESCAPE),
            [ESC, _] => Some(ALT),
            _ => Some(STALE),
        }
    }

    /// Takes what is read in part for what was pressed: its rest did not come.
    pub fn give_up(&mut self) -> Option<Heard> {
        if let Some(paste) = self.paste.take() {
            return Some(pasted(&paste));
        }
        match std::mem::take(&mut self.rest)[..] {
            [ESC] => Some(pressed(KeyCode::Esc, KeyModifiers::NONE)),
            [ESC, letter] if letter.is_ascii() => {
                Some(pressed(KeyCode::Char(char::from(letter)), KeyModifiers::ALT))
            }
            _ => None,
        }
    }
}

fn pasted(text: &[u8]) -> Heard {
    Heard::Done(Msg::Paste(String::from_utf8_lossy(text).into_owned()))
}

fn step(bytes: &[u8]) -> Step {
    match bytes {
        [] | [ESC] | [ESC, b'O'] => Step::Half,
        [ESC, ESC, ..] => Step::Whole(1, Some(pressed(KeyCode::Esc, KeyModifiers::NONE))),
        [ESC, b'[', ..] => control(bytes),
        [ESC, b'O', letter, ..] if function(*letter).is_some() => {
            Step::Whole(3, function(*letter).map(|code| pressed(code, KeyModifiers::NONE)))
        }
        [ESC, b'_', ..] if may_be(bytes, KITTY) => {
            string(bytes, KITTY, |said| Some(Answer::Kitty(said.ends_with(b";OK"))))
        }
        [ESC, b'P', ..] if may_be(bytes, VERSION) => string(bytes, VERSION, |said| {
            Some(Answer::Version(String::from_utf8_lossy(said).into_owned()))
        }),
        [ESC, b']', ..] if may_be(bytes, GROUND) => string(bytes, GROUND, |said| {
            Some(Answer::Ground(is_light(&String::from_utf8_lossy(said))))
        }),
        // Strings that nobody asked for: a colour, a setting.
        [ESC, b']' | b'P', b'0'..=b'9', ..] => string(bytes, &bytes[..2], |_| None),
        // Control held with an arrow, as rxvt tells it.
        [ESC, b'O', letter @ b'a'..=b'd', ..] => {
            let code = function(letter.to_ascii_uppercase()).unwrap_or(KeyCode::Null);
            Step::Whole(3, Some(pressed(code, KeyModifiers::CONTROL)))
        }
        [ESC, rest @ ..] => match plain(rest) {
            Step::Whole(length, Some(Heard::Done(Msg::Key(key)))) => {
                let key = Key { alt: true, ..key };
                Step::Whole(length + 1, Some(Heard::Done(Msg::Key(key))))
            }
            Step::Whole(length, other) => Step::Whole(length + 1, other),
            other => other,
        },
        _ => plain(bytes),
    }
}

/// Whether bytes begin so, as far as they go.
fn may_be(bytes: &[u8], beginning: &[u8]) -> bool {
    bytes.iter().zip(beginning).all(|(a, b)| a == b)
}

/// `ESC kind ... ESC \`, or with a bell at its end
fn string(bytes: &[u8], beginning: &[u8], answer: impl FnOnce(&[u8]) -> Option<Answer>) -> Step {
    let Some(body) = bytes.strip_prefix(beginning) else { return Step::Half };
    let Some(end) = body.iter().position(|byte| matches!(*byte, ESC | BEL)) else {
        return if body.len() > LONGEST { Step::Whole(bytes.len(), None) } else { Step::Half };
    };
    let before = beginning.len() + end;
    match body.get(end + 1) {
        _ if body[end] == BEL => Step::Whole(before + 1, answer(&body[..end]).map(Heard::Answer)),
        None => Step::Half,
        Some(b'\\') => Step::Whole(before + 2, answer(&body[..end]).map(Heard::Answer)),
        // It was broken off.
        Some(_) => Step::Whole(before, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn all(bytes: &[u8]) -> Vec<Heard> {
        Decoder::default().feed(bytes)
    }

    /// The keys among what is heard, as the table writes them.
    fn keys(heard: &[Heard]) -> Vec<String> {
        let key = |heard: &Heard| match heard {
            Heard::Done(Msg::Key(key)) => Some(key.to_string()),
            _ => None,
        };
        heard.iter().filter_map(key).collect()
    }

    /// What is heard, to be held against each other.
    fn written(heard: &[Heard]) -> Vec<String> {
        heard.iter().map(|heard| format!("{heard:?}")).collect()
    }

    fn given_up(decoder: &mut Decoder) -> Vec<String> {
        let heard: Vec<Heard> = decoder.give_up().into_iter().collect();
        keys(&heard)
    }

    /// The answers of a Kitty, and keys before, between and after them.
    const KITTY_SAYS: &[u8] =
        b"j\x1b_Gi=31;OK\x1b\\k\x1bP>|kitty(0.36.4)\x1b\\\x1b[B\x1b]11;rgb:ff/ff/ff\x1b\\\x1b[6;20;10t\x1b[?62;4cl";

    fn kitty_heard() -> Vec<Heard> {
        let key = |text| Heard::Done(Msg::Key(Key::parse(text).unwrap()));
        vec![
            key("j"),
            Heard::Answer(Answer::Kitty(true)),
            key("k"),
            Heard::Answer(Answer::Version("kitty(0.36.4)".to_owned())),
            key("down"),
            Heard::Answer(Answer::Ground(Some(true))),
            Heard::Answer(Answer::Cell { width: 10, height: 20 }),
            Heard::Answer(Answer::Attributes(vec![62, 4])),
            key("l"),
        ]
    }

    #[test]
    fn keys_are_named_as_the_table_names_them() {
        let cases: [(&str, &[&str]); 8] = [
            ("jG한\u{1f600}", &["j", "G", "한", "\u{1f600}"]),
            (
                "\r\t\x7f\x08\x10\0\n",
                &["enter", "tab", "backspace", "backspace", "ctrl-p", "ctrl-space", "ctrl-j"],
            ),
            (
                "\x1b[A\x1bOB\x1b[1;2C\x1b[1;5D\x1b[H\x1bOF",
                &["up", "down", "shift-right", "ctrl-left", "home", "end"],
            ),
            (
                "\x1b[1~\x1b[2~\x1b[3~\x1b[4~\x1b[5~\x1b[6~\x1b[Z",
                &["home", "insert", "delete", "end", "pageup", "pagedown", "backtab"],
            ),
            ("\x1bOP\x1b[11~\x1b[[A\x1b[P", &["f1", "f1", "f1", "f1"]),
            (
                "\x1bj\x1b\x10\x1b_x\x1bPj\x1bOj",
                &["alt-j", "ctrl-alt-p", "alt-_", "x", "alt-P", "j", "alt-O", "j"],
            ),
            ("\x1b[106;5u\x1b[97;2u\x1b[27u\x1b[106;1:3u", &["ctrl-j", "A", "esc"]),
            ("\x1b\x1b[B", &["esc", "down"]),
        ];
        for (bytes, names) in cases {
            assert_eq!(keys(&all(bytes.as_bytes())), names, "{bytes:?}");
        }
    }

    #[test]
    fn answers_and_keys_are_told_apart_wherever_they_are_cut() {
        let wanted = written(&kitty_heard());
        assert_eq!(written(&all(KITTY_SAYS)), wanted);
        for cut in 0..KITTY_SAYS.len() {
            let mut decoder = Decoder::default();
            let mut heard = decoder.feed(&KITTY_SAYS[..cut]);
            heard.extend(decoder.feed(&KITTY_SAYS[cut..]));
            assert_eq!(written(&heard), wanted, "cut at {cut}");
            assert_eq!(decoder.patience(), None);
        }
        let mut decoder = Decoder::default();
        let heard: Vec<Heard> = KITTY_SAYS.iter().flat_map(|byte| decoder.feed(&[*byte])).collect();
        assert_eq!(written(&heard), wanted);
    }

    #[test]
    fn an_escape_alone_is_a_key_soon_and_at_once_when_another_key_follows() {
        let mut decoder = Decoder::default();
        assert!(decoder.feed(b"\x1b").is_empty());
        assert_eq!(decoder.patience(), Some(ESCAPE));
        assert_eq!(given_up(&mut decoder), ["esc"]);
        assert!(decoder.patience().is_none() && decoder.give_up().is_none());
        decoder.feed(b"\x1b");
        assert_eq!(keys(&decoder.feed(b"j")), ["esc", "j"]);
        decoder.feed(b"\x1b");
        assert_eq!(keys(&decoder.feed(b"[A")), ["up"]);
        // What only begins like a sequence holds nobody up for long.
        for letter in ["[", "O", "_", "P", "]"] {
            assert!(decoder.feed(format!("\x1b{letter}").as_bytes()).is_empty());
            assert_eq!(decoder.patience(), Some(ALT));
            assert_eq!(given_up(&mut decoder), [format!("alt-{letter}")]);
        }
        decoder.feed(b"\x1b_G");
        assert_eq!(decoder.patience(), Some(STALE));
        assert!((0..2 * LONGEST).any(|_| keys(&decoder.feed(b"j")) == ["j"]));
    }

    #[test]
    fn a_broken_sequence_types_nothing_and_what_breaks_it_is_heard() {
        assert_eq!(keys(&all(b"\x1b[1;\x1b[B")), ["down"]);
        assert_eq!(keys(&all(b"\x1b_Gi=31\x1b[Bj")), ["down", "j"]);
        assert_eq!(keys(&all(b"\xff\xe4a\x80b")), ["a", "b"]);
        assert!(all(b"\x1b[200;1R\x1b[?1u\x1b[I\x1b[>1c").is_empty());
        assert!(all(b"\x1b]10;rgb:0/0/0\x1b\\\x1b]4;1;x\x07\x1bP1$r0m\x1b\\").is_empty());
        assert_eq!(keys(&all(b"\x1b[3$j\x1bOa")), ["j", "ctrl-up"]);
    }

    #[test]
    fn a_paste_is_taken_whole_however_it_is_cut() {
        let bytes = "a\x1b[200~recipe:clip\n\x1b[31mq\x1b[201한\x1b[201~b".as_bytes();
        let key = |text| Heard::Done(Msg::Key(Key::parse(text).unwrap()));
        let pasted = pasted("recipe:clip\n\x1b[31mq\x1b[201한".as_bytes());
        let wanted = written(&[key("a"), pasted, key("b")]);
        for cut in 0..bytes.len() {
            let mut decoder = Decoder::default();
            let mut heard = decoder.feed(&bytes[..cut]);
            heard.extend(decoder.feed(&bytes[cut..]));
            assert_eq!(written(&heard), wanted, "cut at {cut}");
        }
        let mut decoder = Decoder::default();
        decoder.feed(b"\x1b[200~half of it");
        assert_eq!(decoder.patience(), Some(PASTE));
        let half = decoder.give_up();
        assert!(matches!(&half, Some(Heard::Done(Msg::Paste(text))) if text == "half of it"));
        // Its end, which comes late, is nothing.
        assert_eq!(keys(&decoder.feed(b"\x1b[201~q")), ["q"]);
        // What is too much is not kept, and its end is found all the same.
        decoder.feed(b"\x1b[200~");
        for _ in 0..3 {
            assert!(decoder.feed(&vec![b'x'; LARGEST]).is_empty());
        }
        let heard = decoder.feed(b"y\x1b[201~q");
        assert_eq!(keys(&heard), ["q"]);
        assert!(matches!(&heard[0], Heard::Done(Msg::Paste(text)) if text.len() <= LARGEST + 1));
    }

    #[test]
    fn the_left_button_and_the_wheel_are_heard() {
        let click = written(&[Heard::Done(Msg::Click { column: 4, row: 1 })]);
        assert_eq!(written(&all(b"\x1b[<0;5;2M\x1b[<0;5;2m\x1b[<2;5;2M\x1b[<32;5;2M")), click);
        assert_eq!(written(&all(b"\x1b[M %\"")), click);
        let wheel = |lines| Heard::Done(Msg::Wheel { column: 299, row: 0, lines });
        let heard = all(b"\x1b[<64;300;1M\x1b[<69;300;1M");
        assert_eq!(written(&heard), written(&[wheel(-3), wheel(3)]));
        assert!(all(b"\x1b[<0;0;0M").is_empty());
    }

    proptest! {
        #[test]
        fn whatever_comes_is_taken_apart_the_same_in_one_piece_and_in_two(
            bytes in proptest::collection::vec(
                prop_oneof![any::<u8>(), proptest::sample::select(b"\x1b[OP_G>|;?~\\06tcM".to_vec())],
                0..60,
            ),
            cut in 0usize..60,
        ) {
            let cut = cut.min(bytes.len());
            let mut decoder = Decoder::default();
            let mut heard = decoder.feed(&bytes[..cut]);
            // An escape at the end of a piece is taken for a key when a letter follows.
            let alone = cut > 0 && decoder.rest == [ESC];
            heard.extend(decoder.feed(&bytes[cut..]));
            if !alone {
                prop_assert_eq!(written(&heard), written(&all(&bytes)));
            }
            prop_assert!(decoder.rest.len() <= LONGEST + 8);
        }

        #[test]
        fn typed_letters_come_out_in_order(text in "[a-zA-Z0-9 가-힣]{0,40}", cut in 0usize..200) {
            let bytes = text.as_bytes();
            let cut = cut.min(bytes.len());
            let mut decoder = Decoder::default();
            let mut heard = decoder.feed(&bytes[..cut]);
            heard.extend(decoder.feed(&bytes[cut..]));
            let typed: String = heard
                .iter()
                .filter_map(|heard| match heard {
                    Heard::Done(Msg::Key(key)) => key.typed(),
                    _ => None,
                })
                .collect();
            prop_assert_eq!(typed, text);
        }
    }
}
