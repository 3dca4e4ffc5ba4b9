use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::thread;

use super::*;
use crate::fuzz::for_seeds;

fn read(text: &str) -> Result<Response> {
    response::read(&mut text.as_bytes(), false, 100)
}

#[test]
fn bodies_end_where_their_framing_says() {
    for (text, body, reusable) in [
        ("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabcdef", "abc", true),
        ("HTTP/1.1 200\nContent-Length: 3, 3\n\nabc", "abc", true),
        ("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nconnection: Close\r\n\r\na", "a", false),
        ("HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\na", "a", false),
        ("HTTP/1.1 200 OK\r\n\r\nto the end", "to the end", false),
        ("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n", "", true),
        ("HTTP/1.1 204 No\r\n\r\n", "", true),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n2\r\nab\r\nA;x=y\r\n0123456789\r\n0\r\nT: x\r\n\r\n",
            "ab0123456789",
            true,
        ),
    ] {
        let response = read(text).unwrap_or_else(|error| panic!("{text:?}: {error}"));
        assert_eq!((String::from_utf8_lossy(&response.body).as_ref(), response.reusable), (body, reusable), "{text:?}");
    }
}

#[test]
fn what_could_be_understood_in_two_ways_is_refused() {
    let endless = format!("HTTP/1.1 200 OK\r\nX: {}\r\n\r\n", "x".repeat(70_000));
    for (text, problem) in [
        ("", "it ends in its head"),
        ("SSH-2.0\r\n", "it begins with"),
        ("HTTP/1.1 20 OK\r\n\r\n", "no status"),
        ("HTTP/1.1 101 OK\r\n\r\n", "changes the protocol"),
        ("HTTP/1.1 200 OK\r\n folded\r\n\r\n", "a header is"),
        ("HTTP/1.1 200 OK\r\nContent-Length : 1\r\n\r\na", "a header is"),
        ("HTTP/1.1 200 OK\r\nContent-Length: +1\r\n\r\na", "Content-Length"),
        ("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", "Content-Length"),
        ("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "both"),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", "Transfer-Encoding"),
        ("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nabc", "it ends in its body"),
        ("HTTP/1.1 200 OK\r\nContent-Length: 101\r\n\r\n", "more than 100 bytes"),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nabc", "a chunk"),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n", "a chunk begins"),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffff\r\n", "more than 100 bytes"),
        (endless.as_str(), "head of more than"),
    ] {
        let error = read(text).expect_err(text);
        assert!(error.message.contains(problem), "{text:?}: {error}");
    }
}

#[test]
fn urls_lead_to_hosts() {
    let target = |url| Target::parse(url).map(|t| (t.tls, t.host.to_string(), t.port, t.path.to_string()));
    assert_eq!(target("https://api.example.com"), Ok((true, "api.example.com".into(), 443, "/".into())));
    assert_eq!(target("http://[::1]:8080/a?b=c"), Ok((false, "::1".into(), 8080, "/a?b=c".into())));
    assert_eq!(target("HTTP://x/"), Ok((false, "x".into(), 80, "/".into())));
    for url in [
        "ftp://x",
        "x",
        "http://",
        "http://u@x/",
        "http://x:0/",
        "http://x:99999/",
        "http://x/a b",
        "http://x/\r\n",
        "http://x/#a",
        "http://x?a",
        "http://é/",
    ] {
        assert!(Target::parse(url).is_err(), "{url}");
    }
}

#[test]
fn what_would_break_the_framing_is_not_sent() {
    let target = Target::parse("http://x/").unwrap();
    for (name, value) in [("A", "b\r\nC: d"), ("A:", "b"), ("", "b"), ("Content-Length", "1"), ("Host", "y")] {
        assert!(Request::new("GET", "http://x/").header(name, value).encode(&target).is_err(), "{name}");
    }
    assert!(Request::new("GET /", "http://x/").encode(&target).is_err());
    let sent = Request::new("POST", "http://x/").basic_auth("ann", "~~sHANDLE").body("text/plain", "hi");
    let want = "POST / HTTP/1.1\r\nHost: x\r\nAuthorization: Basic ~~bYW5u~~~sHANDLE\r\nContent-Type: text/plain\r\n\
                Content-Length: 2\r\n\r\nhi";
    assert_eq!(String::from_utf8(sent.encode(&target).unwrap()).unwrap(), want);
}

#[test]
fn base64_is_that_of_the_rfc() {
    for (text, padded) in [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg==")] {
        assert_eq!(base64(text.as_bytes(), b"+/", true), padded);
        assert_eq!(base64(text.as_bytes(), b"-_", false), padded.trim_end_matches('='));
    }
    assert_eq!((base64(&[255; 3], b"+/", true), base64(&[255; 3], b"-_", true)), ("////".into(), "____".into()));
}

#[test]
fn damaged_responses_end_in_an_error_or_a_response() {
    for_seeds(2_000, |chance| {
        let mut text = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX: y\r\n\r\n3\r\nabc\r\n0\r\n\r\n".to_vec();
        chance.damage(&mut text, &["Content-Length: 3\r\n", "\r\n", "HTTP/1.0 ", ":", "ffff\r\n", "0"]);
        if let Ok(response) = response::read(&mut text.as_slice(), false, 100) {
            assert!(response.body.len() <= 100 && (200..600).contains(&response.status));
        }
    });
}

/// Answers what it is asked, `each` times a connection, and then hangs up.
fn server(each: usize) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        for (number, conn) in listener.incoming().enumerate() {
            let mut conn = BufReader::new(conn.unwrap());
            for _ in 0..each {
                let (mut head, mut length) = (String::new(), 0);
                while !head.ends_with("\r\n\r\n") {
                    let start = head.len();
                    if conn.read_line(&mut head).unwrap_or(0) == 0 {
                        break;
                    }
                    if let Some(n) = head[start..].strip_prefix("Content-Length: ") {
                        length = n.trim().parse().unwrap();
                    }
                }
                let mut body = vec![0; length];
                conn.read_exact(&mut body).unwrap();
                let answer = format!("{number} {} {}", head.split(' ').next().unwrap(), String::from_utf8_lossy(&body));
                let text = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{answer}", answer.len());
                conn.get_mut().write_all(text.as_bytes()).unwrap();
            }
        }
    });
    url
}

#[test]
fn a_connection_is_kept_and_made_anew_when_it_is_gone() {
    let url = server(2);
    let mut client = Client::new(Duration::from_secs(60), Tls::default());
    let mut said = |request: &Request| match client.send(request) {
        Ok(response) => String::from_utf8(response.body).unwrap(),
        Err(error) => error.message,
    };
    assert_eq!(said(&Request::new("GET", &url)), "0 GET ");
    assert_eq!(said(&Request::new("POST", &url).body("text/plain", "hi")), "0 POST hi");
    assert_eq!(said(&Request::new("GET", &url)), "1 GET "); // the server has hung up meanwhile
    let secured = client.get(&url.replace("http", "https")).unwrap_err();
    assert_eq!(secured.code, Code::TlsFailed);
}
