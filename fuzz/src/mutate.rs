//! Broken files out of whole ones.

use llm2clip::rng::Stream;

/// Inputs do not grow beyond this. Bytes.
const LONGEST: usize = 1 << 20;

/// Numbers at which programs break.
const NUMBERS: [&str; 12] = [
    "0",
    "-1",
    "1",
    "255",
    "65536",
    "2147483648",
    "4294967295",
    "9223372036854775807",
    "18446744073709551616",
    "1e999",
    "-0.0",
    "077777777777",
];

/// Bytes that begin, end or escape something somewhere.
const MARKS: &[&[u8]] = &[
    b"\0",
    b"\xff",
    b"\x80",
    b"\xc3\x28",
    b"\xed\xa0\x80",
    b"\xef\xbb\xbf",
    b"\r\n",
    b"\n\n",
    b"\"",
    b"\\",
    b"\\ud800",
    b"\\u0000",
    b"\x1b[2J",
    b"\xe2\x80\xae",
    b"{",
    b"}",
    b"[",
    b"]",
    b",",
    b":",
    b"null",
    b"../",
    b"/",
];

/// One to six changes to one of the files.
pub fn mutate(pool: &[Vec<u8>], stream: &mut Stream, words: &[&str]) -> Vec<u8> {
    let mut bytes = pool[stream.below(pool.len())].clone();
    for _ in 0..=stream.below(6) {
        change(&mut bytes, pool, stream, words);
    }
    bytes.truncate(LONGEST);
    bytes
}

fn change(bytes: &mut Vec<u8>, pool: &[Vec<u8>], stream: &mut Stream, words: &[&str]) {
    let length = bytes.len();
    let at = stream.below(length + 1);
    let span = |stream: &mut Stream| (1 + below_power(stream, 10)).min(length - at);
    match stream.below(13) {
        0 if at < length => bytes[at] ^= 1 << stream.below(8),
        1 if at < length => bytes[at] = stream.below(256) as u8,
        2 => bytes.truncate(at),
        3 => drop(bytes.drain(at..at + span(stream))),
        4 => {
            let piece = bytes[at..at + span(stream)].to_vec();
            let times = 1 + below_power(stream, 8);
            let place = stream.below(length + 1);
            insert(bytes, place, &piece.repeat(times.min(LONGEST / piece.len().max(1))));
        }
        5 | 6 => insert(bytes, at, MARKS[stream.below(MARKS.len())]),
        7 | 8 if !words.is_empty() => {
            insert(bytes, at, words[stream.below(words.len())].as_bytes())
        }
        9 => {
            // A number in the place of one that stands there.
            let digit = |byte: &u8| byte.is_ascii_digit();
            if let Some(start) = bytes[at..].iter().position(digit).map(|start| at + start) {
                let end = bytes[start..].iter().position(|byte| !digit(byte));
                let end = end.map_or(length, |end| start + end);
                let number = NUMBERS[stream.below(NUMBERS.len())].bytes();
                bytes.splice(start..end, number);
            }
        }
        10 => {
            let other = &pool[stream.below(pool.len())];
            if !other.is_empty() {
                let start = stream.below(other.len());
                let end = (start + 1 + stream.below(512)).min(other.len());
                insert(bytes, at, &other[start..end]);
            }
        }
        11 => {
            // Sizes in binary headers.
            let value = [0u64, 1, 0x7f, 0xffff, 0xffff_ffff, u64::MAX][stream.below(6)];
            let width = [1, 2, 4, 8][stream.below(4)];
            let raw = if stream.below(2) == 0 { value.to_le_bytes() } else { value.to_be_bytes() };
            for (to, from) in bytes.iter_mut().skip(at).zip(raw).take(width) {
                *to = from;
            }
        }
        12 => {
            // Deep nests.
            let nest = if stream.below(2) == 0 { b'[' } else { b'{' };
            let deep = 1 << stream.below(12);
            insert(bytes, at, &vec![nest; deep]);
        }
        _ => {}
    }
}

/// A number below a power of two that is itself drawn: small ones as often as large ones.
fn below_power(stream: &mut Stream, powers: usize) -> usize {
    let power = stream.below(powers);
    stream.below(1 << power)
}

fn insert(bytes: &mut Vec<u8>, at: usize, piece: &[u8]) {
    if bytes.len() + piece.len() <= LONGEST {
        bytes.splice(at..at, piece.iter().copied());
    }
}
