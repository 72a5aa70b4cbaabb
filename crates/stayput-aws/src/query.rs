//! Requests in AWS's Query protocol: a form with `Action`, `Version` and numbered lists.

use std::fmt::Display;

use crate::endpoint::Service;
use crate::error::Effect;
use crate::transport::Request;

/// The EC2 API version; it has not changed since.
const EC2_VERSION: &str = "2016-11-15";
/// The STS API version.
const STS_VERSION: &str = "2011-06-15";

/// One Query request.
#[derive(Debug, Clone)]
pub(crate) struct Query {
    service: Service,
    version: &'static str,
    action: &'static str,
    effect: Effect,
    parameters: Vec<(String, String)>,
    filters: usize,
}

impl Query {
    /// An EC2 request.
    pub(crate) fn ec2(action: &'static str) -> Self {
        Self::new(Service::Ec2, EC2_VERSION, action)
    }

    /// An STS request.
    pub(crate) fn sts(action: &'static str) -> Self {
        Self::new(Service::Sts, STS_VERSION, action)
    }

    fn new(service: Service, version: &'static str, action: &'static str) -> Self {
        Self {
            service,
            version,
            action,
            effect: Effect::of(action),
            parameters: Vec::new(),
            filters: 0,
        }
    }

    /// The action.
    pub(crate) fn action(&self) -> &'static str {
        self.action
    }

    /// Adds a parameter.
    pub(crate) fn with(mut self, name: &str, value: impl Display) -> Self {
        self.parameters.push((name.to_owned(), value.to_string()));
        self
    }

    /// Makes it a dry run, which changes nothing and may be repeated.
    pub(crate) fn dry(mut self) -> Self {
        self.effect = Effect::Reads;
        self.with("DryRun", true)
    }

    /// Adds a parameter if it has a value.
    pub(crate) fn with_optional(self, name: &str, value: Option<impl Display>) -> Self {
        match value {
            Some(value) => self.with(name, value),
            None => self,
        }
    }

    /// Adds a numbered list.
    pub(crate) fn with_list<T: Display>(
        self,
        name: &str,
        values: impl IntoIterator<Item = T>,
    ) -> Self {
        values
            .into_iter()
            .zip(1..)
            .fold(self, |query, (value, number)| {
                query.with(&format!("{name}.{number}"), value)
            })
    }

    /// Adds a filter: any of these values.
    pub(crate) fn with_filter<T: Display>(
        mut self,
        name: &str,
        values: impl IntoIterator<Item = T>,
    ) -> Self {
        self.filters += 1;
        let number = self.filters;
        self.with(&format!("Filter.{number}.Name"), name)
            .with_list(&format!("Filter.{number}.Value"), values)
    }

    /// The request.
    pub(crate) fn request(&self) -> Request {
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.append_pair("Action", self.action);
        form.append_pair("Version", self.version);
        form.extend_pairs(&self.parameters);
        Request {
            service: self.service,
            operation: self.action,
            content_type: "application/x-www-form-urlencoded; charset=utf-8",
            target: None,
            body: form.finish(),
            effect: self.effect,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_and_lists_are_numbered_from_one() {
        let query = Query::ec2("DescribeInstances")
            .with_filter("vpc-id", ["vpc-1"])
            .with_filter("instance-id", ["i-1", "i-2"])
            .with("MaxResults", 1000);
        assert_eq!(
            query.request().body,
            "Action=DescribeInstances&Version=2016-11-15&Filter.1.Name=vpc-id&Filter.1.Value.1=vpc-1\
             &Filter.2.Name=instance-id&Filter.2.Value.1=i-1&Filter.2.Value.2=i-2&MaxResults=1000"
        );
    }
}
