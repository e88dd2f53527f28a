//! DATE, TIME, DATETIME and TIMESTAMP, in every `time.precision.mode`.
//!
//! The binlog packs them, a snapshot query gives their fields; both become the same numbers or texts. Dates that do not
//! exist (`0000-00-00`, `2020-00-01`) are null; where the column cannot be NULL, its default or else the epoch. All dates are proleptic
//! Gregorian, as MySQL's. Source: `io.debezium.time.*`, `JdbcValueConverters`.
//! Invariant: a TIME keeps its sign and its hours beyond 24 wherever the mode can say so.

use super::{Converter, DecodeError, Raw, mismatch};
use crate::config::TimePrecision;
use host_core::layout::{Arena, Slot};
use std::fmt::Write as _;

const DAY_US: i64 = 86_400_000_000;

/// Fields of a DATE or DATETIME, as they are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct DateTime {
    /// 0 to 9999.
    pub year: u16,
    /// 0 to 12.
    pub month: u8,
    /// 0 to 31.
    pub day: u8,
    /// 0 to 23.
    pub hour: u8,
    /// 0 to 59.
    pub minute: u8,
    /// 0 to 59.
    pub second: u8,
    /// Microseconds.
    pub micros: u32,
}

impl DateTime {
    /// Days since 1970-01-01, or `None` for a date that does not exist.
    pub fn days(&self) -> Option<i64> {
        let (y, m, d) = (
            i64::from(self.year),
            i64::from(self.month),
            i64::from(self.day),
        );
        let leap = y % 4 == 0 && (y % 100 != 0 || y % 400 == 0);
        let last = match m {
            2 => 28 + i64::from(leap),
            4 | 6 | 9 | 11 => 30,
            1..=12 => 31,
            _ => return None,
        };
        // MySQL has no year 0 but in zero dates.
        if y == 0 || d == 0 || d > last {
            return None;
        }
        // Days from a year that begins in March, after H. Hinnant's `days_from_civil`.
        let (y, m) = if m > 2 { (y, m - 3) } else { (y - 1, m + 9) };
        let (era, year) = (y.div_euclid(400), y.rem_euclid(400));
        let day = (153 * m + 2) / 5 + d - 1;
        Some(era * 146_097 + year * 365 + year / 4 - year / 100 + day - 719_468)
    }
    /// Microseconds since the epoch, or `None` for a date that does not exist.
    pub fn micros(&self) -> Option<i64> {
        let seconds =
            i64::from(self.hour) * 3600 + i64::from(self.minute) * 60 + i64::from(self.second);
        Some(self.days()? * DAY_US + seconds * 1_000_000 + i64::from(self.micros))
    }
    /// Date and time of microseconds since the epoch.
    pub fn from_micros(us: i64) -> Self {
        let (days, rest) = (us.div_euclid(DAY_US), us.rem_euclid(DAY_US));
        let z = days + 719_468;
        let (era, doe) = (z.div_euclid(146_097), z.rem_euclid(146_097));
        let yoe = (doe - doe / 1_460 + doe / 36_524 - doe / 146_096) / 365;
        let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
        let mp = (5 * doy + 2) / 153;
        let month = if mp < 10 { mp + 3 } else { mp - 9 };
        let seconds = rest / 1_000_000;
        Self {
            year: u16::try_from(yoe + era * 400 + i64::from(month <= 2)).unwrap_or(0),
            month: month as u8,
            day: (doy - (153 * mp + 2) / 5 + 1) as u8,
            hour: (seconds / 3600) as u8,
            minute: (seconds / 60 % 60) as u8,
            second: (seconds % 60) as u8,
            micros: (rest % 1_000_000) as u32,
        }
    }
    /// Years 0 to 69 are of this century, 70 to 99 of the last (`enable.time.adjuster`).
    fn adjusted(mut self, adjust: bool) -> Self {
        if adjust {
            self.year = match self.year {
                1..=69 => self.year + 2000,
                70..=99 => self.year + 1900,
                y => y,
            };
        }
        self
    }
}

/// Appends a point and `digits` digits of these microseconds; nothing for 0 digits.
pub fn format_fraction(micros: u32, digits: u8, to: &mut String) {
    let digits = usize::from(digits.min(6));
    if digits > 0 {
        let all = format!("{micros:06}");
        to.push('.');
        to.push_str(all.get(..digits).unwrap_or_default());
    }
}

/// Appends a fraction as `java.time` does: as many digits as are needed.
fn shortest_fraction(micros: u32, to: &mut String) {
    if micros > 0 {
        let all = format!("{micros:06}");
        to.push('.');
        to.push_str(all.trim_end_matches('0'));
    }
}

fn datetime_of(raw: Raw<'_>, c: &Converter) -> Result<DateTime, DecodeError> {
    match raw {
        Raw::DateTime(d) => Ok(d.adjusted(c.adjust_years)),
        _ => mismatch(raw),
    }
}

/// The column's default, where that stands for a date that does not exist (`JdbcValueConverters.convertValue`).
fn instead(c: &Converter) -> Option<Raw<'static>> {
    c.default_date.filter(|_| !c.optional).map(Raw::DateTime)
}

/// What stands for a date that does not exist, without a default.
fn absent(c: &Converter, epoch: Slot) -> Slot {
    if c.optional { Slot::NULL } else { epoch }
}

