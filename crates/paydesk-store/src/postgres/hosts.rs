//! Many hosts: a connection to the one that accepts writes, however silent the others are.
//!
//! The driver by itself goes from one host to the next and waits for each. A host whose machine is gone takes it seconds,
//! and one that accepts connections and says no more takes it for good. So each is given a head start, and the next is
//! tried beside it; whichever lets us in first is used. There is only one that accepts writes: the order decides nothing.

use std::net::IpAddr;
use std::time::Duration;

use deadpool_postgres::Connect;
use futures_util::future::BoxFuture;
use futures_util::stream::{FuturesUnordered, StreamExt as _};
use paydesk_core::id::{Ids as _, SystemIds};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_postgres::config::{Host, LoadBalanceHosts};
use tokio_postgres::tls::{MakeTlsConnect, TlsConnect};
use tokio_postgres::{Client, Config, Connection, Error, Socket};

/// How long an address has for itself before the next is tried as well.
const HEAD_START: Duration = Duration::from_millis(500);
/// The port of a host that names none.
const PORT: u16 = 5432;

/// Connects to whichever of a URL's hosts lets us in.
pub(super) struct Hosts<T> {
    pub(super) tls: T,
}

impl<T> Connect for Hosts<T>
where
    T: MakeTlsConnect<Socket> + Clone + Sync + Send + 'static,
    T::Stream: Sync + Send,
    T::TlsConnect: Sync + Send,
    <T::TlsConnect as TlsConnect<Socket>>::Future: Send,
{
    fn connect(&self, config: &Config) -> BoxFuture<'_, Result<(Client, JoinHandle<()>), Error>> {
        let hosts = each_host(config).into_iter();
        let attempts = hosts.map(|host| attempt(self.tls.clone(), host));
        let attempts: Vec<_> = attempts.collect();
        Box::pin(async move {
            let (client, connection) = first_of(attempts).await?;
            let carried = tokio::spawn(async move {
                if let Err(error) = connection.await {
                    tracing::warn!(%error, "a connection to the database broke");
                }
            });
            Ok((client, carried))
        })
    }
}

/// How much longer a connection may take because there are many hosts.
pub(super) fn head_starts(config: &Config) -> Duration {
    (1..each_host(config).len()).map(|_| HEAD_START).sum()
}

type Connected<T> = (
    Client,
    Connection<Socket, <T as MakeTlsConnect<Socket>>::Stream>,
);
type Attempt<T> = BoxFuture<'static, Result<T, Error>>;

/// Connects to one host: to whichever of its addresses lets us in.
fn attempt<T>(tls: T, config: Config) -> Attempt<Connected<T>>
where
    T: MakeTlsConnect<Socket> + Clone + Sync + Send + 'static,
    T::Stream: Sync + Send,
    T::TlsConnect: Sync + Send,
    <T::TlsConnect as TlsConnect<Socket>>::Future: Send,
{
    Box::pin(async move {
        let connect = |config: Config| {
            let tls = tls.clone();
            Box::pin(async move { config.connect(tls).await }) as Attempt<Connected<T>>
        };
        let ([Host::Tcp(name)], []) = (config.get_hosts(), config.get_hostaddrs()) else {
            return connect(config).await;
        };
        let port = config.get_ports().first().copied();
        let found = tokio::net::lookup_host((name.as_str(), port.unwrap_or(PORT))).await;
        let found = found.into_iter().flatten();
        let mut each: Vec<_> = found
            .map(|address| {
                only(
                    &config,
                    config.get_hosts().first(),
                    Some(address.ip()),
                    port,
                )
            })
            .collect();
        if each.is_empty() {
            // The driver says what is wrong with the name.
            return connect(config).await;
        }
        mix(&config, &mut each);
        first_of(each.into_iter().map(connect).collect()).await
    })
}

/// The first that lets us in, or why the last that failed did not.
async fn first_of<T>(attempts: Vec<Attempt<T>>) -> Result<T, Error> {
    let mut waiting = attempts.into_iter();
    let mut running: FuturesUnordered<_> = waiting.next().into_iter().collect();
    loop {
        let done = if waiting.len() == 0 {
            running.next().await
        } else {
            timeout(HEAD_START, running.next())
                .await
                .unwrap_or_default()
        };
        match (done, waiting.next()) {
            (Some(Ok(connected)), _) => return Ok(connected),
            (Some(Err(error)), None) if running.is_empty() => return Err(error),
            (_, next) => running.extend(next),
        }
    }
}

