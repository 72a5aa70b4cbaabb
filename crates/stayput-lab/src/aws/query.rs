//! The Query protocol: form parameters as input, XML as output, and its errors.

use std::collections::BTreeMap;
use std::str::FromStr;

use stayput_estate::Cidr;
use stayput_estate::CidrError;
use wildmatch::WildMatch;

use super::model::Tags;
use super::xml::Xml;
use crate::http::Request;
use crate::http::Response;

/// An error of the Query protocol.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {message}")]
pub struct Fault {
    /// HTTP status.
    pub status: u16,
    /// Code, such as `InvalidParameterValue`.
    pub code: &'static str,
    /// Message.
    pub message: String,
}

impl Fault {
    /// Creates a client error with status 400.
    pub fn bad(code: &'static str, message: impl Into<String>) -> Self {
        Self::with_status(400, code, message)
    }

    /// Creates an error with this status.
    pub fn with_status(status: u16, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            status,
            code,
            message: message.into(),
        }
    }

    /// Creates an `InvalidParameterValue`.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::bad("InvalidParameterValue", message)
    }

    /// Creates a `MissingParameter`.
    pub fn missing(name: &str) -> Self {
        Self::bad(
            "MissingParameter",
            format!("The request must contain the parameter {name}"),
        )
    }

    /// Returns the error document of EC2.
    pub fn ec2(&self, request_id: &str) -> Response {
        ec2_error(self.status, self.code, &self.message, request_id)
    }

    /// Returns the error document of the other Query services; `namespace` is the service's.
    pub fn plain(&self, namespace: &str, request_id: &str) -> Response {
        plain_error(self.status, self.code, &self.message, namespace, request_id)
    }
}

/// Returns an error document of EC2.
pub fn ec2_error(status: u16, code: &str, message: &str, request_id: &str) -> Response {
    let mut xml = Xml::new();
    xml.node("Response", |xml| {
        xml.node("Errors", |xml| {
            xml.node("Error", |xml| {
                xml.text("Code", code).text("Message", message);
            });
        })
        .text("RequestID", request_id);
    });
    document(status, &xml, request_id)
}

/// Returns an error document of the other Query services; `namespace` is the service's.
pub fn plain_error(
    status: u16,
    code: &str,
    message: &str,
    namespace: &str,
    request_id: &str,
) -> Response {
    let mut xml = Xml::new();
    xml.node(&format!("ErrorResponse xmlns=\"{namespace}\""), |xml| {
        xml.node("Error", |xml| {
            let at_fault = if status < 500 { "Sender" } else { "Receiver" };
            xml.text("Type", at_fault)
                .text("Code", code)
                .text("Message", message);
        })
        .text("RequestId", request_id);
    });
    document(status, &xml, request_id)
}

/// Returns an XML document as a response.
pub fn document(status: u16, xml: &Xml, request_id: &str) -> Response {
    Response::xml(
        status,
        format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n{}",
            xml.as_str()
        ),
    )
    .with_header("x-amzn-requestid", request_id)
}

/// `Filter.N`: a name and values, one of which must match; `*` and `?` are wildcards.
#[derive(Debug, Clone)]
pub struct Filter {
    /// Name.
    pub name: String,
    /// Values as sent.
    pub values: Vec<String>,
}

impl Filter {
    /// Whether one of the resource's values matches one of the filter's values.
    pub fn accepts<S: AsRef<str>>(&self, has: &[S]) -> bool {
        self.values.iter().any(|wanted| {
            let pattern = WildMatch::new(wanted);
            has.iter().any(|value| pattern.matches(value.as_ref()))
        })
    }
}

/// The parameters of one request.
#[derive(Debug, Clone, Default)]
pub struct Params(BTreeMap<String, String>);

impl Params {
    /// Reads the URL's query and the form body.
    pub fn of(request: &Request) -> Self {
        let body = form_urlencoded::parse(&request.body).into_owned();
        Self(request.query.iter().cloned().chain(body).collect())
    }

