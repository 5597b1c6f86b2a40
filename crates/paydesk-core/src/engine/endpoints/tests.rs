use super::*;
use crate::engine::fixtures::*;
use crate::keys::Sealed;
use crate::tenant::Mode;
use crate::time::Span;

fn request() -> CreateEndpoint {
    CreateEndpoint {
        url: "https://shop.example/hook".into(),
        description: Some("orders".into()),
        format: EndpointFormat::ModemPay,
        events: vec![EventKind::SessionExpired, EventKind::SessionExpired],
    }
}

fn opened(keys: &ServerKeys, endpoint: &Endpoint, sealed: &Sealed) -> String {
    let context = Endpoint::secret_context(endpoint.tenant, endpoint.id);
    keys.open(&context, sealed).unwrap().reveal().to_owned()
}

#[test]
fn an_endpoint_is_enabled_and_its_secret_is_sealed_for_it_alone() {
    let desk = Desk::new();
    let keys = ServerKeys::generate(&desk.ids);
    let make = || decide_create(request(), 0, desk.tenant, &keys, desk.env()).unwrap();
    let (made, other) = (make(), make());
    assert!(made.endpoint.is_enabled());
    assert_eq!(made.endpoint.events, [EventKind::SessionExpired]);
    assert!(made.secret.reveal().starts_with("whsec_"));
    assert_ne!(made.secret.reveal(), other.secret.reveal());
    let (endpoint, secret) = (&made.endpoint, &made.endpoint.secret);
    assert_eq!(opened(&keys, endpoint, secret), made.secret.reveal());
    let elsewhere = Endpoint::secret_context(endpoint.tenant, other.endpoint.id);
    assert!(keys.open(&elsewhere, secret).is_none());
    assert!(!format!("{made:?}").contains(made.secret.reveal()));
}

#[test]
fn a_replaced_secret_is_valid_for_a_day_and_one_before_it_no_more() {
    let mut desk = Desk::new();
    let keys = ServerKeys::generate(&desk.ids);
    let first = decide_create(request(), 0, desk.tenant, &keys, desk.env()).unwrap();
    let second = decide_rotate(first.endpoint.clone(), &keys, desk.env());
    let valid = |endpoint: &Endpoint, wall| -> Vec<String> {
        let secrets = endpoint.secrets(wall);
        secrets.map(|it| opened(&keys, endpoint, it)).collect()
    };
    let texts = [&second.secret, &first.secret].map(|it| it.reveal().to_owned());
    assert_eq!(valid(&second.endpoint, desk.now), texts);
    desk.pass(Span::millis(86_400_000 - 1));
    assert_eq!(valid(&second.endpoint, desk.now), texts);
    let third = decide_rotate(second.endpoint.clone(), &keys, desk.env());
    desk.pass(Span::millis(1));
    assert_eq!(valid(&second.endpoint, desk.now), texts[..1]);
    let texts = [&third.secret, &second.secret].map(|it| it.reveal().to_owned());
    assert_eq!(valid(&third.endpoint, desk.now), texts);
}

#[test]
fn what_is_wrong_with_an_endpoint_is_named() {
    let desk = Desk::new();
    let keys = ServerKeys::generate(&desk.ids);
    let live = Tenant {
        mode: Mode::Live,
        ..desk.tenant
    };
    let refused = |request, present, tenant| {
        decide_create(request, present, tenant, &keys, desk.env()).unwrap_err()
    };
    for (url, tenant) in [
        ("", desk.tenant),
        ("shop.example", desk.tenant),
        ("ftp://shop.example", desk.tenant),
        ("file:///etc/passwd", desk.tenant),
        ("http://shop.example", live),
    ] {
        let request = CreateEndpoint {
            url: url.into(),
            ..request()
        };
        let refusal = refused(request, 0, tenant);
        assert!(
            matches!(&refusal, Refusal::InvalidField { field, .. } if field == "url"),
            "{url}: {refusal}"
        );
    }
    let long = CreateEndpoint {
        description: Some("x".repeat(501)),
        ..request()
    };
    assert!(
        refused(long, 0, desk.tenant)
            .to_string()
            .starts_with("description ")
    );
    let limit = MAX_ENDPOINTS;
    assert_eq!(
        refused(request(), limit as u64, desk.tenant),
        Refusal::TooManyEndpoints { limit }
    );
}

#[test]
fn an_update_changes_what_is_given_and_enabling_forgives() {
    let desk = Desk::new();
    let keys = ServerKeys::generate(&desk.ids);
    let made = decide_create(request(), 0, desk.tenant, &keys, desk.env()).unwrap();
    let update = |request, endpoint: &Endpoint| {
        decide_update(request, endpoint.clone(), desk.env()).unwrap()
    };
    assert_eq!(update(UpdateEndpoint::default(), &made.endpoint), None);

    let off = UpdateEndpoint {
        enabled: Some(false),
        events: Some(Vec::new()),
        description: Some(String::new()),
        ..UpdateEndpoint::default()
    };
    let mut off = update(off, &made.endpoint).unwrap();
    assert!(!off.is_enabled() && off.events.is_empty() && off.description.is_none());
    assert_eq!((&off.url, off.version), (&made.endpoint.url, 2));
    assert!(!off.hears(EventKind::SessionCreated));

    off.failing_since = Some(desk.now);
    let on = UpdateEndpoint {
        enabled: Some(true),
        ..UpdateEndpoint::default()
    };
    let on = update(on, &off).unwrap();
    assert!(on.hears(EventKind::SessionCreated) && on.failing_since.is_none());
}

#[test]
fn an_endpoint_that_moves_begins_anew_and_one_that_does_not_goes_on_failing() {
    let desk = Desk::new();
    let keys = ServerKeys::generate(&desk.ids);
    let made = decide_create(request(), 0, desk.tenant, &keys, desk.env()).unwrap();
    let mut endpoint = made.endpoint;
    endpoint.failing_since = Some(desk.now);
    let at = |url: &str| {
        let to = UpdateEndpoint {
            url: Some(url.to_owned()),
            description: Some("moved".to_owned()),
            events: None,
            enabled: None,
        };
        let after = decide_update(to, endpoint.clone(), desk.env());
        after.unwrap().unwrap().failing_since
    };
    assert_eq!(at(&endpoint.url), Some(desk.now));
    assert_eq!(at("https://shop.example/other"), None);
}
