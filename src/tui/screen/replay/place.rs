//! Where to go in a replay, as it is typed.

use crate::session::Time;
use crate::tui::data::reel::{Reel, ReelOrder};

/// Milliseconds of a day.
const DAY: i64 = 86_400_000;
/// Milliseconds of a minute.
const MINUTE: i64 = 60_000;

/// `step 400`, `400`, `50 %`, `12:30`, `12:30:05` or a time such as `2026-11-24T03:50:43Z`. A time of day is
/// of the day that is looked at, else the first in the session; a moment outside it is refused.
pub fn place(text: &str, reel: &Reel) -> Result<ReelOrder, String> {
    let text = text.trim();
    let step = text.strip_prefix("step").unwrap_or(text).trim();
    if let Ok(step) = step.replace(',', "").parse() {
        return Ok(ReelOrder::MadeStep(step));
    }
    if let Some(share) = text.strip_suffix('%')
        && let Ok(share) = share.trim().parse::<f64>()
    {
        return Ok(ReelOrder::Share((share / 100.0).clamp(0.0, 1.0)));
    }
    let within = |time: &Time| {
        let minute = |time: Time| time.millis().div_euclid(MINUTE);
        minute(*time) >= minute(reel.start) && *time <= reel.end
    };
    let time = if let Ok(time) = text.parse::<Time>() {
        time
    } else {
        let first = clock(text, reel.start).ok_or_else(|| {
            format!("expected a step such as 400, a time such as 12:30 or 2026-11-24T03:50:43Z, or 50 %, found {text:?}")
        })?;
        let today = Time::from_millis(reel.time.millis().div_euclid(DAY) * DAY);
        today.and_then(|day| clock(text, day)).filter(within).unwrap_or(first)
    };
    if within(&time) {
        return Ok(ReelOrder::Moment(time));
    }
    let which = if time < reel.start { "before it begins" } else { "after it ends" };
    let (start, end) = (reel.start.to_string(), reel.end.to_string());
    let short = |time: &str| time.get(..16).unwrap_or_default().replace('T', " ");
    let (start, end) = (short(&start), short(&end));
    Err(format!("{text} is {which}: the session is from {start} to {end} UTC"))
}

/// The first time of day, in UTC, after a moment.
fn clock(text: &str, start: Time) -> Option<Time> {
    let mut parts = text.split(':').map(|part| part.parse::<i64>().ok());
    let (hours, minutes) = (parts.next()??, parts.next()??);
    let seconds = parts.next().unwrap_or(Some(0))?;
    let whole =
        (0..24).contains(&hours) && (0..60).contains(&minutes) && (0..60).contains(&seconds);
    if !whole || parts.next().is_some() {
        return None;
    }
    let day = start.millis().div_euclid(DAY) * DAY;
    let mut millis = day + (hours * 3600 + minutes * 60 + seconds) * 1000;
    if millis + 59_999 < start.millis() {
        millis += DAY;
    }
    Time::from_millis(millis)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::data::reel::tests::reel;

    #[test]
    fn a_time_is_of_the_day_looked_at_and_one_outside_the_session_is_refused_with_its_span() {
        let mut reel = reel("20261124-100000-night-bbbbbb");
        reel.start = "2026-11-24T22:15:30Z".parse().unwrap();
        reel.end = "2026-11-28T12:00:00Z".parse().unwrap();
        reel.time = "2026-11-26T08:00:00Z".parse().unwrap();
        let went = |text: &str, reel: &Reel| match place(text, reel) {
            Ok(ReelOrder::Moment(time)) => time.to_string(),
            Ok(other) => panic!("{other:?}"),
            Err(why) => why,
        };
        assert_eq!(went("12:30", &reel), "2026-11-26T12:30:00.000Z");
        reel.time = reel.end;
        assert_eq!(went("11:00", &reel), "2026-11-28T11:00:00.000Z");
        assert_eq!(went("12:30", &reel), "2026-11-25T12:30:00.000Z");
        reel.time = reel.start;
        assert_eq!(went("22:15", &reel), "2026-11-24T22:15:00.000Z");
        let span = "the session is from 2026-11-24 22:15 to 2026-11-28 12:00 UTC";
        let late = "2026-11-28T12:30:00Z";
        assert_eq!(went(late, &reel), format!("{late} is after it ends: {span}"));
        let early = "2026-11-24T22:00:00Z";
        assert_eq!(went(early, &reel), format!("{early} is before it begins: {span}"));
        reel.end = "2026-11-24T23:00:00Z".parse().unwrap();
        assert!(went("12:30", &reel).starts_with("12:30 is after it ends"));
    }

    #[test]
    fn a_time_of_day_is_the_first_after_the_beginning() {
        let start: Time = "2026-11-24T22:15:30Z".parse().unwrap();
        let said = |text| clock(text, start).map(|time| time.to_string());
        assert_eq!(said("22:15").unwrap(), "2026-11-24T22:15:00.000Z");
        assert_eq!(said("23:00:05").unwrap(), "2026-11-24T23:00:05.000Z");
        assert_eq!(said("01:00").unwrap(), "2026-11-25T01:00:00.000Z");
        for bad in ["25:00", "1", "1:2:3:4", "noon", "1:-2"] {
            assert_eq!(clock(bad, start), None, "{bad}");
        }
    }
}
