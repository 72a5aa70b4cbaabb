use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;

use stayput_estate::AttachmentId;

use super::*;
use crate::testing::Reply;
use crate::testing::Seen;
use crate::testing::Server;

fn table() -> TgwRouteTableId {
    TgwRouteTableId::new("tgw-rtb-1")
}

fn cidr(text: &str) -> Cidr {
    text.parse().unwrap()
}

fn route_xml(cidr: Cidr) -> String {
    format!(
        "<item><destinationCidrBlock>{cidr}</destinationCidrBlock><transitGatewayAttachments><item>\
         <resourceId>vpc-1</resourceId><resourceType>vpc</resourceType>\
         <transitGatewayAttachmentId>tgw-attach-1</transitGatewayAttachmentId></item></transitGatewayAttachments>\
         <type>static</type><state>active</state></item>"
    )
}

#[tokio::test]
async fn a_route_that_is_written_and_not_yet_active_is_not_in_use() {
    let server = Server::start(|_| {
        let pending = route_xml(cidr("172.30.1.0/24")).replace("active", "pending");
        Reply::ec2(&format!("<routeSet>{pending}</routeSet>"))
    })
    .await;
    let (client, region, table) = (server.client(), server.region(), table());
    let written = client.tgw_route(&region, &table, cidr("172.30.1.0/24"));
    assert_eq!(
        written.await.unwrap(),
        Some(TgwTarget::Attachment(AttachmentId::new("tgw-attach-1")))
    );
    let used = client.tgw_route_in_use(&region, &table, cidr("172.30.1.0/24"));
    assert_eq!(used.await.unwrap(), None);
}

#[tokio::test]
async fn a_pending_route_is_read_again_until_it_is_active() {
    let asked = AtomicUsize::new(0);
    let server = Server::start(move |_| {
        let route = route_xml(cidr("172.30.1.0/24"));
        let route = match asked.fetch_add(1, Ordering::Relaxed) {
            0 => route.replace("active", "pending"),
            _ => route,
        };
        Reply::ec2(&format!("<routeSet>{route}</routeSet>"))
    })
    .await;
    let (client, region) = (server.client(), server.region());
    let routes = client.settled_static_routes(&region, &table()).await;
    let [route] = routes.unwrap().try_into().unwrap();
    assert!(!route.pending);
    assert_eq!(server.seen().len(), 2);
}

#[tokio::test]
async fn a_route_is_replaced_and_created_only_where_replace_does_not_create() {
    let upserts = Server::start(|_| Reply::ec2("<route/>")).await;
    let target = TgwTarget::Attachment(AttachmentId::new("tgw-attach-2"));
    upserts
        .client()
        .put_tgw_route(&upserts.region(), &table(), cidr("172.30.1.0/24"), &target)
        .await
        .unwrap();
    assert_eq!(
        upserts.seen()[0].body,
        "Action=ReplaceTransitGatewayRoute&Version=2016-11-15&TransitGatewayRouteTableId=tgw-rtb-1\
         &DestinationCidrBlock=172.30.1.0%2F24&TransitGatewayAttachmentId=tgw-attach-2"
    );
    assert_eq!(upserts.operations(), [REPLACE]);

    let strict = Server::start(|seen| match seen.operation().as_str() {
        REPLACE => Reply::ec2_error(400, NO_SUCH_ROUTE),
        _ => Reply::ec2("<route/>"),
    })
    .await;
    strict
        .client()
        .put_tgw_route(
            &strict.region(),
            &table(),
            cidr("172.30.1.0/24"),
            &TgwTarget::Blackhole,
        )
        .await
        .unwrap();
    assert_eq!(strict.operations(), [REPLACE, CREATE]);
    assert_eq!(strict.seen()[1].form("Blackhole").as_deref(), Some("true"));
    assert_eq!(strict.seen()[1].form("TransitGatewayAttachmentId"), None);
}