/// What leads to each host alone.
fn each_host(config: &Config) -> Vec<Config> {
    let (hosts, addresses) = (config.get_hosts(), config.get_hostaddrs());
    let ports = config.get_ports();
    let count = hosts.len().max(addresses.len());
    let is_uneven = (!hosts.is_empty() && !addresses.is_empty() && hosts.len() != addresses.len())
        || (ports.len() > 1 && ports.len() != count);
    if is_uneven || count == 0 {
        // The driver says what is wrong with it.
        return vec![config.clone()];
    }
    let each = (0..count).map(|n| {
        // One port stands for all.
        let port = ports.get(n).or_else(|| ports.first()).copied();
        only(config, hosts.get(n), addresses.get(n).copied(), port)
    });
    let mut each: Vec<_> = each.collect();
    mix(config, &mut each);
    each
}

/// Where the URL wants the load spread, the order is another each time.
fn mix(config: &Config, each: &mut [Config]) {
    if config.get_load_balance_hosts() == LoadBalanceHosts::Random {
        each.sort_by_cached_key(|_| {
            let mut key = [0; 8];
            SystemIds.fill(&mut key);
            key
        });
    }
}

/// The same login and settings, for one address of one host. The driver has no way to take hosts out.
fn only(
    config: &Config,
    host: Option<&Host>,
    address: Option<IpAddr>,
    port: Option<u16>,
) -> Config {
    let mut one = Config::new();
    match host {
        Some(Host::Tcp(name)) => {
            one.host(name);
        }
        #[cfg(unix)]
        Some(Host::Unix(path)) => {
            one.host_path(path);
        }
        None => {}
    }
    address.map(|address| one.hostaddr(address));
    port.map(|port| one.port(port));
    config.get_user().map(|user| one.user(user));
    config.get_password().map(|password| one.password(password));
    config.get_dbname().map(|name| one.dbname(name));
    config.get_options().map(|options| one.options(options));
    config
        .get_application_name()
        .map(|name| one.application_name(name));
    config
        .get_connect_timeout()
        .map(|bound| one.connect_timeout(*bound));
    config
        .get_tcp_user_timeout()
        .map(|bound| one.tcp_user_timeout(*bound));
    config
        .get_keepalives_interval()
        .map(|time| one.keepalives_interval(time));
    config
        .get_keepalives_retries()
        .map(|tests| one.keepalives_retries(tests));
    one.keepalives(config.get_keepalives())
        .keepalives_idle(config.get_keepalives_idle())
        .ssl_mode(config.get_ssl_mode())
        .ssl_negotiation(config.get_ssl_negotiation())
        .target_session_attrs(config.get_target_session_attrs())
        .channel_binding(config.get_channel_binding())
        .load_balance_hosts(config.get_load_balance_hosts());
    one
}

#[cfg(test)]
mod tests {
    use std::str::FromStr as _;

    use super::*;

    /// Everything that a URL can say, besides where the hosts are.
    const ALL: &str = "user=u password=p dbname=d options='-c a=b' application_name=n sslmode=require \
        sslnegotiation=direct connect_timeout=7 tcp_user_timeout=8 keepalives=0 keepalives_idle=9 \
        keepalives_interval=10 keepalives_retries=11 target_session_attrs=read-write channel_binding=require \
        load_balance_hosts=random";

    #[test]
    fn of_many_hosts_each_is_left_with_all_that_the_url_says() {
        let read = |hosts: &str| Config::from_str(&format!("{ALL} {hosts}")).unwrap();
        let mut each = each_host(&read("host=a,b hostaddr=10.0.0.1,10.0.0.2 port=1,2"));
        each.sort_by_key(|one| one.get_ports().to_vec());
        let alone = [
            read("host=a hostaddr=10.0.0.1 port=1"),
            read("host=b hostaddr=10.0.0.2 port=2"),
        ];
        assert!(each == alone, "{each:?}\n{alone:?}");
    }
}
