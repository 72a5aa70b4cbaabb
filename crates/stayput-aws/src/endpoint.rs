//! Where each service of each region is.

use std::collections::BTreeMap;

use aws_types::SdkConfig;
use aws_types::service_config::ServiceConfigKey;
use stayput_estate::Region;
use stayput_messages::Message;

use crate::error::AwsError;
use crate::http::is_loopback;

/// A service we speak to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Service {
    /// EC2, in its Query protocol.
    Ec2,
    /// STS, in its Query protocol.
    Sts,
    /// Direct Connect, JSON 1.1.
    DirectConnect,
    /// Systems Manager, JSON 1.1.
    Ssm,
    /// DynamoDB, JSON 1.0.
    DynamoDb,
}

impl Service {
    /// Every service.
    const ALL: [Self; 5] = [
        Self::Ec2,
        Self::Sts,
        Self::DirectConnect,
        Self::Ssm,
        Self::DynamoDb,
    ];

    /// Its name in host names and in the signature's scope.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Ec2 => "ec2",
            Self::Sts => "sts",
            Self::DirectConnect => "directconnect",
            Self::Ssm => "ssm",
            Self::DynamoDb => "dynamodb",
        }
    }

    /// What precedes the operation in `X-Amz-Target`; the Query services have none.
    pub(crate) fn target_prefix(self) -> Option<&'static str> {
        match self {
            Self::Ec2 | Self::Sts => None,
            Self::DirectConnect => Some("OvertureService"),
            Self::Ssm => Some("AmazonSSM"),
            Self::DynamoDb => Some("DynamoDB_20120810"),
        }
    }

    /// The content type of its JSON protocol.
    pub(crate) fn json_type(self) -> &'static str {
        match self {
            Self::DynamoDb => "application/x-amz-json-1.0",
            Self::Ec2 | Self::Sts | Self::DirectConnect | Self::Ssm => "application/x-amz-json-1.1",
        }
    }

    /// Its service id, from which the SDK makes the tail of `AWS_ENDPOINT_URL_…` and the key in a `services` section.
    fn settings_id(self) -> &'static str {
        match self {
            Self::Ec2 => "EC2",
            Self::Sts => "STS",
            Self::DirectConnect => "Direct Connect",
            Self::Ssm => "SSM",
            Self::DynamoDb => "DynamoDB",
        }
    }

    fn endpoint_variable(self) -> &'static str {
        match self {
            Self::Ec2 => "AWS_ENDPOINT_URL_EC2",
            Self::Sts => "AWS_ENDPOINT_URL_STS",
            Self::DirectConnect => "AWS_ENDPOINT_URL_DIRECT_CONNECT",
            Self::Ssm => "AWS_ENDPOINT_URL_SSM",
            Self::DynamoDb => "AWS_ENDPOINT_URL_DYNAMODB",
        }
    }
}

/// Endpoints by service; those not overridden are AWS's own.
#[derive(Debug, Clone, Default)]
pub(crate) struct Endpoints {
    overrides: BTreeMap<Service, String>,
    fips: bool,
}

impl Endpoints {
    /// One endpoint for every service of every region.
    pub(crate) fn everywhere(url: &str) -> Result<Self, AwsError> {
        let url = checked(url)?;
        Ok(Self {
            overrides: Service::ALL
                .into_iter()
                .map(|service| (service, url.clone()))
                .collect(),
            fips: false,
        })
    }

    /// As the ecosystem configures it: `AWS_ENDPOINT_URL_<SERVICE>` and `services` sections, then `AWS_ENDPOINT_URL` and
    /// `endpoint_url`, then AWS's own hosts.
    pub(crate) fn from_config(config: &SdkConfig) -> Result<Self, AwsError> {
        let mut overrides = BTreeMap::new();
        for service in Service::ALL {
            let own = ServiceConfigKey::builder()
                .service_id(service.settings_id())
                .env("AWS_ENDPOINT_URL")
                .profile("endpoint_url")
                .build()
                .ok()
                .and_then(|key| config.service_config()?.load_config(key));
            if let Some(url) = own.as_deref().or(config.endpoint_url()) {
                overrides.insert(
                    service,
                    checked(url).map_err(|error| match error {
                        AwsError::Config { problem, source } => AwsError::Config {
                            problem: Message::new("aws-problem-of-variable")
                                .with("problem", problem)
                                .with("variable", service.endpoint_variable())
                                .into(),
                            source,
                        },
                        other => other,
                    })?,
                );
            }
        }
        Ok(Self {
            overrides,
            fips: config.use_fips().unwrap_or(false),
        })
    }

