//! What an executor may use and reach: the instance's word, narrowed by its repository's policy.

use crate::error::Error;
use grove_core_api::isolation::{ExecutorLimits, IsolationMode, NetworkProfile};
use grove_core_api::limits;
use grove_core_api::rest::executors::{ExecutorPolicy, ResourceLimits};
use serde::{Deserialize, Serialize};

const MIB: u64 = 1 << 20;
/// Most of anything that is counted in MiB: 16 TiB.
const MOST_MIB: u32 = 16 << 20;

/// What executors may use and reach. Every limit that is absent is the host's own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Allowance {
    pub(crate) network: NetworkProfile,
    /// How much isolation is insisted on; absent: as much as by the monitor.
    pub(crate) isolation: Option<IsolationMode>,
    pub(crate) limits: ResourceLimits,
}

/// One limit: its name, how to reach it, what it may be.
struct Field {
    name: &'static str,
    value: fn(&ResourceLimits) -> Option<u32>,
    slot: fn(&mut ResourceLimits) -> &mut Option<u32>,
    least: u32,
    most: u32,
}

const FIELDS: [Field; 5] = [
    Field {
        name: "processes",
        value: |it| it.processes,
        slot: |it| &mut it.processes,
        least: 16,
        most: 65_536,
    },
    Field {
        name: "memory_mib",
        value: |it| it.memory_mib,
        slot: |it| &mut it.memory_mib,
        least: 64,
        most: MOST_MIB,
    },
    Field {
        name: "cpu_percent",
        value: |it| it.cpu_percent,
        slot: |it| &mut it.cpu_percent,
        least: 5,
        most: 102_400,
    },
    Field {
        name: "tmp_mib",
        value: |it| it.tmp_mib,
        slot: |it| &mut it.tmp_mib,
        least: 1,
        most: MOST_MIB,
    },
    Field {
        name: "disk_mib",
        value: |it| it.disk_mib,
        slot: |it| &mut it.disk_mib,
        least: 1,
        most: MOST_MIB,
    },
];

impl Allowance {
    /// The instance's, from what `grove.toml` says; what it leaves out has a default.
    pub(crate) fn of_instance(
        network: NetworkProfile,
        isolation: IsolationMode,
        said: &ResourceLimits,
    ) -> Self {
        let limits = ResourceLimits {
            processes: said.processes.or(Some(limits::EXECUTOR_PROCESSES)),
            memory_mib: said.memory_mib.or(Some(limits::EXECUTOR_MEMORY_MIB)),
            cpu_percent: said.cpu_percent,
            tmp_mib: said.tmp_mib.or(Some(limits::EXECUTOR_TMP_MIB)),
            disk_mib: said.disk_mib.or(Some(limits::EXECUTOR_DISK_MIB)),
        };
        Self { network, isolation: Some(isolation), limits }
    }

    /// What is left under a repository's policy: of each the smaller, however the policy came to be.
    pub(crate) fn narrowed(mut self, policy: &ExecutorPolicy) -> Self {
        if let Some(network) = policy.network
            && reach(network) < reach(self.network)
        {
            self.network = network;
        }
        let own = self.isolation.unwrap_or(IsolationMode::Off);
        self.isolation = Some(own.or_stricter(policy.isolation));
        for field in &FIELDS {
            let slot = (field.slot)(&mut self.limits);
            if let Some(wanted) = (field.value)(&policy.limits) {
                *slot = Some(slot.map_or(wanted, |most| most.min(wanted)));
            }
        }
        self
    }

    /// Refuses a policy that would permit more than this, or holds a number out of range.
    ///
    /// # Errors
    /// `InvalidRequest` naming the field and what it may be.
    pub(crate) fn check(&self, policy: &ExecutorPolicy) -> Result<(), Error> {
        if let Some(network) = policy.network
            && reach(network) > reach(self.network)
        {
            let own = name(self.network);
            let message = format!("must be `{own}` or less: the instance permits no more");
            return Err(Error::field("policy.network", message));
        }
        if let (Some(wanted), Some(own)) = (policy.isolation, self.isolation)
            && own.or_stricter(Some(wanted)) != wanted
        {
            let message = format!("must be `{}` or more: the instance insists on it", own.name());
            return Err(Error::field("policy.isolation", message));
        }
        if let Some((field, range)) = out_of_range(&policy.limits) {
            return Err(Error::field(&format!("policy.limits.{field}"), range));
        }
        for field in &FIELDS {
            let (wanted, most) = ((field.value)(&policy.limits), (field.value)(&self.limits));
            if let (Some(wanted), Some(most)) = (wanted, most)
                && wanted > most
            {
                let message = format!("must be at most {most}: the instance permits no more");
                return Err(Error::field(&format!("policy.limits.{}", field.name), message)
                    .hint("`[limits]` in grove.toml says what the instance permits"));
            }
        }
        Ok(())
    }

    /// As the monitor is told.
    pub(crate) fn for_monitor(&self) -> ExecutorLimits {
        ExecutorLimits {
            processes: self.limits.processes,
            memory_bytes: self.limits.memory_mib.map(|mib| u64::from(mib) * MIB),
            cpu_percent: self.limits.cpu_percent,
            tmp_bytes: self.limits.tmp_mib.map(|mib| u64::from(mib) * MIB),
        }
    }

