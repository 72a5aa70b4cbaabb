//! A rule as it is written: a table of a scenario file, the body of `POST /faults`, the flags of `stayput lab fault add`.

use jiff::SignedDuration;
use serde::Deserialize;
use serde::Serialize;

/// A rule as it is written. The flags of `stayput lab fault add` have the same names.
///
/// Exactly one of the effects is given. `docs/lab.md` describes every key.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct RuleForm {
    /// `ec2`, `ssm`, `dynamodb`, `sts`, `directconnect`, `aws` (all of these), `prism` or `move`; any service if not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// The site of the Prism Central or Move appliance. AWS calls belong to no site.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub site: Option<String>,
    /// The AWS region that the call is signed for, or in which the site is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// The call: an AWS action, or `METHOD /path/{id}`; `*` and `?` are wildcards.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub call: Option<String>,
    /// A text that the path or the body contains.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub object: Option<String>,
    /// Only calls that read, or only calls that change something.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<CallKind>,
    /// The first matching call that the rule applies to, from 1; by default the first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nth: Option<u64>,
    /// How many calls it applies to; by default one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub times: Option<u64>,
    /// Applies to every matching call from the `nth` on.
    #[serde(skip_serializing_if = "is_false")]
    pub forever: bool,
    /// How long the rule exists, in virtual time; by default until it is cleared.
    #[serde(
        skip_serializing_if = "Option::is_none",
        serialize_with = "jiff::fmt::serde::duration::friendly::compact::optional"
    )]
    pub lasts: Option<SignedDuration>,

    /// Effect: answers this HTTP status; the request is not applied.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refuse: Option<u16>,
    /// Effect: applies the request and answers this HTTP status.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refuse_after: Option<u16>,
    /// With `refuse` and `refuse-after`: the error code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// With `refuse` and `refuse-after`: the error message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// With `refuse`, `refuse-after` and `throttle`: the `Retry-After` header, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<u32>,
    /// Effect: the service's own error for too many requests; the request is not applied.
    #[serde(skip_serializing_if = "is_false")]
    pub throttle: bool,
    /// Effect: the connection is refused before the request is sent.
    #[serde(skip_serializing_if = "is_false")]
    pub not_sent: bool,
    /// Effect: the request is applied at once and answered after this time on the caller's clock.
    #[serde(
        skip_serializing_if = "Option::is_none",
        serialize_with = "jiff::fmt::serde::duration::friendly::compact::optional"
    )]
    pub delay: Option<SignedDuration>,
    /// Effect: the request is applied and answered after this time on the caller's clock.
    #[serde(
        skip_serializing_if = "Option::is_none",
        serialize_with = "jiff::fmt::serde::duration::friendly::compact::optional"
    )]
    pub delay_request: Option<SignedDuration>,
    /// Effect: never answered. The request is not applied, or, with `applied-after`, later.
    #[serde(skip_serializing_if = "is_false")]
    pub hang: bool,
    /// With `hang`: the request is applied after this virtual time, when its caller may have given up.
    #[serde(
        skip_serializing_if = "Option::is_none",
        serialize_with = "jiff::fmt::serde::duration::friendly::compact::optional"
    )]
    pub applied_after: Option<SignedDuration>,
    /// Effect: not applied and not answered.
    #[serde(skip_serializing_if = "is_false")]
    pub lose_request: bool,
    /// Effect: applied and not answered.
    #[serde(skip_serializing_if = "is_false")]
    pub lose_answer: bool,
    /// With `lose-request` and `lose-answer`: the connection is closed; otherwise it stays open and silent.
    #[serde(skip_serializing_if = "is_false")]
    pub close: bool,
    /// Effect: applied twice; the second answer is sent.
    #[serde(skip_serializing_if = "is_false")]
    pub twice: bool,
    /// Effect: applied; the connection is closed after this many bytes of the answer's body.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cut: Option<usize>,
    /// Effect: status 200 with a body that is in no format.
    #[serde(skip_serializing_if = "is_false")]
    pub garbage: bool,
    /// Effect: status 200 with an HTML page, as a proxy sends it.
    #[serde(skip_serializing_if = "is_false")]
    pub html: bool,
    /// Effect: status 200 without a body.
    #[serde(skip_serializing_if = "is_false")]
    pub empty: bool,
    /// With `garbage`, `html` and `empty`: the request is not applied.
    #[serde(skip_serializing_if = "is_false")]
    pub unapplied: bool,
    /// Effect: for this virtual time, reads of the same service, site and region show the state before this call.
    #[serde(
        skip_serializing_if = "Option::is_none",
        serialize_with = "jiff::fmt::serde::duration::friendly::compact::optional"
    )]
    pub stale: Option<SignedDuration>,
    /// Effect: the answer's list lacks this element, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub drop: Option<usize>,
    /// Effect: a list has at most this many elements in a page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub page: Option<usize>,
    /// Effect: what becomes of the tasks that the call starts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub task: Option<Fate>,
    /// Effect: the caller's token or credentials have expired.
    #[serde(skip_serializing_if = "is_false")]
    pub expire_token: bool,
    /// Effect: this site goes down with the call.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub site_down: Option<String>,
    /// Effect: this region goes down with the call.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region_down: Option<String>,
    /// With `site-down` and `region-down`: it returns after this virtual time; otherwise it stays down until it is brought up.
    #[serde(
        skip_serializing_if = "Option::is_none",
        serialize_with = "jiff::fmt::serde::duration::friendly::compact::optional"
    )]
    pub down_for: Option<SignedDuration>,
}

/// Whether a call changes anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CallKind {
    /// It only looks, or is a dry run.
    Read,
    /// It may change something.
    Change,
    /// It opens, checks or ends a session; it is neither a read nor a change.
    #[serde(skip_deserializing)]
    Session,
}

/// What becomes of a task that a call starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fate {
    /// It fails, and its change is not made: Prism tasks and recovery plan jobs, Move's phases, SSM commands.
    Fails,
    /// It never ends: whatever the call starts, in any service.
    NeverEnds,
    /// Its change is made, but the task is no longer found afterwards: Prism tasks and jobs, SSM commands.
    Vanishes,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes a reference"
)]
fn is_false(value: &bool) -> bool {
    !*value
}
