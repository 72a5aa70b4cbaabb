//! The `$filter` language: tokens, a recursive-descent parser, evaluation on JSON.

use std::cmp::Ordering;

use serde_json::Value;

/// How deep expressions may nest.
const MAX_DEPTH: usize = 50;

/// A parsed filter.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Filter {
    And(Box<Filter>, Box<Filter>),
    Or(Box<Filter>, Box<Filter>),
    Not(Box<Filter>),
    Compare(String, Comparison, Value),
    In(String, Vec<Value>),
    Text(TextTest, String, String),
    Any(String, String, Box<Filter>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Comparison {
    Eq,
    Ne,
    Gt,
    Ge,
    Lt,
    Le,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TextTest {
    StartsWith,
    EndsWith,
    Contains,
}

/// Why a filter is not valid.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum FilterError {
    #[error("unterminated string")]
    UnterminatedString,
    #[error("unexpected character `{0}`")]
    Character(char),
    #[error("{wanted} expected, found {found}")]
    Expected { wanted: &'static str, found: String },
    #[error("nested too deeply")]
    TooDeep,
}

#[derive(Debug, Clone, PartialEq)]
enum Token {
    Word(String),
    Literal(Value),
    Open,
    Close,
    Comma,
    Colon,
    End,
}

impl Token {
    fn show(&self) -> String {
        match self {
            Self::Word(word) => format!("`{word}`"),
            Self::Literal(value) => format!("`{value}`"),
            Self::Open => "`(`".to_owned(),
            Self::Close => "`)`".to_owned(),
            Self::Comma => "`,`".to_owned(),
            Self::Colon => "`:`".to_owned(),
            Self::End => "the end".to_owned(),
        }
    }
}

/// Parses a filter.
pub(super) fn parse(text: &str) -> Result<Filter, FilterError> {
    let mut parser = Parser {
        tokens: tokens(text)?,
        at: 0,
        depth: 0,
    };
    let filter = parser.or()?;
    match parser.next() {
        Token::End => Ok(filter),
        other => Err(expected("the end", &other)),
    }
}

fn expected(wanted: &'static str, found: &Token) -> FilterError {
    FilterError::Expected {
        wanted,
        found: found.show(),
    }
}

fn tokens(text: &str) -> Result<Vec<Token>, FilterError> {
    let mut tokens = Vec::new();
    let mut rest = text.chars().peekable();
    while let Some(first) = rest.next() {
        match first {
            c if c.is_whitespace() => {}
            '(' => tokens.push(Token::Open),
            ')' => tokens.push(Token::Close),
            ',' => tokens.push(Token::Comma),
            '\'' => {
                let mut value = String::new();
                loop {
                    match rest.next() {
                        None => return Err(FilterError::UnterminatedString),
                        // A doubled quote stands for one quote.
                        Some('\'') if rest.peek() == Some(&'\'') => {
                            rest.next();
                            value.push('\'');
                        }
                        Some('\'') => break,
                        Some(c) => value.push(c),
                    }
                }
                // `Vmm.Ahv.Config.PowerState'ON'`: an enum literal equals its string.
                if let Some(Token::Word(word)) = tokens.last()
                    && word.contains('.')
                {
                    tokens.pop();
                }
                tokens.push(Token::Literal(Value::String(value)));
            }
            ':' => tokens.push(Token::Colon),
            c if c.is_alphanumeric() || matches!(c, '_' | '$' | '-' | '@') => {
                let mut word = String::from(c);
                // A date-time contains colons; a lambda variable ends at its colon.
                let timestamp = c.is_ascii_digit();
                while let Some(&c) = rest.peek() {
                    let inside = c.is_alphanumeric()
                        || matches!(c, '_' | '$' | '-' | '@' | '.' | '/')
                        || (timestamp && matches!(c, ':' | '+'));
                    if !inside {
                        break;
                    }
                    word.push(c);
                    rest.next();
                }
                tokens.push(word_token(word));
            }
            other => return Err(FilterError::Character(other)),
        }
    }
    Ok(tokens)
}

fn word_token(word: String) -> Token {
    if word.starts_with(|c: char| c.is_ascii_digit() || c == '-') {
        if let Ok(number) = word.parse::<i64>() {
            return Token::Literal(Value::from(number));
        }
        if let Ok(number) = word.parse::<f64>() {
            return Token::Literal(Value::from(number));
        }
        return Token::Literal(Value::String(word));
    }
    match word.as_str() {
        "true" => Token::Literal(Value::Bool(true)),
        "false" => Token::Literal(Value::Bool(false)),
        "null" => Token::Literal(Value::Null),
        _ => Token::Word(word),
    }
}

struct Parser {
    tokens: Vec<Token>,
    at: usize,
    depth: usize,
}

impl Parser {
    fn peek(&self) -> &Token {
        self.tokens.get(self.at).unwrap_or(&Token::End)
    }

    fn next(&mut self) -> Token {
        let token = self.peek().clone();
        self.at += 1;
        token
    }

    fn take_word(&mut self, word: &str) -> bool {
        let found = matches!(self.peek(), Token::Word(next) if next == word);
        if found {
            self.at += 1;
        }
        found
    }

    fn expect(&mut self, token: &Token, wanted: &'static str) -> Result<(), FilterError> {
        let next = self.next();
        if next == *token {
            Ok(())
        } else {
            Err(expected(wanted, &next))
        }
    }

    fn or(&mut self) -> Result<Filter, FilterError> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(FilterError::TooDeep);
        }
        let mut left = self.and()?;
        while self.take_word("or") {
            left = Filter::Or(Box::new(left), Box::new(self.and()?));
        }
        self.depth -= 1;
        Ok(left)
    }

    fn and(&mut self) -> Result<Filter, FilterError> {
        let mut left = self.unary()?;
        while self.take_word("and") {
            left = Filter::And(Box::new(left), Box::new(self.unary()?));
        }
        Ok(left)
    }

    fn unary(&mut self) -> Result<Filter, FilterError> {
        let mut negated = false;
        while self.take_word("not") {
            negated = !negated;
        }
        let filter = self.primary()?;
        Ok(if negated {
            Filter::Not(Box::new(filter))
        } else {
            filter
        })
    }

    fn primary(&mut self) -> Result<Filter, FilterError> {
        match self.next() {
            Token::Open => {
                let inner = self.or()?;
                self.expect(&Token::Close, "`)`")?;
                Ok(inner)
            }
            Token::Word(word) if *self.peek() == Token::Open => self.function(&word),
            Token::Word(path) => self.comparison(path),
            other => Err(expected("a property or a function", &other)),
        }
    }

    fn function(&mut self, name: &str) -> Result<Filter, FilterError> {
        self.expect(&Token::Open, "`(`")?;
        if let Some(path) = name.strip_suffix("/any") {
            let variable = self.path()?;
            self.expect(&Token::Colon, "`:`")?;
            let inner = self.or()?;
            self.expect(&Token::Close, "`)`")?;
            return Ok(Filter::Any(path.to_owned(), variable, Box::new(inner)));
        }
        let test = match name {
            "startswith" => TextTest::StartsWith,
            "endswith" => TextTest::EndsWith,
            "contains" => TextTest::Contains,
            _ => {
                return Err(expected(
                    "startswith, endswith, contains or any",
                    &Token::Word(name.to_owned()),
                ));
            }
        };
        let path = self.path()?;
        self.expect(&Token::Comma, "`,`")?;
        let text = match self.literal()? {
            Value::String(text) => text,
            other => return Err(expected("a string", &Token::Literal(other))),
        };
        self.expect(&Token::Close, "`)`")?;
        Ok(Filter::Text(test, path, text))
    }

    fn comparison(&mut self, path: String) -> Result<Filter, FilterError> {
        let operator = self.next();
        let word = match &operator {
            Token::Word(word) => word.as_str(),
            other => return Err(expected("a comparison", other)),
        };
        let comparison = match word {
            "eq" => Comparison::Eq,
            "ne" => Comparison::Ne,
            "gt" => Comparison::Gt,
            "ge" => Comparison::Ge,
            "lt" => Comparison::Lt,
            "le" => Comparison::Le,
            "in" => return self.in_list(path),
            _ => return Err(expected("a comparison", &operator)),
        };
        Ok(Filter::Compare(path, comparison, self.literal()?))
    }

    fn in_list(&mut self, path: String) -> Result<Filter, FilterError> {
        self.expect(&Token::Open, "`(`")?;
        let mut values = vec![self.literal()?];
        loop {
            match self.next() {
                Token::Comma => values.push(self.literal()?),
                Token::Close => return Ok(Filter::In(path, values)),
                other => return Err(expected("`,` or `)`", &other)),
            }
        }
    }

    fn path(&mut self) -> Result<String, FilterError> {
        match self.next() {
            Token::Word(path) => Ok(path),
            other => Err(expected("a property", &other)),
        }
    }

    fn literal(&mut self) -> Result<Value, FilterError> {
        match self.next() {
            Token::Literal(value) => Ok(value),
            other => Err(expected("a value", &other)),
        }
    }
}

