//! STS: the identity of the caller.

use super::query::Fault;
use super::query::Params;
use super::query::document;
use super::xml::Xml;
use crate::http::Response;
use crate::state::LabState;

/// The XML namespace of STS.
pub const NAMESPACE: &str = "https://sts.amazonaws.com/doc/2011-06-15/";

/// Answers an authenticated STS request; `key` is the caller's access key id.
pub fn handle(lab: &LabState, params: &Params, key: &str, request_id: &str) -> Response {
    match params.get("Action") {
        Some("GetCallerIdentity") => {
            let account = &lab.aws.account;
            let mut xml = Xml::new();
            xml.node(
                &format!("GetCallerIdentityResponse xmlns=\"{NAMESPACE}\""),
                |xml| {
                    xml.node("GetCallerIdentityResult", |xml| {
                        xml.text("Arn", format!("arn:aws:iam::{account}:user/{key}"))
                            .text("UserId", key)
                            .text("Account", account);
                    })
                    .node("ResponseMetadata", |xml| {
                        xml.text("RequestId", request_id);
                    });
                },
            );
            document(200, &xml, request_id)
        }
        action => Fault::bad(
            "InvalidAction",
            format!(
                "Could not find operation {} for version {}",
                action.unwrap_or_default(),
                params.get("Version").unwrap_or_default()
            ),
        )
        .plain(NAMESPACE, request_id),
    }
}
