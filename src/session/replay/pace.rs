//! How long a session takes to look at: as long as it took, but for stretches in which nothing was
//! recorded, which are cut down to a few seconds.

use super::timeline::{Entries, Kind};

/// Longest stretch without entries that is shown as long as it was. Milliseconds; a runner says
/// something every ten seconds.
const QUIET: i64 = 15_000;

/// What is left of a longer one, before a record of a run. Milliseconds.
const LEFT: i64 = 10_000;

/// The same before an action at the terminal: whoever looked for an hour did not run for an hour.
const LEFT_ACTION: i64 = 2_000;

/// Cuts of at least so much are told of. Milliseconds.
const LONG: i64 = 60_000;

/// A stretch that is left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Cut {
    from: i64,
    to: i64,
    /// Milliseconds left out before it.
    before: i64,
}

/// From moments to how long one has watched when they come, and back. Both in milliseconds.
#[derive(Clone, Debug, Default)]
pub(super) struct Pace {
    start: i64,
    /// The last entry that takes room: whatever follows it takes none.
    pub last: i64,
    cuts: Vec<Cut>,
}

/// Whether entries of a kind take no room: what is done in a replay, and a mark, which stands at the
/// moment it names, would make a session longer by being looked at.
fn takes_no_room(kind: Kind) -> bool {
    matches!(kind, Kind::Scrub | Kind::Mark)
}

impl Pace {
    /// Reads entries from a place on; what was known of them is forgotten.
    pub fn read(&mut self, entries: &impl Entries, from: usize) {
        self.start = entries.time(0).millis();
        let first = from.max(1);
        let known = (0..first).rev().find(|at| !takes_no_room(entries.kind(*at))).unwrap_or(0);
        let mut last = entries.time(known).millis();
        let kept = self.cuts.partition_point(|cut| cut.to <= last);
        self.cuts.truncate(kept);
        let mut before = self.cuts.last().map_or(0, |cut| cut.before + cut.to - cut.from);
        for at in first..entries.len() {
            let now = entries.time(at).millis();
            let (quiet, left) = match entries.kind(at) {
                kind if takes_no_room(kind) => continue,
                Kind::Action => (LEFT_ACTION, LEFT_ACTION),
                _ => (QUIET, LEFT),
            };
            if now - last > quiet {
                let cut = Cut { from: last, to: now - left, before };
                before += cut.to - cut.from;
                self.cuts.push(cut);
            }
            last = now;
        }
        self.last = last;
    }

    /// How long one has watched at a moment.
    pub fn shown(&self, millis: f64) -> f64 {
        let millis = millis.min(self.last as f64);
        let at = self.cuts.partition_point(|cut| (cut.from as f64) < millis);
        let out = at.checked_sub(1).and_then(|at| self.cuts.get(at)).map_or(0.0, |cut| {
            cut.before as f64 + (millis - cut.from as f64).min((cut.to - cut.from) as f64)
        });
        millis - self.start as f64 - out
    }

    /// The moment one sees after having watched so long; of a cut, its beginning.
    pub fn moment(&self, shown: f64) -> f64 {
        let place = |cut: &Cut| (cut.from - self.start - cut.before) as f64;
        let at = self.cuts.partition_point(|cut| place(cut) < shown);
        let out = at
            .checked_sub(1)
            .and_then(|at| self.cuts.get(at))
            .map_or(0, |cut| cut.before + cut.to - cut.from);
        shown + (self.start + out) as f64
    }

    /// Where long stretches are left out: how long one has watched when they come, and how much of them
    /// is left out.
    pub fn gaps(&self) -> impl Iterator<Item = (f64, f64)> {
        let long = self.cuts.iter().filter(|cut| cut.to - cut.from >= LONG);
        long.map(|cut| ((cut.from - self.start - cut.before) as f64, (cut.to - cut.from) as f64))
    }

    /// All that is left out.
    pub fn left_out(&self) -> f64 {
        self.cuts.last().map_or(0.0, |cut| (cut.before + cut.to - cut.from) as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::Time;
    use crate::session::event::Heartbeat;
    use crate::session::record::Record;
    use crate::session::replay::Entry;
    use crate::session::sitting::Acted;

    fn acted(millis: i64, screen: &str) -> Entry {
        let acted = Acted {
            action: "down".into(),
            screen: Some(screen.into()),
            with: serde_json::Map::default(),
        };
        Entry::Sitting(1, Record::of(1, Time::from_millis(millis).unwrap(), acted.into()))
    }

    fn beat(millis: i64) -> Entry {
        let time = Time::from_millis(millis).unwrap();
        Entry::Run("tiny-1".parse().unwrap(), Record::new(1, time, Heartbeat {}))
    }

    /// A run of 20 s, four days of nothing, a look at it, and scrubbing.
    #[test]
    fn days_of_nothing_and_scrubbing_take_no_room() {
        const DAY: i64 = 86_400_000;
        let entries = vec![
            beat(1_000),
            beat(11_000),
            beat(21_000),
            acted(4 * DAY, "inspect"),
            acted(4 * DAY + 500, "inspect"),
            acted(4 * DAY + 60_000, "replay"),
            acted(5 * DAY, "replay"),
            beat(9 * DAY),
        ];
        let mut pace = Pace::default();
        pace.read(&entries, 0);
        let shown: Vec<f64> =
            entries.iter().map(|entry| pace.shown(entry.time().millis() as f64)).collect();
        let expected = [0.0, 10_000.0, 20_000.0, 22_000.0, 22_500.0, 22_500.0, 22_500.0, 32_500.0];
        assert_eq!(shown, expected);
        let quiet = [4 * DAY - 2_000 - 21_000, 5 * DAY - 10_000 - 500].map(|gap| gap as f64);
        let gaps: Vec<(f64, f64)> = pace.gaps().collect();
        assert_eq!(gaps, [(20_000.0, quiet[0]), (22_500.0, quiet[1])]);
        assert_eq!(pace.left_out(), quiet[0] + quiet[1]);
        for at in [0.0, 5_000.0, 20_500.0, 21_999.0, 22_250.0, 30_000.0] {
            assert!((pace.shown(pace.moment(at)) - at).abs() < 1e-3, "{at}");
        }
        // In the middle of a cut one has watched as long as at its beginning.
        assert_eq!(pace.shown((2 * DAY) as f64), 20_000.0);
        // Read again from any place, it says the same.
        for from in 0..entries.len() {
            let mut again = pace.clone();
            again.read(&entries, from);
            assert_eq!((&again.cuts, again.last), (&pace.cuts, pace.last), "{from}");
        }
    }

    #[test]
    fn a_session_is_no_longer_for_having_been_replayed_and_no_shorter_while_it_goes_on() {
        let length = |entries: &Vec<Entry>| {
            let mut pace = Pace::default();
            pace.read(entries, 0);
            pace.shown(entries.time(entries.len()).millis() as f64)
        };
        let run = vec![beat(0), beat(10_000), beat(20_000)];
        let replayed = |millis: &[i64]| {
            let mut entries = run.clone();
            entries.append(&mut millis.iter().map(|at| acted(*at, "replay")).collect());
            entries.sort_by_key(Entry::time);
            entries
        };
        for keys in [&[][..], &[9_000], &[25_000, 26_000, 900_000], &[1, 2, 19_999, 20_001]] {
            assert_eq!(length(&replayed(keys)), 20_000.0, "{keys:?}");
        }
    }
}
