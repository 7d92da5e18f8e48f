"""Asking an OpenAI-compatible endpoint for descriptions, against one of our own."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from corpus_texts import ADDER, COUNTER, SHIFTER

from trainer.corpus.endpoint import PROMPT, Endpoint


class Server(ThreadingHTTPServer):
    """Answers what `answer(text, attempt)` returns: a text, or an HTTP status."""

    def __init__(self, answer):
        super().__init__(("127.0.0.1", 0), Handler)
        self.answer = answer
        self.asked = []
        self.headers = []

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}/v1"


class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        text = body["messages"][0]["content"].removeprefix(PROMPT)
        self.server.asked.append(text)
        self.server.headers.append((self.path, body["model"], self.headers["Authorization"]))
        answer = self.server.answer(text, self.server.asked.count(text))
        status, answer = (answer, "no") if isinstance(answer, int) else (200, answer)
        content = json.dumps({"choices": [{"message": {"content": answer}}]}).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_):
        pass


@pytest.fixture
def serve():
    servers = []

    def start(answer):
        servers.append(Server(answer))
        threading.Thread(target=servers[-1].serve_forever, daemon=True).start()
        return servers[-1]

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def name(text, _attempt=1):
    return f"It is\n {text.split()[1]}."


def test_each_module_gets_its_description_in_order(serve, tmp_path, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "secret")
    server = serve(name)
    endpoint = Endpoint(server.url, "describer", tmp_path / "cache.jsonl")
    assert list(endpoint.describe([ADDER, SHIFTER])) == ["It is full_adder.", "It is shifter."]
    assert set(server.headers) == {("/v1/chat/completions", "describer", "Bearer secret")}


def test_a_second_run_pays_for_nothing_twice(serve, tmp_path):
    server = serve(name)
    cache = tmp_path / "cache.jsonl"
    list(Endpoint(server.url, "describer", cache).describe([ADDER]))
    with cache.open("a") as file:
        file.write('\n{"key": "cut o')  # as a killed run leaves it
    again = Endpoint(server.url, "describer", cache)
    assert list(again.describe([ADDER, SHIFTER])) == ["It is full_adder.", "It is shifter."]
    assert server.asked == [ADDER, SHIFTER]
    list(Endpoint(server.url, "another model", cache).describe([ADDER]))  # has not been paid yet
    assert server.asked == [ADDER, SHIFTER, ADDER]


def test_a_busy_endpoint_is_asked_again(serve, tmp_path):
    server = serve(lambda text, attempt: 429 if attempt < 3 else name(text))
    endpoint = Endpoint(server.url, "describer", tmp_path / "cache.jsonl", pause_s=0)
    assert list(endpoint.describe([ADDER])) == ["It is full_adder."]


@pytest.mark.parametrize(
    ("answer", "reason"),
    [(401, "HTTP Error 401"), (" ", "answer is empty"), (None, "answer is empty")],
)
def test_failures_are_counted_with_their_reason(serve, tmp_path, answer, reason):
    server = serve(lambda text, _: answer if text == ADDER else name(text))
    endpoint = Endpoint(server.url, "describer", tmp_path / "cache.jsonl", pause_s=0)
    assert list(endpoint.describe([ADDER, SHIFTER])) == ["", "It is shifter."]
    [(told, count)] = endpoint.failures.items()
    assert reason in told
    assert count == 1


def test_an_endpoint_that_is_not_there_is_not_asked_for_ever(tmp_path):
    endpoint = Endpoint("http://127.0.0.1:9", "describer", tmp_path / "cache.jsonl")
    texts = [COUNTER + str(number) for number in range(100)]
    assert list(endpoint.describe(texts)) == [""] * 100
    assert endpoint.failures.total() == 100
    assert endpoint.failures["not asked, after ten failures in a row"] > 70
