//! Times of the wire: RFC 3339 with an offset, and nothing wider. A well-formed time of a year that no
//! calendar library takes (9999) is out of range, not malformed.

use schemas::time::{EventTime, TimeError};

/// Reads a time; tells what is no time from what is out of range.
pub fn parse(text: &str) -> Result<EventTime, TimeError> {
    let year = year_of(text.as_bytes()).ok_or(TimeError::Malformed)?;
    // An offset moves a time by less than a day: one year of margin.
    if !(1989..=2100).contains(&year) {
        return Err(TimeError::OutOfRange);
    }
    EventTime::parse(text)
}

/// Reads a time that may lack its offset: then it is local to a place so many seconds ahead of UTC.
pub fn parse_at(text: &str, offset_s: i32) -> Result<EventTime, TimeError> {
    let is_local = text.get(19..).is_some_and(|rest| !rest.contains(['Z', 'z', '+', '-']));
    if !is_local {
        return parse(text);
    }
    let time = parse(&format!("{text}Z"));
    time.and_then(|time| EventTime::from_millis(time.millis() - i64::from(offset_s) * 1_000))
}

/// The year of a well-formed time: `YYYY-MM-DDTHH:MM:SS[.f](Z|+HH:MM)` with every part in its bounds.
fn year_of(text: &[u8]) -> Option<u32> {
    let (year, text) = digits::<4>(text)?;
    let (month, text) = digits::<2>(one_of(text, b"-")?)?;
    let (day, text) = digits::<2>(one_of(text, b"-")?)?;
    let (hour, text) = digits::<2>(one_of(text, b"Tt ")?)?;
    let (minute, text) = digits::<2>(one_of(text, b":")?)?;
    let (second, text) = digits::<2>(one_of(text, b":")?)?;
    let is_date = (1..=12).contains(&month) && (1..=days_of(year, month)).contains(&day);
    let is_time = hour < 24 && minute < 60 && second <= 60;
    (is_date && is_time && is_offset(after_fraction(text)?)).then_some(year)
}

fn days_of(year: u32, month: u32) -> u32 {
    let is_leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    match month {
        2 if is_leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// What follows the fraction of a second: none, or 1 to 9 digits.
fn after_fraction(text: &[u8]) -> Option<&[u8]> {
    let Some(fraction) = one_of(text, b".") else {
        return Some(text);
    };
    let n_digits = fraction.iter().take_while(|byte| byte.is_ascii_digit()).count();
    (1..=9).contains(&n_digits).then(|| fraction.get(n_digits..)).flatten()
}

fn is_offset(text: &[u8]) -> bool {
    let numeric = || {
        let (hours, text) = digits::<2>(one_of(text, b"+-")?)?;
        let (minutes, text) = digits::<2>(one_of(text, b":")?)?;
        (hours < 24 && minutes < 60 && text.is_empty()).then_some(())
    };
    matches!(text, b"Z" | b"z") || numeric().is_some()
}

fn digits<const N: usize>(text: &[u8]) -> Option<(u32, &[u8])> {
    let (head, tail) = text.split_at_checked(N)?;
    let number = head.iter().try_fold(0, |number, byte| {
        byte.is_ascii_digit().then(|| number * 10 + u32::from(byte - b'0'))
    })?;
    Some((number, tail))
}

fn one_of<'t>(text: &'t [u8], allowed: &[u8]) -> Option<&'t [u8]> {
    let (first, tail) = text.split_first()?;
    allowed.contains(first).then_some(tail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_accepted_malformed_or_out_of_range() {
        let ms = |text| parse(text).map(EventTime::millis);
        assert_eq!(ms("2026-11-23T20:51:31.412Z"), Ok(1_795_467_091_412));
        assert_eq!(ms("2026-11-23T21:51:31.412987654+01:00"), Ok(1_795_467_091_412));
        assert_eq!(ms("2026-11-23t20:51:31z"), Ok(1_795_467_091_000));
        assert_eq!(ms("2026-11-23 20:51:31Z"), Ok(1_795_467_091_000));
        assert_eq!(ms("2024-02-29T00:00:00Z"), Ok(1_709_164_800_000));
        assert_eq!(ms("1990-01-01T00:00:00Z"), Ok(631_152_000_000));
        assert_eq!(ms("2099-12-31T23:59:59.999Z"), Ok(4_102_444_799_999));
        assert_eq!(ms("2016-12-31T23:59:60Z").map(|ms| ms / 1_000), Ok(1_483_228_799));
        for text in [
            "0001-01-01T00:00:00Z",
            "0000-01-01T00:00:00Z",
            "9999-12-31T23:59:59Z",
            "1989-12-31T23:59:59Z",
            "2100-01-01T00:00:00Z",
            "2099-12-31T23:59:59-01:00",
        ] {
            assert_eq!(ms(text), Err(TimeError::OutOfRange), "{text}");
        }
        for text in [
            "",
            "now",
            "2026-11-23",
            "2026-11-23T20:51:31",
            "2026-11-23T20:51Z",
            "2026-13-01T00:00:00Z",
            "2026-02-29T00:00:00Z",
            "9999-99-99T99:99:99Z",
            "2026-11-23T24:00:00Z",
            "2026-11-23T20:51:31.Z",
            "2026-11-23T20:51:31.1234567890Z",
            "2026-11-23T20:51:31Z[UTC]",
            "2026-11-23T20:51:31+0100",
            "20261123T205131Z",
            "+002026-11-23T20:51:31Z",
            "1795467091",
            "２０２６-11-23T20:51:31Z",
        ] {
            assert_eq!(ms(text), Err(TimeError::Malformed), "{text}");
        }
    }
}