#[tokio::test]
async fn a_create_that_finds_the_route_there_ends_in_a_replace() {
    let created = std::sync::atomic::AtomicBool::new(false);
    let server = Server::start(move |seen| match seen.operation().as_str() {
        CREATE => {
            created.store(true, Ordering::SeqCst);
            Reply::ec2_error(400, ROUTE_EXISTS)
        }
        _ if created.load(Ordering::SeqCst) => Reply::ec2("<route/>"),
        _ => Reply::ec2_error(400, NO_SUCH_ROUTE),
    })
    .await;
    server
        .client()
        .put_tgw_route(
            &server.region(),
            &table(),
            cidr("10.0.0.0/8"),
            &TgwTarget::Blackhole,
        )
        .await
        .unwrap();
    assert_eq!(server.operations(), [REPLACE, CREATE, REPLACE]);
}

#[tokio::test]
async fn deleting_an_absent_route_is_fine() {
    let server = Server::start(|_| Reply::ec2_error(400, NO_SUCH_ROUTE)).await;
    server
        .client()
        .delete_tgw_route(&server.region(), &table(), cidr("10.0.0.0/8"))
        .await
        .unwrap();
}

#[tokio::test]
async fn the_rights_asked_for_are_the_verbs_that_will_be_used() {
    let attachment = TgwTarget::Attachment(AttachmentId::new("tgw-attach-1"));
    let dry = |seen: &Seen| {
        assert_eq!(seen.form("DryRun").as_deref(), Some("true"));
        Reply::ec2_error(412, WOULD_SUCCEED)
    };
    let denied = async |server: &Server, target: Option<&TgwTarget>| {
        let client = server.client();
        client
            .denied_route_call(&server.region(), &table(), Cidr::ALL, target)
            .await
    };
    for (target, verbs) in [
        (Some(&attachment), &[REPLACE, CREATE][..]),
        (Some(&TgwTarget::Blackhole), &[REPLACE, CREATE]),
        (None, &[DELETE]),
    ] {
        let able = Server::start(dry).await;
        assert_eq!(denied(&able, target).await.unwrap(), None);
        assert_eq!(able.operations(), verbs);
        for verb in verbs {
            let unable = Server::start(move |seen| match seen.operation() == *verb {
                true => Reply::ec2_error(403, "UnauthorizedOperation"),
                false => dry(seen),
            })
            .await;
            assert_eq!(denied(&unable, target).await.unwrap(), Some(*verb));
        }
    }
    for (reply, allowed) in [
        (
            Reply::ec2_error(400, "InvalidTransitGatewayAttachmentID.NotFound"),
            true,
        ),
        (Reply::ec2_error(500, "InternalError"), false),
        (Reply::ec2_error(503, "RequestLimitExceeded"), false),
        (
            Reply::Answer(404, "<html>No such page</html>".to_owned()),
            false,
        ),
        (Reply::Answer(200, "<html/>".to_owned()), false),
    ] {
        let answered = reply.clone();
        let server = Server::start(move |_| answered.clone()).await;
        let denied = denied(&server, Some(&attachment)).await;
        assert_eq!(denied.is_ok(), allowed, "{reply:?}: {denied:?}");
    }
    let deaf = Server::start(|_| Reply::ec2("<route/>")).await;
    let error = denied(&deaf, Some(&attachment)).await.unwrap_err();
    assert!(matches!(error, AwsError::Parse { .. }));
    assert!(
        error.may_have_taken_effect(),
        "the endpoint ignored the dry run"
    );
    assert_eq!(deaf.operations(), [REPLACE]);
}

