//! Routings that are sealed rightly but do not say what they are sealed for, and routings that are not sealed.

use super::{OUTER_PLAINTEXT_LEN, OpenError, Route, Routing, SealError, Sender, aad, open, seal};
use crate::capsule::Capsule;
use crate::means::MeansKind;
use crate::sealing_key::PaymentServerSealingKeySecret;
use crate::suite::{INNER_LABEL, OUTER_LABEL};

/// A change to a routing, and what sealing it must answer.
type Case = (fn(&mut Routing), SealError);

const REQUEST_ID: [u8; 16] = [0x11; 16];
const ATTEMPT_ID: [u8; 16] = [0x22; 16];

fn card(issuer_iin: &str) -> Route {
    Route::Card { issuer_iin: issuer_iin.to_owned() }
}

fn front(front: &str) -> Route {
    Route::Means { kind: MeansKind::Voucher, front: front.to_owned() }
}

fn routing() -> Routing {
    Routing {
        request_id: REQUEST_ID,
        attempt_id: ATTEMPT_ID,
        order_number: "A-1001".to_owned(),
        merchant_id: "tea-house".to_owned(),
        amount_minor: 1_250,
        currency: "CNY".to_owned(),
        wallet_nonce: [0x44; 32],
        route: Route::Card { issuer_iin: "47613400".to_owned() },
        inner: Capsule { kid: "bank-seal.x".to_owned(), enc: [5; 32], ciphertext: vec![6; 1040] },
    }
}

fn plaintext_of(routing: &Routing) -> Vec<u8> {
    let mut plaintext = vec![0; OUTER_PLAINTEXT_LEN];
    super::write(&mut plaintext, routing).expect("it fits");
    plaintext
}

/// What opening bytes sealed as they are gives.
fn opened(label: &[u8], plaintext: &[u8]) -> Result<Routing, OpenError> {
    let secret = PaymentServerSealingKeySecret::generate();
    let sender = Sender::to(&secret.public().to_bytes(), label).expect("a key");
    let aad = aad(&REQUEST_ID, &ATTEMPT_ID);
    let capsule = Capsule::seal(secret.public(), sender, &aad, plaintext).expect("sealed");
    open(&secret, &REQUEST_ID, &ATTEMPT_ID, &capsule)
}

#[test]
fn the_written_form_is_read_back() {
    assert_eq!(opened(OUTER_LABEL, &plaintext_of(&routing())), Ok(routing()));
}

#[test]
fn another_layers_label_is_refused() {
    let plaintext = plaintext_of(&routing());
    assert_eq!(opened(INNER_LABEL, &plaintext), Err(OpenError::Refused));
}

#[test]
fn ids_inside_that_differ_from_those_outside_are_refused() {
    for change in
        [|routing: &mut Routing| routing.request_id[15] ^= 1, |routing: &mut Routing| routing.attempt_id[0] ^= 0x80]
    {
        let mut routing = routing();
        change(&mut routing);
        let plaintext = plaintext_of(&routing);
        assert_eq!(opened(OUTER_LABEL, &plaintext), Err(OpenError::Refused));
        let server = PaymentServerSealingKeySecret::generate();
        assert_eq!(
            seal(server.public(), &REQUEST_ID, &ATTEMPT_ID, &routing),
            Err(SealError::Malformed("the request or attempt id"))
        );
    }
}

#[test]
fn a_malformed_routing_is_neither_opened_nor_sealed() {
    let cases: [Case; 10] = [
        (|routing| routing.order_number.clear(), SealError::Malformed("the order number")),
        (|routing| routing.merchant_id.clear(), SealError::Malformed("the merchant id")),
        (|routing| routing.currency = "cny".to_owned(), SealError::Malformed("the currency")),
        (|routing| routing.currency = "C1Y".to_owned(), SealError::Malformed("the currency")),
        (|routing| routing.route = card(""), SealError::Malformed("the issuer prefix")),
        (|routing| routing.route = card("47613"), SealError::Malformed("the issuer prefix")),
        (|routing| routing.route = card("47613x"), SealError::Malformed("the issuer prefix")),
        (|routing| routing.route = front(""), SealError::Malformed("the front")),
        (|routing| routing.route = front("First"), SealError::Malformed("the front")),
        (|routing| routing.route = front("first bank"), SealError::Malformed("the front")),
    ];
    let server = PaymentServerSealingKeySecret::generate();
    for (change, error) in cases {
        let mut routing = routing();
        change(&mut routing);
        assert_eq!(opened(OUTER_LABEL, &plaintext_of(&routing)), Err(OpenError::Refused));
        assert_eq!(seal(server.public(), &REQUEST_ID, &ATTEMPT_ID, &routing), Err(error));
    }
}

#[test]
fn a_front_is_named_in_a_routing_as_long_as_a_cards() {
    let server = PaymentServerSealingKeySecret::generate();
    let of_card = seal(server.public(), &REQUEST_ID, &ATTEMPT_ID, &routing()).unwrap();
    let asked = Routing { route: front("first"), ..routing() };
    let of_means = seal(server.public(), &REQUEST_ID, &ATTEMPT_ID, &asked).unwrap();
    assert_eq!(open(&server, &REQUEST_ID, &ATTEMPT_ID, &of_means), Ok(asked));
    assert_eq!(of_means.to_bytes().len(), of_card.to_bytes().len());
}

#[test]
fn fields_beyond_their_bound_are_not_sealed() {
    let cases: [Case; 4] = [
        (|routing| routing.order_number = "x".repeat(65), SealError::TooLong("the order number")),
        (|routing| routing.merchant_id = "x".repeat(65), SealError::TooLong("the merchant id")),
        // Nine digits would begin to be a card number.
        (|routing| routing.route = card("476134000"), SealError::Malformed("the issuer prefix")),
        (|routing| routing.inner.ciphertext = vec![0; 1300], SealError::TooLong("the routing")),
    ];
    let server = PaymentServerSealingKeySecret::generate();
    for (change, error) in cases {
        let mut routing = routing();
        change(&mut routing);
        assert_eq!(seal(server.public(), &REQUEST_ID, &ATTEMPT_ID, &routing), Err(error));
    }
}

#[test]
fn the_largest_routing_fits() {
    let mut routing = routing();
    routing.order_number = "o".repeat(64);
    routing.merchant_id = "m".repeat(64);
    routing.inner.kid = "k".repeat(64);
    routing.amount_minor = u64::MAX;
    let server = PaymentServerSealingKeySecret::generate();
    let capsule = seal(server.public(), &REQUEST_ID, &ATTEMPT_ID, &routing).unwrap();
    assert_eq!(open(&server, &REQUEST_ID, &ATTEMPT_ID, &capsule), Ok(routing));
}

#[test]
fn another_version_size_or_padding_is_refused() {
    let whole = plaintext_of(&routing());
    for version in (0..=u8::MAX).filter(|version| *version != 1) {
        let mut changed = whole.clone();
        changed[0] = version;
        assert_eq!(opened(OUTER_LABEL, &changed), Err(OpenError::Refused), "{version}");
    }
    for len in [0, 1, 64, OUTER_PLAINTEXT_LEN - 1] {
        assert_eq!(opened(OUTER_LABEL, &whole[..len]), Err(OpenError::Refused), "{len}");
    }
    assert_eq!(opened(OUTER_LABEL, &[whole.as_slice(), &[0]].concat()), Err(OpenError::Refused));
    let mut padded = whole;
    padded[OUTER_PLAINTEXT_LEN - 1] = 1;
    assert_eq!(opened(OUTER_LABEL, &padded), Err(OpenError::Refused));
}
