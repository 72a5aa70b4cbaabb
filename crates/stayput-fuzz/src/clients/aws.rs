//! Answers of AWS: XML of EC2 and STS, JSON of SSM and Direct Connect.

use stayput_aws::AwsClient;
use stayput_aws::AwsError;
use stayput_aws::CommandId;
use stayput_aws::KnownAwsObjects;
use stayput_aws::SentCommand;
use stayput_world::AwsRegion;

use super::Input;
use crate::recorded::of_operation;
use crate::stage::Stage;
use crate::stage::ambient;
use crate::stage::in_virtual_time;
use crate::text::check_error;
use crate::text::check_read_back;
use crate::wires::Recorded;
use crate::wires::Systems;

/// Operations that an input can name.
pub(crate) const OPERATIONS: &[&str] = &[
    "observe",
    "caller",
    "instance",
    "interfaces",
    "start",
    "may-start",
    "route",
    "put-route",
    "denied",
    "tables",
    "command",
    "results",
];

/// Gives an answer to the client of AWS.
///
/// Checked: an answer that is not the action's document is an error of the observation, or noted in it as unreadable; the observation can be
/// saved; errors are short and have no secrets.
pub fn aws(data: &[u8]) {
    let Some(input) = Input::read(data) else {
        return;
    };
    let stage = Stage::get();
    in_virtual_time(async {
        let systems = Systems::new(stage.after.lab(), Some(input.spoiled.clone()));
        let client = systems.aws(&stage.endpoints, &ambient());
        match call(stage, &client, &input.operation).await {
            Ok(Some(seen)) => {
                check_read_back(&seen);
                let is_nonsense = systems.spoiled_calls() > 0 && is_nonsense(&input);
                // What AWS says nothing about is noted.
                let is_noted = !seen.unreadable.is_empty();
                assert!(
                    !is_nonsense || is_noted,
                    "nonsense was observed as {seen:?}"
                );
            }
            Ok(None) => {}
            Err(error) => check_error(&error, &[&stage.endpoints.credentials.secret_key]),
        }
    });
}

/// Whether the answer is not the document of the action. The account may stay unknown when STS answers nonsense.
fn is_nonsense(input: &Input) -> bool {
    let action = input.spoiled.call.as_str();
    if action == "GetCallerIdentity" {
        return false;
    }
    if input.spoiled.status >= 300 || action.starts_with("DescribeDirectConnect") {
        return input.spoiled.status < 300 && input.is_success_without_object();
    }
    let Ok(text) = std::str::from_utf8(&input.spoiled.body) else {
        return true;
    };
    let root = roxmltree::Document::parse(text);
    let wanted = format!("{action}Response");
    root.map_or(true, |root| {
        action != "*" && root.root_element().tag_name().name() != wanted
    })
}

/// The calls that an operation makes.
pub(crate) fn calls(stage: &Stage, operation: &str) -> Vec<Recorded> {
    of_operation(stage, async |systems, ambient| {
        let client = systems.aws(&stage.endpoints, &ambient);
        let _ = call(stage, &client, operation).await;
    })
}

async fn call(
    stage: &Stage,
    client: &AwsClient,
    operation: &str,
) -> Result<Option<AwsRegion>, AwsError> {
    let (world, facts) = (&stage.after.world, &stage.after.facts);
    let source = &stage.estate.source;
    let region = &source.region;
    let seen = world.aws.get(region).expect("it was observed");
    let instances: Vec<_> = facts.machines.keys().cloned().collect();
    let mut routes = seen.tgw_route_tables.iter().flat_map(|(table, listed)| {
        let routes = listed.static_routes.iter();
        routes.map(move |(cidr, target)| (table, *cidr, target))
    });
    let (table, cidr, target) = routes.next().expect("the scenario has one");
    match operation {
        "caller" => client.caller(region).await.map(|_| None),
        "instance" => client.instance(region, &instances[0]).await.map(|_| None),
        "interfaces" => client.interfaces_of(region, &instances).await.map(|_| None),
        "start" => client
            .start_instances(region, &instances)
            .await
            .map(|()| None),
        "may-start" => client.may_start(region, &instances).await.map(|_| None),
        "route" => client
            .tgw_route_in_use(region, table, cidr)
            .await
            .map(|_| None),
        "put-route" => client
            .put_tgw_route(region, table, cidr, target)
            .await
            .map(|()| None),
        "denied" => client
            .denied_route_call(region, table, cidr, Some(target))
            .await
            .map(|_| None),
        "tables" => client
            .vpc_route_tables(region, &source.vpc)
            .await
            .map(|_| None),
        "command" => {
            let document = client.pin_document(region, "AWS-RunShellScript").await?;
            client.document_content(region, &document).await?;
            client.agents(region, &instances).await?;
            let parameters = [("commands", vec!["true".to_owned()])].into();
            let run = client.send_command(region, &instances, &document, &parameters);
            run.await;
            Ok(None)
        }
        "results" => {
            let sent = SentCommand {
                id: CommandId::new("11111111-2222-3333-4444-555555555555"),
                instances: instances.into_iter().collect(),
                step: None,
            };
            client.command_results(region, &sent).await.map(|_| None)
        }
        _ => {
            let known = KnownAwsObjects {
                vpcs: [source.vpc.clone()].into(),
                instances: instances.into_iter().collect(),
                tgws: [source.tgw.clone()].into(),
                ..KnownAwsObjects::default()
            };
            client.observe(region, &known).await.map(Some)
        }
    }
}
