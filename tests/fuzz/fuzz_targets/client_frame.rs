//! Any bytes as a text frame of a WebSocket client: read, written, read again.
//! Not here: what the server does with frames; `tests/it/plans` tests that.
#![no_main]

use grove_core_api::realtime::ClientFrame;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let Ok(frame) = serde_json::from_str::<ClientFrame>(text) else { return };
    let printed = serde_json::to_string(&frame).expect("a frame that was read can be written");
    let again: ClientFrame = serde_json::from_str(&printed).expect("what was written can be read");
    let once_more = serde_json::to_string(&again).expect("written again");
    assert_eq!(once_more, printed);
});
