//! Random choices as a tape of numbers: builders read from it, and past its end every choice is the simplest one. So a failing case
//! shrinks automatically: smaller numbers and shorter tapes are simpler cases.

use proptest::prelude::*;

/// Numbers to read choices from.
#[derive(Clone)]
pub struct Tape {
    numbers: Vec<u16>,
    at: usize,
}

impl std::fmt::Debug for Tape {
    /// How much is left of it and how much of that is not tame: a failing case shows its changes as text, not as numbers.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let wild = self.numbers.iter().filter(|number| **number != 0).count();
        write!(f, "Tape({wild} of {})", self.numbers.len())
    }
}

impl Tape {
    /// Nothing but tame choices.
    pub fn tame() -> Self {
        Self {
            numbers: Vec::new(),
            at: 0,
        }
    }

    fn next(&mut self) -> usize {
        let number = self.numbers.get(self.at).copied().unwrap_or(0);
        self.at += 1;
        usize::from(number)
    }

    /// One of `0..n`; the tame choice is 0.
    pub fn below(&mut self, n: usize) -> usize {
        self.next() % n.max(1)
    }

    /// One of these; the tame choice is the first.
    pub fn pick<T: Clone>(&mut self, from: &[T]) -> T {
        let at = self.below(from.len());
        from[at].clone()
    }

    /// True once in `n` times; the tame choice is false.
    pub fn rarely(&mut self, n: usize) -> bool {
        self.below(n) == n - 1
    }

    /// False once in `n` times; the tame choice is true.
    pub fn mostly(&mut self, n: usize) -> bool {
        !self.rarely(n)
    }
}

/// Tapes of this length.
pub fn tape(length: usize) -> impl Strategy<Value = Tape> {
    prop::collection::vec(any::<u16>(), length).prop_map(|numbers| Tape { numbers, at: 0 })
}
