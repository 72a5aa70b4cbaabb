//! Choosing among equal ways, and going through all of them one after the other.

use std::collections::BTreeMap;

/// The choices of one walk.
#[derive(Debug)]
pub(super) struct Choices {
    /// What to choose at the first, second, … place that is come by; the first way where it ends.
    script: Vec<usize>,
    /// What was chosen, of how many.
    taken: Vec<(usize, usize)>,
    /// Places come by, with what was chosen there.
    places: BTreeMap<String, usize>,
}

impl Choices {
    pub(super) fn following(script: Vec<usize>) -> Self {
        Self {
            script,
            taken: Vec::new(),
            places: BTreeMap::new(),
        }
    }

    /// Which of so many ways to take at a place; always the same at the same place.
    pub(super) fn of(&mut self, ways: usize, place: impl FnOnce() -> String) -> usize {
        if ways < 2 {
            return 0;
        }
        let place = place();
        if let Some(chosen) = self.places.get(&place) {
            return *chosen;
        }
        let chosen = self.script.get(self.taken.len()).copied().unwrap_or(0);
        self.taken.push((chosen, ways));
        self.places.insert(place, chosen);
        chosen
    }

    /// What to choose on the next walk; `None` when every way was taken.
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
    fn every_way_is_taken_once_and_a_place_keeps_its_choice() {
        let mut seen = Vec::new();
        let mut script = Some(Vec::new());
        while let Some(wanted) = script {
            let mut choices = Choices::following(wanted);
            let first = choices.of(2, || "a".to_owned());
            // Which places come next depends on what was chosen before.
            let second = choices.of(if first == 0 { 3 } else { 1 }, || "b".to_owned());
            assert_eq!(choices.of(2, || "a".to_owned()), first);
            seen.push((first, second));
            script = choices.next();
        }
        assert_eq!(seen, [(0, 0), (0, 1), (0, 2), (1, 0)]);
    }
}
