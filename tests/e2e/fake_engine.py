"""An engine without a model: speaks the engine process's protocol and says what it is told to.

The document tells it, in a Verilog comment; the last one before or after the cursor counts:

    // engine: answer "a & b;"             this text, whatever the cursor
    // engine: answers ["bad", "good"]     to `complete` the first, or that of the seed; to `sample`
                                        the others, in turn
    // engine: error "out of memory"
    // engine: forever                     a step every few milliseconds until cancelled
    // engine: die

Without one it answers FILL (or what --fill says), or MODULE when there is an instruction. A model whose
name contains "corrupt" does not load. With --log FILE every message received is appended there.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
import threading
import time
from pathlib import Path

FILL = "a & b;"
MODULE = "module from_comment (\n  input wire clk\n);\nendmodule\n"
DIRECTIVE = re.compile(r"engine:\s*(answers?|error|forever|die)\b[ \t]*(.*)")

sending = threading.Lock()
fill = FILL
cancelled: dict[int, threading.Event] = {}


def send(message: dict) -> None:
    with sending:
        print(json.dumps(message), flush=True)


def load(number: int, model: str, seconds: float, failure: str | None) -> None:
    if failure:
        send({"id": number, "event": "error", "message": failure})
        return
    send({"id": number, "event": "progress", "message": "loading weights", "fraction": 0.5})
    time.sleep(seconds)
    if "corrupt" in model:
        message = f"{model} has no config.json: check the setting verifrag.model"
        send({"id": number, "event": "error", "message": message})
        return
    name = Path(model).name
    training_round = re.fullmatch(r"round-(\d+)", name)
    info = {
        "name": name,
        "path": model,
        "round": int(training_round[1]) if training_round else 0,
        "parameters": 1000,
        "heads": 3,
        "device": "cpu",
        "dtype": "float32",
    }
    send({"id": number, "event": "done", "result": info})


def directive(prompt: dict) -> tuple[str, str]:
    said = "\n".join((prompt["prefix"], prompt["suffix"], prompt["instruction"]))
    found = DIRECTIVE.findall(said)
    return found[-1] if found else ("", "")


def answer(prompt: dict, index: int) -> str:
    """What to say the `index`th time."""
    kind, argument = directive(prompt)
    if kind == "answer":
        return json.loads(argument)
    if kind == "answers":
        texts = json.loads(argument)
        return texts[min(index, len(texts) - 1)]
    return MODULE if prompt["instruction"] else fill


def completion(fragments: list[str], delay: float) -> dict:
    return {
        "text": "".join(fragments),
        "finish": "stop",
        "steps": len(fragments),
        "tokens": len(fragments),
        "milliseconds": len(fragments) * delay * 1000,
        "model": "fake",
        "fragments": fragments,
    }


def sample(number: int, prompt: dict, samples: int, delay: float) -> None:
    for index in range(samples):
        while directive(prompt)[0] == "forever" and not cancelled[number].wait(delay):
            send({"id": number, "event": "samples", "characters": 1, "ended": []})
        if cancelled[number].wait(delay):
            send({"id": number, "event": "cancelled"})
            return
        one = completion([answer(prompt, index + 1)], delay)
        ended = [{"index": index, "completion": one}]
        send({"id": number, "event": "samples", "characters": len(one["text"]), "ended": ended})
    send({"id": number, "event": "done", "result": {}})


def complete(number: int, prompt: dict, options: dict, delay: float) -> None:
    kind, argument = directive(prompt)
    if kind == "die":
        os._exit(3)
    if kind == "error":
        send({"id": number, "event": "error", "message": json.loads(argument)})
        return
    fragments = re.findall(r"\s*\w+|\s*[^\w\s]|\s+", answer(prompt, options["seed"] or 0))
    shown: list[str] = []
    while kind == "forever" or len(shown) < len(fragments):
        if cancelled[number].wait(delay):
            send({"id": number, "event": "cancelled"})
            return
        fragment = fragments[len(shown) % len(fragments)]
        shown.append(fragment)
        step = {"fragments": [fragment], "accepted": 1, "milliseconds": delay * 1000}
        send({"id": number, "event": "step", "step": step})
    send({"id": number, "event": "done", "result": completion(shown, delay)})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--delay", type=float, default=0.002, help="seconds between two steps")
    parser.add_argument("--load-seconds", type=float, default=0.0)
    parser.add_argument("--fatal", help="no model loads: say this, as when torch is not installed")
    parser.add_argument("--fill", default=FILL, metavar="TEXT")
    parser.add_argument("--log", type=Path)
    arguments = parser.parse_args()
    global fill
    fill = arguments.fill
    for line in sys.stdin:
        if arguments.log:
            with arguments.log.open("a") as log:
                log.write(line)
        message = json.loads(line)
        number, params = message.get("id"), message.get("params", {})
        match message["method"]:
            case "quit":
                return
            case "cancel":
                if params["id"] in cancelled:
                    cancelled[params["id"]].set()
            case "load":
                load(number, params["model"], arguments.load_seconds, arguments.fatal)
            case "status":
                result = {"pid": os.getpid(), "rss": 1 << 20, "clients": 1, "running": 0}
                send({"id": number, "event": "done", "result": result})
            case "sample":
                cancelled[number] = threading.Event()
                work = (number, params["prompt"], params["samples"], arguments.delay)
                threading.Thread(target=sample, args=work, daemon=True).start()
            case "complete":
                cancelled[number] = threading.Event()
                work = (number, params["prompt"], params["options"], arguments.delay)
                threading.Thread(target=complete, args=work, daemon=True).start()


if __name__ == "__main__":
    main()
