//! A mail server for the tests: a real SMTP server with TLS from the first byte, TLS after STARTTLS, or no TLS.

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

/// The password that the server accepts, with any user name.
pub const PASSWORD: &str = "mail-secret";
/// The time to wait for emails; none takes as long.
const TIMEOUT: Duration = Duration::from_secs(60);

/// How connections are encrypted.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Tls {
    None,
    /// After the command STARTTLS; nothing is accepted before.
    Start,
    /// From the first byte.
    Implicit,
}

/// How the server treats an email that it does not simply accept.
#[derive(Clone, Copy)]
pub enum Reply {
    /// Refuses the recipient with this answer.
    RejectRecipient(&'static str),
    /// Refuses the email after its data with this answer.
    RejectEmail(&'static str),
    /// Accepts the email, but closes the connection before answering.
    AcceptAndDisconnect,
}

/// An accepted email.
#[derive(Clone, Debug)]
pub struct Email {
    pub to: String,
    raw: String,
}

/// A running server, which stops on drop.
pub struct MailServer {
    pub port: u16,
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

struct Shared {
    tls: Tls,
    acceptor: TlsAcceptor,
    replies: Mutex<VecDeque<Reply>>,
    accepted: Mutex<Vec<Email>>,
    /// Notified when an email is accepted.
    changed: Notify,
}

impl MailServer {
    /// Starts a server and writes its certificate in PEM to `certificate`.
    pub async fn start(tls: Tls, certificate: &Path) -> Self {
        let (identity, pem) = identity();
        std::fs::write(certificate, pem).unwrap();
        let acceptor = native_tls::TlsAcceptor::new(identity).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let shared = Arc::new(Shared {
            tls,
            acceptor: acceptor.into(),
            replies: Mutex::default(),
            accepted: Mutex::default(),
            changed: Notify::new(),
        });
        let serving = shared.clone();
        let task = tokio::spawn(async move {
            loop {
                let (connection, _) = listener.accept().await.unwrap();
                tokio::spawn(serve(serving.clone(), connection));
            }
        });
        Self { port, shared, task }
    }

    /// Queues a reply for one of the next emails.
    pub fn queue_reply(&self, reply: Reply) {
        self.shared.replies.lock().unwrap().push_back(reply);
    }

    /// Returns the accepted emails.
    pub fn emails(&self) -> Vec<Email> {
        self.shared.accepted.lock().unwrap().clone()
    }

    /// Waits until at least `count` emails are accepted.
    pub async fn wait_for(&self, count: usize) -> Vec<Email> {
        let wait = async {
            loop {
                let changed = self.shared.changed.notified();
                if self.emails().len() >= count {
                    return;
                }
                changed.await;
            }
        };
        timeout(TIMEOUT, wait)
            .await
            .expect("the emails did not arrive in time");
        self.emails()
    }
}

impl Drop for MailServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Email {
    /// Returns a decoded header.
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
        // A space between two encoded words is not part of the text.
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

    /// Returns the decoded text.
    pub fn text(&self) -> String {
        let body = self.raw.split_once("\r\n\r\n").unwrap().1;
        match self.header("Content-Transfer-Encoding").as_str() {
            "base64" => {
                let joined: String = body.split_whitespace().collect();
                text(&BASE64_STANDARD.decode(joined).unwrap()).replace("\r\n", "\n")
            }
            "7bit" => body.trim_end().replace("\r\n", "\n"),
            other => panic!("the transfer encoding {other} is not supported"),
        }
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// Generates a self-signed certificate for localhost.
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

async fn serve(shared: Arc<Shared>, connection: tokio::net::TcpStream) {
    let result = match shared.tls {
        Tls::None => run_session(&shared, connection, false).await.map(drop),
        Tls::Implicit => match shared.acceptor.accept(connection).await {
            Ok(stream) => run_session(&shared, stream, true).await.map(drop),
            Err(_) => return,
        },
        Tls::Start => match run_session(&shared, connection, false).await {
            Ok(Some(connection)) => match shared.acceptor.accept(connection).await {
                Ok(stream) => run_session(&shared, stream, true).await.map(drop),
                Err(_) => return,
            },
            Ok(None) => return,
            Err(error) => Err(error),
        },
    };
    // A client that disconnects midway is no failure of the server.
    let _ = result;
}

/// Runs an SMTP session until the client leaves. If it asks for TLS instead, returns the connection.
async fn run_session<S: AsyncRead + AsyncWrite + Unpin>(
    shared: &Shared,
    stream: S,
    is_encrypted: bool,
) -> io::Result<Option<S>> {
    let mut stream = BufReader::new(stream);
    let offers_tls = shared.tls == Tls::Start && !is_encrypted;
    if shared.tls != Tls::Start || offers_tls {
        send_line(&mut stream, "220 mail.test ESMTP").await?;
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
            "EHLO" if offers_tls => send_line(&mut stream, "250-mail.test\r\n250 STARTTLS").await?,
            "EHLO" => {
                send_line(
                    &mut stream,
                    "250-mail.test\r\n250-8BITMIME\r\n250 AUTH PLAIN",
                )
                .await?
            }
            "STARTTLS" if offers_tls => {
                send_line(&mut stream, "220 go on").await?;
                return Ok(Some(stream.into_inner()));
            }
            "QUIT" => {
                send_line(&mut stream, "221 bye").await?;
                return Ok(None);
            }
            "NOOP" | "RSET" => send_line(&mut stream, "250 ok").await?,
            _ if offers_tls => {
                send_line(&mut stream, "530 Must issue a STARTTLS command first").await?
            }
            "AUTH" => {
                let credentials = line.split(' ').nth(2).unwrap_or_default();
                let credentials = text(&BASE64_STANDARD.decode(credentials).unwrap());
                let answer = if credentials.ends_with(&format!("\0{PASSWORD}")) {
                    "235 welcome"
                } else {
                    "535 5.7.8 Authentication credentials invalid"
                };
                send_line(&mut stream, answer).await?;
            }
            "MAIL" => send_line(&mut stream, "250 ok").await?,
            "RCPT" => {
                to = line.split(['<', '>']).nth(1).unwrap_or_default().to_owned();
                let rejection = {
                    let mut replies = shared.replies.lock().unwrap();
                    match replies.front() {
                        Some(Reply::RejectRecipient(answer)) => {
                            let answer = *answer;
                            replies.pop_front();
                            Some(answer)
                        }
                        _ => None,
                    }
                };
                send_line(&mut stream, rejection.unwrap_or("250 ok")).await?;
            }
            "DATA" => {
                send_line(&mut stream, "354 go on").await?;
                let mut raw = String::new();
                while !raw.ends_with("\r\n.\r\n") {
                    if stream.read_line(&mut raw).await? == 0 {
                        return Ok(None);
                    }
                }
                let email = Email {
                    to: to.clone(),
                    raw: raw.trim_end_matches(".\r\n").to_owned(),
                };
                let reply = shared.replies.lock().unwrap().pop_front();
                if !matches!(reply, Some(Reply::RejectEmail(_))) {
                    shared.accepted.lock().unwrap().push(email);
                    shared.changed.notify_waiters();
                }
                match reply {
                    Some(Reply::AcceptAndDisconnect) => return Ok(None),
                    Some(Reply::RejectEmail(answer)) => send_line(&mut stream, answer).await?,
                    Some(Reply::RejectRecipient(_)) | None => {
                        send_line(&mut stream, "250 accepted").await?
                    }
                }
            }
            _ => send_line(&mut stream, "502 unknown command").await?,
        }
    }
}

async fn send_line<S: AsyncWrite + Unpin>(stream: &mut S, line: &str) -> io::Result<()> {
    stream.write_all(format!("{line}\r\n").as_bytes()).await?;
    stream.flush().await
}
