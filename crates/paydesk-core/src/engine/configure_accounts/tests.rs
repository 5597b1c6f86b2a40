use super::super::fixtures::*;
use super::*;

fn new(provider: Provider) -> NewAccount {
    NewAccount {
        provider,
        name: "Second".to_owned(),
        methods: Vec::new(),
        receives: Vec::new(),
        enabled: true,
    }
}

fn at_a_bank(receives: &[(Method, &str)]) -> NewAccount {
    let receiver = |&(method, account): &(Method, &str)| Receiver {
        method,
        account: account.to_owned(),
        account_name: "Tea House Pte Ltd".to_owned(),
        bank: "Bank of Tea".to_owned(),
        acquirer: None,
    };
    NewAccount {
        receives: receives.iter().map(receiver).collect(),
        ..new(Provider::Bank)
    }
}

fn field<T>(decided: Result<T, Refusal>) -> String {
    match decided.err() {
        Some(Refusal::InvalidField { field, .. }) => field,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_bank_takes_what_it_receives_in_either_mode() {
    let desk = Desk::new();
    for mode in [Mode::Test, Mode::Live] {
        let tenant = Tenant {
            mode,
            ..desk.tenant
        };
        let wanted = at_a_bank(&[(Method::Fps, "1234567"), (Method::PayNow, "201403121W")]);
        let (_, account) = decide_new(tenant, &[], wanted, desk.env()).unwrap();
        assert_eq!(account.methods, [Method::Fps, Method::PayNow]);
        assert_eq!(account.receives.len(), 2);
    }
}

#[test]
fn what_a_bank_cannot_receive_is_refused_by_name() {
    let desk = Desk::new();
    let decide = |wanted: NewAccount| decide_new(desk.tenant, &[], wanted, desk.env());
    let paynow = (Method::PayNow, "201403121W");
    for (wanted, named) in [
        (at_a_bank(&[]), "receives"),
        (
            at_a_bank(&[paynow, (Method::Toss, "1234567")]),
            "receives[1].method",
        ),
        (
            at_a_bank(&[(Method::Card, "1234567")]),
            "receives[0].method",
        ),
        (at_a_bank(&[paynow, paynow]), "receives[1].method"),
        (
            at_a_bank(&[(Method::PayNow, "2014")]),
            "receives[0].account",
        ),
        (
            NewAccount {
                methods: vec![Method::PayNow],
                ..at_a_bank(&[paynow])
            },
            "methods",
        ),
        (
            NewAccount {
                provider: Provider::Sandbox,
                ..at_a_bank(&[paynow])
            },
            "receives",
        ),
    ] {
        assert_eq!(field(decide(wanted)), named);
    }
}

#[test]
fn where_a_bank_receives_is_replaced_as_a_whole() {
    let desk = Desk::new();
    let wanted = at_a_bank(&[(Method::Fps, "1234567"), (Method::PayNow, "201403121W")]);
    let (_, account) = decide_new(desk.tenant, &[], wanted, desk.env()).unwrap();
    let accounts = [account.clone()];
    let to = |receives: Option<Vec<Receiver>>, methods: Option<Vec<Method>>| {
        let wanted = AccountChange {
            methods,
            receives,
            ..AccountChange::default()
        };
        decide_change(&accounts, account.id, &wanted, desk.env())
    };
    let paynow = at_a_bank(&[(Method::PayNow, "+6585867834")]).receives;
    let (_, changed) = to(Some(paynow.clone()), None).unwrap();
    assert_eq!(changed.methods, [Method::PayNow]);
    assert_eq!(changed.receives, paynow);
    assert_eq!(field(to(Some(Vec::new()), None)), "receives");
    assert_eq!(field(to(None, Some(vec![Method::Fps]))), "methods");
    let (change, _) = to(Some(account.receives.clone()), None).unwrap();
    assert_eq!(change, None, "it is so already");
    // The other sort of account has none of its own.
    let (_, sandbox) = decide_new(desk.tenant, &[], new(Provider::Sandbox), desk.env()).unwrap();
    let wanted = AccountChange {
        receives: Some(paynow),
        ..AccountChange::default()
    };
    let refused = decide_change(
        std::slice::from_ref(&sandbox),
        sandbox.id,
        &wanted,
        desk.env(),
    );
    assert_eq!(field(refused), "receives");
}

#[test]
fn live_mode_has_no_sandbox() {
    let desk = Desk::new();
    let live = Tenant {
        mode: Mode::Live,
        ..desk.tenant
    };
    assert!(decide_new(desk.tenant, &[], new(Provider::Sandbox), desk.env()).is_ok());
    assert!(decide_new(live, &[], new(Provider::Sandbox), desk.env()).is_err());
}

#[test]
fn there_is_one_default() {
    let desk = Desk::new();
    let make = || decide_new(desk.tenant, &[], new(Provider::Sandbox), desk.env());
    let (mut first, second) = (make().unwrap().1, make().unwrap().1);
    first.is_default = true;
    let wanted = AccountChange {
        is_default: Some(true),
        ..AccountChange::default()
    };
    let accounts = [first, second.clone()];
    let (change, changed) = decide_change(&accounts, second.id, &wanted, desk.env()).unwrap();
    assert!(changed.is_default && changed.version == 2);
    let defaults: Vec<bool> = change
        .unwrap()
        .puts
        .iter()
        .map(|record| match record {
            Record::ProviderAccount(account) => account.is_default,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(
        defaults,
        [false, true],
        "all are written, so that two at once clash"
    );
}
