//! Calls that are lost, late or delayed.

use std::time::Duration;

use serde_json::json;
use stayput_lab::Exchange;
use stayput_lab::Service;
use tokio::time::Instant;

use crate::fixture::PRISM_TOKYO;
use crate::fixture::TOKYO;
use crate::fixture::answer;
use crate::fixture::ec2;
use crate::fixture::has_category;
use crate::fixture::has_vpc;
use crate::fixture::lab;
use crate::fixture::lab_with;
use crate::fixture::pass;
use crate::fixture::samples;

#[tokio::test(start_paused = true)]
async fn a_lost_request_is_not_applied_and_a_lost_answer_is() {
    for (effect, applied) in [("lose-request", false), ("lose-answer", true)] {
        for (close, seen) in [(false, Exchange::Silent), (true, Exchange::Broken)] {
            let lab = lab_with(&format!(
                "kind = 'change'\n{effect} = true\nclose = {close}\ntimes = 5"
            ));
            for sample in samples() {
                let exchange = lab.exchange(sample.service, &(sample.change)()).await;
                assert_eq!(exchange, seen, "{effect} {}", sample.rule);
            }
            assert_eq!(has_vpc(&lab).await, applied, "{effect}");
            assert_eq!(has_category(&lab).await, applied, "{effect}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_refused_connection_applies_nothing_on_any_service() {
    let lab = lab_with("not-sent = true\nkind = 'change'\nforever = true");
    for sample in samples() {
        let exchange = lab.exchange(sample.service, &(sample.change)()).await;
        assert_eq!(exchange, Exchange::NotSent, "{}", sample.rule);
    }
    assert!(!has_vpc(&lab).await);
    assert!(!has_category(&lab).await);
}

#[tokio::test(start_paused = true)]
async fn a_request_that_hangs_may_be_applied_when_its_caller_has_given_up() {
    let lab = lab_with("kind = 'change'\nhang = true\napplied-after = '90s'\ntimes = 2");
    let [ec2, _, _, prism, _] = samples();
    for sample in [ec2, prism] {
        let exchange = lab.exchange(sample.service, &(sample.change)()).await;
        assert_eq!(exchange, Exchange::Silent);
    }
    pass(Duration::from_secs(89)).await;
    assert!(!has_vpc(&lab).await);
    assert!(!has_category(&lab).await);
    pass(Duration::from_secs(1)).await;
    assert!(has_vpc(&lab).await);
    assert!(has_category(&lab).await);

    let lab = lab_with("kind = 'change'\nhang = true");
    let create = ec2_create();
    assert_eq!(lab.exchange(Service::Aws, &create).await, Exchange::Silent);
    pass(Duration::from_secs(3600)).await;
    assert!(!has_vpc(&lab).await);
}

fn ec2_create() -> stayput_lab::http::Request {
    ec2(TOKYO, "Action=CreateVpc&CidrBlock=10.77.0.0/16")
}

#[tokio::test(start_paused = true)]
async fn delays_pass_on_the_callers_clock_and_add_up() {
    let lab = lab();
    let begun = Instant::now();
    answer(&lab, Service::Aws, &ec2_create()).await;
    assert_eq!(begun.elapsed(), Duration::ZERO);
    crate::fixture::add(&lab, "delay = '2s'");
    crate::fixture::add(&lab, "delay-request = '3s'");
    lab.set_latency(Duration::from_secs(1));
    let response = answer(&lab, Service::Aws, &ec2_create()).await;
    assert_eq!(response.status, 200);
    assert_eq!(begun.elapsed(), Duration::from_secs(6));
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_gives_up_stops_a_delayed_request_and_not_a_delayed_answer() {
    let limit = Duration::from_secs(5);
    for (effect, applied) in [("delay-request", false), ("delay", true)] {
        let lab = lab_with(&format!("kind = 'change'\n{effect} = '10s'\ntimes = 2"));
        let [ec2, _, _, prism, _] = samples();
        for sample in [ec2, prism] {
            let request = (sample.change)();
            let exchange = lab.exchange(sample.service, &request);
            assert!(tokio::time::timeout(limit, exchange).await.is_err());
        }
        pass(Duration::from_secs(60)).await;
        assert_eq!(has_vpc(&lab).await, applied, "{effect}");
        assert_eq!(has_category(&lab).await, applied, "{effect}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_state_can_be_read_while_a_call_is_delayed() {
    let lab = lab_with("call = 'POST *'\ndelay-request = '1h'");
    let request = crate::fixture::prism("POST", crate::fixture::VMS, &json!({}));
    let mut delayed = Box::pin(lab.exchange(PRISM_TOKYO, &request));
    assert!(futures_are_pending(&mut delayed));
    assert!(lab.with(|state| state.pcs.len()) == 2);
    assert!(!has_vpc(&lab).await);
}

/// Polls a future once.
fn futures_are_pending<F: Future + Unpin>(future: &mut F) -> bool {
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    std::pin::Pin::new(future).poll(&mut context).is_pending()
}
