// A short message centre of somebody else's making (npm `smpp`), that says what it receives and misbehaves as told.
//
// One JSON line on standard output for each thing that happens; one JSON line on standard input changes how it behaves:
//   {"receipts": "DELIVRD" | "UNDELIV" | null, "throttle": N, "drop_after": N, "silent": true, "enquire": true}
'use strict';

const readline = require('readline');
const smpp = require('smpp');

let behaviour = { receipts: 'DELIVRD', receipts_early: false, throttle: 0, drop_after: 0, silent: false };
const sessions = new Set();
let last = 0;

const tell = (what) => process.stdout.write(JSON.stringify(what) + '\n');

// What a phone would put together: octets after the user data header, in their alphabet.
function read(pdu) {
  const message = pdu.short_message;
  const header = (message.udh || [])[0] || null;
  return { text: String(message.message), header: header ? [...header] : null };
}

function receipt(session, pdu, id, stat) {
  session.deliver_sm({
    source_addr: pdu.destination_addr,
    destination_addr: pdu.source_addr,
    esm_class: smpp.ESM_CLASS.MC_DELIVERY_RECEIPT,
    short_message: `id:${id} sub:001 dlvrd:001 submit date:2611260101 done date:2611260102 stat:${stat} err:000 text:`,
  }, (answer) => tell({ receipt: id, status: answer.command_status }));
}

const server = smpp.createServer({}, (session) => {
  session.on('error', () => {});
  session.on('close', () => { sessions.delete(session); tell({ closed: true }); });
  session.on('bind_transceiver', (pdu) => {
    const known = pdu.system_id === 'tap' && pdu.password === 's3cret';
    session.send(pdu.response(known ? {} : { command_status: smpp.ESME_RINVPASWD }));
    if (known) { sessions.add(session); }
    tell({ bound: known, version: pdu.interface_version });
  });
  session.on('submit_sm', (pdu) => {
    if (behaviour.throttle > 0) {
      behaviour.throttle -= 1;
      tell({ throttled: true });
      session.send(pdu.response({ command_status: smpp.ESME_RTHROTTLED }));
      return;
    }
    last += 1;
    const id = `m${last}`;
    tell({
      submitted: id, to: pdu.destination_addr, from: pdu.source_addr, coding: pdu.data_coding,
      esm_class: pdu.esm_class, registered: pdu.registered_delivery, ...read(pdu),
    });
    if (behaviour.drop_after > 0 && last >= behaviour.drop_after) {
      behaviour.drop_after = 0;
      session.destroy();
      return;
    }
    if (behaviour.silent) { return; }
    if (behaviour.receipts && behaviour.receipts_early) { receipt(session, pdu, id, behaviour.receipts); }
    session.send(pdu.response({ message_id: id }));
    if (behaviour.receipts && !behaviour.receipts_early) { receipt(session, pdu, id, behaviour.receipts); }
  });
  session.on('enquire_link', (pdu) => { tell({ enquired: true }); session.send(pdu.response()); });
  session.on('unbind', (pdu) => { tell({ unbound: true }); session.send(pdu.response()); session.close(); });
});

readline.createInterface({ input: process.stdin }).on('line', (line) => {
  const change = JSON.parse(line);
  behaviour = { ...behaviour, ...change };
  if (change.enquire) { sessions.forEach((session) => session.enquire_link({}, () => tell({ link_alive: true }))); }
  tell({ behaves: true });
});
process.stdin.on('end', () => process.exit(0));

server.listen(Number(process.argv[2] || 0), '127.0.0.1', () => tell({ ready: 'smsc', port: server.address().port }));
