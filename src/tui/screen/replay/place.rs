//! Where to go in a replay, as it is typed.

use crate::session::Time;
use crate::tui::data::reel::{Reel, ReelOrder};

/// Milliseconds of a day.
const DAY: i64 = 86_400_000;

/// `step 400`, `400`, `50 %`, `12:30`, `12:30:05` or a time such as `2026-11-24T03:50:43Z`.
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
    if let Ok(time) = text.parse::<Time>() {
        return Ok(ReelOrder::Moment(time));
    }
    clock(text, reel.start).map(ReelOrder::Moment).ok_or_else(|| {
        format!("expected a step such as 400, a time such as 12:30 or 2026-11-24T03:50:43Z, or 50 %, found {text:?}")
    })
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
