"""Packs and unpacks a message with pyiso8583, as often as it is told, and says how long that took.

A line on standard input is a count; the answer is a line of JSON with the nanoseconds of one pack and of one unpack.
The first line is the message, a JSON object of data elements; its answer is the packed message, so that the other
side can see that both mean the same bytes.
"""

import json
import sys
import time

import iso8583
from iso8583.specs import default_ascii


def timed(work, count):
    start = time.perf_counter_ns()
    for _ in range(count):
        work()
    return (time.perf_counter_ns() - start) / count


def main():
    message = json.loads(sys.stdin.readline())
    packed, _ = iso8583.encode(message, default_ascii)
    packed = bytes(packed)
    print(json.dumps(packed.decode("ascii")), flush=True)
    for line in sys.stdin:
        count = int(line)
        pack = timed(lambda: iso8583.encode(message, default_ascii), count)
        unpack = timed(lambda: iso8583.decode(packed, default_ascii), count)
        print(json.dumps([pack, unpack]), flush=True)


if __name__ == "__main__":
    main()
