//! A mail server for the tests: a real SMTP server, with TLS from the first byte, after STARTTLS, or without.

use base64::{Engine, prelude::BASE64_STANDARD};
use native_tls::Identity;
use openssl::{
    asn1::Asn1Time,
    bn::BigNum,
    hash::MessageDigest,
    pkcs12::Pkcs12,
    pkey::PKey,
    rsa::Rsa,
    x509::{X509, X509NameBuilder, extension::SubjectAlternativeName},
};
use std::{
    collections::VecDeque,
    io,
    path::Path,
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader},
    net::TcpListener,
    sync::Notify,
    task::JoinHandle,
    time::timeout,
};
use tokio_native_tls::TlsAcceptor;

/// The password that it takes, whoever brings it.
pub const PASSWORD: &str = "mail-secret";
/// Longer than anything takes that comes at all.
const LIMIT: Duration = Duration::from_secs(60);

/// How connections are encrypted.
#[derive(Clone, Copy, PartialEq, Eq)]
#[allow(dead_code, reason = "each program of tests uses some")]
pub enum Tls {
    None,
    /// After the command STARTTLS; nothing is taken before.
    Start,
    /// From the first byte.
    Implicit,
}

/// What happens to a letter, when it is not simply taken.
#[derive(Clone, Copy)]
#[allow(dead_code, reason = "each program of tests uses some")]
pub enum Reply {
    /// After the name of the recipient.
    Recipient(&'static str),
    /// After the whole letter; it was not taken.
    Letter(&'static str),
    /// It was taken, but the connection ends before the answer.
    TakenAndCut,
}

/// A letter that was taken.
#[derive(Clone, Debug)]
pub struct Letter {
    pub to: String,
    raw: String,
}

/// The server; ends with this.
pub struct MailServer {
    pub port: u16,
    inside: Arc<Inside>,
    task: JoinHandle<()>,
}

struct Inside {
    tls: Tls,
    acceptor: TlsAcceptor,
    replies: Mutex<VecDeque<Reply>>,
    taken: Mutex<Vec<Letter>>,
    /// Rung when a letter was taken.
    bell: Notify,
}

#[allow(dead_code, reason = "each program of tests uses some")]
impl MailServer {
    /// Opens a server; its certificate, in PEM, is written to `certificate`.
    pub async fn open(tls: Tls, certificate: &Path) -> Self {
        let (identity, pem) = identity();
        std::fs::write(certificate, pem).unwrap();
        let acceptor = native_tls::TlsAcceptor::new(identity).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let inside = Arc::new(Inside {
            tls,
            acceptor: acceptor.into(),
            replies: Mutex::default(),
            taken: Mutex::default(),
            bell: Notify::new(),
        });
        let serving = inside.clone();
        let task = tokio::spawn(async move {
            loop {
                let (connection, _) = listener.accept().await.unwrap();
                tokio::spawn(serve(serving.clone(), connection));
            }
        });
        Self { port, inside, task }
    }

    /// Says what happens to the next letter.
    pub fn replies(&self, reply: Reply) {
        self.inside.replies.lock().unwrap().push_back(reply);
    }

    /// The letters that were taken.
    pub fn letters(&self) -> Vec<Letter> {
        self.inside.taken.lock().unwrap().clone()
    }

    /// Waits until so many letters were taken.
    pub async fn wait_for(&self, count: usize) -> Vec<Letter> {
        let wait = async {
            loop {
                let rung = self.inside.bell.notified();
                if self.letters().len() >= count {
                    return;
                }
                rung.await;
            }
        };
        timeout(LIMIT, wait).await.expect("letters that never came");
        self.letters()
    }
}

impl Drop for MailServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

#[allow(dead_code, reason = "each program of tests uses some")]
impl Letter {
    /// A header, decoded.
    pub fn header(&self, name: &str) -> String {
        let head = self
            .raw
            .split("\r\n\r\n")
            .next()
            .unwrap()
            .replace("\r\n ", " ");
        let line = head
            .split("\r\n")
            .find_map(|line| line.strip_prefix(&format!("{name}: ")))
            .unwrap_or_default();
        // Between two encoded words a space means nothing.
        let (mut words, mut was_encoded) = (String::new(), false);
        for word in line.split(' ') {
            let encoded = word
                .strip_prefix("=?utf-8?b?")
                .and_then(|word| word.strip_suffix("?="));
            if !(words.is_empty() || was_encoded && encoded.is_some()) {
                words.push(' ');
            }
            was_encoded = encoded.is_some();
            match encoded {
                Some(encoded) => words += &text(&BASE64_STANDARD.decode(encoded).unwrap()),
                None => words += word,
            }
        }
        words
    }

    /// The text, decoded.
    pub fn text(&self) -> String {
        let body = self.raw.split_once("\r\n\r\n").unwrap().1;
        match self.header("Content-Transfer-Encoding").as_str() {
            "base64" => {
                let joined: String = body.split_whitespace().collect();
                text(&BASE64_STANDARD.decode(joined).unwrap()).replace("\r\n", "\n")
            }
            "7bit" => body.trim_end().replace("\r\n", "\n"),
            other => panic!("{other} is not read here"),
        }
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// A certificate for this machine that nobody vouches for.
fn identity() -> (Identity, Vec<u8>) {
    let key = PKey::from_rsa(Rsa::generate(2_048).unwrap()).unwrap();
    let mut name = X509NameBuilder::new().unwrap();
    name.append_entry_by_text("CN", "localhost").unwrap();
    let name = name.build();
    let mut certificate = X509::builder().unwrap();
    certificate.set_version(2).unwrap();
    let number = BigNum::from_u32(1).unwrap().to_asn1_integer().unwrap();
    certificate.set_serial_number(&number).unwrap();
    certificate.set_subject_name(&name).unwrap();
    certificate.set_issuer_name(&name).unwrap();
    certificate.set_pubkey(&key).unwrap();
    let (from, to) = (
        Asn1Time::days_from_now(0).unwrap(),
        Asn1Time::days_from_now(2).unwrap(),
    );
    certificate.set_not_before(&from).unwrap();
    certificate.set_not_after(&to).unwrap();
    let names = SubjectAlternativeName::new()
        .dns("localhost")
        .build(&certificate.x509v3_context(None, None))
        .unwrap();
    certificate.append_extension(names).unwrap();
    certificate.sign(&key, MessageDigest::sha256()).unwrap();
    let certificate = certificate.build();
    let pem = certificate.to_pem().unwrap();
    let packed = Pkcs12::builder()
        .pkey(&key)
        .cert(&certificate)
        .build2("")
        .unwrap();
    let identity = Identity::from_pkcs12(&packed.to_der().unwrap(), "").unwrap();
    (identity, pem)
}

async fn serve(inside: Arc<Inside>, connection: tokio::net::TcpStream) {
    let ended = match inside.tls {
        Tls::None => talk(&inside, connection, false).await.map(drop),
        Tls::Implicit => match inside.acceptor.accept(connection).await {
            Ok(stream) => talk(&inside, stream, true).await.map(drop),
            Err(_) => return,
        },
        Tls::Start => match talk(&inside, connection, false).await {
            Ok(Some(connection)) => match inside.acceptor.accept(connection).await {
                Ok(stream) => talk(&inside, stream, true).await.map(drop),
                Err(_) => return,
            },
            Ok(None) => return,
            Err(error) => Err(error),
        },
    };
    // Whoever hangs up in the middle is not our worry.
    let _ = ended;
}

/// Talks SMTP until the other side leaves, or asks for TLS: then the connection comes back.
async fn talk<S: AsyncRead + AsyncWrite + Unpin>(
    inside: &Inside,
    stream: S,
    is_encrypted: bool,
) -> io::Result<Option<S>> {
    let mut stream = BufReader::new(stream);
    let offers_tls = inside.tls == Tls::Start && !is_encrypted;
    if inside.tls != Tls::Start || offers_tls {
        say(&mut stream, "220 mail.test ESMTP").await?;
    }
    let mut to = String::new();
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await? == 0 {
            return Ok(None);
        }
        let line = line.trim_end();
        let command = line.split([' ', ':']).next().unwrap_or_default();
        match command.to_ascii_uppercase().as_str() {
            "EHLO" if offers_tls => say(&mut stream, "250-mail.test\r\n250 STARTTLS").await?,
            "EHLO" => {
                say(
                    &mut stream,
                    "250-mail.test\r\n250-8BITMIME\r\n250 AUTH PLAIN",
                )
                .await?
            }
            "STARTTLS" if offers_tls => {
                say(&mut stream, "220 go on").await?;
                return Ok(Some(stream.into_inner()));
            }
            "QUIT" => {
                say(&mut stream, "221 bye").await?;
                return Ok(None);
            }
            "NOOP" | "RSET" => say(&mut stream, "250 yes").await?,
            _ if offers_tls => say(&mut stream, "530 Must issue a STARTTLS command first").await?,
            "AUTH" => {
                let brought = line.split(' ').nth(2).unwrap_or_default();
                let brought = text(&BASE64_STANDARD.decode(brought).unwrap());
                let answer = if brought.ends_with(&format!("\0{PASSWORD}")) {
                    "235 welcome"
                } else {
                    "535 5.7.8 Authentication credentials invalid"
                };
                say(&mut stream, answer).await?;
            }
            "MAIL" => say(&mut stream, "250 yes").await?,
            "RCPT" => {
                to = line.split(['<', '>']).nth(1).unwrap_or_default().to_owned();
                let refused = {
                    let mut replies = inside.replies.lock().unwrap();
                    match replies.front() {
                        Some(Reply::Recipient(answer)) => {
                            let answer = *answer;
                            replies.pop_front();
                            Some(answer)
                        }
                        _ => None,
                    }
                };
                say(&mut stream, refused.unwrap_or("250 yes")).await?;
            }
            "DATA" => {
                say(&mut stream, "354 go on").await?;
                let mut raw = String::new();
                while !raw.ends_with("\r\n.\r\n") {
                    if stream.read_line(&mut raw).await? == 0 {
                        return Ok(None);
                    }
                }
                let letter = Letter {
                    to: to.clone(),
                    raw: raw.trim_end_matches(".\r\n").to_owned(),
                };
                let reply = inside.replies.lock().unwrap().pop_front();
                if !matches!(reply, Some(Reply::Letter(_))) {
                    inside.taken.lock().unwrap().push(letter);
                    inside.bell.notify_waiters();
                }
                match reply {
                    Some(Reply::TakenAndCut) => return Ok(None),
                    Some(Reply::Letter(answer)) => say(&mut stream, answer).await?,
                    Some(Reply::Recipient(_)) | None => say(&mut stream, "250 taken").await?,
                }
            }
            _ => say(&mut stream, "502 what?").await?,
        }
    }
}

async fn say<S: AsyncWrite + Unpin>(stream: &mut S, line: &str) -> io::Result<()> {
    stream.write_all(format!("{line}\r\n").as_bytes()).await?;
    stream.flush().await
}
