//! What is known of the state after a set of calls: what happens to packets, as bits, so that two states are compared in a few words.

use std::ops::Range;

use stayput_fabric::Change;
use stayput_fabric::Reachability;
use stayput_fabric::Source;

use super::call_set::CallSet;
use crate::outcome::OUTCOMES;
use crate::outcome::Outcome;
use crate::outcome::Requirement;
use crate::outcome::is_hypothetical;
use crate::outcome::is_refused;

/// What is known of a state.
#[derive(Debug, Clone)]
pub(super) struct StateSummary {
    /// One plane of bits for each outcome, a bit for each cell, class by class.
    planes: Box<[u64]>,
    /// Addresses not reached from on-prem, and then from any source, while in this state.
    pub(super) lost: (u64, u64),
    /// Addresses that machines answer for at several sites at once.
    pub(super) twice: usize,
    /// Calls that may be the next.
    pub(super) safe: CallSet,
    /// Whether what follows has been searched.
    pub(super) explored: bool,
}

/// What must be kept for each cell.
pub(super) struct Requirements {
    /// Cells whose packets must go on arriving.
    must_arrive: Vec<u64>,
    /// Outcomes that must not follow each other, by what must be kept.
    refused: Vec<(Outcome, Outcome, Requirement)>,
}

impl Requirements {
    pub(super) fn of(matrix: &Reachability) -> Self {
        let mut must_arrive = vec![0; words(matrix)];
        for cell in 0..cells(matrix) {
            if Requirement::of(source_of(matrix, cell)) == Requirement::MustArrive {
                must_arrive[cell / 64] |= 1 << (cell % 64);
            }
        }
        let mut refused = Vec::new();
        for requirement in [Requirement::MustArrive, Requirement::MayBeLost] {
            for before in OUTCOMES {
                let after = OUTCOMES.into_iter();
                let bad = after.filter(|after| is_refused(requirement, before, *after));
                refused.extend(bad.map(|after| (before, after, requirement)));
            }
        }
        Self {
            must_arrive,
            refused,
        }
    }
}

impl StateSummary {
    /// Looks at every cell.
    pub(super) fn of(matrix: &Reachability) -> Self {
        let mut summary = Self {
            planes: vec![0; OUTCOMES.len() * words(matrix)].into(),
            lost: (0, 0),
            twice: matrix.fabric().served_twice().len(),
            safe: CallSet::EMPTY,
            explored: false,
        };
        let sources = matrix.sources().len();
        summary.note(
            matrix,
            (0..cells(matrix)).map(|cell| (cell % sources, cell / sources)),
        );
        summary
    }

    /// The state that a change has led to, with the cells it has changed.
    pub(super) fn after(
        &self,
        matrix: &Reachability,
        change: &Change,
        cells: impl Iterator<Item = (usize, usize)>,
    ) -> Self {
        let mut summary = self.clone();
        summary.explored = false;
        summary.safe = CallSet::EMPTY;
        summary.note(matrix, cells);
        if matches!(change, Change::Serve { .. }) {
            summary.twice = matrix.fabric().served_twice().len();
        }
        summary
    }

    /// How many words a summary takes, about.
    pub(super) fn size(&self) -> usize {
        self.planes.len() + size_of::<Self>() / size_of::<u64>()
    }

    /// Notes what happens to these cells now.
    fn note(&mut self, matrix: &Reachability, cells: impl Iterator<Item = (usize, usize)>) {
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
            let counts = |outcome| is_lost(outcome) && !is_hypothetical(source);
            for outcome in OUTCOMES {
                let plane = &mut self.planes[outcome as usize * words + word];
                if *plane & bit != 0 {
                    *plane &= !bit;
                    *lost -= if counts(outcome) { members } else { 0 };
                }
            }
            let outcome = Outcome::of(matrix.cell_state(at, class));
            self.planes[outcome as usize * words + word] |= bit;
            *lost += if counts(outcome) { members } else { 0 };
        }
    }

    /// Cells that must not become what they are in another state; of the cells of machines that are moving only loops count.
    pub(super) fn broken_by(
        &self,
        after: &Self,
        requirements: &Requirements,
        moving: Range<usize>,
    ) -> impl Iterator<Item = usize> {
        let words = requirements.must_arrive.len();
        (0..words).flat_map(move |word| {
            let (mut broken, mut loops) = (0, 0);
            for (from, to, requirement) in &requirements.refused {
                let must_arrive = requirements.must_arrive[word];
                let required = match requirement {
                    Requirement::MustArrive => must_arrive,
                    Requirement::MayBeLost => !must_arrive,
                };
                let plane = |summary: &Self, outcome: Outcome| {
                    summary.planes[outcome as usize * words + word]
                };
                let found = plane(self, *from) & plane(after, *to) & required;
                match to {
                    Outcome::Loops => loops |= found,
                    Outcome::NoSender
                    | Outcome::Works
                    | Outcome::Lost
                    | Outcome::Unsteerable
                    | Outcome::WrongSite => {
                        broken |= found;
                    }
                }
            }
            let exempt = moving.clone();
            Bits(loops | broken)
                .map(move |bit| (word * 64 + bit, loops & 1 << bit != 0))
                .filter(move |(cell, is_loop)| *is_loop || !exempt.contains(cell))
                .map(|(cell, _)| cell)
        })
    }
}

/// Cells of machines that a change moves.
pub(super) fn moved_by(matrix: &Reachability, change: &Change) -> Range<usize> {
    let Change::Serve { address, .. } = change else {
        return 0..0;
    };
    let mut classes = matrix.classes().iter();
    let class = classes.position(|class| class.members.contains(address));
    let sources = matrix.sources().len();
    class.map_or(0..0, |class| class * sources..(class + 1) * sources)
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

fn is_lost(outcome: Outcome) -> bool {
    match outcome {
        Outcome::NoSender | Outcome::Works => false,
        Outcome::Lost | Outcome::Unsteerable | Outcome::WrongSite | Outcome::Loops => true,
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
