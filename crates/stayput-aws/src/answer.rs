//! Answers: the body of a good one, code, message and request id of a bad one, whatever the protocol.

use std::fmt;

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::orchestrator::OrchestratorError;
use aws_smithy_types::error::ErrorMetadata;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use serde::Deserialize;
use stayput_messages::Message;

use crate::endpoint::Service;
use crate::error::is_throttle_code;
use crate::xml::Malformed;
use crate::xml::excerpt;
use crate::xml::read_document;

/// Where EC2's authorization failures begin an opaque blob of a kilobyte that is of no use without a further call.
const ENCODED_FAILURE: &str = "Encoded authorization failure message";

/// How much of an error page in no protocol of ours is repeated, in characters. Secrets are taken out later, so not too little: a piece of
/// one must stay long enough to be known.
const EXCERPT: usize = 400;

/// An error answer.
#[derive(Debug)]
pub(crate) struct Remote {
    pub(crate) status: u16,
    pub(crate) request_id: Option<String>,
    /// Boxed, for it is large and rides in results.
    pub(crate) meta: Box<ErrorMetadata>,
}

impl Remote {
    /// Whether the service said it did not do it, as opposed to having failed in the middle. Only AWS can say so, with a code of its own,
    /// or a proxy that counts requests: an error page of anything between does not tell how far the request came.
    pub(crate) fn is_refusal(&self) -> bool {
        match self.meta.code() {
            Some(code) => self.status < 500 || is_throttle_code(code),
            None => self.status == 429,
        }
    }
}

impl fmt::Display for Remote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "status {}: {}", self.status, self.meta)
    }
}

impl std::error::Error for Remote {}

impl ProvideErrorMetadata for Remote {
    fn meta(&self) -> &ErrorMetadata {
        &self.meta
    }
}

/// Takes a response apart: hands the body of a good one to `read`, makes an error of what a bad one says.
pub(crate) fn read_response(
    service: Service,
    response: &HttpResponse,
    read: impl FnOnce(&[u8]) -> Result<(), Malformed>,
) -> Result<(), OrchestratorError<Remote>> {
    // The orchestrator has read the body by now. If ever it has not, that is no empty answer.
    let body = response.body().bytes().ok_or_else(|| {
        OrchestratorError::response({
            let problem = Message::new("answer-body-not-read");
            Malformed::new(Message::new("answer-place"), problem).into()
        })
    })?;
    if response.status().is_success() {
        return read(body).map_err(|error| OrchestratorError::response(error.into()));
    }
    let said = match service {
        Service::Ec2 | Service::Sts => read_xml_error(body),
        Service::DirectConnect | Service::Ssm | Service::DynamoDb => {
            let header = response.headers().get("x-amzn-errortype");
            read_json_error(body, header)
        }
    };
    let header = response.headers().get("x-amzn-requestid");
    let mut meta = ErrorMetadata::builder();
    if let Some(code) = said.code {
        meta = meta.code(code);
    }
    if let Some(message) = said.message.or_else(|| excerpt(body, EXCERPT)) {
        meta = meta.message(message);
    }
    Err(OrchestratorError::operation(Remote {
        status: response.status().as_u16(),
        request_id: said.request_id.or_else(|| header.map(str::to_owned)),
        meta: Box::new(meta.build()),
    }))
}

/// What an error answer says; anything may be missing, for it may come from a proxy.
#[derive(Debug, Default, PartialEq, Eq)]
struct Said {
    code: Option<String>,
    message: Option<String>,
    request_id: Option<String>,
}

/// EC2: `Response/Errors/Error`, `RequestID`; STS: `ErrorResponse/Error`, `RequestId`.
fn read_xml_error(body: &[u8]) -> Said {
    read_document(body, |root| {
        let error = root.child("Errors").unwrap_or(root).child("Error");
        let text = |name| error.and_then(|error| error.text(name));
        let request_id = root.text("RequestID").or(root.text("RequestId"));
        Ok(Said {
            code: text("Code").map(str::to_owned),
            message: text("Message").map(readable),
            request_id: request_id.map(str::to_owned),
        })
    })
    .unwrap_or_default()
}

fn readable(message: &str) -> String {
    let kept = message.split(ENCODED_FAILURE).next().unwrap_or(message);
    kept.trim().to_owned()
}

/// JSON 1.1: code in `__type` or the header, as `namespace#Code` or `Code:uri`; message in either case.
fn read_json_error(body: &[u8], header: Option<&str>) -> Said {
    #[derive(Deserialize, Default)]
    struct Body {
        #[serde(rename = "__type")]
        kind: Option<String>,
        #[serde(alias = "Message")]
        message: Option<String>,
    }
    let body: Body = serde_json::from_slice(body).unwrap_or_default();
    let code = header.map(str::to_owned).or(body.kind).map(|kind| {
        let kind = kind.split(':').next().unwrap_or(&kind);
        kind.rsplit('#').next().unwrap_or(kind).to_owned()
    });
    Said {
        code,
        message: body.message.as_deref().map(readable),
        request_id: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn error_answers_of_all_three_protocols_are_understood() {
        let ec2 = read_xml_error(
            b"<Response><Errors><Error><Code>InvalidRoute.NotFound</Code><Message>no route</Message></Error></Errors>\
              <RequestID>r-1</RequestID></Response>",
        );
        assert_eq!(ec2.code.as_deref(), Some("InvalidRoute.NotFound"));
        assert_eq!(ec2.request_id.as_deref(), Some("r-1"));
        let sts = read_xml_error(
            b"<ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><Error><Type>Sender</Type>\
              <Code>ExpiredToken</Code><Message>expired</Message></Error><RequestId>r-2</RequestId></ErrorResponse>",
        );
        assert_eq!(sts.code.as_deref(), Some("ExpiredToken"));
        assert_eq!(sts.request_id.as_deref(), Some("r-2"));
        let json = read_json_error(
            br#"{"__type":"com.amazonaws.ssm#InvalidInstanceId","Message":"not managed"}"#,
            None,
        );
        assert_eq!(json.code.as_deref(), Some("InvalidInstanceId"));
        assert_eq!(json.message.as_deref(), Some("not managed"));
        let header = read_json_error(b"", Some("ThrottlingException:http://internal/"));
        assert_eq!(header.code.as_deref(), Some("ThrottlingException"));
    }

    #[test]
    fn an_error_page_of_a_proxy_is_not_an_error_of_ours() {
        assert_eq!(read_xml_error(b"<html><p>Bad gateway"), Said::default());
        assert_eq!(read_json_error(b"Bad gateway", None), Said::default());
        assert_eq!(
            excerpt(b" <p>Bad\n gateway ", EXCERPT).as_deref(),
            Some("<p>Bad gateway")
        );
    }

    #[test]
    fn only_aws_or_a_throttle_can_say_that_nothing_was_done() {
        let refusal = |status, code: Option<&str>| {
            let mut meta = ErrorMetadata::builder();
            if let Some(code) = code {
                meta = meta.code(code);
            }
            Remote {
                status,
                request_id: None,
                meta: Box::new(meta.build()),
            }
            .is_refusal()
        };
        assert!(refusal(400, Some("IncorrectState")));
        assert!(refusal(503, Some("RequestLimitExceeded")));
        assert!(refusal(429, None));
        assert!(!refusal(500, Some("InternalError")));
        assert!(!refusal(404, None), "a page of a proxy");
        assert!(!refusal(302, None));
    }

    #[test]
    fn the_encoded_part_of_a_denial_is_left_out() {
        assert_eq!(
            readable("You are not authorized. Encoded authorization failure message: 4VbX"),
            "You are not authorized."
        );
    }
}
