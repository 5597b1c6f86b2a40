//! The store of many nodes: one PostgreSQL, or a distributed database that speaks its protocol.
//!
//! - A change becomes a list of statements (`steps`, `tables`, `removals`), which are sent in one piece and answered in one
//!   piece (`flight`). The first that fails names the conflict; what is tried again, and for how long, and what to
//!   make of an answer that never came, stands in `commit` and `outage`.
//! - A read is one query (`port`, `queries`, `lists`), and is asked again if the connection broke.
//! - What the tables are stands in the migrations (`schema`). Nothing but `paydesk migrate` runs those: many nodes
//!   start at once, and of two versions.
//! - `connect` knows the server: the URL, TLS, the pool, what is set on each connection; `hosts` reaches it where the
//!   URL names many.

pub use connect::{Address, AddressError, OpenError, Settings};
pub use import::{ImportError, Moved, Moving};

mod ask;
mod cell;
mod commit;
mod connect;
mod decode;
mod flight;
mod hosts;
mod import;
mod lists;
mod outage;
mod port;
mod queries;
mod removals;
mod schema;
mod steps;
mod tables;
#[cfg(test)]
mod tests;

use std::sync::atomic::AtomicU16;

use deadpool_postgres::Pool;
use paydesk_core::store::Unavailable;

use outage::Outage;

/// A store in a PostgreSQL database. Any number of processes may use the same one.
pub struct PostgresStore {
    pool: Pool,
    outage: Outage,
    /// Whose turn it is to add to which slot of a total.
    turn: AtomicU16,
}

impl std::fmt::Debug for PostgresStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PostgresStore")
            .field("pool", &self.pool.status())
            .finish_non_exhaustive()
    }
}

impl PostgresStore {
    /// Connects to a database, and refuses one whose schema is not this version's, or into which not everything was
    /// moved yet that should be there.
    pub async fn open(address: &Address, settings: Settings) -> Result<Self, OpenError> {
        let store = Self::with(address, settings)?;
        let client = store.first_connection().await?;
        schema::check(&**client).await?;
        import::check(&**client).await?;
        drop(client);
        Ok(store)
    }

    /// Connects to a database, and brings its schema to this version first. Refuses one into which not everything was
    /// moved yet.
    pub async fn migrate(address: &Address, settings: Settings) -> Result<Self, OpenError> {
        let store = Self::open_to_move_into(address, settings).await?;
        import::check(&**store.first_connection().await?).await?;
        Ok(store)
    }

    /// The same, to [move](Self::move_from) into it, or to go on with that.
    pub async fn open_to_move_into(
        address: &Address,
        settings: Settings,
    ) -> Result<Self, OpenError> {
        let store = Self::with(address, settings)?;
        schema::migrate(&mut *store.first_connection().await?).await?;
        Ok(store)
    }

    fn with(address: &Address, settings: Settings) -> Result<Self, OpenError> {
        Ok(Self {
            pool: connect::pool(address, &settings)?,
            outage: Outage::new(settings.patience),
            turn: AtomicU16::new(0),
        })
    }

    /// The first connection tells what is wrong with the address: nothing is waited for.
    async fn first_connection(&self) -> Result<deadpool_postgres::Object, OpenError> {
        let client = self.pool.get().await;
        client.map_err(|error| OpenError::Unreachable(connect::pool_told(&error)))
    }

    /// The settings that decide whether what is committed survives the server's fall, and what they are for us.
    pub async fn durability(&self) -> Result<Vec<(String, String)>, Unavailable> {
        let rows = self.rows(queries::DURABILITY, &[]).await?;
        rows.iter()
            .map(|row| Ok((decode::get(row, 0)?, decode::get(row, 1)?)))
            .collect()
    }

    /// Ends all connections. Everything asked for later is [`Unavailable`].
    pub fn close(&self) {
        self.pool.close();
    }
}
