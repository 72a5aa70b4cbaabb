//! The grammar of expressions, by recursive descent.

use super::Bindings;
use super::Kind;
use super::Path;
use super::Step;
use super::condition::Comparator;
use super::condition::Condition;
use super::condition::Operand;
use super::lex::Lexeme;
use super::lex::Token;
use super::lex::lex;
use super::projection::Projection;
use super::reserved;
use super::update::Source;
use super::update::Term;
use super::update::Update;
use crate::aws::dynamodb::value::Value;
use crate::aws::json::Fault;

/// Deepest nesting of parentheses, `NOT` and functions; bounds the recursion.
const MAX_NESTING: usize = 64;
/// Most values after `IN`.
const MAX_IN: usize = 100;

/// Parses one expression.
pub struct Parser<'a> {
    kind: Kind,
    text: &'a str,
    lexemes: Vec<Lexeme>,
    at: usize,
    nesting: usize,
    bindings: &'a mut Bindings,
}

impl<'a> Parser<'a> {
    /// Creates a parser at the start of the text.
    pub fn new(kind: Kind, text: &'a str, bindings: &'a mut Bindings) -> Result<Self, Fault> {
        Ok(Self {
            kind,
            text,
            lexemes: lex(text, kind)?,
            at: 0,
            nesting: 0,
            bindings,
        })
    }

    /// Checks that nothing follows.
    pub fn end(&self) -> Result<(), Fault> {
        if self.at < self.lexemes.len() {
            Err(self.unexpected())
        } else {
            Ok(())
        }
    }

    /// `condition OR condition …`; `OR` binds weakest, then `AND`, then `NOT`.
    pub fn condition(&mut self) -> Result<Condition, Fault> {
        let mut any = vec![self.conjunction()?];
        while self.keyword("OR") {
            any.push(self.conjunction()?);
        }
        Ok(match any.pop() {
            Some(only) if any.is_empty() => only,
            Some(last) => {
                any.push(last);
                Condition::Any(any)
            }
            None => Condition::Any(any),
        })
    }

    fn conjunction(&mut self) -> Result<Condition, Fault> {
        let first = self.negation()?;
        if !self.peek_keyword("AND") {
            return Ok(first);
        }
        let mut all = vec![first];
        while self.keyword("AND") {
            all.push(self.negation()?);
        }
        Ok(Condition::All(all))
    }

    fn negation(&mut self) -> Result<Condition, Fault> {
        if self.keyword("NOT") {
            return self
                .nested(Self::negation)
                .map(|condition| Condition::Not(Box::new(condition)));
        }
        if self.sign("(") {
            let inner = self.nested(Self::condition)?;
            self.expect(")")?;
            return Ok(inner);
        }
        if let Some(function) = self.function() {
            match function.as_str() {
                "attribute_exists" | "attribute_not_exists" => {
                    let path = self.path_argument(&function)?;
                    self.expect(")")?;
                    return Ok(if function == "attribute_exists" {
                        Condition::Exists(path)
                    } else {
                        Condition::Not(Box::new(Condition::Exists(path)))
                    });
                }
                "attribute_type" => {
                    let path = self.path_argument(&function)?;
                    self.expect(",")?;
                    let Operand::Value(Value::S(kind)) = self.operand()? else {
                        return Err(self.kind.invalid(
                            "Incorrect operand type for operator or function; operator or function: \
                             attribute_type, operand type: {not S}",
                        ));
                    };
                    self.expect(")")?;
                    if !["S", "SS", "N", "NS", "B", "BS", "BOOL", "NULL", "L", "M"]
                        .contains(&kind.as_str())
                    {
                        return Err(self.kind.invalid(format_args!(
                            "Invalid attribute type name found; type: {kind}, valid types: \
                             {{B,NULL,SS,BOOL,L,BS,N,NS,S,M}}"
                        )));
                    }
                    return Ok(Condition::HasType(path, kind));
                }
                "begins_with" | "contains" => {
                    let first = self.operand()?;
                    self.expect(",")?;
                    let second = self.operand()?;
                    self.expect(")")?;
                    if function == "contains" {
                        return Ok(Condition::Contains(first, second));
                    }
                    if let Operand::Value(value) = &second
                        && !matches!(value, Value::S(_) | Value::B(_))
                    {
                        return Err(self.kind.invalid(format_args!(
                            "Incorrect operand type for operator or function; operator or function: begins_with, \
                             operand type: {}",
                            value.kind()
                        )));
                    }
                    return Ok(Condition::BeginsWith(first, second));
                }
                // `size` is an operand, not a condition.
                "size" => self.back(2),
                _ => return Err(self.bad_function(&function)),
            }
        }
        self.comparison()
    }

