//! Swiped cards: through standard input, and through a serial line that a pseudo terminal stands for.

use std::io::Write;
use std::os::fd::OwnedFd;
use std::process::{Command, Stdio};

use rustix::pty::OpenptFlags;
use rustix::termios::LocalModes;
use serde_json::Value;

/// A stripe without a chip: service code 101. Public test number.
const TRACKS: &str = "%B4111111111111111^DOE/JOHN^30121010000?;4111111111111111=30121010000?";
/// The same card with a chip: service code 201.
const CHIP_TRACKS: &str = ";4111111111111111=30122010000?";

fn card_read(reader: &str, stdin: Stdio) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tapseal-wallet"));
    command.args(["--json", "card", "read", "--card-wait-s", "5", "--reader", reader]);
    command.stdin(stdin).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Types this into the command's standard input; gives its JSON, whether it succeeded, and all it wrote.
fn swipe(typed: &[u8]) -> (Value, bool, String) {
    let mut child = card_read("stripe:stdin", Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(typed).unwrap();
    let output = child.wait_with_output().unwrap();
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    (serde_json::from_slice(&output.stdout).unwrap(), output.status.success(), said)
}

#[test]
fn a_stripe_typed_into_standard_input_is_read_and_masked() {
    let (read, success, said) = swipe(format!("{TRACKS}\n").as_bytes());
    assert!(success, "{said}");
    assert_eq!(read["outcome"], "swiped");
    assert_eq!(read["pan_masked"], "411111******1111");
    assert_eq!(read["expiry"], "3012");
    assert_eq!(read["track2_masked"], "411111******1111D3012*******");
    assert_eq!(read["reader"], "stripe:stdin");
    assert!(!said.contains("4111111111111111") && !said.contains("DOE"), "{said}");
}

#[test]
fn a_stripe_of_a_card_with_a_chip_is_refused() {
    let (read, success, said) = swipe(format!("{CHIP_TRACKS}\n").as_bytes());
    assert!(!success);
    assert_eq!(read["outcome"], "card_use_chip", "{said}");
    assert!(!said.contains("4111111111111111"), "{said}");
}

#[test]
fn a_stripe_that_was_misread_is_said_to_be() {
    let misread = format!("{}X\n", &TRACKS[TRACKS.len() - CHIP_TRACKS.len()..]);
    for (typed, outcome) in [
        (";E?\n", "swipe_unreadable"),
        (";4111111111111111=3012\n", "swipe_unreadable"),
        ("hello\n", "swipe_unreadable"),
        (";12=34?\n", "card_not_payment"),
        (misread.as_str(), "swipe_unreadable"),
    ] {
        let (read, success, said) = swipe(typed.as_bytes());
        assert!(!success);
        assert_eq!(read["outcome"], outcome, "{typed}: {said}");
    }
    // Nobody swipes at all.
    let (read, success, _) = swipe(b"");
    assert!(!success);
    assert_eq!(read["outcome"], "no_reader");
}

/// A pseudo terminal: its near end, its far end, and the far end's name.
fn pseudo_terminal() -> (OwnedFd, OwnedFd, String) {
    let near = rustix::pty::openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    rustix::pty::grantpt(&near).unwrap();
    rustix::pty::unlockpt(&near).unwrap();
    let name = rustix::pty::ptsname(&near, Vec::new()).unwrap().into_string().unwrap();
    let flags = rustix::fs::OFlags::RDWR | rustix::fs::OFlags::NOCTTY;
    let far = rustix::fs::open(name.as_str(), flags, rustix::fs::Mode::empty()).unwrap();
    (near, far, name)
}

#[test]
fn a_terminal_shows_nothing_of_a_swipe_and_is_put_back() {
    let (near, far, _) = pseudo_terminal();
    let shows = || rustix::termios::tcgetattr(&far).unwrap().local_modes.contains(LocalModes::ECHO);
    assert!(shows());
    let child = card_read("stripe:stdin", Stdio::from(far.try_clone().unwrap())).spawn().unwrap();
    let hidden = std::time::Instant::now() + std::time::Duration::from_secs(4);
    while shows() && std::time::Instant::now() < hidden {
        std::thread::yield_now();
    }
    assert!(!shows(), "what is typed would be shown");
    rustix::io::write(&near, format!("{TRACKS}\n").as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let read: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(read["outcome"], "swiped", "{read}");
    assert!(shows(), "the terminal is left silent");
}

#[test]
fn a_swipe_on_a_serial_line_comes_in_pieces() {
    let (line, other, name) = pseudo_terminal();
    let mut raw = rustix::termios::tcgetattr(&other).unwrap();
    raw.make_raw();
    rustix::termios::tcsetattr(&other, rustix::termios::OptionalActions::Now, &raw).unwrap();
    let child = card_read(&format!("stripe:{name}"), Stdio::null()).spawn().unwrap();
    // What is swiped before the line is listened to is thrown away, so it is swiped until it was heard.
    let (told, done) = std::sync::mpsc::channel::<()>();
    let swiping = std::thread::spawn(move || {
        let halves = TRACKS.split_at(TRACKS.find(';').unwrap());
        while done.recv_timeout(std::time::Duration::from_millis(600)).is_err() {
            for piece in [halves.0, "\r", halves.1, "\r"] {
                rustix::io::write(&line, piece.as_bytes()).unwrap();
            }
        }
    });
    let output = child.wait_with_output().unwrap();
    told.send(()).unwrap();
    swiping.join().unwrap();
    drop(other);
    let read: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(read["outcome"], "swiped", "{read}");
    assert_eq!(read["pan_masked"], "411111******1111");
}

#[test]
fn a_place_that_is_no_device_file_is_refused() {
    let output = card_read("stripe:../keyboard", Stdio::null()).output().unwrap();
    let read: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(read["outcome"], "reader_failed", "{read}");
}
