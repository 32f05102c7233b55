"""Verifies webhooks with the reference library of Standard Webhooks, as a merchant would.

Reads a JSON list of {"secret", "id", "timestamp", "signature", "body"} from standard input and prints, for each, whether
the library takes it: "ok" with the verified type, or the reason why not.
"""

import json
import sys

from standardwebhooks import Webhook, WebhookVerificationError

for message in json.load(sys.stdin):
    headers = {
        "webhook-id": message["id"],
        "webhook-timestamp": message["timestamp"],
        "webhook-signature": message["signature"],
    }
    try:
        verified = Webhook(message["secret"]).verify(message["body"], headers)
        print(json.dumps({"ok": True, "type": verified["type"]}))
    except WebhookVerificationError as refused:
        print(json.dumps({"ok": False, "why": str(refused)}))
