//! The id that makes a change repeatable.

use std::fmt;
use std::str::FromStr;

use serde::Deserialize;
use serde::Serialize;
use stayput_ambient::Entropy;
use stayput_messages::Message;
use uuid::Builder;
use uuid::Uuid;

/// Identifies one logical change (`NTNX-Request-Id`, Prism reference §1 Idempotency).
///
/// Make one for each change, store it, then call; call again with the same one after a crash or a lost answer, and the
/// change happens once. A change whose task *failed* is over: trying again is a new change and takes a new id.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RequestId(Uuid);

/// The text is not a UUID.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", Message::new("prism-no-request-id").with("text", .0))]
pub struct NotARequestId(pub String);

impl RequestId {
    /// A new id, from the randomness of this computer.
    pub fn random() -> Self {
        Self::new(&Entropy::system())
    }

    /// A new id.
    pub fn new(entropy: &Entropy) -> Self {
        Self(entropy.uuid())
    }

    /// The id of one part of a change that takes several requests: the same part of the same change, the same id.
    ///
    /// Derived by name (UUID v5), but marked as version 4: servers may check the version of what they document as v4
    /// (inferred).
    pub(crate) fn part(&self, name: &str) -> Self {
        let derived = Uuid::new_v5(&self.0, name.as_bytes());
        Self(Builder::from_random_bytes(derived.into_bytes()).into_uuid())
    }

    /// The first eight digits, to tell things made by this change from others in names.
    pub(crate) fn short(&self) -> String {
        self.0.simple().to_string()[..8].to_owned()
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl fmt::Debug for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl FromStr for RequestId {
    type Err = NotARequestId;

    fn from_str(text: &str) -> Result<Self, NotARequestId> {
        Uuid::try_parse(text)
            .map(Self)
            .map_err(|_| NotARequestId(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_of_a_change_always_has_the_same_id_of_its_own() {
        let id: RequestId = "617c0c6f-8c0d-4785-8ea6-fe8689ad5c6a".parse().unwrap();
        assert_eq!(id.part("plan"), id.part("plan"));
        assert_ne!(id.part("plan"), id.part("stage"));
        assert_ne!(id.part("plan"), id);
        assert_eq!(id.part("plan").0.get_version_num(), 4);
    }

    #[test]
    fn an_id_survives_being_stored_as_text() {
        let id = RequestId::random();
        assert_eq!(id.to_string().parse(), Ok(id));
    }
}
