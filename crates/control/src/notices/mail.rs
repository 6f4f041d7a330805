//! Messages as e-mail, through the operator's relay: SMTP without more, for a relay on the operator's own
//! network takes the mail on from there.

use std::time::Duration;

use base64::Engine;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufStream};
use tokio::net::TcpStream;

/// How long the relay may take for all of it.
const PATIENCE: Duration = Duration::from_secs(30);

/// Where mail goes, and whose it is.
#[derive(Debug, Clone)]
pub struct Relay {
    /// `host:port`
    pub address: String,
    /// The sender's address.
    pub from: String,
}

/// True if this can be an address: what has a line break or a bracket would be more than one command.
pub fn is_address(text: &str) -> bool {
    let good = |c: char| c.is_ascii_graphic() && !"<>()[],;:\\\"".contains(c);
    text.len() <= 254
        && text.chars().all(good)
        && text
            .split_once('@')
            .is_some_and(|(name, host)| !name.is_empty() && !host.is_empty() && !host.contains('@'))
}

impl Relay {
    /// Hands a mail to the relay.
    pub async fn send(&self, to: &str, subject: &str, text: &str) -> Result<(), String> {
        if !is_address(to) {
            return Err(format!("{to} is no address"));
        }
        tokio::time::timeout(
            PATIENCE,
            self.talk(to, &mail(&self.from, to, subject, text)),
        )
        .await
        .map_err(|_| "the mail relay does not answer".to_string())?
        .map_err(|error| error.to_string())
    }

    async fn talk(&self, to: &str, mail: &str) -> std::io::Result<()> {
        let mut stream = BufStream::new(TcpStream::connect(&self.address).await?);
        answer(&mut stream, '2').await?;
        for (command, wanted) in [
            ("EHLO longwave".to_string(), '2'),
            (format!("MAIL FROM:<{}>", self.from), '2'),
            (format!("RCPT TO:<{to}>"), '2'),
            ("DATA".to_string(), '3'),
        ] {
            say(&mut stream, &command).await?;
            answer(&mut stream, wanted).await?;
        }
        stream.write_all(mail.as_bytes()).await?;
        say(&mut stream, ".").await?;
        answer(&mut stream, '2').await?;
        say(&mut stream, "QUIT").await
    }
}

async fn say(stream: &mut BufStream<TcpStream>, line: &str) -> std::io::Result<()> {
    stream.write_all(format!("{line}\r\n").as_bytes()).await?;
    stream.flush().await
}

/// Reads an answer, which may have several lines; its code must begin so.
async fn answer(stream: &mut BufStream<TcpStream>, wanted: char) -> std::io::Result<()> {
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        if line.as_bytes().get(3) == Some(&b'-') {
            continue;
        }
        return match line.starts_with(wanted) {
            true => Ok(()),
            false => Err(std::io::Error::other(format!(
                "the mail relay refused: {}",
                line.trim_end()
            ))),
        };
    }
}

/// The mail with its head.
fn mail(from: &str, to: &str, subject: &str, text: &str) -> String {
    let encode = |text: &str| base64::engine::general_purpose::STANDARD.encode(text);
    let plain: String = subject
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    let subject = match plain.is_ascii() {
        true => plain,
        false => format!("=?UTF-8?B?{}?=", encode(&plain)),
    };
    let mut out = format!(
        "From: <{from}>\r\nTo: <{to}>\r\nSubject: {subject}\r\nMIME-Version: 1.0\r\n\
         Content-Type: text/plain; charset=UTF-8\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    );
    // As base64 no line is too long, and none begins with a dot.
    let body = encode(text);
    let mut rest = body.as_str();
    while !rest.is_empty() {
        let (line, after) = rest.split_at(rest.len().min(76));
        out.push_str(line);
        out.push_str("\r\n");
        rest = after;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_and_mails() {
        assert!(is_address("a.b+c@example.com"));
        for wrong in [
            "",
            "a",
            "a@",
            "@b",
            "a@b@c",
            "a b@c",
            "a@b\r\nRCPT TO:<x@y>",
            "<a@b>",
        ] {
            assert!(!is_address(wrong), "{wrong}");
        }
        let mail = mail("l@x", "a@b", "Gr\u{fc}n\r\nBcc: c@d", &"x".repeat(100));
        assert!(mail.contains("Subject: =?UTF-8?B?"));
        assert!(!mail.contains("\r\nBcc"));
        assert!(mail.lines().all(|line| line.len() <= 78));
        assert!(super::mail("l@x", "a@b", "Hi", "").contains("\r\nSubject: Hi\r\n"));
    }
}