    fn comparison(&mut self) -> Result<Condition, Fault> {
        let left = self.operand()?;
        if self.keyword("BETWEEN") {
            let low = self.operand()?;
            if !self.keyword("AND") {
                return Err(self.unexpected());
            }
            let high = self.operand()?;
            self.ordered("BETWEEN", &low)?;
            self.ordered("BETWEEN", &high)?;
            if let (Operand::Value(low), Operand::Value(high)) = (&low, &high)
                && Comparator::Greater.holds(low, high)
            {
                return Err(self.kind.invalid(
                    "The BETWEEN operator requires upper bound to be greater than or equal to lower bound",
                ));
            }
            return Ok(Condition::Between(left, low, high));
        }
        if self.keyword("IN") {
            self.expect("(")?;
            let mut list = vec![self.operand()?];
            while self.sign(",") {
                list.push(self.operand()?);
            }
            self.expect(")")?;
            if list.len() > MAX_IN {
                return Err(self.kind.invalid(
                    "The IN operator is provided with too many operands; number of operands: more than 100",
                ));
            }
            return Ok(Condition::In(left, list));
        }
        let comparators = [
            ("=", Comparator::Equal),
            ("<>", Comparator::NotEqual),
            ("<", Comparator::Less),
            ("<=", Comparator::LessOrEqual),
            (">", Comparator::Greater),
            (">=", Comparator::GreaterOrEqual),
        ];
        for (text, comparator) in comparators {
            if self.sign(text) {
                let right = self.operand()?;
                if !matches!(comparator, Comparator::Equal | Comparator::NotEqual) {
                    self.ordered(text, &left)?;
                    self.ordered(text, &right)?;
                }
                return Ok(Condition::Compare(left, comparator, right));
            }
        }
        Err(self.unexpected())
    }

    /// Checks that an operand has an order: only texts, numbers and bytes do.
    fn ordered(&self, operator: &str, operand: &Operand) -> Result<(), Fault> {
        match operand {
            Operand::Value(value)
                if !matches!(value, Value::S(_) | Value::N(_) | Value::B(_)) =>
            {
                Err(self.kind.invalid(format_args!(
                    "Incorrect operand type for operator or function; operator or function: {operator}, \
                     operand type: {}",
                    value.kind()
                )))
            }
            Operand::Value(_) | Operand::Path(_) | Operand::Size(_) => Ok(()),
        }
    }

    fn operand(&mut self) -> Result<Operand, Fault> {
        if let Some(function) = self.function() {
            if function != "size" {
                return Err(self.bad_function(&function));
            }
            let inner = self.nested(Self::operand)?;
            self.expect(")")?;
            return Ok(Operand::Size(Box::new(inner)));
        }
        match self.peek() {
            Some(Token::Value(_)) => self.value().map(Operand::Value),
            _ => self.path().map(Operand::Path),
        }
    }

