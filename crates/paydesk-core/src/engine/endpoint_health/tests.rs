use super::*;
use crate::endpoint::EndpointFormat;
use crate::engine::endpoints::{CreateEndpoint, decide_create};
use crate::engine::fixtures::*;
use crate::keys::ServerKeys;
use crate::time::Span;

fn endpoint(desk: &Desk) -> Endpoint {
    let request = CreateEndpoint {
        url: "https://shop.example/hook".into(),
        description: None,
        format: EndpointFormat::Standard,
        events: Vec::new(),
    };
    let keys = ServerKeys::generate(&desk.ids);
    let made = decide_create(request, 0, desk.tenant, &keys, desk.env());
    made.unwrap().endpoint
}

#[test]
fn an_endpoint_that_takes_everything_changes_nothing() {
    let desk = Desk::new();
    assert_eq!(decide(Attempted::Took, &endpoint(&desk), desk.now), None);
}

#[test]
fn five_days_without_success_disable_and_one_success_forgives() {
    let mut desk = Desk::new();
    let start = endpoint(&desk);
    let failing = decide(Attempted::Failed, &start, desk.now).unwrap();
    assert_eq!(failing.failing_since, Some(desk.now));
    assert_eq!(failing.version, 2);
    desk.pass(Span::millis(5 * 86_400_000 - 1));
    assert_eq!(decide(Attempted::Failed, &failing, desk.now), None);
    let forgiven = decide(Attempted::Took, &failing, desk.now).unwrap();
    assert_eq!(forgiven.failing_since, None);
    assert!(forgiven.is_enabled());

    desk.pass(Span::millis(1));
    let disabled = decide(Attempted::Failed, &failing, desk.now).unwrap();
    let (at, why) = (desk.now, DisabledBecause::Failing);
    assert_eq!(disabled.standing, Standing::Disabled { at, why });
    let again = decide(Attempted::Failed, &forgiven, desk.now).unwrap();
    assert!(again.is_enabled(), "the days are counted anew");
}

#[test]
fn one_that_is_gone_is_disabled_at_once_and_the_news_says_why() {
    let desk = Desk::new();
    let disabled = decide(Attempted::Gone, &endpoint(&desk), desk.now).unwrap();
    let change = change(&disabled, &desk.ids).unwrap();
    assert_eq!(change.puts.len(), 1);
    let [event] = change.events.as_slice() else {
        panic!("{:?}", change.events)
    };
    assert_eq!(event.kind, EventKind::EndpointDisabled);
    let Subject::Endpoint { endpoint, why, .. } = &event.subject else {
        panic!("{event:?}")
    };
    assert_eq!((*endpoint, *why), (disabled.id, DisabledBecause::Gone));
    assert_eq!(decide(Attempted::Gone, &disabled, desk.now), None, "once");
}

#[test]
fn a_change_of_health_is_no_news() {
    let desk = Desk::new();
    let failing = decide(Attempted::Failed, &endpoint(&desk), desk.now).unwrap();
    assert!(change(&failing, &desk.ids).unwrap().events.is_empty());
}