pub(super) fn date(
    raw: Raw<'_>,
    mode: TimePrecision,
    c: &Converter,
    arena: &mut Arena,
) -> Result<Slot, DecodeError> {
    let d = datetime_of(raw, c)?;
    let Some(days) = d.days() else {
        if let Some(default) = instead(c) {
            return date(default, mode, c, arena);
        }
        return Ok(match mode {
            _ if c.optional => Slot::NULL,
            TimePrecision::Connect => Slot::date(0),
            TimePrecision::IsoString => arena.string("1970-01-01Z"),
            _ => Slot::int32(0),
        });
    };
    Ok(match mode {
        TimePrecision::Connect => Slot::date(days as i32),
        TimePrecision::IsoString => {
            arena.string(&format!("{:04}-{:02}-{:02}Z", d.year, d.month, d.day))
        }
        _ => Slot::int32(days as i32),
    })
}

pub(super) fn time(
    raw: Raw<'_>,
    mode: TimePrecision,
    arena: &mut Arena,
) -> Result<Slot, DecodeError> {
    let Raw::Time(us) = raw else {
        return mismatch(raw);
    };
    let within_a_day = (0..DAY_US).contains(&us);
    Ok(match mode {
        TimePrecision::AdaptiveTimeMicroseconds | TimePrecision::Microseconds => Slot::int64(us),
        TimePrecision::Nanoseconds => Slot::int64(us.saturating_mul(1000)),
        _ if !within_a_day => {
            return Err(DecodeError::NotExpressible(
                "a TIME outside of 0 to 24 hours, which time.precision.mode connect and isostring cannot express; use \
                 adaptive_time_microseconds"
                    .to_owned(),
            ));
        }
        TimePrecision::Connect => Slot::time((us / 1000) as i32),
        TimePrecision::IsoString => {
            let t = DateTime::from_micros(us);
            let mut text = format!("{:02}:{:02}:{:02}", t.hour, t.minute, t.second);
            shortest_fraction(t.micros, &mut text);
            text.push('Z');
            arena.string(&text)
        }
    })
}

pub(super) fn datetime(
    raw: Raw<'_>,
    mode: TimePrecision,
    digits: u8,
    c: &Converter,
    arena: &mut Arena,
) -> Result<Slot, DecodeError> {
    let d = datetime_of(raw, c)?;
    let Some(us) = d.micros() else {
        if let Some(default) = instead(c) {
            return datetime(default, mode, digits, c, arena);
        }
        return Ok(match mode {
            TimePrecision::Connect => absent(c, Slot::timestamp(0)),
            TimePrecision::IsoString if !c.optional => arena.string("1970-01-01T00:00:00Z"),
            _ => absent(c, Slot::int64(0)),
        });
    };
    Ok(match mode {
        TimePrecision::AdaptiveTimeMicroseconds if digits <= 3 => Slot::int64(us.div_euclid(1000)),
        TimePrecision::AdaptiveTimeMicroseconds | TimePrecision::Microseconds => Slot::int64(us),
        TimePrecision::Nanoseconds => Slot::int64(us.checked_mul(1000).ok_or_else(|| {
            DecodeError::NotExpressible(
                "a DATETIME outside of 1677 to 2262, which nanoseconds in 64 bits cannot express; use another \
                 time.precision.mode"
                    .to_owned(),
            )
        })?),
        TimePrecision::Connect => Slot::timestamp(us.div_euclid(1000)),
        TimePrecision::IsoString => {
            arena.string(&instant(&d))
        }
    })
}

/// TIMESTAMP: `io.debezium.time.ZonedTimestamp` with the column's own number of digits, in UTC, in every mode.
pub(super) fn timestamp(
    raw: Raw<'_>,
    digits: u8,
    c: &Converter,
    arena: &mut Arena,
) -> Result<Slot, DecodeError> {
    let Some(d) = utc(raw)? else {
        if let Some(default) = instead(c) {
            return timestamp(default, digits, c, arena);
        }
        return Ok(if c.optional {
            Slot::NULL
        } else {
            arena.string("1970-01-01T00:00:00Z")
        });
    };
    let mut text = head(&d);
    format_fraction(d.micros, digits, &mut text);
    text.push('Z');
    Ok(arena.string(&text))
}

/// A TIMESTAMP's fields in UTC, `None` for one that does not exist.
pub(super) fn utc(raw: Raw<'_>) -> Result<Option<DateTime>, DecodeError> {
    Ok(match raw {
        // 0 seconds is '0000-00-00 00:00:00'.
        Raw::Timestamp(0, _) => None,
        Raw::Timestamp(s, us) => Some(DateTime::from_micros(
            i64::from(s) * 1_000_000 + i64::from(us),
        )),
        Raw::DateTime(d) => d.days().map(|_| d),
        _ => return mismatch(raw),
    })
}

/// `ISO_OFFSET_DATE_TIME` of an instant in UTC: as many digits of the second as are needed.
pub(super) fn instant(d: &DateTime) -> String {
    let mut text = head(d);
    shortest_fraction(d.micros, &mut text);
    text.push('Z');
    text
}

fn head(d: &DateTime) -> String {
    let mut text = String::with_capacity(27);
    // Writing to a string does not fail.
    let _written = write!(
        text,
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}",
        d.year, d.month, d.day, d.hour, d.minute, d.second
    );
    text
}
