//! What a payer's browser is told without a secret.

use super::*;

const EVERYTHING: &str = "provider baseConfig { ... on MerchantClientTransactionSessionGenericBaseConfig { provider publicKey } } \
    transactionSession { id kind action amount currency status providerStatus providerCode providerError providerLastSyncedAt \
    providerLastVerifiedAt token tokenExpiresAt payload merchantInternalCustomerCode merchantInternalTransactionCode \
    storePaymentMethod transactionProviderId transactionProvider { id applicationId merchantId provider providerCode status \
    createdAt updatedAt } paymentMethodId paymentMethod { id } paymentPlanId paymentPlan { id } transactions { id } startedAt \
    completedAt canceledAt createdAt updatedAt \
    billingAddressCity billingAddressCountry billingAddressLine1 billingAddressLine2 billingAddressPostalCode billingAddressState \
    billingEmail billingFirstName billingLastName billingPhone shippingAddressCity shippingAddressCountry shippingAddressLine1 \
    shippingAddressLine2 shippingAddressPostalCode shippingAddressState shippingEmail shippingFirstName shippingLastName shippingPhone \
    userAddressCity userAddressCountry userAddressLine1 userAddressLine2 userAddressPostalCode userAddressState userBirthDate userEmail \
    userFirstName userLastName userLegalIdentifier userLegalIdentifierType userLocale userPhone \
    deviceBrowser deviceId deviceIp deviceName deviceOS deviceType }";

/// Of the session: what anybody may know who has its id. All else is null.
const SHOWN: [&str; 18] = [
    "id",
    "kind",
    "action",
    "amount",
    "currency",
    "status",
    "providerStatus",
    "providerCode",
    "providerLastVerifiedAt",
    "payload",
    "storePaymentMethod",
    "transactionProviderId",
    "transactionProvider",
    "startedAt",
    "completedAt",
    "createdAt",
    "updatedAt",
    "canceledAt",
];

impl Shop {
    async fn public(
        &self,
        headers: &[(HeaderName, HeaderValue)],
        public_id: &str,
        session: &Value,
    ) -> Answer {
        let query = format!(
            "query($m: String!, $s: String!) {{ it: clientPublicTransactionSession(merchantPublicId: $m, transactionSessionId: $s) {{ {EVERYTHING} }} }}"
        );
        self.post(
            headers,
            &json!({"query": query, "variables": {"m": public_id, "s": session}}),
        )
        .await
    }
}

/// The fields of a type of the schema that is served.
fn fields_of(name: &str) -> Vec<String> {
    let schema = paydesk_accrupay::sdl();
    let (_, rest) = schema.split_once(&format!("type {name} {{\n")).unwrap();
    let (body, _) = rest.split_once("\n}").unwrap();
    let fields = body.lines().filter_map(|line| {
        let line = line.strip_prefix('\t')?;
        let end = line.find([':', '('])?;
        let name = line.get(..end)?;
        let is_name = name.chars().all(char::is_alphanumeric);
        is_name.then(|| name.to_owned())
    });
    let fields: Vec<_> = fields.collect();
    assert!(fields.len() > 60, "{fields:?}");
    fields
}

/// Whoever is in the request, everywhere.
fn everybody() -> Value {
    let party = |group: &str| {
        json!({
            format!("{group}FirstName"): "Secretia", format!("{group}LastName"): "Secretia", format!("{group}Email"): "secretia@example.com",
            format!("{group}Phone"): "+12125550100", format!("{group}AddressCountry"): "US", format!("{group}AddressState"): "NY",
            format!("{group}AddressCity"): "Secretia", format!("{group}AddressLine1"): "Secretia", format!("{group}AddressLine2"): "Secretia",
            format!("{group}AddressPostalCode"): "Secretia",
        })
    };
    let user = with(
        party("user"),
        json!({"userBirthDate": "1955-11-05T00:00:00.000Z", "userLegalIdentifier": "Secretia", "userLegalIdentifierType": "SSN", "userLocale": "en"}),
    );
    let device = json!({"deviceBrowser": "Secretia", "deviceId": "Secretia", "deviceIp": "203.0.113.7", "deviceName": "Secretia", "deviceOS": "Secretia", "deviceType": "DESKTOP"});
    with(
        payment("secretia-1"),
        json!({"billing": party("billing"), "shipping": party("shipping"), "user": user, "device": device, "storePaymentMethod": true, "customer": {"merchantInternalCustomerCode": "secretia"}}),
    )
}

