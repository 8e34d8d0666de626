//! Tests of the rules in `docs/realtime.md`; each name begins with the rule's number.

mod afar;
mod connections;
mod docs;
mod mutations;
mod presence;
mod resume;
mod rights;
mod room;
mod rules;
mod slow;
mod stream;
mod support;
