use http::Method;
use paydesk_core::time::Span;
use serde_json::{Value, json};

use crate::world::{TICKETS, User, call_as, shop, text};

#[tokio::test]
async fn an_order_is_answered_as_the_client_reads_it() {
    let server = shop().await;
    let user = User::new(&server, "a@example.com").await;
    let made = user.order().await;
    assert_eq!(made["formIdentifier"], "tickets-form");
    assert_eq!(made["paymentAccountIdentifier"], "sandbox");
    assert_eq!(made["currency"], "USD");
    assert_eq!(made["products"][0]["productId"], 1);
    assert_eq!(made["products"][0]["price"], 17.5);

    let read = user.get(&format!("{TICKETS}/{}", made["id"])).await.ok();
    assert_eq!(read["paymentUrl"], Value::Null);
    assert_eq!(read["totalSum"], "35.00");
    assert_eq!(read["isCompleted"], false);
    assert_eq!(read["formData"]["en_US"][0]["value"], "Doe");

    let list = user
        .get(&format!("{TICKETS}?langCode=en_US&limit=30&offset=0"))
        .await
        .ok();
    assert_eq!(list["total"], 1);
    assert_eq!(list["items"], json!([read]));
    // Another storage is another list, and keeps an id of its own.
    let tea = TICKETS.replace("tickets", "tea");
    assert_eq!(user.get(&tea).await.ok()["total"], 0);
    assert_eq!(user.get(&format!("{tea}/{}", made["id"])).await.status, 404);
    let order = json!({"products": [{"productId": 2, "quantity": 1}]});
    user.post(&tea, order.clone()).await.ok();
    user.post(&tea, order).await.ok();
    let items = user.get(&tea).await.ok()["items"].clone();
    assert_eq!(items[0]["storageId"], items[1]["storageId"]);
    assert_ne!(items[0]["storageId"], read["storageId"]);
}

#[tokio::test]
async fn an_order_keeps_the_price_of_the_time_of_ordering() {
    let server = shop().await;
    let user = User::new(&server, "a@example.com").await;
    let order = user.order().await;
    let dearer = json!({"title": "Ticket", "price": "99", "currency": "USD"});
    let path = "/api/v1/products/1";
    server
        .native(Method::PUT, path, dearer.to_string())
        .await
        .ok();
    assert_eq!(user.session(&order, "session").await.ok()["amount"], 35);
    assert_eq!(user.order().await["totalSum"], 198);
    server.native(Method::DELETE, path, "").await.ok();
    assert_eq!(server.native(Method::GET, path, "").await.status, 404);
    let order = json!({"products": [{"productId": 1, "quantity": 1}]});
    let refused = user.post(TICKETS, order).await;
    assert_eq!(refused.status, 400);
    assert!(text(&refused.json(), "message").starts_with("products[0].productId"));
}

#[tokio::test]
async fn the_merchant_sees_all_orders_and_can_take_them_too() {
    let server = shop().await;
    let user = User::new(&server, "a@example.com").await;
    let of_user = user.order().await;
    // Of one millisecond's, neither is the newer.
    server.clock.advance(Span::millis(1));
    let order = json!({"products": [{"productId": 2, "quantity": 3}]});
    let own = server
        .native(Method::POST, "/api/v1/orders", order.to_string())
        .await
        .ok();
    assert_eq!(
        (&own["amount"], &own["status"]),
        (&json!(297), &json!("open"))
    );
    let list = server.native(Method::GET, "/api/v1/orders", "").await.ok();
    let numbers: Vec<&Value> = list["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|order| &order["number"])
        .collect();
    assert_eq!(numbers, [&own["number"], &of_user["id"]]);
    let first = server
        .native(Method::GET, "/api/v1/orders?limit=1", "")
        .await
        .ok();
    let after = format!(
        "/api/v1/orders?limit=1&after={}",
        text(&first, "nextCursor")
    );
    let second = server.native(Method::GET, &after, "").await.ok();
    assert_eq!(second["data"][0]["number"], of_user["id"]);
    assert_eq!(second["nextCursor"], Value::Null);

    let path = format!("/api/v1/orders/{}", text(&own, "id"));
    let session = server
        .native(Method::POST, &format!("{path}/session"), "")
        .await
        .ok();
    assert_eq!(session["amount"], 297);
    let read = server.native(Method::GET, &path, "").await.ok();
    assert_eq!(read["sessionId"], session["id"]);
    // It is nobody's: no user finds it by its number.
    let path = format!(
        "/api/content/orders-storage/marker/orders/orders/{}",
        own["number"]
    );
    let hidden = call_as(&server, Some(&user.access), Method::GET, &path, Value::Null).await;
    assert_eq!(hidden.status, 404);
}

#[tokio::test]
async fn totals_are_exact_where_doubles_are_not() {
    let server = shop().await;
    let user = User::new(&server, "a@example.com").await;
    for (number, price, currency, quantity, number_out, text_out) in [
        (11, "0.1", "USD", 3, json!(0.3), "0.30"),
        (12, "1.005", "KWD", 1_000, json!(1005), "1005.000"),
        (13, "33", "JPY", 3, json!(99), "99"),
        (14, "4.35", "USD", 100, json!(435), "435.00"),
        (
            15,
            "9999999999.999",
            "KWD",
            100,
            json!(999_999_999_999.9),
            "999999999999.900",
        ),
    ] {
        let product = json!({"title": "x", "price": price, "currency": currency});
        let path = format!("/api/v1/products/{number}");
        server
            .native(Method::PUT, &path, product.to_string())
            .await
            .ok();
        let order = json!({"products": [{"productId": number, "quantity": quantity}]});
        let made = user.post(TICKETS, order).await.ok();
        assert_eq!(made["totalSum"], number_out, "{price} × {quantity}");
        let read = user.get(&format!("{TICKETS}/{}", made["id"])).await.ok();
        assert_eq!(read["totalSum"], text_out);
    }
}