#[tokio::test]
async fn an_exact_route_is_told_from_its_absence() {
    let server = Server::start(|seen| {
        match seen.form("Filter.2.Value.1").as_deref() {
            Some("10.1.0.0/16") => Reply::ec2(&format!(
                "<routeSet>{}</routeSet>",
                route_xml("10.1.0.0/16".parse().unwrap())
            )),
            Some("10.2.0.0/16") => Reply::ec2(
                "<routeSet><item><destinationCidrBlock>10.2.0.0/16</destinationCidrBlock><type>static</type>\
                 <state>blackhole</state></item></routeSet>",
            ),
            _ => Reply::ec2("<routeSet/>"),
        }
    })
    .await;
    let (client, region) = (server.client(), server.region());
    let look = async |text: &str| {
        client
            .tgw_route(&region, &table(), cidr(text))
            .await
            .unwrap()
    };
    assert_eq!(
        look("10.1.0.0/16").await,
        Some(TgwTarget::Attachment(AttachmentId::new("tgw-attach-1")))
    );
    assert_eq!(look("10.2.0.0/16").await, Some(TgwTarget::Blackhole));
    assert_eq!(look("10.3.0.0/16").await, None);
    let seen = &server.seen()[0];
    assert_eq!(seen.form("Filter.1.Name").as_deref(), Some("type"));
    assert_eq!(seen.form("Filter.1.Value.1").as_deref(), Some("static"));
    assert_eq!(
        seen.form("Filter.2.Name").as_deref(),
        Some("route-search.exact-match")
    );
}

/// Routes of every length, among them ones that lie on the borders of halves.
fn many_routes() -> Vec<Cidr> {
    let mut routes: Vec<Cidr> = ["0.0.0.0/0", "0.0.0.0/1", "128.0.0.0/1", "10.0.0.0/8"]
        .map(cidr)
        .to_vec();
    routes.extend((0..40).map(|i| Cidr::containing(std::net::Ipv4Addr::new(172, 30, i, 0), 24)));
    routes.extend((0..20).map(|i| Cidr::host(std::net::Ipv4Addr::new(172, 30, 1, i))));
    routes.sort();
    routes
}

#[tokio::test]
async fn routes_kept_back_without_a_token_are_found_by_halving() {
    const AT_ONCE: usize = 7;
    let server = Server::start(|seen| {
        let scope = seen.form("Filter.2.Value.1").map(|text| cidr(&text));
        let matching: Vec<Cidr> = many_routes()
            .into_iter()
            .filter(|route| match seen.form("Filter.2.Name").as_deref() {
                None => true,
                Some("route-search.exact-match") => Some(*route) == scope,
                Some(_) => scope.is_some_and(|scope| scope.covers(*route)),
            })
            .collect();
        let items: String = matching
            .iter()
            .take(AT_ONCE)
            .copied()
            .map(route_xml)
            .collect();
        Reply::ec2(&format!(
            "<routeSet>{items}</routeSet><additionalRoutesAvailable>{}</additionalRoutesAvailable>",
            matching.len() > AT_ONCE
        ))
    })
    .await;
    let mut found: Vec<Cidr> = server
        .client()
        .all_routes(&server.region(), &table(), RouteType::Static)
        .await
        .unwrap()
        .into_iter()
        .map(|route| route.cidr)
        .collect();
    found.sort();
    assert_eq!(found, many_routes());
}

fn propagated(text: &str) -> String {
    route_xml(cidr(text)).replace(">static<", ">propagated<")
}

#[tokio::test]
async fn routes_kept_back_with_a_token_are_paged() {
    let server = Server::start(|seen| match seen.form("NextToken") {
        None => Reply::ec2(&format!(
            "<routeSet>{}</routeSet><additionalRoutesAvailable>true</additionalRoutesAvailable><nextToken>t</nextToken>",
            propagated("10.0.0.0/8")
        )),
        Some(_) => Reply::ec2(&format!(
            "<routeSet>{}</routeSet><additionalRoutesAvailable>false</additionalRoutesAvailable>",
            propagated("11.0.0.0/8")
        )),
    })
    .await;
    let found = server
        .client()
        .all_routes(&server.region(), &table(), RouteType::Propagated)
        .await
        .unwrap();
    assert_eq!(found.len(), 2);
    assert_eq!(server.seen().len(), 2);
}

