//! DynamoDB's numbers: exact decimals with 38 significant digits.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

/// Most significant digits a number may have.
const PRECISION: usize = 38;
/// Smallest and largest decimal exponent in scientific notation.
const EXPONENTS: std::ops::RangeInclusive<i64> = -130..=125;

/// An exact decimal number in normal form, so that equal numbers are equal values.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Number {
    /// False for zero.
    negative: bool,
    /// 0 to 9, without leading and trailing zeros; empty for zero.
    digits: Vec<u8>,
    /// The value is `0.digits × 10^point`; 0 for zero.
    point: i64,
}

/// Why a text is not a [`Number`]. The messages are DynamoDB's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NumberError {
    /// Not a number.
    #[error("The parameter cannot be converted to a numeric value: {0}")]
    Syntax(String),
    /// Too many digits.
    #[error("Attempting to store more than 38 significant digits in a Number")]
    Precision,
    /// Too large.
    #[error(
        "Number overflow. Attempting to store a number with magnitude larger than supported range"
    )]
    Overflow,
    /// Too close to zero.
    #[error(
        "Number underflow. Attempting to store a number with magnitude smaller than supported range"
    )]
    Underflow,
}

impl Number {
    /// Converts digits (most significant first) before `10^exponent` to normal form.
    fn normal(negative: bool, digits: &[u8], exponent: i64) -> Result<Self, NumberError> {
        let leading = digits.iter().take_while(|digit| **digit == 0).count();
        let significant = &digits[leading..];
        let trailing = significant
            .iter()
            .rev()
            .take_while(|digit| **digit == 0)
            .count();
        let point = exponent.saturating_add(i64::try_from(significant.len()).unwrap_or(i64::MAX));
        let digits = significant[..significant.len() - trailing].to_vec();
        if digits.is_empty() {
            return Ok(Self {
                negative: false,
                digits,
                point: 0,
            });
        }
        if digits.len() > PRECISION {
            Err(NumberError::Precision)
        } else if point - 1 > *EXPONENTS.end() {
            Err(NumberError::Overflow)
        } else if point - 1 < *EXPONENTS.start() {
            Err(NumberError::Underflow)
        } else {
            Ok(Self {
                negative,
                digits,
                point,
            })
        }
    }

    /// Returns the exact sum.
    ///
    /// # Errors
    /// When the sum needs more digits or a larger exponent than DynamoDB stores.
    pub fn add(&self, other: &Self) -> Result<Self, NumberError> {
        // Both aligned to one lowest exponent: at most 256 + 38 digits.
        let lowest = self.lowest().min(other.lowest());
        let mut a = self.aligned(lowest);
        let mut b = other.aligned(lowest);
        let width = a.len().max(b.len()) + 1;
        a.splice(0..0, std::iter::repeat_n(0, width - a.len()));
        b.splice(0..0, std::iter::repeat_n(0, width - b.len()));
        if self.negative == other.negative {
            let mut carry = 0;
            for (x, y) in a.iter_mut().zip(&b).rev() {
                let sum = *x + *y + carry;
                *x = sum % 10;
                carry = sum / 10;
            }
            Self::normal(self.negative, &a, lowest)
        } else {
            let (large, small, negative) = if a >= b {
                (&mut a, &b, self.negative)
            } else {
                (&mut b, &a, other.negative)
            };
            let mut borrow = 0;
            for (x, y) in large.iter_mut().zip(small).rev() {
                let take = *y + borrow;
                borrow = u8::from(*x < take);
                *x = *x + borrow * 10 - take;
            }
            Self::normal(negative, large, lowest)
        }
    }

    /// Returns the exact difference.
    ///
    /// # Errors
    /// As [`Number::add`].
    pub fn subtract(&self, other: &Self) -> Result<Self, NumberError> {
        let mut negated = other.clone();
        negated.negative = !other.negative && !other.digits.is_empty();
        self.add(&negated)
    }

    /// Returns the bytes that DynamoDB counts for it: about one for two digits, and one more.
    pub fn size(&self) -> usize {
        self.digits.len().div_ceil(2) + 1 + usize::from(self.negative)
    }

    fn lowest(&self) -> i64 {
        self.point - i64::try_from(self.digits.len()).unwrap_or_default()
    }

    fn aligned(&self, lowest: i64) -> Vec<u8> {
        let mut digits = self.digits.clone();
        if !digits.is_empty() {
            let zeros = usize::try_from(self.lowest() - lowest).unwrap_or_default();
            digits.extend(std::iter::repeat_n(0, zeros));
        }
        digits
    }
}

impl FromStr for Number {
    type Err = NumberError;

