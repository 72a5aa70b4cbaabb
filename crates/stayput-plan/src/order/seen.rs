//! What is known of a set of calls: what becomes of packets, as bits, so that two sets are compared in a few words.

use stayput_fabric::Reachability;
use stayput_fabric::Source;

use crate::fate::Claim;
use crate::fate::FATES;
use crate::fate::Fate;
use crate::fate::is_hypothetical;
use crate::fate::is_refused;

/// A set of calls that have been made, as bits.
pub(super) type Made = u64;

/// What is known of a set.
#[derive(Debug, Clone)]
pub(super) struct Seen {
    /// One plane of bits for each fate, a bit for each cell, class by class.
    planes: Box<[u64]>,
    /// Addresses not reached from on-prem, and then from anywhere, while in this state.
    pub(super) lost: (u64, u64),
    /// Addresses that machines answer for at several sites at once.
    pub(super) twice: usize,
    /// Calls that may be the next.
    pub(super) safe: Made,
    /// Whether what follows has been looked at.
    pub(super) explored: bool,
}

/// What cells are entitled to, and what must not be done to them.
pub(super) struct Rights {
    /// Cells with a claim to arrive.
    must_arrive: Vec<u64>,
    /// Fates that must not follow each other, for cells with such a claim or without.
    refused: Vec<(Fate, Fate, Claim)>,
}

impl Rights {
    pub(super) fn of(matrix: &Reachability) -> Self {
        let mut must_arrive = vec![0; words(matrix)];
        for cell in 0..cells(matrix) {
            if Claim::of(source_of(matrix, cell)) == Claim::MustArrive {
                must_arrive[cell / 64] |= 1 << (cell % 64);
            }
        }
        let mut refused = Vec::new();
        for claim in [Claim::MustArrive, Claim::MayBeLost] {
            for before in FATES {
                let after = FATES.into_iter();
                let bad = after.filter(|after| is_refused(claim, before, *after));
                refused.extend(bad.map(|after| (before, after, claim)));
            }
        }
        Self {
            must_arrive,
            refused,
        }
    }
}

impl Seen {
    /// Looks at every cell.
    pub(super) fn of(matrix: &Reachability) -> Self {
        let mut seen = Self {
            planes: vec![0; FATES.len() * words(matrix)].into(),
            lost: (0, 0),
            twice: matrix.fabric().served_twice().len(),
            safe: 0,
            explored: false,
        };
        let sources = matrix.sources().len();
        seen.note(
            matrix,
            (0..cells(matrix)).map(|cell| (cell % sources, cell / sources)),
        );
        seen
    }

    /// Notes what has become of these cells.
    pub(super) fn note(
        &mut self,
        matrix: &Reachability,
        cells: impl Iterator<Item = (usize, usize)>,
    ) {
        let words = words(matrix);
        for (at, class) in cells {
            let source = &matrix.sources()[at];
            let cell = class * matrix.sources().len() + at;
            let (word, bit) = (cell / 64, 1 << (cell % 64));
            let members = matrix.classes()[class].members.len() as u64;
            let lost = match source {
                Source::OnPrem => &mut self.lost.0,
                _ => &mut self.lost.1,
            };
            let counts = |fate| is_lost(fate) && !is_hypothetical(source);
            for fate in FATES {
                let plane = &mut self.planes[fate as usize * words + word];
                if *plane & bit != 0 {
                    *plane &= !bit;
                    *lost -= if counts(fate) { members } else { 0 };
                }
            }
            let fate = Fate::of(matrix.standing(at, class));
            self.planes[fate as usize * words + word] |= bit;
            *lost += if counts(fate) { members } else { 0 };
        }
    }

    /// Cells that must not become what they are in another set; of those of machines on their way only loops count.
    pub(super) fn broken_by(
        &self,
        after: &Self,
        rights: &Rights,
        on_their_way: std::ops::Range<usize>,
    ) -> impl Iterator<Item = usize> {
        let words = rights.must_arrive.len();
        (0..words).flat_map(move |word| {
            let (mut broken, mut loops) = (0, 0);
            for (from, to, claim) in &rights.refused {
                let claimed = rights.must_arrive[word];
                let of_claim = match claim {
                    Claim::MustArrive => claimed,
                    Claim::MayBeLost => !claimed,
                };
                let plane = |seen: &Self, fate: Fate| seen.planes[fate as usize * words + word];
                let found = plane(self, *from) & plane(after, *to) & of_claim;
                match to {
                    Fate::Loops => loops |= found,
                    Fate::Absent | Fate::Works | Fate::Lost | Fate::Stuck | Fate::Astray => {
                        broken |= found;
                    }
                }
            }
            let exempt = on_their_way.clone();
            Bits(loops | broken)
                .map(move |bit| (word * 64 + bit, loops & 1 << bit != 0))
                .filter(move |(cell, is_loop)| *is_loop || !exempt.contains(cell))
                .map(|(cell, _)| cell)
        })
    }
}

/// The positions of the bits of a word.
struct Bits(u64);

impl Iterator for Bits {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        let first = self.0.trailing_zeros();
        self.0 &= self.0.wrapping_sub(1);
        (first < 64).then_some(first as usize)
    }
}

fn is_lost(fate: Fate) -> bool {
    match fate {
        Fate::Absent | Fate::Works => false,
        Fate::Lost | Fate::Stuck | Fate::Astray | Fate::Loops => true,
    }
}

fn cells(matrix: &Reachability) -> usize {
    matrix.sources().len() * matrix.classes().len()
}

fn words(matrix: &Reachability) -> usize {
    cells(matrix).div_ceil(64)
}

fn source_of(matrix: &Reachability, cell: usize) -> &Source {
    &matrix.sources()[cell % matrix.sources().len()]
}
