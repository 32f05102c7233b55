"""Recomputes what software cards and their issuers made, without seeing it.

Reads a JSON array of cases from standard input and writes one object a case: the cryptogram, the issuer's answers and
a script's MAC. Versions that pyemv knows are computed by its class for them. UnionPay and the Common Core Definitions
have no class there; they are derived here, from their descriptions, out of pyemv's triple DES and MAC.
"""

import inspect
import json
import sys

from pyemv import ac, cvn, kd, mac, tools

CLASSES = {
    "Visa10": cvn.VisaCVN10,
    "Visa18": cvn.VisaCVN18,
    "Visa34": cvn.VisaCVN22,
    "Interac133": cvn.InteracCVN133,
    "MChip16": cvn.MasterCardCVN16,
    "MChip17": cvn.MasterCardCVN17,
    "MChip20": cvn.MasterCardCVN20,
    "MChip21": cvn.MasterCardCVN21,
}

COVERED = ["9f02", "9f03", "9f1a", "95", "5f2a", "9a", "9c", "9f37", "82", "9f36"]


class Derived:
    """What pyemv's classes do, for the versions it lacks."""

    def __init__(self, ac_key, script_key, tags):
        self.ac_key, self.script_key, self.tags = ac_key, script_key, tags

    def generate_ac(self, tail):
        return mac.mac_iso9797_3(self.ac_key[:8], self.ac_key[8:], b"".join(self.tags[t] for t in COVERED) + tail, 2)

    def generate_command_mac(self, command_header, command_data):
        message = command_header + self.tags["9f36"] + self.tags["9f26"] + command_data
        return mac.mac_iso9797_3(self.script_key[:8], self.script_key[8:], message, 2)


def unionpay(keys, pan, psn, tags):
    """PBOC: card keys by option A whatever the length, session keys of the counter and its complement."""

    def session(key):
        card = kd.derive_icc_mk_a(key, pan, psn)
        counter = tags["9f36"]
        complement = tools.xor(counter, b"\xff\xff")
        return tools.encrypt_tdes_ecb(card, b"\x00" * 6 + counter) + tools.encrypt_tdes_ecb(card, b"\x00" * 6 + complement)

    return Derived(session(keys["ac"]), session(keys["script"]), tags)


def common_core(keys, pan, psn, tags):
    """Common Core Definitions: option B, common session keys of the counter and, for scripts, of the cryptogram."""
    card_ac, card_script = (kd.derive_icc_mk_b(keys[name], pan, psn) for name in ("ac", "script"))
    return Derived(
        kd.derive_common_sk(card_ac, tags["9f36"] + b"\x00" * 6), kd.derive_common_sk(card_script, tags["9f26"]), tags
    )


def call(method, values):
    """Calls a method with those of the values that it has parameters for."""
    return method(**{name: values[name] for name in inspect.signature(method).parameters if name in values})


def recompute(case):
    tags = {tag.lower(): bytes.fromhex(value) for tag, value in case["tags"].items()}
    keys = {name: bytes.fromhex(case[f"{name}_key"]) for name in ("ac", "script")}
    pan, psn, version, iad = case["pan"], case["psn"], case["version"], tags["9f10"]
    header, data = (bytes.fromhex(case[name]) for name in ("command_header", "command_data"))
    answers = [bytes.fromhex(answer) for answer in case["answers"]]
    if version in CLASSES:
        made = CLASSES[version](keys["ac"], keys["script"], keys["script"], pan, psn)
        values = {f"tag_{tag}": value for tag, value in tags.items()}
        if version.startswith("MChip"):
            values |= {"cvr": iad[2:8], "counters": iad[10:18]}
        elif version == "Visa10":
            values["cvr"] = iad[3:7]
        values |= {"command_header": header, "command_data": data}
        cryptogram = call(made.generate_ac, values)
        # The issuer's answer is to the cryptogram computed here, not to one that was given.
        values["tag_9f26"] = cryptogram
        arpcs = [call(made.generate_arpc, values | {"arpc_rc": answer, "csu": answer}) for answer in answers]
        script = call(made.generate_command_mac, values)
    else:
        tags["9f26"] = b"\x00" * 8
        derive = {"UnionPay01": unionpay, "CommonCore5": common_core}[version]
        tail = iad[3:7] if version == "UnionPay01" else iad
        cryptogram = derive(keys, pan, psn, tags).generate_ac(tail)
        tags["9f26"] = cryptogram
        made = derive(keys, pan, psn, tags)
        arpc = ac.generate_arpc_1 if version == "UnionPay01" else ac.generate_arpc_2
        arpcs = [arpc(made.ac_key, cryptogram, answer) for answer in answers]
        script = made.generate_command_mac(header, data)
    return {
        "cryptogram": cryptogram.hex(),
        "arpcs": [value.hex() for value in arpcs],
        "script_mac": script.hex(),
    }


json.dump([recompute(case) for case in json.load(sys.stdin)], sys.stdout)
