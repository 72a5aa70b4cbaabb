//! Preparing the guests of a plan, and whether it is ready to start (Move reference §6).

use serde::Serialize;
use stayput_estate::MovePlanId;
use stayput_estate::MoveVmId;
use stayput_estate::Region;
use stayput_messages::Message;
use tokio::time::Instant;

use super::MoveClient;
use super::api::Ask;
use super::error::MoveError;
use super::error::NotPrepared;
use super::error::VmProblem;
use super::spec::GuestCredentials;
use super::spec::PrepareSpec;
use super::wire;
use super::wire::Prepared;
use super::wire::Readiness;
use super::wire::WireProblem;
use crate::credentials::Credentials;
use crate::credentials::Secret;
use crate::error::DoubtReason;
use crate::error::InDoubt;
use crate::redact::Redactor;
use crate::transport::Reply;

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct PrepareAsked<'a> {
    spec: PrepareAskedSpec<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct PrepareAskedSpec<'a> {
    region: &'a Region,
    common_credentials: CommonCredentials<'a>,
    #[serde(rename = "VMs")]
    vms: Vec<PreparedVm<'a>>,
}

/// Holds secrets in the clear, hence no `Debug`.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct CommonCredentials<'a> {
    linux_user_name: &'a str,
    linux_password: &'a str,
    windows_user_name: &'a str,
    windows_password: &'a str,
    pem_file: &'a str,
}

/// User and password of one machine are left empty: the common ones count.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct PreparedVm<'a> {
    #[serde(rename = "UUID")]
    uuid: &'a MoveVmId,
    user_name: &'static str,
    password: &'static str,
    guest_prep_mode: &'static str,
}

fn prepare_asked(spec: &PrepareSpec) -> PrepareAsked<'_> {
    fn parts(credentials: Option<&Credentials>) -> (&str, &str) {
        credentials.map_or(("", ""), |one| (&one.username, one.password.expose()))
    }
    let GuestCredentials {
        linux,
        windows,
        pem,
    } = &spec.credentials;
    let (linux_user_name, linux_password) = parts(linux.as_ref());
    let (windows_user_name, windows_password) = parts(windows.as_ref());
    PrepareAsked {
        spec: PrepareAskedSpec {
            region: &spec.region,
            common_credentials: CommonCredentials {
                linux_user_name,
                linux_password,
                windows_user_name,
                windows_password,
                pem_file: pem.as_ref().map_or("", Secret::expose),
            },
            vms: spec
                .vms
                .iter()
                .map(|uuid| PreparedVm {
                    uuid,
                    user_name: "",
                    password: "",
                    guest_prep_mode: "auto",
                })
                .collect(),
        },
    }
}

fn problem(wire: WireProblem, redactor: &Redactor) -> VmProblem {
    let said = wire.message.filter(|message| !message.is_empty());
    let message = said
        .or_else(|| wire.status.map(|status| status.to_string()))
        .unwrap_or_else(|| Message::new("move-no-reason").to_string());
    VmProblem {
        vm: wire.uuid,
        check: wire.check_type,
        message: redactor.clean(&message),
    }
}

impl MoveClient {
    /// Prepares the guests of a plan: drivers and settings they need on AHV. Waits until every one is decided, asking again with
    /// the same request, which is how Move is asked for its progress (Move reference §6 Prepare).
    ///
    /// # Errors
    /// [`MoveError::NotPrepared`] with the guests that could not be; [`MoveError::InDoubt`] when they are not decided within
    /// [`Limits::task`](crate::Limits::task); those of any change.
    pub async fn prepare(&self, plan: &MovePlanId, spec: &PrepareSpec) -> Result<(), MoveError> {
        let path = ["plans", plan.as_str(), "prepare"];
        let ask = Ask::post(&path, Message::new("call-prepare").with("plan", plan))
            .body(&prepare_asked(spec))
            .secrets(spec.credentials.secrets());
        let started = Instant::now();
        let limit = self.api.limits.task;
        let api = self.api.patient();
        loop {
            let (prepared, reply) = api.read_change(&ask, wire::decode::<Prepared>).await?;
            if let Some(result) = prepared.decided() {
                return none_of(plan, reply, result.failed);
            }
            if started.elapsed() >= limit {
                return Err(MoveError::from(Box::new(InDoubt {
                    call: reply.call,
                    reason: DoubtReason::TooSlow {
                        what: Message::new("thing-preparation").with("plan", plan),
                        limit,
                    },
                    source: None,
                })));
            }
            api.pause(1).await;
        }
    }

    /// Checks whether a plan is ready to start.
    ///
    /// # Errors
    /// [`MoveError::NotPrepared`] with what stands in the way; those of any read.
    pub async fn readiness(&self, plan: &MovePlanId) -> Result<(), MoveError> {
        let path = ["plans", plan.as_str(), "readiness"];
        let ask = Ask::post(
            &path,
            Message::new("call-check-readiness").with("plan", plan),
        );
        let understand = |reply: &Reply| {
            let readiness: Readiness = wire::decode(reply)?;
            let problems = readiness.problems();
            problems.ok_or_else(|| reply.malformed("Status", Message::new("malformed-no-checks")))
        };
        let (problems, reply) = self.api.read(&ask, understand).await?;
        none_of(plan, reply, problems)
    }
}

fn none_of(plan: &MovePlanId, reply: Reply, problems: Vec<WireProblem>) -> Result<(), MoveError> {
    if problems.is_empty() {
        return Ok(());
    }
    Err(MoveError::from(Box::new(NotPrepared {
        plan: plan.clone(),
        problems: problems
            .into_iter()
            .map(|wire| problem(wire, &reply.redactor))
            .collect(),
        call: reply.call,
    })))
}
