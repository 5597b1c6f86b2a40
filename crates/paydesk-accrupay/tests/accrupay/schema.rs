//! The schema that is served is the one that is checked in. To write it anew: `UPDATE_SCHEMA=1 cargo test -p
//! paydesk-accrupay --test accrupay schema`.

use std::path::Path;

#[test]
fn the_schema_in_the_repository_is_what_is_served() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("schema.graphql");
    let served = paydesk_accrupay::sdl();
    if std::env::var_os("UPDATE_SCHEMA").is_some() {
        std::fs::write(&path, &served).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        written == served,
        "schema.graphql is not what is served: write it with UPDATE_SCHEMA=1 and look at what changed"
    );
}
