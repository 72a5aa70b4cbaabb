//! Counts the lost packets of a prober. Pure: the caller reports what was sent and answered, and when.

use std::collections::BTreeMap;
use std::collections::VecDeque;
use std::net::Ipv4Addr;
use std::time::Duration;

use crate::report::LossRun;
use crate::report::Moment;
use crate::report::Report;
use crate::report::Target;

/// A packet without a result yet, or one that waits for the result of an earlier packet.
#[derive(Debug, Clone, Copy)]
struct Waiting {
    sent: Moment,
    answered: bool,
}

#[derive(Debug, Clone, Default)]
struct Track {
    target: Target,
    /// The number of the first packet in `waiting`.
    first: u64,
    waiting: VecDeque<Waiting>,
    /// Whether the last packet with a result was lost: its run of losses continues.
    losing: bool,
}

/// The record that a prober keeps of its packets.
#[derive(Debug, Clone)]
pub struct ProbeRecord {
    interval: Duration,
    timeout: Duration,
    tracks: BTreeMap<Ipv4Addr, Track>,
    answered: u64,
    lost: u64,
    worst_lateness_us: u64,
}

impl ProbeRecord {
    /// Creates an empty record.
    pub fn new(targets: &[Ipv4Addr], interval: Duration, timeout: Duration) -> Self {
        Self {
            interval,
            timeout,
            tracks: targets
                .iter()
                .map(|address| (*address, Track::default()))
                .collect(),
            answered: 0,
            lost: 0,
            worst_lateness_us: 0,
        }
    }

    /// Records a packet that is about to be sent. Returns its number among those to its address.
    pub fn sent(&mut self, to: Ipv4Addr, at: Moment, lateness: Duration) -> u64 {
        let track = self.tracks.entry(to).or_default();
        track.target.sent += 1;
        track.waiting.push_back(Waiting {
            sent: at,
            answered: false,
        });
        let late = u64::try_from(lateness.as_micros()).unwrap_or(u64::MAX);
        self.worst_lateness_us = self.worst_lateness_us.max(late);
        track.target.sent - 1
    }

    /// Records an answer. An answer that is too late or a duplicate is ignored.
    pub fn answered(&mut self, from: Ipv4Addr, number: u64, by: &str, at: Moment) {
        let timeout = self.timeout_us();
        let Some(track) = self.tracks.get_mut(&from) else {
            return;
        };
        let place = number
            .checked_sub(track.first)
            .and_then(|place| usize::try_from(place).ok())
            .and_then(|place| track.waiting.get_mut(place));
        if let Some(packet) = place
            && !packet.answered
            && at.us_since(packet.sent) <= timeout
        {
            packet.answered = true;
            self.answered += 1;
            *track.target.answered_by.entry(by.to_owned()).or_default() += 1;
        }
    }

    /// Decides on all packets whose time is over, in the order in which they were sent to each address.
    pub fn decide(&mut self, now: Moment) {
        let timeout = self.timeout_us();
        for track in self.tracks.values_mut() {
            while let Some(packet) = track.waiting.front().copied() {
                if packet.answered {
                    if track.losing
                        && let Some(run) = track.target.losses.last_mut()
                    {
                        run.gap_ms = ms(packet.sent.us_since(run.first));
                    }
                    track.losing = false;
                } else if now.us_since(packet.sent) > timeout {
                    self.lost += 1;
                    track.lose(packet.sent);
                } else {
                    break;
                }
                track.waiting.pop_front();
                track.first += 1;
            }
        }
    }

    /// Returns the results, and how many packets have none yet.
    pub fn report(&self) -> Report {
        let undecided = |track: &Track| track.waiting.iter().filter(|p| !p.answered).count();
        let millis = |of: Duration| u64::try_from(of.as_millis()).unwrap_or(u64::MAX);
        Report {
            interval_ms: millis(self.interval),
            timeout_ms: millis(self.timeout),
            sent: self.tracks.values().map(|track| track.target.sent).sum(),
            answered: self.answered,
            lost: self.lost,
            in_flight: self.tracks.values().map(undecided).sum::<usize>() as u64,
            worst_lateness_ms: ms(self.worst_lateness_us),
            targets: self
                .tracks
                .iter()
                .map(|(address, track)| (*address, track.target.clone()))
                .collect(),
        }
    }

    fn timeout_us(&self) -> u64 {
        u64::try_from(self.timeout.as_micros()).unwrap_or(u64::MAX)
    }
}

impl Track {
    fn lose(&mut self, sent: Moment) {
        match self.target.losses.last_mut() {
            Some(run) if self.losing => {
                run.last = sent;
                run.count += 1;
                run.gap_ms = ms(sent.us_since(run.first));
            }
            Some(_) | None => self.target.losses.push(LossRun {
                first: sent,
                last: sent,
                count: 1,
                gap_ms: 0.0,
            }),
        }
        self.losing = true;
    }
}

/// Converts microseconds to milliseconds. A run is much shorter than the largest exact float.
fn ms(us: u64) -> f64 {
    us as f64 / 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: Ipv4Addr = Ipv4Addr::new(172, 30, 1, 10);

    fn at(ms: u64) -> Moment {
        Moment {
            epoch_ms: 1_000_000 + ms,
            run_us: ms * 1000,
        }
    }

    /// Packets ten milliseconds apart; those with these numbers are not answered.
    fn book(packets: u64, unanswered: &[u64]) -> ProbeRecord {
        let mut book =
            ProbeRecord::new(&[A], Duration::from_millis(10), Duration::from_millis(100));
        for n in 0..packets {
            assert_eq!(book.sent(A, at(n * 10), Duration::ZERO), n);
            if !unanswered.contains(&n) {
                book.answered(A, n, "vm", at(n * 10 + 1));
            }
        }
        book
    }

    #[test]
    fn consecutive_losses_are_one_run_until_the_next_answer() {
        let mut book = book(10, &[2, 3, 4, 8]);
        book.decide(at(1000));
        let report = book.report();
        assert_eq!((report.sent, report.answered, report.lost), (10, 6, 4));
        let losses = &report.targets[&A].losses;
        assert_eq!(losses.len(), 2);
        assert_eq!((losses[0].first, losses[0].last), (at(20), at(40)));
        assert_eq!((losses[0].count, losses[0].gap_ms), (3, 30.0));
        assert_eq!((losses[1].count, losses[1].gap_ms), (1, 10.0));
    }

    #[test]
    fn a_packet_is_not_lost_before_its_timeout() {
        let mut book = book(3, &[1]);
        book.decide(at(50));
        assert_eq!((book.report().lost, book.report().in_flight), (0, 1));
        book.answered(A, 1, "vm", at(60));
        book.decide(at(500));
        assert_eq!((book.report().lost, book.report().in_flight), (0, 0));
    }

    #[test]
    fn a_late_or_duplicate_answer_is_ignored() {
        let mut book = book(3, &[1]);
        book.answered(A, 1, "vm", at(400));
        book.answered(A, 0, "vm", at(5));
        book.decide(at(500));
        assert_eq!((book.report().answered, book.report().lost), (2, 1));
        book.answered(A, 1, "vm", at(501));
        assert_eq!(book.report().answered, 2);
    }
}
