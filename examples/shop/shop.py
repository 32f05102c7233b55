"""A small shop that is paid over Tapseal: one product, one file, Python's standard library and `requests`.

It shows the whole of an integration: an order is signed, its payment is asked for under an idempotency key, the buyer
is sent to the payment link, and the order counts as paid only when a webhook says so whose signature verifies.

    python shop.py --data DATA --merchant blue-door --webhook-secret-file SECRET --listen 127.0.0.1:8000
"""

import argparse
import base64
import hashlib
import hmac
import html
import json
import pathlib
import sqlite3
import subprocess
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import requests

PRODUCT = "A bag of coffee"
PRICE = "12.80"
PRICE_MINOR = 1280
CURRENCY = "USD"
# A webhook that is older or newer than this is not taken, so that a recorded one cannot be played again later.
WEBHOOK_AGE_S = 5 * 60
BODY_BYTES_MAX = 64 * 1024
CALL_TRIES = 4


class Shop:
    def __init__(self, options):
        data = pathlib.Path(options.data)
        merchant = data / "merchants" / options.merchant
        self.options = options
        self.server = options.server or (data / "payment-server" / "public-url").read_text().strip()
        self.http = requests.Session()
        self.authority = str(data / "tls" / "ca.pem")
        self.http.headers["Authorization"] = f"Bearer {(merchant / 'api-key').read_text().strip()}"
        self.secret = base64.b64decode(pathlib.Path(options.webhook_secret_file).read_text().strip().removeprefix("whsec_"))
        self.orders = options.orders
        with self.database() as database:
            database.execute(
                "CREATE TABLE IF NOT EXISTS shop_order (number INTEGER PRIMARY KEY, request_id TEXT UNIQUE, body TEXT,"
                " status TEXT NOT NULL, link TEXT, deep_link TEXT, words TEXT)"
            )
            database.execute("CREATE TABLE IF NOT EXISTS webhook_seen (id TEXT PRIMARY KEY)")

    def database(self):
        database = sqlite3.connect(self.orders)
        database.row_factory = sqlite3.Row
        return database

    # Buying.

    def buy(self):
        """Makes an order and asks for its payment; answers the order's number."""
        with self.database() as database:
            number = database.execute("INSERT INTO shop_order (status) VALUES ('new')").lastrowid
        signed = self.sign(number)
        # Written down before it is sent: after a crash the same body goes out again under the same key.
        with self.database() as database:
            database.execute(
                "UPDATE shop_order SET request_id = ?, body = ? WHERE number = ?",
                (signed["id"], json.dumps(signed["body"]), number),
            )
        view = self.ask(signed["id"], signed["body"])
        with self.database() as database:
            # A webhook may have been faster: only a new order becomes a waiting one.
            database.execute(
                "UPDATE shop_order SET link = ?, deep_link = ?, words = ?,"
                " status = CASE status WHEN 'new' THEN 'waiting' ELSE status END WHERE number = ?",
                (view.get("link"), view.get("deep_link"), " ".join(view["match_words"]), number),
            )
        return number

    def sign(self, number):
        """The signing key stays with one small program; this one never reads it."""
        words = [self.options.tapseal, "merchant", "sign", "--data", self.options.data]
        words += ["--merchant", self.options.merchant, "--amount", PRICE, "--currency", CURRENCY]
        words += ["--order", f"SHOP-{number}", "--item", f"{PRODUCT}:1:{PRICE}", "--expires-s", "900"]
        return json.loads(subprocess.run(words, check=True, capture_output=True, text=True).stdout)

    def ask(self, request_id, body):
        """Asks for a payment until there is an answer. The key makes it happen once, however often it is sent."""
        for tries in range(CALL_TRIES):
            if tries:
                time.sleep(tries)
            try:
                # `verify` stands here and not at the session, where an environment variable would take its place.
                answer = self.http.post(
                    f"{self.server}/v1/payment-requests",
                    json=body,
                    headers={"Idempotency-Key": request_id},
                    verify=self.authority,
                    timeout=20,
                )
            except requests.ConnectionError as error:
                print(f"asking again: {error}", file=sys.stderr)
                continue
            if answer.ok:
                return answer.json()
            if not answer.json().get("retryable"):
                break
        raise RuntimeError("the payment server did not take the order")

    # Being told.

    def told(self, headers, body):
        """Takes a webhook: whether it was genuine."""
        message_id, timestamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
        if not self.is_genuine(message_id, timestamp, headers.get("webhook-signature", ""), body):
            return False
        event = json.loads(body)
        with self.database() as database:
            try:
                database.execute("INSERT INTO webhook_seen (id) VALUES (?)", (message_id,))
            except sqlite3.IntegrityError:
                return True  # It came before: a webhook may come more than once.
            data = event["data"]
            if event["type"] == "request.paid" and data["amount"] == {"minor": PRICE_MINOR, "currency": CURRENCY}:
                database.execute("UPDATE shop_order SET status = 'paid' WHERE request_id = ?", (data["id"],))
        return True

    def is_genuine(self, message_id, timestamp, signatures, body):
        """Standard Webhooks, by hand: HMAC-SHA256 over id, time and body, any of several signatures, and fresh."""
        if not message_id or not timestamp.isdecimal() or abs(time.time() - int(timestamp)) > WEBHOOK_AGE_S:
            return False
        signed = b".".join([message_id.encode(), timestamp.encode(), body])
        expected = base64.b64encode(hmac.new(self.secret, signed, hashlib.sha256).digest())
        offered = [word.removeprefix("v1,").encode() for word in signatures.split() if word.startswith("v1,")]
        return any(hmac.compare_digest(expected, signature) for signature in offered)

    def order(self, number):
        with self.database() as database:
            return database.execute("SELECT * FROM shop_order WHERE number = ?", (number,)).fetchone()


