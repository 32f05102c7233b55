#!/usr/bin/env python3
"""Makes the test keys beside this file, once: certification authority, issuer and card (Book 2 sections 5 and 6).

    python3 -m venv target/keys && target/keys/bin/pip install cryptography
    target/keys/bin/python crates/virtual-card/keys/generate.py

The private keys are published with the source: they are for simulated cards, and nothing may ever trust them that
somebody pays with. `test_ca.txt` is what a terminal has to be given to believe these cards, in the format of
`crates/emv/data`: registered identifier, index, exponent, modulus, SHA-1 over identifier, index, modulus, exponent.
"""

import hashlib
import pathlib

from cryptography.hazmat.primitives.asymmetric import rsa

# Registered identifiers of the schemes the built-in profiles belong to.
SCHEMES = {
    "Visa": "A000000003",
    "Mastercard": "A000000004",
    "American Express": "A000000025",
    "JCB": "A000000065",
    "Visa, common debit": "A000000098",
    "Discover": "A000000152",
    "Interac": "A000000277",
    "UnionPay": "A000000333",
}
# No scheme publishes a key of this index.
INDEX = "D7"
# Issuer's key longer than fits the authority's certificate, card's longer than fits the issuer's: both need a remainder.
BITS = {"authority": 1408, "issuer": 1152, "card": 1024}


def main() -> None:
    folder = pathlib.Path(__file__).parent
    keys = {name: rsa.generate_private_key(public_exponent=3, key_size=bits) for name, bits in BITS.items()}
    lines = [
        "# Test keys made by generate.py. They are public: nothing may trust them that somebody pays with.",
        f'index = "{INDEX}"',
    ]
    for name, key in keys.items():
        numbers = key.private_numbers()
        size = key.key_size // 8
        lines += [
            "",
            f"[{name}]",
            f'modulus = "{numbers.public_numbers.n.to_bytes(size, "big").hex().upper()}"',
            f'private_exponent = "{numbers.d.to_bytes(size, "big").hex().upper()}"',
        ]
    (folder / "test_keys.toml").write_text("\n".join(lines) + "\n")

    modulus = keys["authority"].public_key().public_numbers().n.to_bytes(BITS["authority"] // 8, "big")
    lines = [
        "# The certification authority of simulated cards, one line for each scheme. TEST ONLY: its private key is public.",
        "# Registered identifier, index, exponent, modulus, SHA-1 over identifier, index, modulus and exponent.",
    ]
    for scheme, rid in SCHEMES.items():
        covered = bytes.fromhex(rid) + bytes.fromhex(INDEX) + modulus + b"\x03"
        check = hashlib.sha1(covered).hexdigest().upper()
        lines += [f"# {scheme}", f"{rid} {INDEX} 03 {modulus.hex().upper()} {check}"]
    (folder / "test_ca.txt").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
