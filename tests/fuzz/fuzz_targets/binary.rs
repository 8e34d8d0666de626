//! Any bytes as a binary frame of the WebSocket: read, written, read again; its update summed up.
//! Not here: what an update does to a text; `daemon/src/docs/tests.rs` tests that.
#![no_main]

use grove_core_api::realtime::binary::{
    BinaryFrame, FrameKind, SyncMessage, UpdateSummary, decode_awareness, decode_state_vector,
    encode_awareness,
};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(frame) = BinaryFrame::decode(bytes) else { return };
    assert_eq!(BinaryFrame::decode(&frame.encode()), Ok(frame), "what was written can be read");
    match frame.kind {
        FrameKind::Awareness => {
            let Ok(entries) = decode_awareness(frame.payload) else { return };
            assert_eq!(decode_awareness(&encode_awareness(&entries)), Ok(entries));
        }
        FrameKind::Sync => match SyncMessage::decode(frame.payload) {
            Ok(SyncMessage::Step1(vector)) => {
                let _clocks = decode_state_vector(vector);
            }
            Ok(SyncMessage::Step2(update) | SyncMessage::Update(update)) => {
                let Ok(summary) = UpdateSummary::read(update) else { return };
                assert!(summary.text_bytes <= update.len());
            }
            Err(_) => {}
        },
    }
});
