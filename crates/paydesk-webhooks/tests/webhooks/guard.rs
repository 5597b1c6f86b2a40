//! Nothing that a merchant can write in a URL makes us call our own machine, unless the operator allows it.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use paydesk_core::id::{EventId, SeededIds};
use paydesk_core::merchant::Credentials;
use paydesk_core::tenant::Mode;
use paydesk_core::time::Timestamp;
use paydesk_webhooks::{
    Forbidden, Guard, Lookup, Message, NoAnswer, Policy, Sender, Sent, SigningKey, SigningKeys,
    Timeouts,
};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

/// A listener on 127.0.0.1 and `::1`, on one port, which counts who comes.
struct Home {
    port: u16,
    /// Where a machine has no `::1`, nobody can be led there.
    has_v6: bool,
    visits: Arc<AtomicUsize>,
}

impl Home {
    async fn open() -> Self {
        let visits = Arc::new(AtomicUsize::new(0));
        loop {
            let v4 = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
            let port = v4.local_addr().unwrap().port();
            let v6 = match TcpListener::bind((Ipv6Addr::LOCALHOST, port)).await {
                Ok(v6) => Some(v6),
                // Another process has this port there.
                Err(error) if error.kind() == io::ErrorKind::AddrInUse => continue,
                Err(_) => None,
            };
            let has_v6 = v6.is_some();
            for listener in [Some(v4), v6].into_iter().flatten() {
                let visits = Arc::clone(&visits);
                tokio::spawn(async move {
                    loop {
                        let (mut stream, _) = listener.accept().await.unwrap();
                        visits.fetch_add(1, Ordering::SeqCst);
                        tokio::spawn(async move {
                            let _ = stream.read(&mut [0; 4096]).await;
                            let answer = b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";
                            let _ = stream.write_all(answer).await;
                        });
                    }
                });
            }
            return Self {
                port,
                has_v6,
                visits,
            };
        }
    }

    fn visits(&self) -> usize {
        self.visits.load(Ordering::SeqCst)
    }
}

/// A name server that merchants control: knows what it is told, and says loopback for everything else.
#[derive(Default)]
struct Names {
    known: HashMap<String, Vec<IpAddr>>,
    asked: AtomicUsize,
}

#[async_trait]
impl Lookup for Names {
    async fn lookup(&self, name: &str) -> io::Result<Vec<IpAddr>> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let home = vec![
            IpAddr::V4(Ipv4Addr::LOCALHOST),
            IpAddr::V6(Ipv6Addr::LOCALHOST),
        ];
        Ok(self.known.get(name).cloned().unwrap_or(home))
    }
}

fn sender(policy: Policy, names: Arc<Names>) -> Sender {
    let timeouts = Timeouts {
        connect: Duration::from_secs(2),
        total: Duration::from_secs(3),
    };
    Sender::new(Guard::with_lookup(policy, names), timeouts).unwrap()
}

async fn send(sender: &Sender, url: &str) -> Sent {
    let ids = SeededIds::new(1);
    let secret = Credentials::fresh(&ids, Mode::Test).webhook_secret;
    let keys = SigningKeys::only(SigningKey::from_secret(&secret).unwrap());
    let message = Message {
        url,
        mode: Mode::Test,
        id: EventId::fresh(&ids, Timestamp::EPOCH),
        at: Timestamp::EPOCH,
        body: "{}",
        keys: &keys,
    };
    sender.send(message).await
}