#[tokio::test]
async fn an_endpoint_that_always_keeps_routes_back_is_an_error_after_few_searches() {
    for routes in [String::new(), route_xml(cidr("10.0.0.0/8"))] {
        let server = Server::start(move |_| {
            Reply::ec2(&format!(
                "<routeSet>{routes}</routeSet><additionalRoutesAvailable>true</additionalRoutesAvailable>"
            ))
        })
        .await;
        let error = server
            .client()
            .all_routes(&server.region(), &table(), RouteType::Static)
            .await
            .unwrap_err();
        assert!(
            error.to_string().contains("SearchTransitGatewayRoutes"),
            "{error}"
        );
        assert!(server.seen().len() <= 40, "{}", server.seen().len());
    }
}

#[tokio::test]
async fn an_endpoint_that_does_not_filter_changes_nothing() {
    let server = Server::start(|_| {
        let routes = route_xml(cidr("10.1.0.0/16")) + &propagated("10.2.0.0/16");
        Reply::ec2(&format!("<routeSet>{routes}</routeSet>"))
    })
    .await;
    let (client, region) = (server.client(), server.region());
    for (kind, wanted) in [
        (RouteType::Static, "10.1.0.0/16"),
        (RouteType::Propagated, "10.2.0.0/16"),
    ] {
        let found = client.all_routes(&region, &table(), kind).await.unwrap();
        let found: Vec<String> = found.iter().map(|route| route.cidr.to_string()).collect();
        assert_eq!(found, [wanted]);
    }
    let other = client
        .tgw_route(&region, &table(), cidr("10.3.0.0/16"))
        .await;
    assert_eq!(other.unwrap(), None);
}

#[tokio::test]
async fn an_answer_to_a_write_without_the_route_leaves_it_in_doubt() {
    for reply in [Reply::ec2(""), Reply::Answer(200, "<html/>".to_owned())] {
        let server = Server::start(move |_| reply.clone()).await;
        let (client, region) = (server.client(), server.region());
        let target = TgwTarget::Blackhole;
        let put = client
            .put_tgw_route(&region, &table(), Cidr::ALL, &target)
            .await;
        assert!(put.unwrap_err().may_have_taken_effect());
        let deleted = client.delete_tgw_route(&region, &table(), Cidr::ALL).await;
        assert!(deleted.unwrap_err().may_have_taken_effect());
        assert_eq!(
            server.operations(),
            [REPLACE, DELETE],
            "neither is sent again"
        );
    }
}

fn vpc_table(id: &str, vpc: &str, main: bool) -> String {
    format!(
        "<item><routeTableId>{id}</routeTableId><vpcId>{vpc}</vpcId><routeSet/><associationSet><item><main>{main}</main>\
         <subnetId>subnet-1</subnetId></item></associationSet></item>"
    )
}

#[tokio::test]
async fn tables_of_a_vpc_without_its_main_one_are_an_error_not_none() {
    let read = async |items: String| {
        let server = Server::start(move |seen| Reply::entries(seen, &items)).await;
        let tables = server
            .client()
            .vpc_route_tables(&server.region(), &VpcId::new("vpc-1"))
            .await;
        (tables, server.seen().len())
    };
    let whole = vpc_table("rtb-1", "vpc-1", true) + &vpc_table("rtb-2", "vpc-1", false);
    let (tables, _) = read(whole + &vpc_table("rtb-9", "vpc-9", true)).await;
    assert_eq!(
        tables.unwrap().len(),
        2,
        "those of another VPC do not count"
    );
    for lacking in [
        String::new(),
        vpc_table("rtb-2", "vpc-1", false),
        vpc_table("rtb-9", "vpc-9", true),
    ] {
        let (tables, requests) = read(lacking).await;
        let error = tables.unwrap_err();
        assert!(matches!(error, AwsError::Parse { .. }), "{error:?}");
        assert_eq!(requests, 2, "read once more before it is believed");
    }
}
