//! The calls of the article that stayput itself must not have: detaching a VPC among them. A person makes them in a console;
//! here they are signed and sent to the lab as any client's.

use std::time::SystemTime;

use aws_credential_types::Credentials;
use aws_sigv4::http_request::SignableBody;
use aws_sigv4::http_request::SignableRequest;
use aws_sigv4::http_request::SigningSettings;
use aws_sigv4::http_request::sign;
use aws_sigv4::sign::v4;
use stayput_estate::AttachmentId;
use stayput_estate::Cidr;
use stayput_estate::Region;
use stayput_estate::TgwRouteTableId;
use stayput_lab::Endpoints;
use stayput_messages::Message;

/// Version of the EC2 API.
const VERSION: &str = "2016-11-15";
const FORM: &str = "application/x-www-form-urlencoded; charset=utf-8";
/// There is a static route for the prefix already (AWS reference §1.4).
const ROUTE_EXISTS: &str = "RouteAlreadyExists";

/// A call that did not work.
#[derive(Debug, thiserror::Error)]
pub enum Ec2Error {
    /// The lab's CA cannot be used.
    #[error("{}", Message::new("article-ca"))]
    Ca(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The request could not be signed.
    #[error("{}", Message::new("article-unsigned").with("call", action))]
    Sign {
        /// The call.
        action: &'static str,
        /// Why.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// There was no answer.
    #[error("{}", Message::new("article-no-answer").with("call", action))]
    NoAnswer {
        /// The call.
        action: &'static str,
        /// Why.
        source: reqwest::Error,
    },
    /// The answer is no XML.
    #[error("{}", Message::new("article-unreadable").with("call", action))]
    Unreadable {
        /// The call.
        action: &'static str,
        /// Why.
        source: roxmltree::Error,
    },
    /// EC2 refused it.
    #[error("{}", Message::new("article-refused").with("call", action).with("code", code))]
    Refused {
        /// The call.
        action: &'static str,
        /// The error code.
        code: String,
    },
}

/// A call that was answered, for the record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CallMade(pub &'static str);

/// The EC2 client of the article's operator.
pub struct Console {
    client: reqwest::Client,
    url: String,
    identity: Credentials,
}

impl Console {
    /// Prepares a client; contacts nothing.
    pub fn open(endpoints: &Endpoints) -> Result<Self, Ec2Error> {
        let pem = std::fs::read(&endpoints.ca).map_err(|error| Ec2Error::Ca(error.into()))?;
        let ca =
            reqwest::Certificate::from_pem(&pem).map_err(|error| Ec2Error::Ca(error.into()))?;
        let client = reqwest::Client::builder()
            .tls_certs_only([ca])
            .no_proxy()
            .build()
            .map_err(|error| Ec2Error::Ca(error.into()))?;
        let known = &endpoints.credentials;
        let identity =
            Credentials::new(&known.access_key, &known.secret_key, None, None, "the lab");
        Ok(Self {
            client,
            url: format!("{}/", endpoints.aws),
            identity,
        })
    }

    /// Detaches a VPC from its Transit Gateway.
    pub async fn detach(
        &self,
        region: &Region,
        attachment: &AttachmentId,
    ) -> Result<CallMade, Ec2Error> {
        let action = "DeleteTransitGatewayVpcAttachment";
        let id = [("TransitGatewayAttachmentId", attachment.to_string())];
        self.call(region, action, &id).await?;
        Ok(CallMade(action))
    }

    /// Whether an attachment is gone for good.
    pub async fn is_detached(
        &self,
        region: &Region,
        attachment: &AttachmentId,
    ) -> Result<bool, Ec2Error> {
        let action = "DescribeTransitGatewayVpcAttachments";
        let id = [("TransitGatewayAttachmentIds.1", attachment.to_string())];
        let states = self.texts(region, action, &id, "state").await?;
        Ok(states.iter().all(|state| state == "deleted"))
    }

    /// Makes a static route; where the table has one for the prefix already, replaces it, as the console makes one do.
    pub async fn route(
        &self,
        region: &Region,
        table: &TgwRouteTableId,
        cidr: Cidr,
        to: &AttachmentId,
    ) -> Result<CallMade, Ec2Error> {
        let route = [
            ("TransitGatewayRouteTableId", table.to_string()),
            ("DestinationCidrBlock", cidr.to_string()),
            ("TransitGatewayAttachmentId", to.to_string()),
        ];
        let (create, replace) = ("CreateTransitGatewayRoute", "ReplaceTransitGatewayRoute");
        match self.call(region, create, &route).await {
            Ok(_) => Ok(CallMade(create)),
            Err(Ec2Error::Refused { code, .. }) if code == ROUTE_EXISTS => {
                self.call(region, replace, &route).await?;
                Ok(CallMade(replace))
            }
            Err(error) => Err(error),
        }
    }

    async fn texts(
        &self,
        region: &Region,
        action: &'static str,
        params: &[(&str, String)],
        name: &str,
    ) -> Result<Vec<String>, Ec2Error> {
        let xml = self.call(region, action, params).await?;
        let document = roxmltree::Document::parse(&xml)
            .map_err(|source| Ec2Error::Unreadable { action, source })?;
        let nodes = document.descendants();
        let named = nodes.filter(|node| node.tag_name().name() == name);
        Ok(named
            .filter_map(|node| Some(node.text()?.to_owned()))
            .collect())
    }

    async fn call(
        &self,
        region: &Region,
        action: &'static str,
        params: &[(&str, String)],
    ) -> Result<String, Ec2Error> {
        let unsigned = |source| Ec2Error::Sign { action, source };
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.append_pair("Action", action)
            .append_pair("Version", VERSION);
        for (name, value) in params {
            form.append_pair(name, value);
        }
        let body = form.finish();
        let headers = [("content-type", FORM)];
        let identity = self.identity.clone().into();
        let signing = v4::SigningParams::builder()
            .identity(&identity)
            .region(region.as_str())
            .name("ec2")
            .time(SystemTime::now())
            .settings(SigningSettings::default())
            .build()
            .map_err(|error| unsigned(error.into()))?
            .into();
        let signable = SignableRequest::new(
            "POST",
            &self.url,
            headers.into_iter(),
            SignableBody::Bytes(body.as_bytes()),
        )
        .map_err(|error| unsigned(error.into()))?;
        let (signed, _) = sign(signable, &signing)
            .map_err(|error| unsigned(error.into()))?
            .into_parts();
        let mut request = self.client.post(&self.url).body(body);
        for (name, value) in headers.into_iter().chain(signed.headers()) {
            request = request.header(name, value);
        }
        let no_answer = |source| Ec2Error::NoAnswer { action, source };
        let answer = request.send().await.map_err(no_answer)?;
        let well = answer.status().is_success();
        let text = answer.text().await.map_err(no_answer)?;
        if well {
            return Ok(text);
        }
        let document = roxmltree::Document::parse(&text)
            .map_err(|source| Ec2Error::Unreadable { action, source })?;
        let code = document
            .descendants()
            .find(|node| node.tag_name().name() == "Code")
            .and_then(|node| node.text())
            .map(str::to_owned);
        Err(Ec2Error::Refused {
            action,
            code: code.unwrap_or_else(|| Message::new("article-no-reason").into()),
        })
    }
}
