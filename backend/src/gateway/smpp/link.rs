//! One connection to a centre, from bind to its end.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use futures::{SinkExt, StreamExt};
use rusmpp::pdus::{BindTransceiver, DeliverSm, DeliverSmResp, SubmitSm};
use rusmpp::tlvs::TlvValue;
use rusmpp::tokio_codec::CommandCodec;
use rusmpp::types::COctetString;
use rusmpp::values::{InterfaceVersion, MessageType, Npi, Ton};
use rusmpp::{Command, CommandId, CommandStatus, Pdu};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::codec::Framed;
use tokio_util::sync::CancellationToken;

use super::super::receipt::{self, Receipt, Stage};
use super::account::Account;
use super::{Answer, Submit};

/// How long connecting and binding may take, each.
const CONNECT_DEADLINE: Duration = Duration::from_secs(3);
/// How long an answer to a message may take.
const ANSWER_DEADLINE: Duration = Duration::from_secs(10);
/// How long a message may wait for its turn. Together they stay below an outbox lease.
pub(super) const TURN_DEADLINE: Duration = Duration::from_secs(10);
/// How long a centre that takes no more is left alone.
const THROTTLE_PAUSE: Duration = Duration::from_secs(1);
/// How long saying goodbye may take.
const UNBIND_DEADLINE: Duration = Duration::from_secs(2);
/// How often deadlines are looked at.
const TICK: Duration = Duration::from_secs(1);
/// The sequence number of the bind; messages follow.
const FIRST_SEQUENCE: u32 = 1;

/// Why a connection ended, or never began.
#[derive(Debug, thiserror::Error)]
pub(super) enum LinkError {
    #[error("it cannot be reached: {0}")]
    Io(#[from] std::io::Error),
    #[error("it does not answer")]
    Silent,
    #[error("it refused to bind: {0:?}")]
    Refused(CommandStatus),
    #[error("it sent what is not SMPP, or closed")]
    Closed,
    #[error("it said goodbye")]
    Unbound,
}

/// A receipt that waits to be stored before it is acknowledged.
pub(super) struct Told {
    pub(super) receipt: Receipt,
    /// Its sequence number.
    pub(super) sequence: u32,
}

/// Whether a receipt is stored.
pub(super) struct Stored {
    pub(super) sequence: u32,
    pub(super) status: CommandStatus,
}

/// A bound connection.
pub(super) struct Link {
    framed: Framed<TcpStream, CommandCodec>,
    sequence: u32,
    /// What was sent and not answered, by its sequence number, and since when.
    pending: HashMap<u32, (Submit, Instant)>,
    next_send: Instant,
    last_heard: Instant,
    enquired: Option<Instant>,
}

/// What a link works with beside the centre.
pub(super) struct Surroundings<'a> {
    pub(super) account: &'a Account,
    pub(super) submits: &'a mut mpsc::Receiver<Submit>,
    /// What the centre was too busy for.
    pub(super) again: &'a mut VecDeque<Submit>,
    pub(super) receipts: &'a mpsc::Sender<Told>,
    pub(super) stored: &'a mut mpsc::Receiver<Stored>,
    pub(super) shutdown: &'a CancellationToken,
}

impl Link {
    /// Connects and binds as a transceiver (SMPP 3.4, section 4.1.5).
    pub(super) async fn bind(account: &Account) -> Result<Self, LinkError> {
        let connecting = TcpStream::connect((account.host.as_str(), account.port));
        let stream = tokio::time::timeout(CONNECT_DEADLINE, connecting).await.map_err(|_| LinkError::Silent)??;
        stream.set_nodelay(true)?;
        let mut framed = Framed::new(stream, CommandCodec::new());
        let bind = BindTransceiver::new(
            account.system_id.clone(),
            account.password.clone(),
            account.system_type.clone(),
            InterfaceVersion::Smpp3_4,
            Ton::Unknown,
            Npi::Unknown,
            COctetString::empty(),
        );
        let bind = Command::new(CommandStatus::EsmeRok, FIRST_SEQUENCE, bind);
        let answered = tokio::time::timeout(CONNECT_DEADLINE, async {
            framed.send(bind).await.map_err(|_| LinkError::Closed)?;
            loop {
                let answer = framed.next().await.ok_or(LinkError::Closed)?.map_err(|_| LinkError::Closed)?;
                match (answer.id(), answer.status()) {
                    (CommandId::BindTransceiverResp, CommandStatus::EsmeRok) => return Ok(()),
                    (CommandId::BindTransceiverResp | CommandId::GenericNack, status) => {
                        return Err(LinkError::Refused(status));
                    }
                    _ => {}
                }
            }
        });
        answered.await.map_err(|_| LinkError::Silent)??;
        let now = Instant::now();
        Ok(Self {
            framed,
            sequence: FIRST_SEQUENCE,
            pending: HashMap::new(),
            next_send: now,
            last_heard: now,
            enquired: None,
        })
    }

