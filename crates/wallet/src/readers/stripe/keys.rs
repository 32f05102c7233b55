//! Key strokes to characters, as stripe readers type them: they stand for a keyboard of the United States.

use evdev::KeyCode;

/// Which modifier is held.
#[derive(Default)]
pub(super) struct Keys {
    left_shift: bool,
    right_shift: bool,
}

/// Values of a key event (Linux `input-event-codes`): 0 released, 1 pressed, 2 repeated.
const RELEASED: i32 = 0;
const PRESSED: i32 = 1;

impl Keys {
    /// Takes a key event; gives a character when one was typed.
    pub(super) fn turn(&mut self, key: KeyCode, value: i32) -> Option<u8> {
        match key {
            KeyCode::KEY_LEFTSHIFT => self.left_shift = value != RELEASED,
            KeyCode::KEY_RIGHTSHIFT => self.right_shift = value != RELEASED,
            _ if value == PRESSED => {
                let (plain, shifted) = characters(key)?;
                return Some(if self.left_shift || self.right_shift { shifted } else { plain });
            }
            _ => {}
        }
        None
    }
}

/// Without and with Shift. Tracks have capital letters only (ISO/IEC 7811-6), so a letter is one either way.
fn characters(key: KeyCode) -> Option<(u8, u8)> {
    Some(match key {
        KeyCode::KEY_1 => (b'1', b'!'),
        KeyCode::KEY_2 => (b'2', b'@'),
        KeyCode::KEY_3 => (b'3', b'#'),
        KeyCode::KEY_4 => (b'4', b'$'),
        KeyCode::KEY_5 => (b'5', b'%'),
        KeyCode::KEY_6 => (b'6', b'^'),
        KeyCode::KEY_7 => (b'7', b'&'),
        KeyCode::KEY_8 => (b'8', b'*'),
        KeyCode::KEY_9 => (b'9', b'('),
        KeyCode::KEY_0 => (b'0', b')'),
        KeyCode::KEY_MINUS => (b'-', b'_'),
        KeyCode::KEY_EQUAL => (b'=', b'+'),
        KeyCode::KEY_SEMICOLON => (b';', b':'),
        KeyCode::KEY_APOSTROPHE => (b'\'', b'"'),
        KeyCode::KEY_COMMA => (b',', b'<'),
        KeyCode::KEY_DOT => (b'.', b'>'),
        KeyCode::KEY_SLASH => (b'/', b'?'),
        KeyCode::KEY_BACKSLASH => (b'\\', b'|'),
        KeyCode::KEY_LEFTBRACE => (b'[', b'{'),
        KeyCode::KEY_RIGHTBRACE => (b']', b'}'),
        KeyCode::KEY_SPACE => (b' ', b' '),
        KeyCode::KEY_ENTER | KeyCode::KEY_KPENTER => (b'\n', b'\n'),
        letter => return letter_of(letter).map(|letter| (letter, letter)),
    })
}

/// The letters' codes follow the rows of the keyboard.
fn letter_of(key: KeyCode) -> Option<u8> {
    const ROWS: [(KeyCode, &[u8]); 3] =
        [(KeyCode::KEY_Q, b"QWERTYUIOP"), (KeyCode::KEY_A, b"ASDFGHJKL"), (KeyCode::KEY_Z, b"ZXCVBNM")];
    ROWS.iter().find_map(|(first, letters)| {
        let place = key.code().checked_sub(first.code())?;
        letters.get(usize::from(place)).copied()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a reader's key strokes become: a capital in the list is typed with Shift.
    fn typed(strokes: &[(KeyCode, bool)]) -> String {
        let mut keys = Keys::default();
        let mut text = Vec::new();
        for (key, shift) in strokes {
            let shifting = [(KeyCode::KEY_LEFTSHIFT, PRESSED), (*key, PRESSED), (*key, RELEASED)];
            for (key, value) in shifting.into_iter().skip(usize::from(!shift)) {
                text.extend(keys.turn(key, value));
            }
            keys.turn(KeyCode::KEY_LEFTSHIFT, RELEASED);
        }
        String::from_utf8(text).unwrap()
    }

    #[test]
    fn a_track_is_typed_on_an_american_keyboard() {
        let strokes = [
            (KeyCode::KEY_5, true),
            (KeyCode::KEY_B, true),
            (KeyCode::KEY_4, false),
            (KeyCode::KEY_6, true),
            (KeyCode::KEY_D, true),
            (KeyCode::KEY_O, false),
            (KeyCode::KEY_E, true),
            (KeyCode::KEY_SLASH, false),
            (KeyCode::KEY_SLASH, true),
            (KeyCode::KEY_SEMICOLON, false),
            (KeyCode::KEY_7, false),
            (KeyCode::KEY_EQUAL, false),
            (KeyCode::KEY_0, false),
            (KeyCode::KEY_SLASH, true),
            (KeyCode::KEY_ENTER, false),
        ];
        assert_eq!(typed(&strokes), "%B4^DOE/?;7=0?\n");
    }

    #[test]
    fn a_key_held_down_is_typed_once_and_others_say_nothing() {
        let mut keys = Keys::default();
        assert_eq!(keys.turn(KeyCode::KEY_4, PRESSED), Some(b'4'));
        assert_eq!(keys.turn(KeyCode::KEY_4, 2), None);
        assert_eq!(keys.turn(KeyCode::KEY_F1, PRESSED), None);
        assert_eq!(keys.turn(KeyCode::KEY_CAPSLOCK, PRESSED), None);
    }
}
