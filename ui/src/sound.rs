//! The sounds of a result: paid, not paid, not known. They say nothing that the screen does not show too.

use std::cell::RefCell;
use std::time::Duration;

use leptos::prelude::set_timeout;
use wasm_bindgen::JsValue;
use web_sys::{AudioContext, OscillatorType};

/// How loud, of 1.
const LOUDNESS: f32 = 0.35;
/// How long after a press its answer is on the screen.
const ANSWERED: Duration = Duration::from_millis(100);
/// A note's length, in seconds.
const NOTE_S: f64 = 0.16;

thread_local! {
    /// Made when a person presses a button: what is made later may stay silent.
    static SPEAKER: RefCell<Option<AudioContext>> = const { RefCell::new(None) };
}

/// Makes the sounds possible. A web view takes a moment over it, so the press is answered first; it is still known to be
/// one then.
pub fn prepare() {
    set_timeout(make, ANSWERED);
}

fn make() {
    SPEAKER.with_borrow_mut(|speaker| {
        if speaker.is_none() {
            // A web view without sound shows the same.
            *speaker = AudioContext::new().ok();
        }
    });
}

/// Two notes up.
pub fn paid() {
    play(&[784.0, 1174.7]);
}

/// Two notes down.
pub fn not_paid() {
    play(&[392.0, 293.7]);
}

/// The same note twice.
pub fn not_known() {
    play(&[440.0, 440.0]);
}

fn play(notes_hz: &[f32]) {
    SPEAKER.with_borrow(|speaker| {
        if let Some(speaker) = speaker {
            // A sound that fails is not missed: the screen shows the same.
            let _ = play_on(speaker, notes_hz);
        }
    });
}

fn play_on(speaker: &AudioContext, notes_hz: &[f32]) -> Result<(), JsValue> {
    let mut at_s = speaker.current_time() + 0.02;
    for note_hz in notes_hz {
        let (note, volume) = (speaker.create_oscillator()?, speaker.create_gain()?);
        note.set_type(OscillatorType::Triangle);
        note.frequency().set_value(*note_hz);
        // A soft end, so that it does not click.
        volume.gain().set_value_at_time(LOUDNESS, at_s)?;
        volume.gain().exponential_ramp_to_value_at_time(0.001, at_s + NOTE_S)?;
        note.connect_with_audio_node(&volume)?.connect_with_audio_node(&speaker.destination())?;
        note.start_with_when(at_s)?;
        note.stop_with_when(at_s + NOTE_S)?;
        at_s += NOTE_S;
    }
    Ok(())
}
