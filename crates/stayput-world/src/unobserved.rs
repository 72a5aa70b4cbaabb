//! What could not be observed. A world may be partial: one system that does not answer makes its part unknown, not the command fail.

use std::fmt;

use serde::Deserialize;
use serde::Serialize;
use stayput_estate::Region;
use stayput_estate::SiteName;
use stayput_messages::Message;

/// A system that is observed as a whole.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "system", content = "of")]
pub enum System {
    /// AWS in one region.
    Aws(Region),
    /// The Prism Central of a site.
    PrismCentral(SiteName),
    /// The Move appliance of a site.
    Move(SiteName),
}

impl System {
    /// Its name.
    pub fn message(&self) -> Message {
        match self {
            Self::Aws(region) => Message::new("system-aws").with("region", region),
            Self::PrismCentral(site) => Message::new("system-prism-central").with("site", site),
            Self::Move(site) => Message::new("system-move").with("site", site),
        }
    }
}

impl fmt::Display for System {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.message().fmt(f)
    }
}

/// How a system failed to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Silence {
    /// Nothing answered: no connection, or no answer in time. The only one that a lost site gives.
    Silent,
    /// It answered and refused us: credentials, rights or certificate.
    Refused,
    /// It answered, but with errors of its own or with something that could not be understood.
    Faulty,
}

impl Silence {
    /// What it does, after the name of the system.
    pub fn verb(self) -> Message {
        match self {
            Self::Silent => Message::new("silence-silent"),
            Self::Refused => Message::new("silence-refused"),
            Self::Faulty => Message::new("silence-faulty"),
        }
    }
}

/// A system that could not be read.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Unobserved {
    /// Which.
    #[serde(flatten)]
    pub system: System,
    /// How.
    pub silence: Silence,
    /// The error and its causes, in one line.
    pub why: String,
}

impl fmt::Display for Unobserved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unobserved = Message::new("system-unobserved")
            .part("system", self.system.message())
            .part("verb", self.silence.verb())
            .with("why", &self.why);
        unobserved.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unobserved_system_is_named_with_what_it_does_and_why() {
        let unobserved = |system, silence| {
            let why = "why".to_owned();
            let unobserved = Unobserved {
                system,
                silence,
                why,
            };
            unobserved.to_string()
        };
        assert_eq!(
            unobserved(System::Aws("eu-west-1".into()), Silence::Silent),
            "AWS eu-west-1 does not answer: why"
        );
        assert_eq!(
            unobserved(System::PrismCentral("osaka".into()), Silence::Refused),
            "Prism Central of osaka refuses these credentials: why"
        );
        assert_eq!(
            unobserved(System::Move("osaka".into()), Silence::Faulty),
            "Move of osaka answers with errors: why"
        );
    }
}
