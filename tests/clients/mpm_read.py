"""Reads a merchant-presented code with an implementation of EMVCo's specification that is not ours.

Takes the code's text from standard input; prints one JSON object: whether it breaks no rule of the specification, and
what it says.
"""

import json
import sys

from cemacqr import EMVCO, parse_payload, validate

code = parse_payload(sys.stdin.read())
report = validate(code, EMVCO)
print(
    json.dumps(
        {
            "ok": report.ok and code.crc_ok,
            "violations": [str(violation) for violation in report.violations],
            "amount": str(code.amount_decimal),
            "currency": code.currency,
            "name": code.merchant_name,
            "local_name": code.get_in("64", "01"),
            "path": code.get_in("26", "01"),
            "host": code.get_in("27", "03"),
        }
    )
)