    /// Works until the connection ends or the server stops; then nothing is left unanswered.
    pub(super) async fn serve(mut self, with: &mut Surroundings<'_>) -> Result<(), LinkError> {
        let ended = self.work(with).await;
        for (_, (submit, _)) in self.pending.drain() {
            // Whoever asked may have gone; the outbox knows the try as one in doubt all the same.
            let _ = submit.answer.send(Answer::Lost);
        }
        ended
    }

    async fn work(&mut self, with: &mut Surroundings<'_>) -> Result<(), LinkError> {
        let mut tick = tokio::time::interval(TICK);
        loop {
            let has_room = self.pending.len() < with.account.window;
            let is_time = Instant::now() >= self.next_send;
            if has_room
                && is_time
                && let Some(submit) = with.again.pop_front()
            {
                self.submit(with.account, submit).await?;
                continue;
            }
            tokio::select! {
                () = with.shutdown.cancelled() => return self.unbind().await,
                command = self.framed.next() => {
                    let command = command.ok_or(LinkError::Closed)?.map_err(|_| LinkError::Closed)?;
                    self.heard(command, with).await?;
                }
                Some(submit) = with.submits.recv(), if has_room && is_time => self.submit(with.account, submit).await?,
                Some(stored) = with.stored.recv() => self.acknowledge(&stored).await?,
                () = tokio::time::sleep_until(self.next_send), if has_room && !is_time => {}
                _ = tick.tick() => self.check(with.account).await?,
            }
        }
    }

    async fn submit(&mut self, account: &Account, submit: Submit) -> Result<(), LinkError> {
        if submit.since.elapsed() > TURN_DEADLINE {
            let _ = submit.answer.send(Answer::Busy);
            return Ok(());
        }
        let now = Instant::now();
        self.next_send = self.next_send.max(now) + account.pace;
        let part: SubmitSm = submit.part.clone();
        let sequence = self.next_sequence();
        // Noted before it is sent: a write that fails may have sent it.
        self.pending.insert(sequence, (submit, now));
        self.send(CommandStatus::EsmeRok, sequence, part).await
    }

    async fn heard(&mut self, command: Command, with: &mut Surroundings<'_>) -> Result<(), LinkError> {
        self.last_heard = Instant::now();
        self.enquired = None;
        let sequence = command.sequence_number();
        match (command.id(), command.pdu()) {
            (CommandId::SubmitSmResp | CommandId::GenericNack, pdu) => {
                let message_id = match pdu {
                    Some(Pdu::SubmitSmResp(answer)) => answer.message_id().as_str().to_owned(),
                    _ => String::new(),
                };
                self.answered(sequence, command.status(), message_id, with);
                Ok(())
            }
            (CommandId::DeliverSm, Some(Pdu::DeliverSm(message))) => match receipt_of(message) {
                // It is acknowledged once it is stored. A full queue makes the centre send it again.
                Some(receipt) => match with.receipts.try_send(Told { receipt, sequence }) {
                    Ok(()) => Ok(()),
                    Err(_) => self.acknowledge(&Stored { sequence, status: CommandStatus::EsmeRmsgqful }).await,
                },
                None => self.acknowledge(&Stored { sequence, status: CommandStatus::EsmeRok }).await,
            },
            (CommandId::EnquireLink, _) => self.send(CommandStatus::EsmeRok, sequence, Pdu::EnquireLinkResp).await,
            (CommandId::Unbind, _) => {
                self.send(CommandStatus::EsmeRok, sequence, Pdu::UnbindResp).await?;
                Err(LinkError::Unbound)
            }
            (CommandId::EnquireLinkResp, _) => Ok(()),
            (id, _) => {
                tracing::debug!(?id, "a centre sent what nobody asked for");
                Ok(())
            }
        }
    }