    /// Returns a parameter that is present and not empty.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0
            .get(name)
            .map(String::as_str)
            .filter(|value| !value.is_empty())
    }

    /// Returns a required parameter.
    ///
    /// # Errors
    /// `MissingParameter`.
    pub fn need(&self, name: &str) -> Result<&str, Fault> {
        self.get(name).ok_or_else(|| Fault::missing(name))
    }

    /// Returns a boolean; absent is false.
    ///
    /// # Errors
    /// `InvalidParameterValue`.
    pub fn flag(&self, name: &str) -> Result<bool, Fault> {
        match self.get(name) {
            None | Some("false") => Ok(false),
            Some("true") => Ok(true),
            Some(other) => Err(Fault::invalid(format!(
                "Value ({other}) for parameter {name} is invalid. Expecting a boolean"
            ))),
        }
    }

    /// Returns a parameter of another type.
    ///
    /// # Errors
    /// `InvalidParameterValue`.
    pub fn parsed<T: FromStr>(&self, name: &str) -> Result<Option<T>, Fault> {
        self.get(name)
            .map(|text| {
                text.parse().map_err(|_| {
                    Fault::invalid(format!("Value ({text}) for parameter {name} is invalid."))
                })
            })
            .transpose()
    }

    /// Returns a prefix; host bits are cleared as EC2 does.
    ///
    /// # Errors
    /// `MissingParameter`, `InvalidParameterValue`.
    pub fn cidr(&self, name: &str) -> Result<Cidr, Fault> {
        let text = self.need(name)?;
        match text.parse() {
            Ok(cidr) => Ok(cidr),
            Err(CidrError::HostBits { meant, .. }) => Ok(meant),
            Err(CidrError::LeadingZeros { .. } | CidrError::Syntax(_)) => {
                Err(Fault::invalid(format!(
                    "Value ({text}) for parameter {name} is invalid. This is not a valid CIDR block."
                )))
            }
        }
    }

    /// Returns `name.1`, `name.2`, … in numeric order.
    pub fn list(&self, name: &str) -> Vec<&str> {
        self.members(name)
            .into_iter()
            .filter_map(|member| self.get(&member))
            .collect()
    }

    /// Returns the existing prefixes `name.N`, in numeric order.
    pub fn members(&self, name: &str) -> Vec<String> {
        let mut numbers: Vec<u32> = self
            .0
            .keys()
            .filter_map(|key| {
                let rest = key.strip_prefix(name)?.strip_prefix('.')?;
                rest.split('.').next()?.parse().ok()
            })
            .collect();
        numbers.sort_unstable();
        numbers.dedup();
        numbers
            .into_iter()
            .map(|number| format!("{name}.{number}"))
            .collect()
    }

    /// Returns `Filter.N.Name` and `Filter.N.Value.M`.
    ///
    /// # Errors
    /// `MissingParameter` for a filter without a name, `InvalidParameterValue` for one without values.
    pub fn filters(&self) -> Result<Vec<Filter>, Fault> {
        self.members("Filter")
            .into_iter()
            .map(|member| {
                let name = self.need(&format!("{member}.Name"))?.to_owned();
                // An empty value counts as a value, so `list` cannot be used.
                let prefix = format!("{member}.Value");
                let values: Vec<String> = self
                    .members(&prefix)
                    .into_iter()
                    .filter_map(|value| self.0.get(&value).cloned())
                    .collect();
                if values.is_empty() {
                    return Err(Fault::invalid(format!("The filter '{name}' has no values")));
                }
                Ok(Filter { name, values })
            })
            .collect()
    }

    /// Returns tags for a new resource of this type, from `TagSpecification(s).N`.
    pub fn tags_for(&self, resource_type: &str) -> Tags {
        ["TagSpecification", "TagSpecifications"]
            .iter()
            .flat_map(|name| self.members(name))
            .filter(|member| self.get(&format!("{member}.ResourceType")) == Some(resource_type))
            .flat_map(|member| self.tags(&format!("{member}.Tag")))
            .collect()
    }

    /// Returns `name.N.Key` and `name.N.Value`.
    pub fn tags(&self, name: &str) -> Vec<(String, String)> {
        self.members(name)
            .into_iter()
            .filter_map(|member| {
                let key = self.get(&format!("{member}.Key"))?.to_owned();
                let value = self
                    .0
                    .get(&format!("{member}.Value"))
                    .cloned()
                    .unwrap_or_default();
                Some((key, value))
            })
            .collect()
    }

    /// Whether a parameter is present, even if empty.
    pub fn sent(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }
}

#[cfg(test)]
impl<const N: usize> From<[(&str, &str); N]> for Params {
    fn from(pairs: [(&str, &str); N]) -> Self {
        Self(
            pairs
                .into_iter()
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect(),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_in_numeric_order() {
        let params = Params::from([("Id.10", "c"), ("Id.2", "b"), ("Id.1", "a"), ("Idx.3", "x")]);
        assert_eq!(params.list("Id"), ["a", "b", "c"]);
    }

    #[test]
    fn filter_values_have_wildcards() {
        let params = Params::from([
            ("Filter.1.Name", "tag:Name"),
            ("Filter.1.Value.1", "web-*"),
            ("Filter.1.Value.2", "db-0?"),
        ]);
        let filter = params.filters().unwrap().remove(0);
        assert!(filter.accepts(&["web-01"]));
        assert!(filter.accepts(&["db-02"]));
        assert!(!filter.accepts(&["db-2"]));
    }
}