impl Filter {
    /// Returns the properties of an item that it uses.
    pub(super) fn paths(&self) -> Vec<&str> {
        match self {
            Self::And(left, right) | Self::Or(left, right) => {
                let mut paths = left.paths();
                paths.extend(right.paths());
                paths
            }
            Self::Not(inner) => inner.paths(),
            Self::Compare(path, ..)
            | Self::In(path, _)
            | Self::Text(_, path, _)
            | Self::Any(path, ..) => vec![path],
        }
    }

    /// Whether it matches an item.
    pub(super) fn holds(&self, item: &Value) -> bool {
        match self {
            Self::And(left, right) => left.holds(item) && right.holds(item),
            Self::Or(left, right) => left.holds(item) || right.holds(item),
            Self::Not(inner) => !inner.holds(item),
            Self::Compare(path, comparison, value) => {
                each(item, path, |found| comparison.holds(found, value))
            }
            Self::In(path, values) => each(item, path, |found| {
                values
                    .iter()
                    .any(|value| Comparison::Eq.holds(found, value))
            }),
            Self::Text(test, path, text) => each(item, path, |found| {
                found.as_str().is_some_and(|found| match test {
                    TextTest::StartsWith => found.starts_with(text),
                    TextTest::EndsWith => found.ends_with(text),
                    TextTest::Contains => found.contains(text),
                })
            }),
            Self::Any(path, variable, inner) => match resolve(item, path) {
                Some(Value::Array(elements)) => elements.iter().any(|element| {
                    let mut scope = serde_json::Map::new();
                    scope.insert(variable.clone(), element.clone());
                    inner.holds(&Value::Object(scope))
                }),
                Some(_) | None => false,
            },
        }
    }
}

