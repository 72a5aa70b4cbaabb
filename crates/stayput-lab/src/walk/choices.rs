//! Chooses among equal routes, and goes through all choices one after the other.

use std::collections::BTreeMap;

/// The choices of one walk.
#[derive(Debug)]
pub(super) struct Choices {
    /// What to choose at the first, second, … router; the first route beyond its end.
    script: Vec<usize>,
    /// What was chosen, of how many.
    taken: Vec<(usize, usize)>,
    /// Routers passed, with what was chosen there.
    routers: BTreeMap<String, usize>,
}

impl Choices {
    pub(super) fn following(script: Vec<usize>) -> Self {
        Self {
            script,
            taken: Vec::new(),
            routers: BTreeMap::new(),
        }
    }

    /// Returns which of several routes to take at a router; always the same at the same router.
    pub(super) fn of(&mut self, ways: usize, router: impl FnOnce() -> String) -> usize {
        if ways < 2 {
            return 0;
        }
        let router = router();
        if let Some(chosen) = self.routers.get(&router) {
            return *chosen;
        }
        let chosen = self.script.get(self.taken.len()).copied().unwrap_or(0);
        self.taken.push((chosen, ways));
        self.routers.insert(router, chosen);
        chosen
    }

    /// Returns what to choose on the next walk; `None` when every path was taken.
    pub(super) fn next(mut self) -> Option<Vec<usize>> {
        while let Some((chosen, ways)) = self.taken.pop() {
            if chosen + 1 < ways {
                let before = self.taken.iter().map(|(chosen, _)| *chosen);
                return Some(before.chain([chosen + 1]).collect());
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_path_is_taken_once_and_a_router_repeats_its_choice() {
        let mut seen = Vec::new();
        let mut script = Some(Vec::new());
        while let Some(wanted) = script {
            let mut choices = Choices::following(wanted);
            let first = choices.of(2, || "a".to_owned());
            // Which routers come next depends on what was chosen before.
            let second = choices.of(if first == 0 { 3 } else { 1 }, || "b".to_owned());
            assert_eq!(choices.of(2, || "a".to_owned()), first);
            seen.push((first, second));
            script = choices.next();
        }
        assert_eq!(seen, [(0, 0), (0, 1), (0, 2), (1, 0)]);
    }
}
