//! The texts of one language.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::LazyLock;

use fluent_bundle::FluentArgs;
use fluent_bundle::FluentResource;
use fluent_bundle::FluentValue;
use fluent_bundle::concurrent::FluentBundle;
use unic_langid::LanguageIdentifier;

use crate::Message;
use crate::message::Argument;

/// A file of the English catalogue, with its name.
macro_rules! english {
    ($name:literal) => {
        ($name, include_str!(concat!("../messages/en/", $name)))
    };
}

/// The files of the English catalogue, with their names.
const ENGLISH: &[(&str, &str)] = &[
    english!("obstacle.ftl"),
    english!("remedy.ftl"),
    english!("finding.ftl"),
    english!("verification.ftl"),
    english!("warning.ftl"),
    english!("step.ftl"),
    english!("plan.ftl"),
    english!("path.ftl"),
    english!("delivery.ftl"),
    english!("object.ftl"),
    english!("command.ftl"),
    english!("engine.ftl"),
    english!("lab.ftl"),
    english!("demo.ftl"),
    english!("bench.ftl"),
    english!("ledger.ftl"),
    english!("list.ftl"),
    english!("count.ftl"),
    english!("nutanix.ftl"),
    english!("aws.ftl"),
    english!("progress.ftl"),
    english!("estate.ftl"),
    english!("world.ftl"),
    english!("help.ftl"),
    english!("check.ftl"),
    english!("init.ftl"),
    english!("guest.ftl"),
];

/// The messages of one language.
pub struct Catalogue {
    bundle: FluentBundle<FluentResource>,
    ids: BTreeSet<String>,
    faults: Vec<String>,
}

/// Why a message has no complete text. A test must see to it that none is shipped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RenderFault {
    /// The catalogue has no message of this id.
    NoMessage {
        /// The id.
        id: &'static str,
    },
    /// Fluent could not fill the message in, such as for want of an argument.
    Incomplete {
        /// The id.
        id: &'static str,
        /// What Fluent says.
        errors: Vec<String>,
    },
}

impl fmt::Display for RenderFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoMessage { id } => write!(f, "no message {id}"),
            Self::Incomplete { id, errors } => write!(f, "{id}: {}", errors.join("; ")),
        }
    }
}

impl std::error::Error for RenderFault {}

impl Catalogue {
    /// The English catalogue. It is read once.
    pub fn english() -> &'static Self {
        static CATALOGUE: LazyLock<Catalogue> = LazyLock::new(|| Catalogue::of("en", ENGLISH));
        &CATALOGUE
    }

    fn of(language: &str, files: &[(&str, &str)]) -> Self {
        let mut faults = Vec::new();
        let language = language.parse().unwrap_or_else(|error| {
            faults.push(format!("{language}: {error}"));
            LanguageIdentifier::default()
        });
        let mut bundle = FluentBundle::new_concurrent(vec![language]);
        // The texts are for terminals and JSON: no invisible marks around what is put in.
        bundle.set_use_isolating(false);
        let mut ids = BTreeSet::new();
        if let Err(error) = bundle.add_function("GROUPED", |arguments, _| grouped(arguments)) {
            faults.push(format!("GROUPED: {error}"));
        }
        for (name, text) in files {
            let resource = FluentResource::try_new((*text).to_owned());
            let resource = resource.unwrap_or_else(|(resource, errors)| {
                faults.extend(errors.iter().map(|error| format!("{name}: {error}")));
                resource
            });
            ids.extend(text.lines().filter_map(id_of).map(str::to_owned));
            if let Err(errors) = bundle.add_resource(resource) {
                faults.extend(errors.iter().map(|error| format!("{name}: {error}")));
            }
        }
        Self {
            bundle,
            ids,
            faults,
        }
    }

    /// The ids of all messages.
    pub fn ids(&self) -> &BTreeSet<String> {
        &self.ids
    }

    /// What is wrong with the files themselves: what cannot be parsed, and ids that are there twice.
    pub fn faults(&self) -> &[String] {
        &self.faults
    }

    /// The text of a message.
    ///
    /// # Errors
    ///
    /// If the catalogue has no such message or an argument is missing, also of a part.
    pub fn render(&self, message: &Message) -> Result<String, RenderFault> {
        let (text, fault) = self.filled(message);
        fault.map_or(Ok(text), Err)
    }

    /// The text of a message; its id if there is none, and the name of an argument where one is missing.
    pub fn text(&self, message: &Message) -> String {
        self.filled(message).0
    }

    fn filled(&self, message: &Message) -> (String, Option<RenderFault>) {
        let id = message.id();
        let found = self.bundle.get_message(id);
        let Some(pattern) = found.and_then(|found| found.value()) else {
            return (id.to_owned(), Some(RenderFault::NoMessage { id }));
        };
        let mut of_part = None;
        let mut arguments = FluentArgs::new();
        for (name, argument) in message.arguments() {
            match argument {
                Argument::Text(text) => arguments.set(*name, text.as_str()),
                Argument::Count(number) => arguments.set(*name, *number),
                Argument::Message(part) => {
                    let (text, fault) = self.filled(part);
                    of_part = of_part.or(fault);
                    arguments.set(*name, text);
                }
            }
        }
        let mut errors = Vec::new();
        let text = self
            .bundle
            .format_pattern(pattern, Some(&arguments), &mut errors)
            .into_owned();
        let errors: Vec<_> = errors.iter().map(ToString::to_string).collect();
        let own = (!errors.is_empty()).then_some(RenderFault::Incomplete { id, errors });
        (text, own.or(of_part))
    }
}