    fn from_str(text: &str) -> Result<Self, NumberError> {
        let wrong = || NumberError::Syntax(text.to_owned());
        let (negative, rest) = match text.as_bytes().first() {
            Some(b'-') => (true, &text[1..]),
            Some(b'+') => (false, &text[1..]),
            _ => (false, text),
        };
        let (mantissa, exponent) = match rest.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => {
                let bare = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
                if bare.is_empty() || !bare.bytes().all(|byte| byte.is_ascii_digit()) {
                    return Err(wrong());
                }
                // An exponent that does not fit is out of range; its sign decides between overflow and underflow.
                let limit = if exponent.starts_with('-') {
                    -1_000_000
                } else {
                    1_000_000
                };
                (mantissa, exponent.parse::<i64>().unwrap_or(limit))
            }
            None => (rest, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        if whole.is_empty() && fraction.is_empty() {
            return Err(wrong());
        }
        let digits: Option<Vec<u8>> = whole
            .bytes()
            .chain(fraction.bytes())
            .map(|byte| byte.is_ascii_digit().then(|| byte - b'0'))
            .collect();
        let shift = i64::try_from(fraction.len()).unwrap_or(i64::MAX);
        Self::normal(
            negative,
            &digits.ok_or_else(wrong)?,
            exponent.clamp(-1_000_000, 1_000_000).saturating_sub(shift),
        )
    }
}

impl fmt::Display for Number {
    /// Plain notation, as DynamoDB answers.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.digits.is_empty() {
            return f.write_str("0");
        }
        let digits: String = self
            .digits
            .iter()
            .map(|digit| char::from(b'0' + digit))
            .collect();
        if self.negative {
            f.write_str("-")?;
        }
        match usize::try_from(self.point) {
            Ok(whole) if whole >= digits.len() => {
                write!(f, "{digits}{}", "0".repeat(whole - digits.len()))
            }
            Ok(whole) if whole > 0 => write!(f, "{}.{}", &digits[..whole], &digits[whole..]),
            _ => {
                let zeros = usize::try_from(-self.point).unwrap_or_default();
                write!(f, "0.{}{digits}", "0".repeat(zeros))
            }
        }
    }
}

impl Ord for Number {
    fn cmp(&self, other: &Self) -> Ordering {
        let sign = |number: &Self| match (number.digits.is_empty(), number.negative) {
            (true, _) => 0,
            (false, true) => -1,
            (false, false) => 1,
        };
        sign(self).cmp(&sign(other)).then_with(|| {
            let magnitude = self
                .point
                .cmp(&other.point)
                .then_with(|| self.digits.cmp(&other.digits));
            if self.negative {
                magnitude.reverse()
            } else {
                magnitude
            }
        })
    }
}

impl PartialOrd for Number {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn number(text: &str) -> Number {
        text.parse().unwrap()
    }

    #[test]
    fn equal_numbers_in_different_notations_are_equal() {
        for (text, plain) in [
            ("1", "1"),
            ("+001.500", "1.5"),
            ("15e-1", "1.5"),
            ("-0", "0"),
            ("0.0e9", "0"),
            ("1E+3", "1000"),
            (".05", "0.05"),
            ("-12.", "-12"),
            ("0.1e-2", "0.001"),
        ] {
            assert_eq!(number(text).to_string(), plain, "{text}");
        }
        assert_eq!(number("1.50"), number("15e-1"));
    }

    #[test]
    fn an_invalid_or_too_large_number_is_refused() {
        for text in [
            "", "-", ".", "e5", "1e", "1e+", "0x1", "1 ", "NaN", "1.2.3", "１",
        ] {
            assert!(
                matches!(text.parse::<Number>(), Err(NumberError::Syntax(_))),
                "{text}"
            );
        }
        assert_eq!("1e126".parse::<Number>(), Err(NumberError::Overflow));
        assert_eq!(
            "1e999999999999999999999".parse::<Number>(),
            Err(NumberError::Overflow)
        );
        assert_eq!("1e-131".parse::<Number>(), Err(NumberError::Underflow));
        assert_eq!(
            "1".repeat(39).parse::<Number>(),
            Err(NumberError::Precision)
        );
        assert!("9".repeat(38).parse::<Number>().is_ok());
    }

    #[test]
    fn sums_beyond_38_digits_are_refused_and_others_are_exact() {
        assert_eq!(number("0.1").add(&number("0.2")), Ok(number("0.3")));
        assert_eq!(number("5").subtract(&number("5")), Ok(number("0")));
        assert_eq!(
            number("1e100").add(&number("1e-100")),
            Err(NumberError::Precision)
        );
    }

    proptest! {
        #[test]
        fn order_and_sums_agree_with_integers_of_a_common_scale(
            a in -1_000_000_000_000_i64..1_000_000_000_000,
            b in -1_000_000_000_000_i64..1_000_000_000_000,
            scale in 0_usize..12,
        ) {
            let text = |value: i64| format!("{value}e-{scale}");
            let (x, y) = (number(&text(a)), number(&text(b)));
            prop_assert_eq!(x.cmp(&y), a.cmp(&b));
            prop_assert_eq!(x.add(&y).unwrap(), number(&text(a + b)));
            prop_assert_eq!(x.subtract(&y).unwrap(), number(&text(a - b)));
            prop_assert_eq!(number(&x.to_string()), x);
        }

        #[test]
        fn parsing_never_panics(text in "[-+0-9.eE]{0,50}|\\PC{0,20}") {
            let _ = text.parse::<Number>();
        }
    }
}
