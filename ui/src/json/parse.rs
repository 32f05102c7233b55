//! A text of JSON into its tree (RFC 8259).

use super::{Json, Unfit};

/// How deep lists and objects may lie in each other. The deepest answer of the wallet has six levels.
const DEPTH_MAX: usize = 64;

/// The tree of a text.
pub(super) fn parse(text: &str) -> Result<Json, Unfit> {
    let mut parser = Parser { text, at: 0 };
    let value = parser.value(DEPTH_MAX)?;
    parser.space();
    if parser.at == text.len() { Ok(value) } else { Err(Unfit) }
}

/// A place in the text; always between two characters.
struct Parser<'a> {
    text: &'a str,
    at: usize,
}

impl Parser<'_> {
    fn peek(&self) -> u8 {
        // No JSON has a zero byte outside of what is refused anyway.
        self.text.as_bytes().get(self.at).copied().unwrap_or(0)
    }

    fn space(&mut self) {
        while matches!(self.peek(), b' ' | b'\t' | b'\n' | b'\r') {
            self.at += 1;
        }
    }

    /// Goes past a sign of the grammar, if it is the next one.
    fn has(&mut self, sign: u8) -> bool {
        self.space();
        let has = self.peek() == sign;
        self.at += usize::from(has);
        has
    }

    fn must(&mut self, sign: u8) -> Result<(), Unfit> {
        if self.has(sign) { Ok(()) } else { Err(Unfit) }
    }

    fn value(&mut self, depth: usize) -> Result<Json, Unfit> {
        let inner = depth.checked_sub(1).ok_or(Unfit)?;
        self.space();
        match self.peek() {
            b'n' => self.word("null", Json::Null),
            b't' => self.word("true", Json::Bool(true)),
            b'f' => self.word("false", Json::Bool(false)),
            b'"' => Ok(Json::Text(self.string()?)),
            b'[' => self.list(inner),
            b'{' => self.object(inner),
            _ => self.number(),
        }
    }

    fn word(&mut self, word: &str, value: Json) -> Result<Json, Unfit> {
        if !self.text[self.at..].starts_with(word) {
            return Err(Unfit);
        }
        self.at += word.len();
        Ok(value)
    }

    fn number(&mut self) -> Result<Json, Unfit> {
        let start = self.at;
        self.at += usize::from(self.peek() == b'-');
        let digits = self.at;
        while self.peek().is_ascii_digit() {
            self.at += 1;
        }
        let has_zero_before = self.at - digits > 1 && self.text.as_bytes()[digits] == b'0';
        if self.at == digits || has_zero_before || matches!(self.peek(), b'.' | b'e' | b'E') {
            return Err(Unfit);
        }
        let number = &self.text[start..self.at];
        match number.strip_prefix('-') {
            None => number.parse().map(Json::Unsigned).map_err(|_| Unfit),
            Some(_) => number.parse().map(Json::Negative).map_err(|_| Unfit),
        }
    }

    fn list(&mut self, depth: usize) -> Result<Json, Unfit> {
        self.at += 1;
        let mut values = Vec::new();
        if self.has(b']') {
            return Ok(Json::List(values));
        }
        loop {
            values.push(self.value(depth)?);
            if self.has(b']') {
                return Ok(Json::List(values));
            }
            self.must(b',')?;
        }
    }

    fn object(&mut self, depth: usize) -> Result<Json, Unfit> {
        self.at += 1;
        let mut members = Vec::new();
        if self.has(b'}') {
            return Ok(Json::Object(members));
        }
        loop {
            self.space();
            let name = self.string()?;
            self.must(b':')?;
            members.push((name, self.value(depth)?));
            if self.has(b'}') {
                return Ok(Json::Object(members));
            }
            self.must(b',')?;
        }
    }

    fn string(&mut self) -> Result<String, Unfit> {
        if self.peek() != b'"' {
            return Err(Unfit);
        }
        self.at += 1;
        let mut string = String::new();
        loop {
            let start = self.at;
            // Bytes of a longer character are above all of these.
            while !matches!(self.peek(), b'"' | b'\\' | 0..=0x1f) {
                self.at += 1;
            }
            string.push_str(&self.text[start..self.at]);
            match self.peek() {
                b'"' => {
                    self.at += 1;
                    return Ok(string);
                }
                b'\\' => string.push(self.escape()?),
                // Control characters are escaped, and the text may be at its end.
                _ => return Err(Unfit),
            }
        }
    }

    fn escape(&mut self) -> Result<char, Unfit> {
        self.at += 1;
        let letter = self.peek();
        self.at += 1;
        Ok(match letter {
            b'"' | b'\\' | b'/' => char::from(letter),
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => return self.escaped_letter(),
            _ => return Err(Unfit),
        })
    }

    /// What follows `\u`: four digits, and another four where they are the first half of a pair (RFC 8259, section 7).
    fn escaped_letter(&mut self) -> Result<char, Unfit> {
        let first = self.unit()?;
        let is_first_half = (0xd800..0xdc00).contains(&first);
        if !is_first_half {
            return char::from_u32(first).ok_or(Unfit);
        }
        if !self.text[self.at..].starts_with("\\u") {
            return Err(Unfit);
        }
        self.at += 2;
        let second = self.unit()?.checked_sub(0xdc00).filter(|low| *low < 0x400).ok_or(Unfit)?;
        char::from_u32(0x1_0000 + ((first - 0xd800) << 10) + second).ok_or(Unfit)
    }

    fn unit(&mut self) -> Result<u32, Unfit> {
        let mut unit = 0;
        for _ in 0..4 {
            unit = unit * 16 + char::from(self.peek()).to_digit(16).ok_or(Unfit)?;
            self.at += 1;
        }
        Ok(unit)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    fn value_of(json: Json) -> Value {
        match json {
            Json::Null => Value::Null,
            Json::Bool(is) => is.into(),
            Json::Unsigned(number) => number.into(),
            Json::Negative(number) => number.into(),
            Json::Text(text) => text.into(),
            Json::List(values) => values.into_iter().map(value_of).collect(),
            Json::Object(members) => members.into_iter().map(|(name, value)| (name, value_of(value))).collect(),
        }
    }

    /// What both understand they understand alike; what one refuses the other refuses.
    #[test]
    fn it_reads_what_serde_json_reads() {
        for text in [
            "null",
            " true",
            "false\n",
            "0",
            "-1",
            "9007199254740991",
            "18446744073709551615",
            "-9223372036854775808",
            r#""""#,
            r#""plain""#,
            r#""\"\\\/\b\f\n\r\t""#,
            r#""\u00e9\u0041\ud83d\ude00""#,
            "\"支付印 é 😀\"",
            "[]",
            "[1,[2,[]] , {}]",
            r#"{"a":1,"b":{"c":[null,true]}, "" : "x"}"#,
            "  { } ",
            // Not JSON, or not ours.
            "",
            " ",
            "nul",
            "truex",
            "01",
            "-",
            "+1",
            "--1",
            "18446744073709551616",
            "-9223372036854775809",
            "\"",
            "\"a",
            "\"\\",
            "\"\\x\"",
            "\"\\u12\"",
            "\"\\u12g4\"",
            "\"\\ud83d\"",
            "\"\\ud83dx\"",
            "\"\\ud83d\\u0041\"",
            "\"\\ude00\"",
            "\"\n\"",
            "\"\0\"",
            "[",
            "[1",
            "[1,",
            "[1,]",
            "[,1]",
            "[1 2]",
            "{",
            "{\"a\"",
            "{\"a\":",
            "{\"a\":1,",
            "{\"a\":1,}",
            "{a:1}",
            "{\"a\" 1}",
            "{1:2}",
            "1 2",
            "[]]",
            "\u{feff}1",
            "\"\\u00é\"",
            "\"\\é\"",
        ] {
            let ours = parse(text).map(value_of).ok();
            let theirs = serde_json::from_str::<Value>(text).ok().filter(|value| !value.is_f64());
            assert_eq!(ours, theirs, "{text:?}");
        }
        for fraction in ["1.0", "1e3", "-0.5"] {
            assert!(parse(fraction).is_err(), "{fraction}");
        }
    }

    #[test]
    fn a_text_that_only_opens_is_refused() {
        assert!(parse(&"[".repeat(1_000_000)).is_err());
    }
}
