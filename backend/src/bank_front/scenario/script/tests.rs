//! Scripts that say everything they can, and every mistake in one.

//! A script as written, and what it is read as.

use super::*;

#[test]
fn a_script_says_everything_it_can() {
    let script = Script::parse(
        r#"
        seed = 9
        clock_skew_ms = -60000

        [[rule]]
        when = { message = "debit", amount_minor = 1280, merchant = "blue-door", nth = 3 }
        do = "echo"
        echo = { amount_minor = 1281, currency = "EUR", merchant = "red-door" }

        [[rule]]
        do = "slow"
        ms = 250
        [rule.when]
        message = ["0421", "inquiry"]
        rrn = "632607000042"
        stan = 42
        skip = 1
        times = 2
        chance = 0.5
        after_ms = 10
        until_ms = 20
        "#,
    )
    .unwrap();
    assert_eq!((script.seed, script.clock_skew_ms, script.rules.len()), (9, -60_000, 2));
    let echo =
        Echo { amount_minor: Some(1_281), currency: Some("EUR".parse().unwrap()), merchant: Some("red-door".into()) };
    assert_eq!(script.rules[0].deed, Deed::Echo(echo));
    assert_eq!((script.rules[0].when.skip, script.rules[0].when.times), (2, Some(1)));
    let when = When {
        kinds: vec![Kind::Type(Mti::REVERSAL_ADVICE_REPEAT), Kind::Inquiry],
        amount_minor: None,
        merchant: None,
        rrn: Some("632607000042".into()),
        stan: Some(42),
        skip: 1,
        times: Some(2),
        chance: Some(u32::MAX / 2),
        after_ms: Some(10),
        until_ms: Some(20),
    };
    assert_eq!(script.rules[1], Rule { when, deed: Deed::Slow(Duration::from_millis(250)) });
}

#[test]
fn every_mistake_is_told_with_its_line_and_key() {
    let cases = [
        ("[[rule]]\ndo = \"dance\"\n", "line 2: `do` = \"dance\" is no deed"),
        ("[[rule]]\n\ndo = \"slow\"\n", "line 3: `do` = \"slow\" needs `ms`"),
        ("[[rule]]\ndo = \"silent\"\nms = 5\n", "line 3: `ms` does nothing with do = \"silent\""),
        ("[[rule]]\ndo = \"slow\"\nms = 600001\n", "line 3: `ms` is more than ten minutes"),
        ("[[rule]]\ndo = \"decline\"\ncode = \"nope\"\n", "line 3: `code` is no code"),
        ("[[rule]]\ndo = \"busy\"\nresponse_code = \"00\"\n", "line 3: `response_code` is none of 91, 96"),
        ("[[rule]]\ndo = \"malformed\"\nkind = \"x\"\n", "line 3: `kind` is none of noise, length, composite, type"),
        ("[[rule]]\ndo = \"echo\"\necho = {}\n", "line 3: `echo` changes nothing"),
        ("[[rule]]\ndo = \"echo\"\necho = { currency = \"XXY\" }\n", "line 3: `currency` is no code of ISO 4217"),
        ("[[rule]]\ndo = \"cut\"\nwhen = { message = \"letter\" }\n", "line 3: `message` names \"letter\""),
        ("[[rule]]\ndo = \"cut\"\nwhen = { nth = 0 }\n", "line 3: `nth` counts from 1"),
        ("[[rule]]\ndo = \"cut\"\nwhen = { nth = 1, times = 1 }\n", "line 3: `nth` stands without"),
        ("[[rule]]\ndo = \"cut\"\nwhen = { chance = 1.5 }\n", "line 3: `chance` is not between"),
        ("[[rule]]\ndo = \"cut\"\n\nwhat = 1\n", "line 4: unknown field `what`"),
        ("[[rule]]\nwhen = { messages = \"debit\" }\ndo = \"cut\"\n", "line 2: unknown field `messages`"),
        ("[[rule]]\nms = 5\n", "missing field `do`"),
        ("rules = []\n", "line 1: unknown field `rules`"),
        ("[[rule]\n", "line 1: "),
        ("clock_skew_ms = 99999999999999\n", "line 1: `clock_skew_ms` is more than a year"),
        ("[[rule]]\ndo = \"approve_after_reversal\"\n", "line 2: `do` = approve_after_reversal needs"),
    ];
    for (text, expected) in cases {
        let told = Script::parse(text).unwrap_err().to_string();
        assert!(told.contains(expected), "{text}\n{told}");
    }
    let long = "[[rule]]\ndo = \"cut\"\n".repeat(RULES_MAX + 1);
    assert!(matches!(Script::parse(&long), Err(BankError::TooMany(_))));
}
