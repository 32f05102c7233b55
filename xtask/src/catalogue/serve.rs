//! A folder over HTTP on this machine, for as long as the program runs: a module of WebAssembly is not loaded from a file.

use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Component, Path, PathBuf};
use std::time::Duration;
use std::{fs, thread};

use crate::failure::Failure;

/// The longest a browser may take to ask.
const ASK_WAIT: Duration = Duration::from_secs(10);

/// Serves `folder` on a free port and answers its address.
pub fn serve(folder: &Path) -> Result<String, Failure> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(Failure::io("listening"))?;
    let address = listener.local_addr().map_err(Failure::io("listening"))?.to_string();
    let folder = folder.to_owned();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let folder = folder.clone();
            // A browser that goes away in the middle of an answer asks again when it wants to.
            thread::spawn(move || drop(answer(stream, &folder)));
        }
    });
    Ok(address)
}

fn answer(mut stream: TcpStream, folder: &Path) -> std::io::Result<()> {
    stream.set_read_timeout(Some(ASK_WAIT))?;
    let mut lines = BufReader::new(stream.try_clone()?).lines();
    let request = lines.next().transpose()?.unwrap_or_default();
    // The head ends with an empty line; nothing in it matters here.
    for line in lines {
        if line?.is_empty() {
            break;
        }
    }
    let found = file_of(&request).and_then(|file| Some((kind_of(&file), fs::read(folder.join(file)).ok()?)));
    let (status, kind, body) = match found {
        Some((kind, body)) => ("200 OK", kind, body),
        None => ("404 Not Found", "text/plain", Vec::new()),
    };
    let length = body.len();
    write!(
        stream,
        "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
    )?;
    stream.write_all(&body)
}

/// The file a request line asks for, below the folder and nowhere else.
fn file_of(request: &str) -> Option<PathBuf> {
    let target = request.strip_prefix("GET /")?.split([' ', '?']).next()?;
    let file = PathBuf::from(if target.is_empty() { "index.html" } else { target });
    file.components().all(|part| matches!(part, Component::Normal(_))).then_some(file)
}

fn kind_of(file: &Path) -> &'static str {
    match file.extension().and_then(|extension| extension.to_str()) {
        Some("html") => "text/html; charset=utf-8",
        Some("js") => "text/javascript",
        Some("css") => "text/css",
        Some("wasm") => "application/wasm",
        Some("svg") => "image/svg+xml",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_outside_the_folder_is_served() {
        assert_eq!(file_of("GET /styles/base.css HTTP/1.1"), Some("styles/base.css".into()));
        assert_eq!(file_of("GET /?catalogue&theme=dark HTTP/1.1"), Some("index.html".into()));
        assert_eq!(file_of("GET /../Cargo.toml HTTP/1.1"), None);
        assert_eq!(file_of("GET //etc/passwd HTTP/1.1"), None);
        assert_eq!(file_of("POST /index.html HTTP/1.1"), None);
    }
}