    /// `SET … REMOVE … ADD … DELETE …`, each at most once.
    pub fn update(&mut self) -> Result<Update, Fault> {
        let mut update = Update::default();
        let mut seen: Vec<&str> = Vec::new();
        while self.at < self.lexemes.len() {
            let Some(section) = ["SET", "REMOVE", "ADD", "DELETE"]
                .into_iter()
                .find(|section| self.keyword(section))
            else {
                return Err(self.unexpected());
            };
            if seen.contains(&section) {
                return Err(self.kind.invalid(format_args!(
                    "The \"{section}\" section can only be used once in an update expression;"
                )));
            }
            seen.push(section);
            loop {
                let path = self.path()?;
                match section {
                    "SET" => {
                        self.expect("=")?;
                        let first = self.source()?;
                        let term = if self.sign("+") {
                            Term::Sum(first, self.source()?)
                        } else if self.sign("-") {
                            Term::Difference(first, self.source()?)
                        } else {
                            Term::Of(first)
                        };
                        update.set.push((path, term));
                    }
                    "REMOVE" => update.remove.push(path),
                    "ADD" => {
                        let value = self.value()?;
                        if !matches!(
                            value,
                            Value::N(_) | Value::Ss(_) | Value::Ns(_) | Value::Bs(_)
                        ) {
                            return Err(self.wrong_operand("ADD", &value));
                        }
                        update.add.push((path, value));
                    }
                    _ => {
                        let value = self.value()?;
                        if !matches!(value, Value::Ss(_) | Value::Ns(_) | Value::Bs(_)) {
                            return Err(self.wrong_operand("DELETE", &value));
                        }
                        update.delete.push((path, value));
                    }
                }
                if !self.sign(",") {
                    break;
                }
            }
        }
        update.check()?;
        Ok(update)
    }

    fn wrong_operand(&self, operator: &str, value: &Value) -> Fault {
        self.kind.invalid(format_args!(
            "Incorrect operand type for operator or function; operator: {operator}, operand type: {}",
            value.kind()
        ))
    }

    fn source(&mut self) -> Result<Source, Fault> {
        if self.sign("(") {
            let inner = self.nested(Self::source)?;
            self.expect(")")?;
            return Ok(inner);
        }
        if let Some(function) = self.function() {
            let source = match function.as_str() {
                "if_not_exists" => {
                    let path = self.path_argument(&function)?;
                    self.expect(",")?;
                    Source::IfNotExists(path, Box::new(self.nested(Self::source)?))
                }
                "list_append" => {
                    let first = self.nested(Self::source)?;
                    self.expect(",")?;
                    let second = self.nested(Self::source)?;
                    Source::Append(Box::new(first), Box::new(second))
                }
                _ => return Err(self.bad_function(&function)),
            };
            self.expect(")")?;
            return Ok(source);
        }
        match self.peek() {
            Some(Token::Value(_)) => self.value().map(Source::Value),
            _ => self.path().map(Source::Path),
        }
    }

    /// Paths separated by commas.
    pub fn projection(&mut self) -> Result<Projection, Fault> {
        let mut paths = vec![self.path()?];
        while self.sign(",") {
            paths.push(self.path()?);
        }
        Projection::of(paths)
    }

    fn path(&mut self) -> Result<Path, Fault> {
        let mut steps = vec![Step::Attribute(self.attribute()?)];
        loop {
            if self.sign(".") {
                steps.push(Step::Attribute(self.attribute()?));
            } else if self.sign("[") {
                let Some(Token::Index(index)) = self.peek() else {
                    return Err(self.unexpected());
                };
                steps.push(Step::Index(*index));
                self.at += 1;
                self.expect("]")?;
            } else {
                return Ok(Path(steps));
            }
            if steps.len() > 32 {
                return Err(self.kind.invalid(
                    "The document path has too many nesting elements; nesting levels: more than 32",
                ));
            }
        }
    }

    fn path_argument(&mut self, function: &str) -> Result<Path, Fault> {
        match self.peek() {
            Some(Token::Value(_)) => Err(self.kind.invalid(format_args!(
                "Operator or function requires a document path; operator or function: {function}"
            ))),
            _ => self.path(),
        }
    }

