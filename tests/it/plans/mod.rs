//! Random plans: clients that join, change, point, break off, stop reading and come back, while daemons
//! are killed; and what must be true of it whatever happens.
//!
//! `PLANS=n` sets how many plans are tried, `PLANS_SEED=n` the first seed. A plan that fails is made
//! smaller and written to a file; `PLAN=file` does it again.

mod actor;
mod plan;
mod run;

use crate::two_nodes::Pair;
use anyhow::Context;
use grove_tests::{Instance, Outcome, say, variable};
use plan::Plan;
use std::fs;
use std::path::PathBuf;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// Plans when nobody says how many.
const PLANS: u64 = 12;
/// Of how many plans one is done on two daemons as well.
const OF_ONE_DAEMON: u64 = 4;
/// Smaller plans that are tried when one fails.
const SMALLER: usize = 12;

fn number(name: &str) -> Outcome<Option<u64>> {
    let read = |text: String| text.parse().with_context(|| format!("{name} is no number"));
    variable(name).map(read).transpose()
}

fn first_seed() -> Outcome<u64> {
    if let Some(seed) = number("PLANS_SEED")? {
        return Ok(seed);
    }
    #[expect(clippy::disallowed_methods, reason = "other plans with each run")]
    let since = SystemTime::now().duration_since(UNIX_EPOCH)?;
    Ok(since.as_secs())
}

/// Does a plan; one that fails is made smaller and written down.
async fn prove(plan: &Plan, nodes: &[&Instance]) -> Outcome {
    let Err(mut error) = run::run(plan, nodes).await else { return Ok(()) };
    let mut least = plan.clone();
    let mut tries = 0;
    'smaller: while tries < SMALLER {
        let candidates: Vec<Plan> = least.smaller().collect();
        for candidate in candidates {
            tries += 1;
            if let Err(again) = run::run(&candidate, nodes).await {
                (least, error) = (candidate, again);
                continue 'smaller;
            }
            if tries >= SMALLER {
                break 'smaller;
            }
        }
        break;
    }
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
    let file = folder.join(format!("plan-{}-{}.json", plan.nodes, plan.seed));
    fs::write(&file, serde_json::to_string_pretty(&least)?)?;
    let (seed, file) = (plan.seed, file.display());
    Err(error.context(format!("the plan of the seed {seed} failed; do it again with PLAN={file}")))
}

async fn prove_all(plans: impl Iterator<Item = Plan>, nodes: &[&Instance]) -> Outcome {
    let started = Instant::now();
    let (mut count, mut steps) = (0_u32, 0);
    for plan in plans {
        steps += plan.steps.len();
        prove(&plan, nodes).await?;
        count += 1;
        if count.is_multiple_of(50) {
            say(&format!("{count} plans, {steps} steps, {:?}", started.elapsed()));
        }
    }
    let nodes = nodes.len();
    say(&format!("{count} plans of {steps} steps on {nodes} daemons in {:?}", started.elapsed()));
    Ok(())
}

fn replayed(nodes: usize) -> Outcome<Option<Plan>> {
    let Some(file) = variable("PLAN") else { return Ok(None) };
    let plan: Plan = serde_json::from_str(&fs::read_to_string(&file)?)?;
    Ok((plan.nodes == nodes).then_some(plan))
}

#[tokio::test]
async fn whatever_clients_and_a_daemon_do_nothing_is_lost_doubled_or_out_of_order() -> Outcome {
    let grove = Instance::start().await?;
    if variable("PLAN").is_some() {
        if let Some(plan) = replayed(1)? {
            prove(&plan, &[&grove]).await?;
        }
        return grove.end().await;
    }
    let (seed, plans) = (first_seed()?, number("PLANS")?.unwrap_or(PLANS));
    prove_all((seed..seed + plans).map(|seed| Plan::random(seed, 1)), &[&grove]).await?;
    grove.end().await
}

#[tokio::test]
async fn whatever_clients_and_two_daemons_do_nothing_is_lost_doubled_or_out_of_order() -> Outcome {
    let Some(pair) = Pair::start().await? else { return Ok(()) };
    let nodes = [&pair.alpha, &pair.beta];
    if variable("PLAN").is_some() {
        if let Some(plan) = replayed(2)? {
            prove(&plan, &nodes).await?;
        }
        return pair.end().await;
    }
    let plans = number("PLANS")?.unwrap_or(PLANS).div_ceil(OF_ONE_DAEMON);
    let seed = first_seed()?;
    prove_all((seed..seed + plans).map(|seed| Plan::random(seed, 2)), &nodes).await?;
    pair.end().await
}
