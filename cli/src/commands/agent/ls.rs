//! `grove agent ls`.

use crate::client::Api;
use crate::error::CliError;
use crate::output::{Output, table};
use grove_core_api::rest::instance::Instance;

pub(super) async fn run(api: &Api, output: &Output) -> Result<(), CliError> {
    output.answer(&api.get::<Instance>("/instance", &()).await?, people)
}

fn people(instance: &Instance) -> String {
    let row = |agent: &str, name: &str, title: &str| {
        vec![agent.to_owned(), name.to_owned(), title.to_owned()]
    };
    let rows = instance.agents.iter().flat_map(|agent| {
        let head = row(&agent.name, "", &agent.description);
        let models = agent.models.iter().map(|model| row("", &model.name, &model.title));
        std::iter::once(head).chain(models).collect::<Vec<_>>()
    });
    table(&["agent", "model", "title"], rows.collect())
}
