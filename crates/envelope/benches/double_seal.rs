//! What the double envelope costs beside its bare cryptography, measured in the same run.
//!
//! The bare cost is that of the X25519 operations and the AES-256-GCM passes the envelope makes, done with the same
//! libraries on the same sizes, once for each of the two layers. Everything else is overhead: key schedule, PIN block,
//! encoding, padding, wiping. The goal is a ratio of at most 1.15.
//!
//! To seal, `hpke` computes the ephemeral public key twice: when it generates the pair and again when it encapsulates.
//! RFC 9180 (section 4.1) needs it once. The second line printed for a seal holds the envelope against that least.

use std::hint::black_box;
use std::time::{Duration, Instant};

use aes_gcm::aead::{Aead, KeyInit, Payload};
use aes_gcm::{Aes256Gcm, Nonce};
use criterion::Criterion;
use envelope::inner::{self, CardData, EntryMode, INNER_PLAINTEXT_LEN, PinKind};
use envelope::outer::{self, OUTER_PLAINTEXT_LEN, Route, Routing};
use envelope::{BankSealingKeySecret, Capsule, Pan, PaymentServerSealingKeySecret, Pin};
use x25519_dalek::{PublicKey, StaticSecret};

const REQUEST_ID: [u8; 16] = [1; 16];
const ATTEMPT_ID: [u8; 16] = [2; 16];
const ATTEMPT_HASH: [u8; 32] = [3; 32];
/// How often each side runs for the ratio; the two alternate, so that a slow moment hits both.
const ROUNDS: usize = 2_000;
/// The most the envelope may cost beside its cryptography.
const RATIO_GOAL: f64 = 1.15;

/// Keys and inputs of one payment.
struct Payment {
    bank: BankSealingKeySecret,
    server: PaymentServerSealingKeySecret,
    card: CardData,
    pin: Pin,
}

impl Payment {
    fn new() -> Self {
        Self {
            bank: BankSealingKeySecret::generate(),
            server: PaymentServerSealingKeySecret::generate(),
            card: CardData {
                pan: Pan::parse("4761340000000050").expect("a PAN"),
                track2: None,
                expiry_yymm: *b"2812",
                psn: Some(1),
                aid: b"\xA0\x00\x00\x00\x03\x10\x10".to_vec(),
                entry_mode: EntryMode::ContactlessChip,
                icc_data: vec![0x9F; 160].into(),
            },
            pin: Pin::from_ascii(b"1234").expect("a PIN"),
        }
    }

    fn seal(&self) -> Capsule {
        let inner =
            inner::seal(self.bank.public(), &ATTEMPT_HASH, &self.card, &self.pin, PinKind::PaymentPin).expect("sealed");
        let routing = Routing {
            request_id: REQUEST_ID,
            attempt_id: ATTEMPT_ID,
            order_number: "A-1001".to_owned(),
            merchant_id: "tea-house".to_owned(),
            amount_minor: 1_250,
            currency: "CNY".to_owned(),
            wallet_nonce: [4; 32],
            route: Route::Card { issuer_iin: self.card.pan.iin() },
            inner,
        };
        outer::seal(self.server.public(), &REQUEST_ID, &ATTEMPT_ID, &routing).expect("sealed")
    }

    fn open(&self, capsule: &Capsule) -> Pin {
        let routing = outer::open(&self.server, &REQUEST_ID, &ATTEMPT_ID, capsule).expect("opened");
        let opened = inner::open(&self.bank, &ATTEMPT_HASH, &routing.inner).expect("opened");
        opened.verification.pin().expect("sealed with one").decipher(&opened.card.pan).expect("a PIN")
    }
}

/// The same operations bare, with the same key at every layer.
struct Bare {
    private: StaticSecret,
    other: PublicKey,
    cipher: Aes256Gcm,
    ciphertexts: [Vec<u8>; 2],
}

/// Plaintext and additional-data lengths of the inner and the outer seal, in bytes.
const LAYERS: [(usize, usize); 2] = [(INNER_PLAINTEXT_LEN, 32), (OUTER_PLAINTEXT_LEN, 32)];

