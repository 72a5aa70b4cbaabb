//! Durations as people read them.

/// A duration in milliseconds, as short as it can be read: `250 ms`, `5.6 s`, `4 min 05 s`, `2 h 10 min`.
pub fn seconds(ms: u64) -> String {
    let seconds = ms / 1000;
    match seconds {
        0 => format!("{ms} ms"),
        1..60 => format!("{}.{} s", seconds, ms % 1000 / 100),
        60..3600 => format!("{} min {:02} s", seconds / 60, seconds % 60),
        _ => format!("{} h {:02} min", seconds / 3600, seconds / 60 % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_is_given_in_the_two_units_that_matter() {
        let cases = [
            (0, "0 ms"),
            (999, "999 ms"),
            (5_670, "5.6 s"),
            (245_000, "4 min 05 s"),
            (7_800_000, "2 h 10 min"),
        ];
        for (ms, text) in cases {
            assert_eq!(seconds(ms), text);
        }
    }
}