#[tokio::test]
async fn a_browser_sees_what_it_needs_and_nothing_private() {
    let shop = Shop::open().await;
    let public_id = shop.server.merchant.test.publishable_key.clone();
    let open = shop.start("Payment", everybody()).await;
    let paid = shop
        .paid(
            "Payment",
            with(
                everybody(),
                json!({"merchantInternalTransactionCode": "secretia-2"}),
            ),
        )
        .await;
    for session in [&open, &paid] {
        let answer = shop.public(&[], &public_id, &session["id"]).await;
        let text = answer.text().to_lowercase();
        assert!(!text.contains("secretia"), "{text}");
        assert!(
            !text.contains(&shop.server.merchant.merchant.id.to_string()),
            "{text}"
        );
        let answer = answer.json();
        assert_eq!(answer.get("errors"), None, "{answer}");
        let it = &answer["data"]["it"];
        assert_eq!(it["provider"], "SANDBOX");
        assert_eq!(
            it["baseConfig"],
            json!({"provider": "SANDBOX", "publicKey": public_id})
        );
        let shown = it["transactionSession"].as_object().unwrap();
        // Whoever adds a field says here whether a browser may see it.
        for field in fields_of("MerchantClientTransactionSession") {
            assert!(shown.contains_key(&field), "{field} is not asked for");
        }
        for (field, value) in shown {
            let may_be_null = ["completedAt", "canceledAt"].contains(&field.as_str());
            if SHOWN.contains(&field.as_str()) {
                assert!(!value.is_null() || may_be_null, "{field}");
            } else {
                assert!(value.is_null(), "{field}: {value}");
            }
        }
        assert_eq!(
            shown["payload"],
            json!({"provider": "SANDBOX", "publishableKey": public_id, "payUrl": null})
        );
        assert_eq!(shown["transactionProvider"]["merchantId"], json!(public_id));
        assert_eq!(shown["amount"], "10000");
        assert_eq!(shown["id"], session["id"]);
    }
    // Also for one who has a secret: the public view is the public view.
    let secret = Shop::secret(&shop.server.merchant.test);
    let with_secret = shop.public(&[secret], &public_id, &paid["id"]).await.json();
    let without = shop.public(&[], &public_id, &paid["id"]).await.json();
    assert_eq!(with_secret, without);
}

#[tokio::test]
async fn the_merchant_sees_all_of_it() {
    let shop = Shop::open().await;
    let session = shop.start("Payment", everybody()).await;
    let query = "query($id: String!) { it: merchantApiClientTransactionSession(id: $id) { billingFirstName billingAddressState shippingAddressLine2 \
        userBirthDate userLegalIdentifier userLocale deviceIp deviceType deviceOS merchantInternalCustomerCode transactionProvider { merchantId } } }";
    let it = shop.ask(query, json!({"id": session["id"]})).await["it"].clone();
    assert_eq!(
        it,
        json!({
            "billingFirstName": "Secretia", "billingAddressState": "US-NY", "shippingAddressLine2": "Secretia",
            "userBirthDate": "1955-11-05T00:00:00.000Z", "userLegalIdentifier": "Secretia", "userLocale": "en", "deviceIp": "203.0.113.7",
            "deviceType": "DESKTOP", "deviceOS": "Secretia", "merchantInternalCustomerCode": "secretia",
            "transactionProvider": {"merchantId": shop.server.merchant.merchant.id.to_string()},
        })
    );
}

