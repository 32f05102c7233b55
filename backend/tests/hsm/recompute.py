"""Recomputes with psec and pyemv what the security module made, without seeing it.

Reads a JSON array of cases from standard input, each with the name of a function and its arguments, and writes an array
of texts: the value that the other implementation finds.
"""

import json
import sys

from psec import cvv, des, mac, pin, pinblock, tr31
from pyemv import cvv as dynamic


def b(text):
    return bytes.fromhex(text)


def decipher_tdes(case):
    return des.decrypt_tdes_ecb(b(case["key"]), b(case["block"]))


def offset(case):
    # The rightmost twelve digits without the check digit, filled with F.
    pan = case["pan"]
    return pin.generate_ibm3624_offset(b(case["key"]), "0123456789012345", case["pin"], pan, len(pan) - 13, 12, "F")


def unwrap(case):
    header, key = tr31.unwrap(b(case["key"]), case["block"])
    return f"{header.version_id}{header.key_usage}{header.algorithm}{header.mode_of_use} {key.hex()}"


FUNCTIONS = {
    "visa_pvv": lambda case: pin.generate_visa_pvv(b(case["key"]), case["index"], case["pin"], case["pan"]),
    "ibm3624_offset": offset,
    "pin_block_0": lambda case: pinblock.decode_pinblock_iso_0(decipher_tdes(case), case["pan"]),
    "pin_block_3": lambda case: pinblock.decode_pinblock_iso_3(decipher_tdes(case), case["pan"]),
    "pin_block_4": lambda case: pinblock.decipher_pinblock_iso_4(b(case["key"]), b(case["block"]), case["pan"]),
    "cvv": lambda case: cvv.generate_cvv(b(case["key"]), case["pan"], case["expiry"], case["service_code"]),
    "cvc3": lambda case: dynamic.generate_cvc3(b(case["key"]), b(case["track"]), b(case["atc"]), b(case["number"])),
    "retail_mac": lambda case: mac.generate_retail_mac(b(case["key"])[:8], b(case["key"])[8:], b(case["data"]), 1).hex(),
    "key_block": unwrap,
}

json.dump([FUNCTIONS[case["fn"]](case) for case in json.load(sys.stdin)], sys.stdout)