/// Tests the value at a path; of a collection, one matching element is enough. A missing value is null.
fn each(item: &Value, path: &str, test: impl Fn(&Value) -> bool) -> bool {
    match resolve(item, path) {
        Some(Value::Array(elements)) => elements.iter().any(test),
        Some(value) => test(value),
        None => test(&Value::Null),
    }
}

/// Returns the value at a `/`-separated path.
pub(super) fn resolve<'a>(item: &'a Value, path: &str) -> Option<&'a Value> {
    path.split('/')
        .try_fold(item, |value, segment| value.get(segment))
}

impl Comparison {
    fn holds(self, found: &Value, value: &Value) -> bool {
        match self {
            Self::Eq => equal(found, value),
            Self::Ne => !equal(found, value),
            Self::Gt => compare(found, value) == Some(Ordering::Greater),
            Self::Ge => matches!(
                compare(found, value),
                Some(Ordering::Greater | Ordering::Equal)
            ),
            Self::Lt => compare(found, value) == Some(Ordering::Less),
            Self::Le => matches!(
                compare(found, value),
                Some(Ordering::Less | Ordering::Equal)
            ),
        }
    }
}

fn equal(found: &Value, value: &Value) -> bool {
    found == value || compare(found, value) == Some(Ordering::Equal)
}

/// Compares two values of the same kind; times as instants.
pub(super) fn compare(left: &Value, right: &Value) -> Option<Ordering> {
    match (left, right) {
        (Value::String(left), Value::String(right)) => {
            let instants = (
                left.parse::<jiff::Timestamp>(),
                right.parse::<jiff::Timestamp>(),
            );
            Some(match instants {
                (Ok(left), Ok(right)) => left.cmp(&right),
                _ => left.cmp(right),
            })
        }
        (Value::Number(left), Value::Number(right)) => left.as_f64()?.partial_cmp(&right.as_f64()?),
        (Value::Bool(left), Value::Bool(right)) => Some(left.cmp(right)),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
