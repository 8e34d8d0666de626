//! A shared text in memory: pure, no clock, no database. The only place that knows `yrs`.

use grove_core_api::limits;
use grove_core_api::realtime::binary::{self, Clocks, Malformed, TEXT_NAME, UpdateSummary};
use std::panic::{AssertUnwindSafe, catch_unwind};
use yrs::updates::decoder::Decode;
use yrs::updates::encoder::Encode;
use yrs::{
    Doc, GetString, OffsetKind, Options, ReadTxn, StateVector, Text, TextRef, Transact, Update,
};

/// Why an update was not applied; the text is as before, except after [`Refusal::Broken`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refusal {
    /// It is no update of a shared text.
    #[error("{0}")]
    Malformed(#[from] Malformed),
    /// It builds on something that never came.
    #[error("the update builds on changes that are not here")]
    Lacks,
    /// The update itself.
    #[error("an update has at most {} KiB", limits::DOC_UPDATE_BYTES / 1024)]
    Update,
    /// The text would become too long.
    #[error("the text would become longer than {} KiB", .0 / 1024)]
    Text(usize),
    /// The text with the traces of what was deleted would become too large.
    #[error("the text has changed so often that no more fits: start a new one")]
    Document,
    /// The library gave up in the middle: this copy must be dropped and read again.
    #[error("the update cannot be applied")]
    Broken,
}

/// A shared text.
pub(crate) struct Document {
    doc: Doc,
    text: TextRef,
    /// At least as many bytes as the encoded state has.
    bytes: usize,
}

impl Default for Document {
    fn default() -> Self {
        let options = Options { offset_kind: OffsetKind::Bytes, ..Options::default() };
        let doc = Doc::with_options(options);
        let text = doc.get_or_insert_text(TEXT_NAME);
        Self { doc, text, bytes: 0 }
    }
}

impl Document {
    /// Makes a document that holds a text.
    pub(crate) fn of_text(text: &str) -> Self {
        let mut document = Self::default();
        document.replace(text);
        document
    }

    /// Puts a document together from what is stored.
    ///
    /// # Errors
    /// `Broken` when what is stored cannot be read.
    pub(crate) fn of_updates<'a>(
        updates: impl IntoIterator<Item = &'a [u8]>,
    ) -> Result<Self, Refusal> {
        let mut document = Self::default();
        for update in updates {
            if !update.is_empty() {
                document.merge(update)?;
            }
        }
        Ok(document)
    }

    /// Applies somebody's update; returns what is new in it, or `None` when nothing is.
    ///
    /// # Errors
    /// Why not.
    pub(crate) fn apply(
        &mut self,
        update: &[u8],
        text_limit: usize,
    ) -> Result<Option<Vec<u8>>, Refusal> {
        if update.len() > limits::DOC_UPDATE_BYTES {
            return Err(Refusal::Update);
        }
        let summary = UpdateSummary::read(update)?;
        if !summary.fits(&self.clocks()?) {
            return Err(Refusal::Lacks);
        }
        if self.bytes + update.len() > limits::DOC_BYTES {
            self.bytes = self.encode().len();
        }
        let may_be_long = self.text_bytes() + summary.text_bytes > text_limit;
        let may_be_large = self.bytes + update.len() > limits::DOC_BYTES;
        if (may_be_long && summary.text_bytes > 0) || may_be_large {
            self.try_out(update, text_limit)?;
        }
        self.merge(update)
    }

    /// Applies the update to a copy, to see how large it gets.
    fn try_out(&self, update: &[u8], text_limit: usize) -> Result<(), Refusal> {
        let mut copy = Self::of_updates([self.encode().as_slice()])?;
        copy.merge(update)?;
        if copy.encode().len() > limits::DOC_BYTES {
            return Err(Refusal::Document);
        }
        if copy.text_bytes() > text_limit {
            return Err(Refusal::Text(text_limit));
        }
        Ok(())
    }

    /// Applies an update that fits.
    pub(crate) fn merge(&mut self, update: &[u8]) -> Result<Option<Vec<u8>>, Refusal> {
        // The library has checks that panic; one person's bytes must not end the task of another.
        let merged = catch_unwind(AssertUnwindSafe(|| {
            let update = Update::decode_v1(update).or(Err(Refusal::Broken))?;
            let mut transaction = self.doc.transact_mut();
            transaction.apply_update(update).or(Err(Refusal::Broken))?;
            if transaction.has_missing_updates() {
                return Err(Refusal::Broken);
            }
            Ok(transaction.has_changes().then(|| transaction.encode_update_v1()))
        }));
        let news = merged.unwrap_or(Err(Refusal::Broken))?;
        self.bytes += news.as_ref().map_or(0, Vec::len);
        Ok(news)
    }

    /// Changes the text to another one, in the middle where they differ; returns the update.
    pub(crate) fn replace(&mut self, to: &str) -> Option<Vec<u8>> {
        let from = self.text();
        let (start, removed, inserted) = difference(&from, to)?;
        let mut transaction = self.doc.transact_mut();
        self.text.remove_range(&mut transaction, start, removed);
        self.text.insert(&mut transaction, start, inserted);
        let update = transaction.encode_update_v1();
        self.bytes += update.len();
        Some(update)
    }

    /// The text as it stands.
    pub(crate) fn text(&self) -> String {
        self.text.get_string(&self.doc.transact())
    }

    /// Length of the text.
    pub(crate) fn text_bytes(&self) -> usize {
        usize::try_from(self.text.len(&self.doc.transact())).unwrap_or(usize::MAX)
    }

    /// The state vector, encoded.
    pub(crate) fn state_vector(&self) -> Vec<u8> {
        self.doc.transact().state_vector().encode_v1()
    }

    /// What somebody with this state vector lacks, as an update.
    ///
    /// # Errors
    /// `Malformed` when it is none.
    pub(crate) fn diff(&self, state_vector: &[u8]) -> Result<Vec<u8>, Refusal> {
        binary::decode_state_vector(state_vector)?;
        let known = StateVector::decode_v1(state_vector).or(Err(Malformed::Short))?;
        Ok(self.doc.transact().encode_state_as_update_v1(&known))
    }

    /// The whole state as one update.
    pub(crate) fn encode(&self) -> Vec<u8> {
        self.doc.transact().encode_state_as_update_v1(&StateVector::default())
    }

    fn clocks(&self) -> Result<Clocks, Malformed> {
        binary::decode_state_vector(&self.state_vector())
    }
}

/// Where two texts differ: start, bytes removed there, text inserted there. `None` when they do not.
fn difference<'a>(from: &str, to: &'a str) -> Option<(u32, u32, &'a str)> {
    if from == to {
        return None;
    }
    let same = from.bytes().zip(to.bytes()).take_while(|(a, b)| a == b).count();
    let start = (0..=same)
        .rev()
        .find(|at| from.is_char_boundary(*at) && to.is_char_boundary(*at))
        .unwrap_or(0);
    let (from_rest, to_rest) = (&from[start..], &to[start..]);
    let same = from_rest.bytes().rev().zip(to_rest.bytes().rev()).take_while(|(a, b)| a == b);
    let end = (0..=same.count())
        .rev()
        .find(|back| {
            from_rest.is_char_boundary(from_rest.len() - back)
                && to_rest.is_char_boundary(to_rest.len() - back)
        })
        .unwrap_or(0);
    let removed = u32::try_from(from_rest.len() - end).ok()?;
    Some((u32::try_from(start).ok()?, removed, &to_rest[..to_rest.len() - end]))
}