/// Ways of writing a host that is this machine.
const HOME_HOSTS: &[&str] = &[
    "127.0.0.1",
    "127.0.0.1.",
    "127.1",
    "127.0.1",
    "2130706433",
    "0x7f000001",
    "0X7F000001",
    "0x7f.1",
    "0x7f.0.0x0.01",
    "0x7f.0x0.0x0.0x1",
    "017700000001",
    "0177.1",
    "0177.0.0.01",
    "0177.0000000.0.1",
    "0x0000007f.0.0.1",
    "00000177.0.0.1",
    "127.0.0.0x1",
    "%31%32%37.0.0.1",
    "127%2e0%2E0.1",
    "0x7%66.1",
    "１２７.０.０.１",
    "127。0。0。1",
    "127．0．0．1",
    "①②⑦.⓪.⓪.①",
    "127\u{ad}.0.0.1",
    "0",
    "0.0.0.0",
    "0x0",
    "00",
    "[::1]",
    "[0:0:0:0:0:0:0:1]",
    "[0000:0000:0000:0000:0000:0000:0000:0001]",
    "[::0.0.0.1]",
    "[::ffff:127.0.0.1]",
    "[::FFFF:7f00:1]",
    "[0:0:0:0:0:ffff:7f00:0001]",
    "[::]",
    "[::ffff:0.0.0.0]",
    "localhost",
    "LOCALHOST",
    "localhost.",
    "ｌｏｃａｌｈｏｓｔ",
    "a.localhost",
    "127.0.0.1.nip.example",
    "0x7f000001.example",
    "xn--nxasmq6b.example",
    "shop.example",
    "_dmarc.shop.example",
    "shop.example.",
];

/// Ways of putting a host in a URL.
const FRAMES: &[&str] = &[
    "http://{host}:{port}/",
    "HTTP://{host}:{port}?a=b",
    "http:{host}:{port}/",
    "http:\\\\{host}:{port}\\hook",
    "http:///{host}:{port}/#f",
    " \t ht\ntp://{host}\r:{port}/a/../b ",
];

/// Addresses that are on nobody's public internet, though not all of them reach this machine.
const SPECIAL: &[&str] = &[
    "10.0.0.1",
    "10.255.255.255",
    "100.64.0.1",
    "100.100.100.200",
    "127.0.0.53",
    "127.255.255.254",
    "168.63.129.16",
    "169.254.0.1",
    "169.254.169.254",
    "169.254.170.2",
    "172.16.0.1",
    "172.31.255.254",
    "192.0.0.1",
    "192.0.0.192",
    "192.0.2.1",
    "192.88.99.1",
    "192.168.0.1",
    "192.168.255.254",
    "198.18.0.1",
    "198.19.255.254",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "239.255.255.250",
    "240.0.0.1",
    "255.255.255.255",
    "::2",
    "::7f00:1",
    "::a00:1",
    "::ffff:10.0.0.1",
    "::ffff:169.254.169.254",
    "::ffff:0:7f00:1",
    "64:ff9b::7f00:1",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b::808:808",
    "64:ff9b:1::7f00:1",
    "100::1",
    "2001::1",
    "2001:0:7f00:1::",
    "2001:0:4136:e378:8000:63bf:80ff:fffe",
    "2001:2::1",
    "2001:10::1",
    "2001:20::1",
    "2001:db8::1",
    "2002:7f00:1::",
    "2002:a00:1::1",
    "2002:a9fe:a9fe::",
    "3fff::1",
    "4000::1",
    "5f00::1",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "fe80::5efe:7f00:1",
    "febf:ffff::1",
    "fec0::1",
    "ff01::1",
    "ff02::1",
    "ff05::2",
    "2606:4700::5efe:127.0.0.1",
    "2606:4700::200:5efe:10.0.0.1",
];

/// URLs that are refused whoever allows what: for a name and password, or another scheme.
const NEVER: &[&str] = &[
    "http://user@{home}/",
    "http://user:password@{home}/",
    "http://:password@{home}/",
    "http://shop.example@{home}/",
    "http://shop.example:80@{home}/",
    "http://shop.example%40@{home}/",
    "http://{home}@shop.example/",
    "http://a@b@{home}/",
    "http:\\\\x@{home}\\",
    "ftp://{home}/",
    "ws://{home}/",
    "wss://{home}/",
    "gopher://{home}/_POST",
    "file:///etc/passwd",
    "file://{home}/etc/passwd",
    "unix:///run/docker.sock",
    "data:text/plain,{home}",
    "javascript:fetch('http://{home}/')",
    "dict://{home}/",
    "ldap://{home}/",
    "jar:http://{home}!/",
    "blob:http://{home}/x",
    "//{home}/",
    "{home}",
    "/",
    "",
    "http://",
    "http://[::1%25lo]:{port}/",
    "http://[::1/",
    "http://127.0.0.1 .example:{port}/",
    "http://127.0.0.256:{port}/",
    "http://0x7f.0.0.0.1:{port}/",
    "http://{home}{port}{port}/",
];

