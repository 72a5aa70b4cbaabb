//! A day of the calendar, without a time.

use std::fmt;
use std::str::FromStr;

use serde::Serialize;
use serde::Serializer;
use toml::value::Datetime;

/// A day of the calendar. `Display` is `2027-03-31`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Date {
    year: u16,
    month: u8,
    day: u8,
}

impl Date {
    /// The last day there is: no other is later.
    pub const LAST: Self = Self {
        year: 9999,
        month: 12,
        day: 31,
    };
}

/// A text that is not a day as `2027-03-31`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a date")]
pub struct NotADate;

impl FromStr for Date {
    type Err = NotADate;

    fn from_str(text: &str) -> Result<Self, NotADate> {
        let read: Datetime = text.parse().map_err(|_| NotADate)?;
        match read {
            Datetime {
                date: Some(date),
                time: None,
                offset: None,
            } => Ok(Self {
                year: date.year,
                month: date.month,
                day: date.day,
            }),
            _ => Err(NotADate),
        }
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!(
            "{:04}-{:02}-{:02}",
            self.year, self.month, self.day
        ))
    }
}

impl Serialize for Date {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_days_of_the_calendar_are_dates() {
        let date: Date = "2027-03-31".parse().unwrap();
        assert_eq!(date.to_string(), "2027-03-31");
        assert!(date < "2027-04-01".parse().unwrap());
        assert!("2028-02-29".parse::<Date>().is_ok());
        for text in [
            "2027-02-29",
            "2027-04-31",
            "2027-13-01",
            "2027-3-1",
            "31.03.2027",
            "2027-03-31T00:00:00",
            "12:00:00",
            "soon",
            "",
        ] {
            assert!(text.parse::<Date>().is_err(), "{text}");
        }
    }
}