class Handler(BaseHTTPRequestHandler):
    shop: Shop

    def do_GET(self):
        if self.path == "/":
            buy = f"<form method='post' action='/buy'><button>Buy for {PRICE} {CURRENCY}</button></form>"
            return self.page(PRODUCT, buy)
        name, _, kind = self.path.removeprefix("/orders/").partition(".")
        order = self.shop.order(int(name)) if name.isdecimal() else None
        if order is None:
            return self.page("Not found", "", 404)
        if kind == "json":
            return self.send(200, "application/json", json.dumps({key: order[key] for key in ("status", "link", "words")}))
        if order["status"] == "paid":
            return self.page("Thank you", "<p>Your order is paid.</p>")
        pay = "".join(
            f"<p><a href='{html.escape(order[key], quote=True)}'>{text}</a></p>"
            for key, text in (("deep_link", "Pay in the Tapseal wallet"), ("link", "Payment link"))
            if order[key]
        )
        words = html.escape(order["words"] or "")
        wait = "<meta http-equiv='refresh' content='2'>"
        return self.page("Waiting for your payment", f"{wait}{pay}<p>Your wallet shows the words <b>{words}</b>.</p>")

    def do_POST(self):
        length = int(self.headers.get("content-length") or 0)
        if length > BODY_BYTES_MAX:
            return self.page("Too large", "", 413)
        body = self.rfile.read(length)
        if self.path == "/webhook":
            return self.send(204 if self.shop.told(self.headers, body) else 401, "text/plain", "")
        if self.path == "/buy":
            number = self.shop.buy()
            self.send_response(303)
            self.send_header("location", f"/orders/{number}")
            self.send_header("content-length", "0")
            return self.end_headers()
        return self.page("Not found", "", 404)

    def page(self, title, body, status=200):
        title = html.escape(title)
        text = f"<!doctype html><meta charset='utf-8'><title>{title}</title><h1>{title}</h1>{body}"
        return self.send(status, "text/html; charset=utf-8", text)

    def send(self, status, kind, text):
        data = text.encode()
        self.send_response(status)
        if status != 204:
            self.send_header("content-type", kind)
            self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tapseal", default="tapseal", help="the program that signs")
    parser.add_argument("--data", required=True, help="the data folder with the merchant's keys")
    parser.add_argument("--merchant", required=True)
    parser.add_argument("--server", help="the payment server; by default the one in the data folder")
    parser.add_argument("--webhook-secret-file", required=True, help="holds whsec_…")
    parser.add_argument("--orders", default="orders.db", help="where orders are kept")
    parser.add_argument("--listen", default="127.0.0.1:8000")
    options = parser.parse_args()
    host, _, port = options.listen.rpartition(":")
    Handler.shop = Shop(options)
    server = ThreadingHTTPServer((host, int(port)), Handler)
    print(json.dumps({"ready": "shop", "addr": f"{host}:{server.server_port}"}), flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
