//! The writing half of a connection: replies in the order they come, or as a script wants them.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use iso8583::Message;
use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout};

use super::{Wire, authentication};
use crate::bank_front::BankFront;
use crate::bank_front::message::Reply;

/// How long one answer may take to be taken by the other side.
const WRITE_TIME_MAX: Duration = Duration::from_secs(10);
/// How long an answer waits for the one it is swapped with.
const SWAP_TIME_MAX: Duration = Duration::from_secs(2);

/// How answers become bytes.
pub(super) struct Packing {
    pub(super) wire: Wire,
    /// Who authenticates them, where they are not protected otherwise.
    pub(super) authenticated_by: Option<Arc<BankFront>>,
    pub(super) peer: SocketAddr,
}

impl Packing {
    /// A frame, or nothing of what does not fit one.
    fn framed(&self, answer: &Message) -> Vec<u8> {
        let Self { wire, peer, .. } = self;
        let packed = match &self.authenticated_by {
            Some(front) => authentication::pack(front, &wire.spec, answer),
            None => answer.pack(&wire.spec),
        };
        match packed.map(|bytes| wire.framing.encode(&bytes)) {
            Ok(Ok(framed)) => return framed,
            Ok(Err(error)) => tracing::error!(%peer, %error, "an answer does not fit a frame"),
            Err(error) => tracing::error!(%peer, %error, "an answer was not packed"),
        }
        Vec::new()
    }
}

/// An answer that waits for the next one to overtake it.
struct HeldBack {
    framed: Vec<u8>,
    until: Instant,
}

/// Writes replies until their senders are gone, or the connection fails or is to be cut.
pub(super) async fn write_replies(
    mut writing: impl AsyncWrite + Unpin,
    mut replies: mpsc::Receiver<Reply>,
    packing: Packing,
) {
    let peer = packing.peer;
    let mut held: Option<HeldBack> = None;
    loop {
        let until = held.as_ref().map_or_else(Instant::now, |held| held.until);
        let reply = tokio::select! {
            reply = replies.recv() => reply,
            () = tokio::time::sleep_until(until), if held.is_some() => Some(Reply::Silence),
        };
        let is_last = reply.is_none();
        let mut bytes = Vec::new();
        let mut cuts = false;
        match reply {
            Some(Reply::Silence) | None => {}
            Some(Reply::Once(answer)) => bytes.extend(packing.framed(&answer)),
            Some(Reply::Each(answers)) => bytes.extend(answers.iter().flat_map(|answer| packing.framed(answer))),
            Some(Reply::Frame(content)) => bytes = packing.wire.framing.encode(&content).unwrap_or_default(),
            Some(Reply::Raw(raw)) => bytes = raw,
            Some(Reply::AfterNext(answer)) if held.is_none() => {
                let framed = packing.framed(&answer);
                held = Some(HeldBack { framed, until: Instant::now() + SWAP_TIME_MAX });
                continue;
            }
            // Two that wait for each other are swapped with each other.
            Some(Reply::AfterNext(answer)) => bytes.extend(packing.framed(&answer)),
            Some(Reply::Cut(answer)) => {
                let whole = packing.framed(&answer);
                bytes.extend_from_slice(&whole[..whole.len() / 2]);
                cuts = true;
            }
        }
        bytes.extend(held.take().filter(|_| !cuts).map(|held| held.framed).unwrap_or_default());
        if !bytes.is_empty() && !write(&mut writing, &bytes, peer).await {
            return;
        }
        if cuts {
            return tracing::warn!(%peer, "cut within an answer, as the script says");
        }
        if is_last {
            // A peer that is gone needs no goodbye.
            let _ = writing.shutdown().await;
            return;
        }
    }
}

async fn write(writing: &mut (impl AsyncWrite + Unpin), bytes: &[u8], peer: SocketAddr) -> bool {
    let written = timeout(WRITE_TIME_MAX, async {
        writing.write_all(bytes).await?;
        writing.flush().await
    });
    match written.await {
        Ok(Ok(())) => return true,
        Ok(Err(error)) => tracing::warn!(%peer, %error, "writing failed"),
        Err(_) => tracing::warn!(%peer, "an answer was not taken"),
    }
    false
}

#[cfg(test)]
mod tests {
    use iso8583::frame::Decoder;
    use iso8583::{Mti, Spec};
    use tokio::io::AsyncReadExt;

    use super::*;

    fn answer(stan: u64) -> Message {
        Message::new(Mti::FINANCIAL_ANSWER).with_number(11, stan).unwrap()
    }

    fn packing() -> Packing {
        let peer = SocketAddr::from(([127, 0, 0, 1], 1));
        Packing { wire: Wire::SEALED, authenticated_by: None, peer }
    }

    /// Everything that is written for these replies.
    async fn written(replies: Vec<Reply>) -> Vec<u8> {
        let (sender, receiver) = mpsc::channel(16);
        for reply in replies {
            sender.send(reply).await.unwrap();
        }
        drop(sender);
        let (ours, mut theirs) = tokio::io::duplex(4_096);
        write_replies(ours, receiver, packing()).await;
        let mut bytes = Vec::new();
        theirs.read_to_end(&mut bytes).await.unwrap();
        bytes
    }

    fn stans(bytes: &[u8]) -> Vec<u64> {
        let mut decoder = Decoder::new();
        decoder.push(bytes);
        let mut stans = Vec::new();
        while let Some(frame) = decoder.next_frame().unwrap() {
            stans.push(Message::unpack(&Spec::TAPSEAL, &frame).unwrap().number(11).unwrap());
        }
        assert!(decoder.is_between_frames());
        stans
    }

    #[tokio::test]
    async fn answers_are_sent_twice_swapped_or_not_at_all() {
        let bytes = written(vec![
            Reply::Once(answer(1)),
            Reply::Silence,
            Reply::Each(vec![answer(2), answer(2)]),
            Reply::AfterNext(answer(3)),
            Reply::Once(answer(4)),
            Reply::AfterNext(answer(5)),
            Reply::AfterNext(answer(6)),
        ]);
        assert_eq!(stans(&bytes.await), [1, 2, 2, 4, 3, 6, 5]);
    }

    #[tokio::test]
    async fn an_answer_that_nothing_overtakes_is_sent_all_the_same() {
        assert_eq!(stans(&written(vec![Reply::AfterNext(answer(7))]).await), [7]);
    }

    #[tokio::test]
    async fn a_cut_ends_within_a_frame_and_nothing_follows() {
        let whole = packing().framed(&answer(1));
        let bytes = written(vec![Reply::Cut(answer(1)), Reply::Once(answer(2))]).await;
        assert_eq!(bytes, whole[..whole.len() / 2]);
    }

    #[tokio::test]
    async fn raw_bytes_are_sent_as_they_are() {
        assert_eq!(written(vec![Reply::Raw(vec![0xFF, 0xFF, 1])]).await, [0xFF, 0xFF, 1]);
    }
}
