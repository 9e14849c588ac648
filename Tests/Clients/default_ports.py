#!/usr/bin/env python3
"""Genuine Claude Code, told nothing but to use gRPC, and phoenix.otel with nothing told at all, find the collector's default ports.

    default_ports.py PROGRAM WORK

Runs in a network of its own (`unshare --net`), so that the default ports are free. Each call of the model server must be counted once.
"""

import fcntl
import glob
import http.server
import json
import os
import pathlib
import socket
import struct
import subprocess
import sys
import threading
import time
import urllib.request

program, work = os.path.abspath(sys.argv[1]), pathlib.Path(sys.argv[2]).resolve() / "default-ports"
failures = []


def expect(what, is_so, found=""):
    print(("ok      " if is_so else "FAILED  ") + what + ("" if is_so else ": %s" % (found,)))
    if not is_so:
        failures.append(what)


def loopback_up():
    """A new network has a loopback interface that is down."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        fcntl.ioctl(control, 0x8914, struct.pack("16sh14x", b"lo", 0x1 | 0x40))  # SIOCSIFFLAGS, IFF_UP and IFF_RUNNING


class Messages(http.server.BaseHTTPRequestHandler):
    """Anthropic's Messages API: every answer has a usage of its own."""

    protocol_version = "HTTP/1.1"
    calls, lock = [], threading.Lock()

    def log_message(self, *_):
        pass

    def do_GET(self):
        self.reply({"data": []})

    def do_HEAD(self):
        self.reply({})

    def reply(self, value):
        data = json.dumps(value).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def do_POST(self):
        request = json.loads(self.rfile.read(int(self.headers.get("content-length") or 0)) or b"{}")
        if self.path.split("?")[0].endswith("/count_tokens"):
            return self.reply({"input_tokens": 10})
        if not self.path.split("?")[0].endswith("/messages"):
            return self.reply({})
        with self.lock:
            number = len(self.calls) + 1
            usage = {"input_tokens": 1000 + 37 * number, "cache_read_input_tokens": 101 * number,
                     "cache_creation_input_tokens": 11 * number, "output_tokens": 20 + 3 * number}
            self.calls.append(usage)
        message = {"id": "msg_%024d" % number, "type": "message", "role": "assistant", "model": request["model"],
                   "content": [], "stop_reason": None, "stop_sequence": None, "usage": {**usage, "output_tokens": 1}}
        text = {"type": "text", "text": "Done."}
        if not request.get("stream"):
            return self.reply({**message, "content": [text], "stop_reason": "end_turn", "usage": usage})
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("request-id", "req_%d" % number)
        self.send_header("connection", "close")
        self.end_headers()
        for event in [
            {"type": "message_start", "message": message},
            {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
            {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Done."}},
            {"type": "content_block_stop", "index": 0},
            {"type": "message_delta", "delta": {"stop_reason": "end_turn", "stop_sequence": None}, "usage": usage},
            {"type": "message_stop"},
        ]:
            self.wfile.write(("event: %s\ndata: %s\n\n" % (event["type"], json.dumps(event))).encode())
        self.close_connection = True


def get(url):
    with urllib.request.urlopen(url, timeout=30) as answer:
        return json.loads(answer.read())


def eventually(check, seconds):
    for _ in range(seconds * 4):
        try:
            if found := check():
                return found
        except OSError:
            pass
        time.sleep(0.25)


def main():
    loopback_up()
    (work / "user").mkdir(parents=True)
    (work / "config.yaml").write_text("""
receivers: { otlp: { protocols: { http: , grpc: } }, agent_sessions: { poll_interval: 1s } }
processors: { tokens: , pricing: }
exporters: { sqlite: { path: store.db } }
extensions: { hub: { timezone: UTC } }
service:
  extensions: [hub]
  pipelines:
    traces: { receivers: [otlp], processors: [tokens, pricing], exporters: [sqlite] }
    logs: { receivers: [otlp, agent_sessions], processors: [tokens, pricing], exporters: [sqlite] }
    metrics: { receivers: [otlp], processors: [tokens, pricing], exporters: [sqlite] }
""")
    log = open(work / "log", "w")
    collector = subprocess.Popen([program, "run", "--config", "config.yaml"], cwd=work, stdout=log, stderr=log,
                                 env={**os.environ, "HOME": str(work / "user"), "HAMMURABI_HOME": str(work / "home")})
    try:
        summary = "http://127.0.0.1:4318/api/telemetry/summary?period=30d"
        expect("the collector runs on its default ports", eventually(lambda: get(summary), 60) is not None)
        claude_code(summary)
        phoenix(summary)
    finally:
        collector.terminate()
        expect("the collector ends in order", collector.wait(60) == 0)


def claude_code(summary):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Messages)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    claude, = glob.glob(os.path.join(sys.prefix, "lib", "python*", "site-packages", "claude_agent_sdk", "_bundled", "claude"))
    environment = {
        "PATH": os.environ["PATH"], "HOME": str(work / "user"), "LANG": "C.UTF-8", "CI": "true",
        "ANTHROPIC_API_KEY": "sk-ant-not-a-key", "ANTHROPIC_BASE_URL": "http://127.0.0.1:%d" % server.server_port,
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1", "DISABLE_AUTOUPDATER": "1",
        "CLAUDE_CODE_ENABLE_TELEMETRY": "1", "OTEL_METRICS_EXPORTER": "otlp", "OTEL_LOGS_EXPORTER": "otlp",
        "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc",
    }
    for prompt in ("Say that you are done.", "Say it again."):
        answer = subprocess.run([claude, "-p", prompt], cwd=work / "user", env=environment, stdin=subprocess.DEVNULL,
                                capture_output=True, text=True, timeout=120)
        expect("Claude Code answers", answer.returncode == 0, answer.stdout + answer.stderr)
    calls = Messages.calls
    expect("and asks the model server", len(calls) >= 2, calls)
    quality = "http://127.0.0.1:4318/api/telemetry/quality?period=30d"
    both = eventually(lambda: get(quality)["severalWitnesses"] >= len(calls), 30)
    expect("each call arrives over gRPC and from its session file", both, get(quality))
    found = get(summary)
    expect("each call of Claude Code is counted once", found["callCount"] == len(calls), (found["callCount"], len(calls)))
    expect("with its tokens", found["totalTokens"] == sum(sum(call.values()) for call in calls), (found, calls))


def phoenix(summary):
    """Without an endpoint it takes the default port of gRPC."""
    from phoenix.otel import register
    before = get(summary)
    tracer = register(verbose=False, batch=False, set_global_tracer_provider=False).get_tracer("calls")
    for number in range(3):
        with tracer.start_as_current_span("call", attributes={
            "openinference.span.kind": "LLM", "llm.model_name": "gpt-4o", "llm.provider": "openai",
            "llm.token_count.prompt": 100 + number, "llm.token_count.completion": 10,
        }):
            pass
    eventually(lambda: get(summary)["callCount"] >= before["callCount"] + 3, 20)
    found = get(summary)
    expect("each call of phoenix.otel with its defaults is counted once", found["callCount"] == before["callCount"] + 3, found)
    expect("with its tokens", found["totalTokens"] == before["totalTokens"] + 333, found)


main()
sys.exit(1 if failures else 0)
