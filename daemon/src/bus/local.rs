//! The bus inside one process: nobody at all for a daemon alone, or hubs that hear each other.

use super::{Bus, Inbox, Message, NodeId, Standing};
use grove_core_api::limits;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::mpsc;

type Members = Vec<(NodeId, mpsc::Sender<(NodeId, Message)>)>;

/// Where buses of one process meet.
#[derive(Clone, Debug, Default)]
pub struct Exchange {
    members: Arc<Mutex<Members>>,
}

/// A bus inside this process.
#[derive(Debug)]
pub struct InProcess {
    node: NodeId,
    name: String,
    exchange: Option<Exchange>,
}

impl InProcess {
    /// The bus of a daemon that has no others.
    #[must_use]
    pub const fn alone() -> Self {
        Self { node: NodeId::ALONE, name: String::new(), exchange: None }
    }

    /// Joins an exchange, until the inbox is dropped.
    #[must_use]
    pub fn join(exchange: &Exchange, node: NodeId, name: &str) -> (Self, Inbox) {
        let (sender, inbox) = mpsc::channel(limits::BUS_QUEUE);
        exchange.lock().push((node, sender));
        let exchange = Some(exchange.clone());
        (Self { node, name: name.to_owned(), exchange }, inbox)
    }
}

impl Exchange {
    fn lock(&self) -> std::sync::MutexGuard<'_, Members> {
        self.members.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Bus for InProcess {
    fn node(&self) -> NodeId {
        self.node
    }

    fn name(&self) -> &str {
        &self.name
    }

    fn is_shared(&self) -> bool {
        self.exchange.is_some()
    }

    fn publish(&self, message: Message) {
        let Some(exchange) = &self.exchange else { return };
        exchange.lock().retain(|(node, member)| {
            let is_other = *node != self.node;
            // A member that is behind misses the message and notices it by the gap.
            let sent =
                if is_other { member.try_send((self.node, message.clone())) } else { Ok(()) };
            !matches!(sent, Err(mpsc::error::TrySendError::Closed(_)))
        });
    }

    fn standing(&self) -> Standing {
        if self.is_shared() { Standing::Open } else { Standing::Alone }
    }
}
