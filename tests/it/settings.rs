//! Settings of the instance outlive it.

use grove_tests::{Backend, Instance, Outcome, Setup};

#[tokio::test]
async fn the_owner_is_the_same_person_after_a_restart() -> Outcome {
    for backend in Backend::all()? {
        let mut grove: Instance = Setup::default().on(backend).start().await?;
        let before = grove.client()?.me().await?;
        grove.stop()?;
        grove.launch().await?;
        assert_eq!(grove.client()?.me().await?, before);
        grove.end().await?;
    }
    Ok(())
}
