"""What a description cannot say, for Schemathesis: a signature, a certificate, an address, a key that is used once.

Only calls that are meant to be right are touched; calls that are meant to be wrong go out as they were made.
"""

import itertools
import json
import os
import subprocess

import schemathesis

TAPSEAL = os.environ["TAPSEAL_PROGRAM"]
DATA = os.environ["TAPSEAL_DATA"]
MERCHANT = os.environ["TAPSEAL_MERCHANT"]
OWN_KEY_ID = os.environ["TAPSEAL_OWN_KEY_ID"]
CERTIFICATES = iter(json.load(open(os.environ["TAPSEAL_CERTIFICATES"], encoding="utf-8")))
NUMBERS = itertools.count(1)


def is_right(case):
    return case.meta is None or case.meta.generation.mode.is_positive


def signed_order(number):
    words = ["merchant", "sign", "--data", DATA, "--merchant", MERCHANT, "--amount", "12.80", "--order", f"S-{number}"]
    printed = subprocess.run([TAPSEAL, *words], check=True, capture_output=True, text=True).stdout
    return json.loads(printed)["body"]["order"]


@schemathesis.hook
def before_call(context, case, kwargs):
    number = next(NUMBERS)
    path, method = case.operation.path, case.method.upper()
    # The key these calls are made with must not be the one that is revoked, whoever learnt its id from a list.
    if method == "DELETE" and case.path_parameters and OWN_KEY_ID in map(str, case.path_parameters.values()):
        case.path_parameters["id"] = "another"
    if case.query and str(case.query.get("wait_s")) in map(str, range(1, 26)):
        # A feed is not waited for here, whatever else is wrong with the call.
        case.query["wait_s"] = 0
    if not is_right(case):
        return
    if case.headers and any(name.lower() == "idempotency-key" for name in case.headers):
        # One key names one call: the same one for two bodies is refused, and that is tested elsewhere.
        for name in list(case.headers):
            if name.lower() == "idempotency-key":
                case.headers[name] = f"call-{number}"
    if case.query:
        # A cursor is opaque: only the list that gave it out takes it.
        case.query.pop("cursor", None)
    body = case.body if isinstance(case.body, dict) else None
    if method == "POST" and body is not None:
        if path == "/v1/payment-requests":
            body["order"] = signed_order(number)
            body["payer"] = {"kind": "email", "value": f"payer{number}@example.org"}
        elif path.endswith("/resend"):
            # A request goes again over a channel that its payer has: by mail, as above.
            body["channel"] = "email"
        elif path == "/v1/certificates":
            body["certificate"] = next(CERTIFICATES)
        elif path == "/v1/webhooks":
            body["url"] = f"https://example.org/hook/{number}"
            body["events"] = ["request.*"]
