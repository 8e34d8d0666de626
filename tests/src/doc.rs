//! A client of a shared text, over any connection: what a browser does, without a screen.

use crate::{Outcome, Socket};
use anyhow::{Context, bail};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use grove_core_api::realtime::ClientFrame;
use grove_core_api::realtime::binary::{BinaryFrame, FrameKind, SyncMessage, TEXT_NAME};
use grove_core_api::rest::sessions::TakenDraft;
use yrs::updates::decoder::Decode;
use yrs::updates::encoder::Encode;
use yrs::{
    Doc, GetString, OffsetKind, Options, ReadTxn, StateVector, Text, TextRef, Transact, Update,
};

/// One window on a shared text. It outlives its connection: join it again over another one.
pub struct SharedText {
    topic: String,
    doc: Doc,
    text: TextRef,
    /// Identity of the history that it has.
    pub epoch: String,
    number: u32,
    sent: u64,
    /// Whether the server's answer to the first question has come.
    is_synced: bool,
}

impl SharedText {
    /// Makes a window that knows nothing yet.
    #[must_use]
    pub fn new(id: impl std::fmt::Display) -> Self {
        let options = Options { offset_kind: OffsetKind::Bytes, ..Options::default() };
        let doc = Doc::with_options(options);
        let text = doc.get_or_insert_text(TEXT_NAME);
        let (topic, epoch) = (format!("doc:{id}"), String::new());
        Self { topic, doc, text, epoch, number: 0, sent: 0, is_synced: false }
    }

    /// Joins over a connection and waits until both sides have what the other had.
    ///
    /// # Errors
    /// When the server refuses, or the document began anew since this window knew it.
    pub async fn join(&mut self, socket: &mut Socket) -> Outcome {
        socket.docs.remove(&self.topic);
        socket.saved.remove(&self.topic);
        let (ch, epoch, seq, text) = (self.topic.clone(), None, None, None);
        let frame = ClientFrame::Sub { id: 900, ch, epoch, seq, text };
        socket.send(&frame).await?;
        socket
            .until("subok of the document", |it| {
                let is_refused = it.errors.iter().any(|(_, reference)| *reference == Some(900));
                (is_refused || it.docs.contains_key(&self.topic)).then_some(())
            })
            .await?;
        let Some((epoch, number)) = socket.docs.get(&self.topic).cloned() else {
            bail!("sub was refused: {:?}", socket.errors);
        };
        if !self.epoch.is_empty() && self.epoch != epoch {
            bail!("the document began anew");
        }
        (self.epoch, self.number, self.sent, self.is_synced) = (epoch, number, 0, false);
        let vector = self.doc.transact().state_vector().encode_v1();
        socket.send_binary(SyncMessage::Step1(&vector).frame(number)).await?;
        while !self.is_synced || self.sent == 0 {
            self.next(socket).await?;
        }
        self.until_saved(socket).await
    }

    /// The text as this window shows it.
    #[must_use]
    pub fn text(&self) -> String {
        self.text.get_string(&self.doc.transact())
    }

    /// Writes without a connection; the next join brings it.
    pub fn write(&mut self, at: usize, text: &str) -> Vec<u8> {
        let mut transaction = self.doc.transact_mut();
        self.text.insert(&mut transaction, u32::try_from(at).unwrap_or(0), text);
        transaction.encode_update_v1()
    }

    /// Writes, sends it, and waits until it is saved.
    ///
    /// # Errors
    /// When the connection ends.
    pub async fn insert(&mut self, socket: &mut Socket, at: usize, text: &str) -> Outcome {
        let update = self.write(at, text);
        self.send(socket, &update).await?;
        self.until_saved(socket).await
    }

    /// Sends an update without waiting.
    ///
    /// # Errors
    /// When the connection ends.
    pub async fn send(&mut self, socket: &mut Socket, update: &[u8]) -> Outcome {
        self.sent += 1;
        socket.send_binary(SyncMessage::Update(update).frame(self.number)).await
    }

    /// Waits until everything that was sent is dealt with.
    ///
    /// # Errors
    /// When it is not in time.
    pub async fn until_saved(&self, socket: &mut Socket) -> Outcome {
        let is_saved = |it: &Socket| (it.saved.get(&self.topic)? >= &self.sent).then_some(());
        socket.until("saved", is_saved).await
    }

    /// Reads on until the text is this one.
    ///
    /// # Errors
    /// When it never is.
    pub async fn until_text(&mut self, socket: &mut Socket, wanted: &str) -> Outcome {
        while self.text() != wanted {
            let shown = self.text();
            self.next(socket).await.with_context(|| format!("{shown:?} instead of {wanted:?}"))?;
        }
        Ok(())
    }

    /// What takes the present text out of the draft, for its prompt.
    ///
    /// # Errors
    /// Never, in practice: the copy is this window's own state.
    pub fn taken(&self) -> Outcome<TakenDraft> {
        let whole = self.doc.transact().encode_state_as_update_v1(&StateVector::default());
        let copy = Self::new("copy");
        copy.doc.transact_mut().apply_update(Update::decode_v1(&whole)?)?;
        let mut transaction = copy.doc.transact_mut();
        let length = copy.text.len(&transaction);
        copy.text.remove_range(&mut transaction, 0, length);
        let clear = STANDARD.encode(transaction.encode_update_v1());
        Ok(TakenDraft { epoch: self.epoch.clone(), update: STANDARD.encode(whole), clear })
    }

    /// Takes the next binary frame of the connection.
    async fn next(&mut self, socket: &mut Socket) -> Outcome {
        socket.until("a binary frame", |it| (!it.binary.is_empty()).then_some(())).await?;
        let bytes = socket.binary.pop_front().context("it was there")?;
        let frame = BinaryFrame::decode(&bytes)?;
        if frame.kind != FrameKind::Sync || frame.channel != self.number {
            return Ok(());
        }
        match SyncMessage::decode(frame.payload)? {
            SyncMessage::Step1(vector) => {
                let known = StateVector::decode_v1(vector)?;
                let missing = self.doc.transact().encode_state_as_update_v1(&known);
                self.sent += 1;
                let answer = SyncMessage::Step2(&missing).frame(self.number);
                socket.send_binary(answer).await?;
            }
            SyncMessage::Step2(update) => {
                self.apply(update)?;
                self.is_synced = true;
            }
            SyncMessage::Update(update) => self.apply(update)?,
        }
        Ok(())
    }

    fn apply(&self, update: &[u8]) -> Outcome {
        Ok(self.doc.transact_mut().apply_update(Update::decode_v1(update)?)?)
    }
}
