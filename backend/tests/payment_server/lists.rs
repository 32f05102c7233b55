//! A merchant's list of requests, page by page, while more come in.

use protocol::merchant_api::PaymentRequestsPage;

use crate::deployment::Deployment;

async fn page(deployment: &Deployment, query: &str) -> PaymentRequestsPage {
    let path = format!("/v1/payment-requests?{query}");
    let (status, body) = deployment.call(&deployment.first_key(), "GET", &path, None).await;
    assert_eq!(status, 200, "{body}");
    serde_json::from_value(body).unwrap()
}

#[tokio::test]
async fn every_request_is_on_one_page_whatever_comes_in_between() {
    let deployment = Deployment::start().await;
    let mut wanted = Vec::new();
    for _ in 0..7 {
        wanted.push(deployment.requested().await.request_id);
    }
    wanted.reverse();
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let after = if cursor.is_empty() { String::new() } else { format!("&cursor={cursor}") };
        let page = page(&deployment, &format!("limit=3{after}")).await;
        assert!(page.requests.len() <= 3 && page.requests.iter().all(|view| view.deliveries.is_empty()));
        seen.extend(page.requests.iter().map(|view| view.id));
        // Newer ones stand before the first page.
        deployment.requested().await;
        match page.next_cursor {
            Some(next) => cursor = next,
            None => break,
        }
    }
    assert_eq!(seen, wanted);
}

#[tokio::test]
async fn filters_narrow_the_list() {
    let deployment = Deployment::start().await;
    for number in ["Alpha-1", "alpha-2", "100%", "under_score"] {
        let order = Deployment::order_with(|draft| draft.order_number = number.into());
        deployment.create(number, &deployment.signed(&order)).await.unwrap();
        if number == "alpha-2" {
            deployment.cancel(&order).await.unwrap();
        }
    }
    let numbers = async |query: &str| -> Vec<String> {
        page(&deployment, query).await.requests.into_iter().map(|view| view.order_number).collect()
    };
    assert_eq!(numbers("order_number=ALPHA").await, ["alpha-2", "Alpha-1"]);
    assert_eq!(numbers("order_number=%25").await, ["100%"]);
    assert_eq!(numbers("order_number=r_s").await, ["under_score"]);
    assert_eq!(numbers("status=cancelled").await, ["alpha-2"]);
    assert_eq!(numbers("status=paid").await, [""; 0]);
    let all = page(&deployment, "").await.requests;
    let newest = all[0].created_ms;
    assert_eq!(numbers(&format!("created_from_ms={}", newest + 1)).await, [""; 0]);
    assert_eq!(numbers(&format!("created_to_ms={}", newest + 1)).await.len(), 4);
    assert!(numbers(&format!("created_to_ms={newest}")).await.len() < 4);

    for bad in ["limit=0", "limit=101", "limit=x", "status=gone", "cursor=!", "cursor=AAAA", "order_number=", "a=b"] {
        let (status, body) =
            deployment.call(&deployment.first_key(), "GET", &format!("/v1/payment-requests?{bad}"), None).await;
        assert_eq!((status, body["code"].as_str()), (400, Some("invalid_input")), "{bad}: {body}");
    }
}