impl Bare {
    fn new() -> Self {
        let cipher = Aes256Gcm::new(&[5; 32].into());
        let ciphertexts = LAYERS.map(|layer| Self::encrypt(&cipher, layer));
        Self {
            private: StaticSecret::from([6; 32]),
            other: PublicKey::from(&StaticSecret::from([7; 32])),
            cipher,
            ciphertexts,
        }
    }

    fn encrypt(cipher: &Aes256Gcm, (len, aad_len): (usize, usize)) -> Vec<u8> {
        let (msg, aad) = (vec![0; len], [0; 64]);
        let payload = Payload { msg: &msg, aad: &aad[..aad_len] };
        cipher.encrypt(&Nonce::from([8; 12]), payload).expect("encrypted")
    }

    fn public_key(&self) {
        black_box(PublicKey::from(black_box(&self.private)));
    }

    fn key_exchange(&self) {
        self.public_key();
        black_box(black_box(&self.private).diffie_hellman(black_box(&self.other)));
    }

    /// What RFC 9180 cannot do without.
    fn seal_least(&self) {
        for layer in LAYERS {
            self.key_exchange();
            black_box(Self::encrypt(&self.cipher, layer));
        }
    }

    /// What the library does.
    fn seal(&self) {
        for layer in LAYERS {
            self.public_key();
            self.key_exchange();
            black_box(Self::encrypt(&self.cipher, layer));
        }
    }

    fn open(&self) {
        for (ciphertext, (_, aad_len)) in self.ciphertexts.iter().zip(LAYERS) {
            self.key_exchange();
            let payload = Payload { msg: ciphertext, aad: &[0; 64][..aad_len] };
            let plaintext = self.cipher.decrypt(&Nonce::from([8; 12]), payload);
            black_box(plaintext.expect("decrypted"));
        }
    }
}

/// The medians of two routines that take turns.
fn medians(mut one: impl FnMut(), mut other: impl FnMut()) -> (Duration, Duration) {
    let timed = |routine: &mut dyn FnMut()| {
        let start = Instant::now();
        routine();
        start.elapsed()
    };
    let (mut ones, mut others): (Vec<Duration>, Vec<Duration>) =
        (0..ROUNDS).map(|_| (timed(&mut one), timed(&mut other))).unzip();
    ones.sort_unstable();
    others.sort_unstable();
    (ones[ROUNDS / 2], others[ROUNDS / 2])
}

fn print_ratio(name: &str, envelope: Duration, bare: Duration) {
    let ratio = envelope.as_secs_f64() / bare.as_secs_f64();
    let verdict = if ratio <= RATIO_GOAL { "within" } else { "beyond" };
    println!(
        "double envelope, {name}: {envelope:?} against {bare:?} bare; \
         ratio {ratio:.3}, {verdict} the goal of {RATIO_GOAL}"
    );
}

fn main() {
    let payment = Payment::new();
    let bare = Bare::new();
    let capsule = payment.seal();

    let mut criterion = Criterion::default().configure_from_args();
    criterion.bench_function("double_seal/seal", |bencher| {
        bencher.iter(|| payment.seal());
    });
    criterion.bench_function("double_seal/seal_bare", |bencher| {
        bencher.iter(|| bare.seal());
    });
    criterion.bench_function("double_seal/open", |bencher| {
        bencher.iter(|| payment.open(&capsule));
    });
    criterion.bench_function("double_seal/open_bare", |bencher| {
        bencher.iter(|| bare.open());
    });
    criterion.final_summary();

    let (envelope, raw) = medians(|| drop(black_box(payment.seal())), || bare.seal());
    print_ratio("seal", envelope, raw);
    let (envelope, raw) = medians(|| drop(black_box(payment.seal())), || bare.seal_least());
    print_ratio("seal, least operations", envelope, raw);
    let (envelope, raw) = medians(|| drop(black_box(payment.open(&capsule))), || bare.open());
    print_ratio("open", envelope, raw);
}