    /// The base URL of a service in a region, without a path.
    pub(crate) fn url(&self, service: Service, region: &Region) -> String {
        if let Some(url) = self.overrides.get(&service) {
            return url.clone();
        }
        let suffix = if region.as_str().starts_with("cn-") {
            "amazonaws.com.cn"
        } else {
            "amazonaws.com"
        };
        let fips = if self.fips { "-fips" } else { "" };
        format!("https://{}{fips}.{region}.{suffix}", service.name())
    }
}

/// Refuses what could not be called, so that it is said once and early, not by every call.
fn checked(url: &str) -> Result<String, AwsError> {
    let url = url.trim().trim_end_matches('/');
    let host = url
        .strip_prefix("https://")
        .or_else(|| url.strip_prefix("http://"));
    let usable = |host: &str| {
        !host.is_empty() && !host.contains(|c: char| c.is_whitespace() || "@?#".contains(c))
    };
    let said = without_user(url);
    match host {
        // The session token and what is asked would be readable on the way, and answers could be forged.
        Some(host) if usable(host) && !url.starts_with("https://") && !is_loopback(url) => {
            let problem = Message::new("aws-endpoint-is-plain").with("said", said);
            Err(AwsError::config(problem, None))
        }
        Some(host) if usable(host) => Ok(url.to_owned()),
        Some(_) | None => {
            let problem = Message::new("aws-no-endpoint").with("said", said);
            Err(AwsError::config(problem, None))
        }
    }
}

/// An address as it may be shown: a user in it comes with a password.
fn without_user(url: &str) -> String {
    let (scheme, rest) = match url.split_once("://") {
        Some((scheme, rest)) => (format!("{scheme}://"), rest),
        None => (String::new(), url),
    };
    match rest.rsplit_once('@') {
        Some((_, host)) => format!("{scheme}…@{host}"),
        None => url.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_an_override_each_service_has_its_own_host_in_each_region() {
        let endpoints = Endpoints::default();
        assert_eq!(
            endpoints.url(Service::DirectConnect, &Region::new("ap-northeast-3")),
            "https://directconnect.ap-northeast-3.amazonaws.com"
        );
        assert_eq!(
            endpoints.url(Service::Ec2, &Region::new("cn-north-1")),
            "https://ec2.cn-north-1.amazonaws.com.cn"
        );
    }

    #[test]
    fn an_override_serves_every_service_and_must_be_a_url() {
        let endpoints = Endpoints::everywhere("http://127.0.0.1:4566/").unwrap();
        assert_eq!(
            endpoints.url(Service::Ssm, &Region::new("ap-northeast-1")),
            "http://127.0.0.1:4566"
        );
        assert!(Endpoints::everywhere("127.0.0.1:4566").is_err());
        assert!(Endpoints::everywhere("https://").is_err());
        let error = Endpoints::everywhere("https://user:secret@lab").unwrap_err();
        assert!(!error.to_string().contains("secret"), "{error}");
    }

    #[test]
    fn an_endpoint_without_tls_must_be_on_loopback() {
        for fine in [
            "http://localhost:1",
            "http://[::1]:1",
            "https://lab.example",
        ] {
            assert!(Endpoints::everywhere(fine).is_ok(), "{fine}");
        }
        for clear in [
            "http://lab.example",
            "http://10.0.0.1:4566",
            "http://169.254.169.254",
        ] {
            let error = Endpoints::everywhere(clear).unwrap_err().to_string();
            assert!(
                error.contains(clear) && error.contains("loopback"),
                "{error}"
            );
        }
    }
}