/// The id of the message that begins in this line.
fn id_of(line: &str) -> Option<&str> {
    if !line.starts_with(|first: char| first.is_ascii_alphabetic()) {
        return None;
    }
    line.split_once('=').map(|(id, _)| id.trim())
}

/// English: thousands are set apart by commas.
fn grouped(arguments: &[FluentValue<'_>]) -> FluentValue<'static> {
    let Some(FluentValue::Number(number)) = arguments.first() else {
        return FluentValue::Error;
    };
    let digits = number.as_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn catalogue() -> Catalogue {
        let text = "greeting = to { $name }\nfew = { $number ->\n    [0] none\n    [one] one\n   *[other] { GROUPED($number) } of { $number }\n}\n";
        Catalogue::of("en", &[("test.ftl", text)])
    }

    #[test]
    fn a_missing_message_or_argument_is_a_fault_and_never_a_panic() {
        let catalogue = catalogue();
        let missing = Message::new("missing");
        assert_eq!(catalogue.text(&missing), "missing");
        assert_eq!(
            catalogue.render(&missing),
            Err(RenderFault::NoMessage { id: "missing" })
        );
        let greeting = Message::new("greeting");
        assert_eq!(catalogue.text(&greeting), "to {$name}");
        assert!(catalogue.render(&greeting).is_err());
        let nested = greeting.clone().part("name", greeting);
        assert!(catalogue.render(&nested).is_err());
    }

    #[test]
    fn numbers_select_the_plural_and_are_grouped_only_on_request() {
        let catalogue = catalogue();
        let cases = [
            (0, "none"),
            (1, "one"),
            (999, "999 of 999"),
            (1_234_567, "1,234,567 of 1234567"),
            (u64::from(u32::MAX), "4,294,967,295 of 4294967295"),
        ];
        for (number, text) in cases {
            let message = Message::new("few").count("number", number);
            assert_eq!(catalogue.render(&message).as_deref(), Ok(text));
        }
    }

    #[test]
    fn a_message_that_is_quoted_gets_the_arguments_of_the_one_that_quotes_it() {
        let text = "n-steps = { $steps ->\n    [one] one step\n   *[other] { $steps } steps\n}\nleft = { n-steps } left\n";
        let catalogue = Catalogue::of("en", &[("test.ftl", text)]);
        for (steps, text) in [(1, "one step left"), (2, "2 steps left")] {
            let message = Message::new("left").count("steps", steps);
            assert_eq!(catalogue.render(&message).as_deref(), Ok(text));
        }
        assert!(catalogue.render(&Message::new("left")).is_err());
    }

    #[test]
    fn what_is_put_in_is_never_read_as_a_message() {
        let odd = "{ $x } \u{2068}<a>\nb `c` \\u0041";
        let message = Message::new("greeting").with("name", odd);
        let shown = "{ $x } \\u{2068}<a>\\u{a}b `c` \\u0041";
        assert_eq!(catalogue().render(&message), Ok(format!("to {shown}")));
    }

    #[test]
    fn files_that_cannot_be_parsed_or_repeat_an_id_are_faults() {
        let of = |text| Catalogue::of("en", &[("test.ftl", text)]).faults;
        assert_eq!(of("a = b\n"), [""; 0]);
        assert_eq!(of("a = { b\n").len(), 1);
        assert_eq!(of("a = b\na = c\n").len(), 1);
    }
}
