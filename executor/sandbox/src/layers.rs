//! Sets of layers.

use grove_core_api::isolation::Layer;

/// A set of layers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LayerSet(u16);

const ALL: [Layer; 9] = [
    Layer::Cgroup,
    Layer::Limits,
    Layer::Namespaces,
    Layer::Network,
    Layer::Account,
    Layer::Capabilities,
    Layer::NoNewPrivs,
    Layer::Landlock,
    Layer::Seccomp,
];

impl LayerSet {
    /// Every layer.
    #[must_use]
    pub fn all() -> Self {
        ALL.into_iter().fold(Self::none(), Self::with)
    }

    /// No layer.
    #[must_use]
    pub const fn none() -> Self {
        Self(0)
    }

    /// What strict isolation insists on: [`start`](crate::start()) takes Landlock in it for Landlock or
    /// namespaces, each of which shuts out other people's files.
    #[must_use]
    pub fn strict() -> Self {
        [
            Layer::Cgroup,
            Layer::Limits,
            Layer::Capabilities,
            Layer::NoNewPrivs,
            Layer::Landlock,
            Layer::Seccomp,
        ]
        .into_iter()
        .collect()
    }

    /// The set and this layer.
    #[must_use]
    pub const fn with(self, layer: Layer) -> Self {
        Self(self.0 | 1 << layer as u16)
    }

    /// The set but for this layer.
    #[must_use]
    pub const fn without(self, layer: Layer) -> Self {
        Self(self.0 & !(1 << layer as u16))
    }

    /// Whether the layer is in the set.
    #[must_use]
    pub const fn contains(self, layer: Layer) -> bool {
        self.0 & (1 << layer as u16) != 0
    }

    /// The layers in the set, in the order of application.
    pub fn iter(self) -> impl Iterator<Item = Layer> {
        ALL.into_iter().filter(move |layer| self.contains(*layer))
    }
}

impl FromIterator<Layer> for LayerSet {
    fn from_iter<I: IntoIterator<Item = Layer>>(layers: I) -> Self {
        layers.into_iter().fold(Self::none(), Self::with)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_holds_what_was_put_in_and_not_taken_out() {
        let set: LayerSet = [Layer::Landlock, Layer::Cgroup].into_iter().collect();
        assert_eq!(set.iter().collect::<Vec<_>>(), [Layer::Cgroup, Layer::Landlock]);
        assert_eq!(set.without(Layer::Cgroup).iter().count(), 1);
        assert_eq!(LayerSet::all().iter().collect::<Vec<_>>(), ALL);
        assert!(!LayerSet::all().without(Layer::Seccomp).contains(Layer::Seccomp));
    }
}
