//! The rights of the lab's caller: the part of an IAM policy that concerns the actions of the emulated services.

use std::collections::BTreeSet;

use serde_json::Value as Json;
use wildmatch::WildMatch;

/// The caller's policy: actions such as `ec2:ReplaceTransitGatewayRoute` or, for Prism Central, `prism:POST */vms`; `*` and `?`
/// are wildcards. As in IAM, a denial has priority over a permission. Resources and conditions are not evaluated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// What is allowed.
    pub allow: Vec<String>,
    /// What is denied, even if it is allowed.
    pub deny: Vec<String>,
}

/// Why an action is not allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Denial {
    /// An entry of `deny` matches.
    Explicit,
    /// No entry of `allow` matches.
    Implicit,
}

impl Default for Policy {
    /// Allows everything.
    fn default() -> Self {
        Self {
            allow: vec!["*".to_owned()],
            deny: Vec::new(),
        }
    }
}

impl Policy {
    /// Returns why an action is not allowed; `None` if it is. AWS always allows `sts:GetCallerIdentity`.
    pub fn denial(&self, action: &str) -> Option<Denial> {
        if action == "sts:GetCallerIdentity" {
            return None;
        }
        // Actions of IAM are compared without regard to case.
        let action = action.to_ascii_lowercase();
        let names = |patterns: &[String]| {
            patterns
                .iter()
                .any(|pattern| WildMatch::new(&pattern.to_ascii_lowercase()).matches(&action))
        };
        if names(&self.deny) {
            Some(Denial::Explicit)
        } else if names(&self.allow) {
            None
        } else {
            Some(Denial::Implicit)
        }
    }
}

impl Denial {
    /// Returns the end of IAM's message about an action.
    pub fn because(self, action: &str) -> String {
        match self {
            Self::Explicit => {
                format!("with an explicit deny in an identity-based policy: {action}")
            }
            Self::Implicit => {
                format!("because no identity-based policy allows the {action} action")
            }
        }
    }
}

/// Returns the IAM actions that an operation of DynamoDB requires: a transaction has none of its own.
pub fn dynamodb_actions(operation: &str, body: &Json) -> Vec<String> {
    if !matches!(operation, "TransactWriteItems" | "TransactGetItems") {
        return vec![format!("dynamodb:{operation}")];
    }
    let actions: BTreeSet<String> = body["TransactItems"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Json::as_object)
        .flat_map(serde_json::Map::keys)
        .map(|kind| match kind.as_str() {
            "ConditionCheck" => "dynamodb:ConditionCheckItem".to_owned(),
            kind => format!("dynamodb:{kind}Item"),
        })
        .collect();
    actions.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_denial_has_priority_and_what_is_not_allowed_is_denied() {
        let policy = Policy {
            allow: vec!["ec2:*".to_owned()],
            deny: vec!["ec2:replace*".to_owned()],
        };
        assert_eq!(policy.denial("ec2:DescribeVpcs"), None);
        assert_eq!(policy.denial("ec2:ReplaceRoute"), Some(Denial::Explicit));
        assert_eq!(policy.denial("ssm:SendCommand"), Some(Denial::Implicit));
        assert_eq!(policy.denial("sts:GetCallerIdentity"), None);
        assert_eq!(Policy::default().denial("ssm:SendCommand"), None);
        let documents = Policy {
            allow: vec!["ssm:*Document*".to_owned()],
            deny: vec!["ssm:DeleteDocument".to_owned()],
        };
        assert_eq!(documents.denial("ssm:UpdateDocumentDefaultVersion"), None);
        assert_eq!(
            documents.denial("ssm:DeleteDocument"),
            Some(Denial::Explicit)
        );
    }

    #[test]
    fn a_transaction_requires_the_actions_of_its_elements() {
        let body =
            json!({ "TransactItems": [{ "Put": {} }, { "ConditionCheck": {} }, { "Put": {} }] });
        assert_eq!(
            dynamodb_actions("TransactWriteItems", &body),
            ["dynamodb:ConditionCheckItem", "dynamodb:PutItem"]
        );
        assert_eq!(dynamodb_actions("Query", &body), ["dynamodb:Query"]);
    }
}