    /// Most bytes of the worktree.
    pub(crate) fn disk_bytes(&self) -> Option<u64> {
        self.limits.disk_mib.map(|mib| u64::from(mib) * MIB)
    }
}

/// The first limit that is out of its range, with what it may be.
pub(crate) fn out_of_range(limits: &ResourceLimits) -> Option<(&'static str, String)> {
    FIELDS.iter().find_map(|field| {
        let value = (field.value)(limits)?;
        let (least, most) = (field.least, field.most);
        let is_fine = (least..=most).contains(&value);
        (!is_fine).then(|| (field.name, format!("is {value}, but must be {least} to {most}")))
    })
}

/// How far a profile reaches; more is less contained.
const fn reach(network: NetworkProfile) -> u8 {
    match network {
        NetworkProfile::None => 0,
        NetworkProfile::Proxy => 1,
        NetworkProfile::Shared => 2,
    }
}

const fn name(network: NetworkProfile) -> &'static str {
    match network {
        NetworkProfile::None => "none",
        NetworkProfile::Proxy => "proxy",
        NetworkProfile::Shared => "shared",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn instance() -> Allowance {
        Allowance::of_instance(
            NetworkProfile::Proxy,
            IsolationMode::BestEffort,
            &ResourceLimits::default(),
        )
    }

    fn policy(network: Option<NetworkProfile>, limits: ResourceLimits) -> ExecutorPolicy {
        ExecutorPolicy { network, limits, ..ExecutorPolicy::default() }
    }

    #[test]
    fn a_policy_narrows_and_never_widens() {
        let wide = policy(
            Some(NetworkProfile::Shared),
            ResourceLimits {
                processes: Some(60_000),
                memory_mib: Some(128),
                cpu_percent: Some(50),
                ..ResourceLimits::default()
            },
        );
        let allowance = instance().narrowed(&wide);
        assert_eq!(allowance.network, NetworkProfile::Proxy);
        assert_eq!(allowance.limits.processes, Some(limits::EXECUTOR_PROCESSES));
        assert_eq!(allowance.limits.memory_mib, Some(128));
        assert_eq!(allowance.limits.cpu_percent, Some(50));
        assert_eq!(allowance.for_monitor().memory_bytes, Some(128 << 20));
        let none =
            instance().narrowed(&policy(Some(NetworkProfile::None), ResourceLimits::default()));
        assert_eq!(none.network, NetworkProfile::None);
    }

    #[test]
    fn what_is_too_much_or_out_of_range_is_refused_with_the_bound() {
        let refused = |policy: ExecutorPolicy| instance().check(&policy).unwrap_err();
        let too_much = ResourceLimits { processes: Some(513), ..ResourceLimits::default() };
        let error = refused(policy(None, too_much));
        assert!(error.detail().contains("at most 512"), "{error}");
        let tiny = ResourceLimits { memory_mib: Some(1), ..ResourceLimits::default() };
        let error = refused(policy(None, tiny));
        assert!(error.detail().contains("64 to"), "{error}");
        let error = refused(policy(Some(NetworkProfile::Shared), ResourceLimits::default()));
        assert!(error.detail().contains("`proxy`"), "{error}");
        // The instance sets no limit of processor time, so any is less.
        let cpu = ResourceLimits { cpu_percent: Some(800), ..ResourceLimits::default() };
        assert!(instance().check(&policy(None, cpu)).is_ok());
    }

    #[test]
    fn isolation_is_raised_by_a_policy_and_never_lowered() {
        use IsolationMode::{BestEffort, Off, Strict};
        let asks = |isolation| ExecutorPolicy { isolation, ..ExecutorPolicy::default() };
        for own in [Off, BestEffort, Strict] {
            let allowance = Allowance { isolation: Some(own), ..instance() };
            assert_eq!(allowance.narrowed(&asks(None)).isolation, Some(own));
            assert_eq!(allowance.narrowed(&asks(Some(Strict))).isolation, Some(Strict));
            assert_eq!(allowance.narrowed(&asks(Some(Off))).isolation, Some(own));
            assert!(allowance.check(&asks(Some(Strict))).is_ok());
            assert_eq!(allowance.check(&asks(Some(Off))).is_ok(), own == Off);
            assert_eq!(allowance.check(&asks(Some(BestEffort))).is_ok(), own != Strict);
        }
        let error = Allowance { isolation: Some(Strict), ..instance() }.check(&asks(Some(Off)));
        assert!(error.unwrap_err().detail().contains("`strict`"));
    }

    proptest! {
        #[test]
        fn whatever_is_accepted_is_what_is_given(
            processes in prop::option::of(0_u32..70_000),
            memory_mib in prop::option::of(0_u32..10_000),
            disk_mib in prop::option::of(0_u32..20_000),
        ) {
            let wanted = ResourceLimits { processes, memory_mib, disk_mib, ..ResourceLimits::default() };
            let policy = policy(None, wanted);
            let given = instance().narrowed(&policy).limits;
            prop_assert!(given.processes <= instance().limits.processes);
            prop_assert!(given.memory_mib <= instance().limits.memory_mib);
            prop_assert!(given.disk_mib <= instance().limits.disk_mib);
            if instance().check(&policy).is_ok() {
                prop_assert!(processes.is_none() || given.processes == processes);
                prop_assert!(memory_mib.is_none() || given.memory_mib == memory_mib);
                prop_assert!(disk_mib.is_none() || given.disk_mib == disk_mib);
            }
        }
    }
}
