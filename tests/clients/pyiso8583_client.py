"""An ordinary ISO 8583 client of the bank front's plain port, made of pyiso8583 and psec as they are published.

It signs on, takes a PIN key, holds, completes, debits, reverses, asks for totals and signs off, and prints one line of
JSON for each answer. What it is to do comes as JSON on standard input; `tests/tests/ordinary_clients.rs` writes it.
"""

import json
import socket
import sys
from datetime import datetime, timezone

import iso8583
from iso8583.specs import default, default_ascii
from psec import des, mac, pinblock

SPECS = {"ascii": default, "ascii-hex": default_ascii}


class Line:
    """One connection: a length in front of each message, two bytes or four digits."""

    def __init__(self, wanted):
        self.spec = SPECS[wanted["encoding"]]
        self.digits = wanted["framing"] == "ascii4"
        host, port = wanted["address"].rsplit(":", 1)
        self.socket = socket.create_connection((host, int(port)), timeout=20)

    def ask(self, message):
        raw, _ = iso8583.encode(message, self.spec)
        return self.ask_raw(raw)

    def ask_raw(self, raw):
        length = f"{len(raw):04}".encode() if self.digits else len(raw).to_bytes(2, "big")
        self.socket.sendall(length + raw)
        prefix = self.take(4 if self.digits else 2)
        answer = self.take(int(prefix) if self.digits else int.from_bytes(prefix, "big"))
        decoded, _ = iso8583.decode(answer, self.spec)
        return decoded, answer

    def take(self, count):
        taken = b""
        while len(taken) < count:
            more = self.socket.recv(count - len(taken))
            if not more:
                raise SystemExit("the bank closed the connection")
            taken += more
        return taken


class Client:
    def __init__(self, wanted):
        self.wanted = wanted
        self.line = Line(wanted)
        self.stan = 0
        self.transmitted = datetime.now(timezone.utc).strftime("%m%d%H%M%S")
        self.mac_key = None

    def message(self, mti, **elements):
        self.stan += 1
        message = {"t": mti, "7": self.transmitted, "11": f"{self.stan:06}", "32": self.wanted["acquirer"]}
        message.update({number.lstrip("_"): text for number, text in elements.items()})
        return message

    def payment(self, mti, minor, **elements):
        common = {"_3": "000000", "_4": f"{minor:012}", "_41": "PYTERM01", "_49": "840"}
        message = self.message(mti, **{**common, **elements})
        message.setdefault("37", f"5{self.stan:011}")
        return message

    def presented(self, mti, minor, icc_data):
        """The card in the slot, with its PIN in a block of format 0 under the acquirer's working key."""
        card = self.wanted["card"]
        clear = pinblock.encode_pinblock_iso_0(card["pin"], card["pan"])
        block = des.encrypt_tdes_ecb(self.pin_key, clear)
        return self.payment(
            mti, minor, _2=card["pan"], _14=card["expiry_yymm"], _22="051", _23=card["psn"],
            _52=block.hex().upper(), _53="2001000100000000", _55=icc_data,
        )

    def about(self, mti, original, minor):
        """A message about another: DE 90 names it, with DE 37 and 41 as they were."""
        named = original["t"] + original["11"] + original["7"] + self.wanted["acquirer"].zfill(11) + "0" * 11
        return self.payment(mti, minor, _37=original["37"], _90=named)

    def tell(self, step, message):
        if self.mac_key:
            message = self.authenticated(message)
        answer, raw = self.line.ask(message)
        told = {"step": step, "mti": answer["t"], "code": answer.get("39"), "approval": answer.get("38")}
        told["words"] = answer.get("44")
        told["for_the_card"] = answer.get("55")
        told["settled"] = answer.get("66")
        if self.mac_key and "64" in answer:
            told["mac_right"] = self.mac_of(raw) == answer["64"]
        if self.mac_key and "128" in answer:
            told["mac_right"] = self.mac_of(raw) == answer["128"]
        print(json.dumps(told), flush=True)
        return answer

    def mac_of(self, raw):
        covered = raw[: -16 if self.line.spec is default_ascii else -8]
        return mac.generate_retail_mac(self.mac_key[:8], self.mac_key[8:], covered, 1).hex().upper()

    def authenticated(self, message):
        number = "128" if any(key.isdigit() and int(key) > 64 for key in message) else "64"
        blank, _ = iso8583.encode({**message, number: "00" * 8}, self.line.spec)
        return {**message, number: self.mac_of(blank)}

    def new_key(self, name):
        answer = self.tell(f"key_change_{name}", self.message("0800", _70="101", _48=name))
        told_name, cryptogram, kcv = answer["48"].split(" ")
        key = des.decrypt_tdes_ecb(bytes.fromhex(self.wanted["zone_master_key"]), bytes.fromhex(cryptogram))
        if told_name != name or des.generate_kcv(key, 3).hex().upper() != kcv:
            raise SystemExit(f"the {name} key is not what its check value says")
        return key

    def run(self):
        held, debited = self.wanted["icc_data"]
        self.tell("early", self.message("0100"))
        self.tell("sign_on", self.message("0800", _70="001"))
        self.tell("echo", self.message("0800", _70="301"))
        self.pin_key = self.new_key("PIN")
        hold = self.presented("0100", 5000, held)
        self.tell("hold", hold)
        self.tell("complete", self.about("0220", hold, 3000))
        debit = self.presented("0200", 1280, debited)
        self.tell("debit", debit)
        self.tell("debit_repeated", {**debit, "t": "0201"})
        reversal = self.about("0420", debit, 1280)
        self.tell("reverse", reversal)
        self.tell("reverse_repeated", {**reversal, "t": "0421"})
        self.mac_key = self.new_key("MAC")
        self.tell("refund", {**self.about("0200", hold, 1000), "3": "200000"})
        day = datetime.now(timezone.utc).strftime("%m%d")
        self.tell("totals", self.message("0500", _15=day, _50="840", _76="0000000002", _88="0" * 12 + "4280"))
        self.tell("sign_off", self.message("0800", _70="002"))


Client(json.load(sys.stdin)).run()