    fn attribute(&mut self) -> Result<String, Fault> {
        match self.peek().cloned() {
            Some(Token::Word(word)) => {
                if reserved(&word) {
                    return Err(self.kind.invalid(format_args!(
                        "Attribute name is a reserved keyword; reserved keyword: {word}"
                    )));
                }
                self.at += 1;
                Ok(word)
            }
            Some(Token::Name(key)) => {
                self.at += 1;
                self.bindings.name(&key, self.kind)
            }
            Some(Token::Value(_) | Token::Index(_) | Token::Sign(_)) | None => {
                Err(self.unexpected())
            }
        }
    }

    fn value(&mut self) -> Result<Value, Fault> {
        let Some(Token::Value(key)) = self.peek().cloned() else {
            return Err(self.unexpected());
        };
        self.at += 1;
        self.bindings.value(&key, self.kind)
    }

    /// A word directly followed by `(`; both are consumed.
    fn function(&mut self) -> Option<String> {
        let Some(Token::Word(word)) = self.peek() else {
            return None;
        };
        let word = word.clone();
        let next = self.lexemes.get(self.at + 1)?;
        (next.token == Token::Sign("(")).then(|| {
            self.at += 2;
            word
        })
    }

    fn bad_function(&self, function: &str) -> Fault {
        let known = [
            "attribute_exists",
            "attribute_not_exists",
            "attribute_type",
            "begins_with",
            "contains",
            "size",
            "if_not_exists",
            "list_append",
        ];
        if known.contains(&function) {
            self.kind.invalid(format_args!(
                "The function is not allowed to be used this way in an expression; function: {function}"
            ))
        } else {
            self.kind
                .invalid(format_args!("Invalid function name; function: {function}"))
        }
    }

    fn nested<T>(&mut self, read: impl FnOnce(&mut Self) -> Result<T, Fault>) -> Result<T, Fault> {
        self.nesting += 1;
        if self.nesting > MAX_NESTING {
            return Err(self
                .kind
                .invalid("The expression contains too many nested levels"));
        }
        let result = read(self);
        self.nesting -= 1;
        result
    }

    fn peek(&self) -> Option<&Token> {
        self.lexemes.get(self.at).map(|lexeme| &lexeme.token)
    }

    fn back(&mut self, count: usize) {
        self.at = self.at.saturating_sub(count);
    }

    fn sign(&mut self, sign: &str) -> bool {
        let found = matches!(self.peek(), Some(Token::Sign(next)) if *next == sign);
        self.at += usize::from(found);
        found
    }

    fn expect(&mut self, sign: &str) -> Result<(), Fault> {
        if self.sign(sign) {
            Ok(())
        } else {
            Err(self.unexpected())
        }
    }

    fn peek_keyword(&self, keyword: &str) -> bool {
        matches!(self.peek(), Some(Token::Word(word)) if word.eq_ignore_ascii_case(keyword))
    }

    fn keyword(&mut self, keyword: &str) -> bool {
        let found = self.peek_keyword(keyword);
        self.at += usize::from(found);
        found
    }

    fn unexpected(&self) -> Fault {
        match self.lexemes.get(self.at) {
            Some(lexeme) => {
                let from = self.at.saturating_sub(1);
                let near_start = self.lexemes.get(from).map_or(0, |first| first.start);
                let near_end = self
                    .lexemes
                    .get(self.at + 1)
                    .map_or(lexeme.end, |next| next.end);
                self.kind.invalid(format_args!(
                    "Syntax error; token: \"{}\", near: \"{}\"",
                    &self.text[lexeme.start..lexeme.end],
                    &self.text[near_start..near_end]
                ))
            }
            None => {
                let near = self.lexemes.last().map_or(0, |last| last.start);
                self.kind.invalid(format_args!(
                    "Syntax error; token: \"<EOF>\", near: \"{}\"",
                    &self.text[near..]
                ))
            }
        }
    }
}