    fn answered(&mut self, sequence: u32, status: CommandStatus, message_id: String, with: &mut Surroundings<'_>) {
        let Some((submit, _)) = self.pending.remove(&sequence) else { return };
        let answer = match status {
            CommandStatus::EsmeRok => Answer::Taken(message_id),
            CommandStatus::EsmeRthrottled | CommandStatus::EsmeRmsgqful => {
                self.next_send = Instant::now() + THROTTLE_PAUSE;
                with.again.push_back(submit);
                return;
            }
            status => Answer::Refused(status),
        };
        let _ = submit.answer.send(answer);
    }

    async fn acknowledge(&mut self, stored: &Stored) -> Result<(), LinkError> {
        let answer = DeliverSmResp::new(COctetString::empty(), Vec::new());
        self.send(stored.status, stored.sequence, answer).await
    }

    /// What did not come in time, and whether the centre still lives.
    async fn check(&mut self, account: &Account) -> Result<(), LinkError> {
        let late: Vec<u32> = self
            .pending
            .iter()
            .filter(|(_, (_, since))| since.elapsed() > ANSWER_DEADLINE)
            .map(|(sequence, _)| *sequence)
            .collect();
        for sequence in late {
            if let Some((submit, _)) = self.pending.remove(&sequence) {
                let _ = submit.answer.send(Answer::Lost);
            }
        }
        match self.enquired {
            Some(since) if since.elapsed() > ANSWER_DEADLINE => Err(LinkError::Silent),
            None if self.last_heard.elapsed() > account.enquire => {
                self.enquired = Some(Instant::now());
                let sequence = self.next_sequence();
                self.send(CommandStatus::EsmeRok, sequence, Pdu::EnquireLink).await
            }
            Some(_) | None => Ok(()),
        }
    }

    /// Lets the answers under way come in, and says goodbye.
    async fn unbind(&mut self) -> Result<(), LinkError> {
        let goodbye = async {
            let sequence = self.next_sequence();
            self.send(CommandStatus::EsmeRok, sequence, Pdu::Unbind).await?;
            while let Some(Ok(command)) = self.framed.next().await {
                match (command.id(), command.pdu()) {
                    (CommandId::UnbindResp, _) => break,
                    (CommandId::SubmitSmResp, Some(Pdu::SubmitSmResp(answer))) => {
                        if let Some((submit, _)) = self.pending.remove(&command.sequence_number()) {
                            let _ = submit.answer.send(Answer::Taken(answer.message_id().as_str().to_owned()));
                        }
                    }
                    _ => {}
                }
            }
            Ok(())
        };
        tokio::time::timeout(UNBIND_DEADLINE, goodbye).await.unwrap_or(Ok(()))
    }

    async fn send(&mut self, status: CommandStatus, sequence: u32, pdu: impl Into<Pdu>) -> Result<(), LinkError> {
        let command = Command::new(status, sequence, pdu);
        let sent = tokio::time::timeout(CONNECT_DEADLINE, self.framed.send(command)).await;
        sent.map_err(|_| LinkError::Silent)?.map_err(|_| LinkError::Closed)
    }

    /// Sequence numbers go up to 0x7FFFFFFF (SMPP 3.4, section 5.1.4).
    const fn next_sequence(&mut self) -> u32 {
        self.sequence = if self.sequence == 0x7FFF_FFFF { 1 } else { self.sequence + 1 };
        self.sequence
    }
}

/// The receipt in a message, by its optional parameters or else by its text; none for a person's answer.
fn receipt_of(message: &DeliverSm) -> Option<Receipt> {
    if message.esm_class.message_type != MessageType::ShortMessageContainsMCDeliveryReceipt {
        return None;
    }
    let mut message_id = None;
    let mut stage = None;
    for tlv in message.tlvs() {
        match tlv.value() {
            Some(TlvValue::ReceiptedMessageId(id)) => message_id = Some(id.as_str().to_owned()),
            Some(TlvValue::MessageState(state)) => stage = Stage::of_state(u8::from(*state)),
            _ => {}
        }
    }
    match (message_id, stage) {
        (Some(message_id), Some(stage)) => Some(Receipt { message_id, stage }),
        _ => receipt::parse(message.short_message().as_ref()),
    }
}