fn framed(port: u16) -> Vec<String> {
    let mut urls = Vec::new();
    for host in HOME_HOSTS {
        for frame in FRAMES {
            urls.push(
                frame
                    .replace("{host}", host)
                    .replace("{port}", &port.to_string()),
            );
        }
    }
    urls
}

#[tokio::test]
async fn no_way_of_writing_a_url_reaches_this_machine() {
    let home = Home::open().await;
    let mut urls = framed(home.port);
    let mut names = Names::default();
    for (n, address) in SPECIAL.iter().enumerate() {
        let ip: IpAddr = address.parse().unwrap();
        urls.push(match ip {
            IpAddr::V4(v4) => format!("http://{v4}:{}/", home.port),
            IpAddr::V6(v6) => format!("http://[{v6}]:{}/", home.port),
        });
        let name = format!("n{n}.shop.example");
        urls.push(format!("http://{name}:{}/", home.port));
        names.known.insert(name, vec![ip, ip]);
    }
    for url in NEVER {
        let home_host = format!("127.0.0.1:{}", home.port);
        urls.push(
            url.replace("{home}", &home_host)
                .replace("{port}", &home.port.to_string()),
        );
    }
    assert!(urls.len() >= 400, "{} URLs", urls.len());
    let sender = sender(
        Policy {
            allow_private: false,
        },
        Arc::new(names),
    );
    for url in urls {
        let sent = send(&sender, &url).await;
        assert!(
            matches!(sent.result, Err(NoAnswer::Forbidden(_))),
            "{url:?}: {:?}",
            sent.result
        );
        assert_eq!(home.visits(), 0, "{url:?}");
    }
}

#[tokio::test]
async fn where_the_operator_allows_it_every_one_of_them_does() {
    let home = Home::open().await;
    let sender = sender(
        Policy {
            allow_private: true,
        },
        Arc::default(),
    );
    let mut visits = 0;
    let mut urls = framed(home.port);
    urls.retain(|url| home.has_v6 || !url.contains('['));
    for url in urls {
        let sent = send(&sender, &url).await;
        assert_eq!(sent.result.map(|answer| answer.status), Ok(200), "{url:?}");
        visits += 1;
        assert_eq!(home.visits(), visits, "{url:?}");
    }
}

#[tokio::test]
async fn a_name_and_password_or_another_scheme_is_refused_even_there() {
    let home = Home::open().await;
    let sender = sender(
        Policy {
            allow_private: true,
        },
        Arc::default(),
    );
    for url in NEVER {
        let home_host = format!("127.0.0.1:{}", home.port);
        let url = url
            .replace("{home}", &home_host)
            .replace("{port}", &home.port.to_string());
        let sent = send(&sender, &url).await;
        assert!(
            matches!(
                sent.result,
                Err(NoAnswer::Forbidden(
                    Forbidden::Userinfo | Forbidden::Scheme(_) | Forbidden::NotAUrl(_)
                ))
            ),
            "{url:?}: {:?}",
            sent.result
        );
    }
    assert_eq!(home.visits(), 0);
}

#[tokio::test]
async fn a_name_is_resolved_again_for_every_connection_and_only_then() {
    let home = Home::open().await;
    let names = Arc::new(Names::default());
    let sender = sender(
        Policy {
            allow_private: true,
        },
        Arc::clone(&names),
    );
    for n in 1..=5 {
        let sent = send(&sender, &format!("http://shop.example:{}/", home.port)).await;
        assert!(sent.result.is_ok(), "{sent:?}");
        // What was judged is what was connected to: there is no second answer to slip in between.
        assert_eq!((names.asked.load(Ordering::SeqCst), home.visits()), (n, n));
    }
}
