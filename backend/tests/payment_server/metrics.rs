//! What an operator's Prometheus is told.

use payment::AttemptState;

use crate::bank::{OnFollowUp, OnPayment};
use crate::deployment::Deployment;

async fn deployment() -> Deployment {
    let mut deployment = Deployment::start().await;
    deployment.stop_server().await;
    deployment.with_metrics();
    deployment.start_server().await;
    deployment
}

fn value(text: &str, series: &str) -> Option<f64> {
    let line = text.lines().find(|line| line.strip_prefix(series).is_some_and(|rest| rest.starts_with(' ')))?;
    line.rsplit(' ').next()?.parse().ok()
}

#[tokio::test]
async fn figures_tell_of_calls_queues_and_lines_and_of_nobody() {
    let deployment = deployment().await;
    let payer = deployment.payer().await;
    let order = deployment.requested().await;
    let paid = payer.seal(&order).await;
    assert_eq!(payer.submit(&order, &paid).await.unwrap().state, AttemptState::Approved);
    deployment.bank.on_payment(OnPayment::ApproveUnheard);
    deployment.bank.on_inquiry(OnFollowUp::Ignore);
    deployment.bank.ignore_reversals(usize::MAX);
    let unknown = deployment.requested().await;
    payer.submit(&unknown, &payer.seal(&unknown).await).await.unwrap();

    let text = deployment.metrics().await;
    let submitted = "tapseal_call_seconds_count{method=\"POST\",route=\"/v1/requests/{id}/attempts\",status=\"200\"}";
    assert_eq!(value(&text, submitted), Some(1.0), "{text}");
    assert_eq!(value(&text, "tapseal_bank_line_up{bank=\"first\"}"), Some(1.0), "{text}");
    assert_eq!(value(&text, "tapseal_database_up"), Some(1.0), "{text}");
    assert_eq!(value(&text, "tapseal_replicas"), Some(1.0), "{text}");
    assert_eq!(value(&text, "tapseal_attempts{state=\"needs_manual_review\"}"), Some(0.0), "{text}");
    let waiting: f64 = ["no_answer", "inquiring", "not_found", "reversing"]
        .iter()
        .filter_map(|state| value(&text, &format!("tapseal_attempts{{state=\"{state}\"}}")))
        .sum();
    assert!((waiting - 1.0).abs() < f64::EPSILON, "{text}");
    assert!(value(&text, "tapseal_write_groups_total").is_some_and(|groups| groups >= 4.0), "{text}");
    assert!(text.ends_with("# EOF\n"), "{text}");
    // No label names anybody or anything of theirs.
    for private in [order.request_id.to_string(), paid.attempt_id.to_string(), "blue-door".to_owned()] {
        assert!(!text.contains(&private), "{private} is in {text}");
    }
}
