//! Hosts that can do less: strict refuses and names the layer, best effort goes on and says so.
//!
//! Landlock and namespaces are two walls of which strict demands one.

use crate::fixture::{Fixture, Mode};
use crate::host;
use anyhow::{Context, ensure};
use grove_core_api::isolation::{Layer, LayerState};
use grove_tests::Outcome;
use serde::Deserialize;

/// What a start on a lesser host came to.
#[derive(Debug, Deserialize)]
struct Start {
    /// Layer that the start was refused for.
    refused: Option<Layer>,
    /// What went wrong, in words.
    #[serde(default)]
    detail: String,
    #[serde(default)]
    layers: Vec<LayerState>,
}

fn start(fixture: &Fixture, lack: &str, is_strict: bool) -> Outcome<Start> {
    let mode = if is_strict { "strict" } else { "best_effort" };
    let account = fixture.people.as_ref().context("no accounts")?.attacker.name.as_str();
    let directory = fixture.targets.same_worktree.as_str();
    let said = host::run(&fixture.program, &["degraded", lack, mode, account, directory])?;
    serde_json::from_str(&said).with_context(|| said)
}

fn holds(start: &Start, layer: Layer) -> bool {
    start.layers.iter().any(|it| it.layer == layer && it.is_on)
}

/// A start without the layer: it is said to be off, and the others hold.
fn holds_without(start: &Start, layer: Layer, others: &[Layer]) -> Outcome {
    ensure!(start.refused.is_none(), "{start:?}");
    let state = start.layers.iter().find(|it| it.layer == layer);
    let state = state.with_context(|| format!("nothing is said of it: {start:?}"))?;
    ensure!(!state.is_on && !state.detail.is_empty(), "{state:?}");
    for other in others {
        ensure!(holds(start, *other), "{} does not hold: {start:?}", other.name());
    }
    Ok(())
}

/// The control: with nothing lacking, the layer holds.
fn control(fixture: &Fixture, layer: Layer) -> Outcome {
    let whole = start(fixture, "nothing", true)?;
    ensure!(holds(&whole, layer), "the control: {whole:?}");
    Ok(())
}

/// Strict refuses for want of the layer; best effort starts, without it and with others.
fn is_required(lack: &str, layer: Layer, others: &[Layer]) -> Outcome {
    let fixture = crate::fixture(Mode::Shared)?;
    control(&fixture, layer)?;
    let strict = start(&fixture, lack, true)?;
    ensure!(strict.refused == Some(layer), "strict: {strict:?}");
    holds_without(&start(&fixture, lack, false)?, layer, others)
}

/// One of the two walls lacks, and the other stands: both modes start and say so.
fn is_reported(lack: &str, layer: Layer, others: &[Layer]) -> Outcome {
    let fixture = crate::fixture(Mode::Shared)?;
    control(&fixture, layer)?;
    holds_without(&start(&fixture, lack, true)?, layer, others)?;
    holds_without(&start(&fixture, lack, false)?, layer, others)
}

pub(crate) fn a_kernel_without_landlock() -> Outcome {
    is_reported("landlock", Layer::Landlock, &[Layer::Account, Layer::Namespaces, Layer::Seccomp])
}

pub(crate) fn a_container_without_the_right_to_mount() -> Outcome {
    is_reported(
        "sys_admin",
        Layer::Namespaces,
        &[Layer::Account, Layer::Landlock, Layer::Seccomp, Layer::NoNewPrivs],
    )
}

pub(crate) fn a_container_whose_filter_does_not_know_clone3() -> Outcome {
    is_reported("clone3", Layer::Namespaces, &[Layer::Account, Layer::Landlock, Layer::Seccomp])
}

pub(crate) fn a_host_with_neither_wall() -> Outcome {
    let fixture = crate::fixture(Mode::Shared)?;
    let strict = start(&fixture, "landlock,sys_admin", true)?;
    let walls = [Some(Layer::Landlock), Some(Layer::Namespaces)];
    ensure!(walls.contains(&strict.refused), "strict: {strict:?}");
    let best = start(&fixture, "landlock,sys_admin", false)?;
    holds_without(&best, Layer::Landlock, &[Layer::Account, Layer::NoNewPrivs, Layer::Seccomp])?;
    holds_without(&best, Layer::Namespaces, &[Layer::Capabilities])
}

pub(crate) fn a_kernel_without_seccomp() -> Outcome {
    is_required("seccomp", Layer::Seccomp, &[Layer::Account, Layer::Namespaces, Layer::Landlock])
}

/// Another account is never given up: nothing may run as the wrong one.
fn is_refused(lack: &str) -> Outcome {
    let fixture = crate::fixture(Mode::Shared)?;
    for is_strict in [true, false] {
        let start = start(&fixture, lack, is_strict)?;
        ensure!(start.refused == Some(Layer::Account), "{start:?}");
        ensure!(!start.detail.is_empty(), "{start:?}");
    }
    Ok(())
}

pub(crate) fn without_the_right_to_change_the_account() -> Outcome {
    is_refused("setuid")
}

pub(crate) fn without_the_right_to_change_groups() -> Outcome {
    is_refused("setgid")
}