#[tokio::test]
async fn a_session_of_another_mode_or_merchant_is_not_found() {
    let shop = Shop::open().await;
    let session = shop.start("Payment", payment("order-1")).await;
    let stranger = shop
        .server
        .engine
        .create_merchant("Stranger")
        .await
        .unwrap();
    for public_id in [
        &shop.server.merchant.live.publishable_key,
        &stranger.test.publishable_key,
        "pk_test_x",
        shop.server.merchant.test.secret.reveal(),
    ] {
        let answer = shop.public(&[], public_id, &session["id"]).await.json();
        assert_eq!(
            answer["errors"][0]["extensions"]["code"], "NOT_FOUND",
            "{answer}"
        );
    }
    let config = format!(
        "{{ it: clientPublicTransactionSessionBaseConfig(merchantPublicId: \"{}\", transactionSessionId: {}) {{ provider }} }}",
        shop.server.merchant.test.publishable_key, session["id"]
    );
    let answer = shop.post(&[], &json!({"query": config})).await.json();
    assert_eq!(answer["data"]["it"]["provider"], "SANDBOX");
}

#[tokio::test]
async fn an_address_may_ask_sixty_times_a_minute_and_aliases_count() {
    let shop = Shop::open().await;
    let public_id = &shop.server.merchant.test.publishable_key;
    let session = shop.start("Payment", payment("order-1")).await;
    let many: String = (0..20)
        .map(|n| format!("a{n}: clientPublicTransactionSession(merchantPublicId: \"{public_id}\", transactionSessionId: {}) {{ provider }} ", session["id"]))
        .collect();
    let query = json!({"query": format!("{{ {many} }}")});
    for _ in 0..3 {
        assert_eq!(shop.post(&[], &query).await.status, StatusCode::OK);
    }
    let answer = shop.post(&[], &query).await;
    assert_eq!(
        answer.status,
        StatusCode::TOO_MANY_REQUESTS,
        "{}",
        answer.text()
    );
    assert_ne!(answer.headers["retry-after"], "0");
    // A merchant's program is not a payer's browser.
    shop.start("Payment", payment("order-1")).await;
}

#[tokio::test]
async fn an_allowed_origin_may_read_the_public_view_and_nothing_that_a_secret_opened() {
    let shop = Shop::open().await;
    let public_id = &shop.server.merchant.test.publishable_key;
    let session = shop.start("Payment", payment("order-1")).await;
    let origin = (
        http::header::ORIGIN,
        HeaderValue::from_static("https://shop.example"),
    );
    let answer = shop
        .public(&[origin.clone()], public_id, &session["id"])
        .await;
    assert_eq!(
        answer.headers["access-control-allow-origin"],
        "https://shop.example"
    );
    let secret = Shop::secret(&shop.server.merchant.test);
    let answer = shop
        .post(
            &[origin.clone(), secret],
            &json!({"query": "{ merchantApi { id } }"}),
        )
        .await;
    assert_eq!(answer.headers.get("access-control-allow-origin"), None);
    let preflight = shop
        .server
        .request(
            Method::OPTIONS,
            "/graphql",
            &[
                origin,
                (
                    HeaderName::from_static("access-control-request-method"),
                    HeaderValue::from_static("POST"),
                ),
            ],
            "",
        )
        .await;
    assert_eq!(
        preflight.headers["access-control-allow-headers"],
        "content-type"
    );
}

#[tokio::test]
async fn in_live_mode_only_the_merchants_own_origins_may_read() {
    let shop = Shop::open().await;
    let live = &shop.server.merchant.live;
    let bearer = (http::header::AUTHORIZATION, TestServer::bearer(live));
    let settings = json!({"allowedOrigins": ["https://shop.example"]});
    shop.server
        .request(
            Method::PATCH,
            "/api/v1/merchant",
            &[bearer],
            settings.to_string(),
        )
        .await
        .ok();
    let asked_from = async |origin: &'static str| {
        let headers = [(http::header::ORIGIN, HeaderValue::from_static(origin))];
        let answer = shop
            .public(&headers, &live.publishable_key, &json!("x"))
            .await;
        let allowed = answer.headers.get("access-control-allow-origin");
        allowed.map(|it| it.to_str().unwrap().to_owned())
    };
    let own = "https://shop.example";
    assert_eq!(asked_from(own).await, Some(own.to_owned()));
    for other in [
        "https://evil.example",
        "https://shop.example.evil.example",
        "http://shop.example",
        "null",
    ] {
        assert_eq!(asked_from(other).await, None, "{other}");
    }
}
