"""Drives genuine agents against a model server and compares what is read of their stores with what the server answered.

    agent_stores.py PROGRAM WORK KIMI COPILOT

PROGRAM is the collector, WORK a folder for everything else, KIMI and COPILOT are virtual environments with kimi-cli and github-copilot-sdk (whose
wheels up to 0.3.0 hold Copilot's command line).
"""

import atexit
import glob
import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import time
import urllib.request

from model_server import ModelServer

PROGRAM, WORK, KIMI, COPILOT = (pathlib.Path(argument).resolve() for argument in sys.argv[1:5])


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class Collector:
    """The program with a home of its own, in which the agents run, too."""

    def __init__(self, name, store):
        self.home = WORK / f"{name}-{store}"
        self.work = self.home / "work"
        self.work.mkdir(parents=True)
        self.port = free_port()
        self.environment = {"HOME": str(self.home), "PATH": os.environ["PATH"], "LANG": "C.UTF-8", "CI": "true"}
        (self.home / "config.yaml").write_text(f"""
receivers:
  otlp: {{ protocols: {{ http: {{ endpoint: "127.0.0.1:{self.port}" }} }} }}
  agent_sessions: {{ poll_interval: 1s }}
processors: {{ tokens: , pricing: }}
exporters: {{ {store}: }}
extensions: {{ hub: {{ endpoint: "127.0.0.1:{self.port}", store: {store} }} }}
service:
  extensions: [hub]
  pipelines:
    logs: {{ receivers: [otlp, agent_sessions], processors: [tokens, pricing], exporters: [{store}] }}
    traces: {{ receivers: [otlp], processors: [tokens, pricing], exporters: [{store}] }}
    metrics: {{ receivers: [otlp], processors: [tokens, pricing], exporters: [{store}] }}
""")
        self.process = subprocess.Popen(
            [PROGRAM, "run", "--config", "config.yaml"],
            cwd=self.home,
            env={**self.environment, "HAMMURABI_HOME": str(self.home / "hub")},
            stdout=subprocess.DEVNULL,
            stderr=open(self.home / "log", "w"),
        )
        atexit.register(self.process.kill)
        for _ in range(200):
            try:
                self.request("/api/health")
                return
            except OSError:
                time.sleep(0.05)
        sys.exit(f"{name}: the collector is not ready: {(self.home / 'log').read_text()}")

    def request(self, path, method="GET"):
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", method=method)
        with urllib.request.urlopen(request, timeout=30) as reply:
            return json.loads(reply.read())

    def run(self, command, environment, name):
        done = subprocess.run(
            command,
            cwd=self.work,
            env={**self.environment, **environment},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=180,
        )
        if done.returncode != 0:
            sys.exit(f"{name}: {done.stdout}{done.stderr}")

    def finish(self, name, agent, calls, sums):
        """Reads everything once more and compares with the number of calls and the sums of tokens."""
        report = self.request("/api/telemetry/scan", "POST")
        summary = self.request("/api/telemetry/summary?period=7d")
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(30)
        found = (summary["totalInputTokens"], summary["totalCacheReadTokens"], summary["totalOutputTokens"])
        counts = {name: entry["calls"] for name, entry in summary["byAgent"].items()}
        if counts != {agent: calls} or found != sums or report["problems"]:
            sys.exit(f"{name}: {calls} calls with {sums} were made, {counts} with {found} were read; {report}")
        print(f"{name}: {calls} calls, uncached input, cache reads and output {found}")


def script(shell, delegate, agent):
    """A model that runs a command when it is asked to use a tool, and starts an agent when it is asked to delegate."""

    def answer(request):
        last = request["messages"][-1]
        names = {tool["function"]["name"] for tool in request.get("tools", [])}
        text = json.dumps(last.get("content"))
        if last["role"] == "user" and "delegate" in text and delegate in names:
            return "", [(delegate, {"description": "work", "prompt": "please use a tool", **agent})]
        if last["role"] == "user" and "use a tool" in text and shell in names:
            return "", [(shell, {"command": "echo hello", "description": "says hello"})]
        return "done", []

    return answer


def kimi(store):
    """Kimi CLI: a session that goes on, a sub-agent, a fork of the first session."""
    collector = Collector("kimi", store)
    model = ModelServer(script("Shell", "Agent", {"subagent_type": "coder"}))
    environment = {
        "KIMI_BASE_URL": model.address,
        "KIMI_API_KEY": "none",
        "KIMI_MODEL_NAME": "kimi-k2.5",
        "KIMI_MODEL_MAX_CONTEXT_SIZE": "200000",
        "KIMI_DISABLE_TELEMETRY": "1",
        "KIMI_CLI_NO_AUTO_UPDATE": "1",
    }
    for arguments in (["-p", "say hello"], ["--continue", "-p", "use a tool"], ["-p", "delegate it"]):
        collector.run([KIMI / "bin/kimi", "-w", collector.work, "--print", *arguments], environment, "kimi-cli")
    wires = sorted(glob.glob(f"{collector.home}/.kimi/sessions/*/*/wire.jsonl"), key=os.path.getmtime)
    fork = (
        "import asyncio, pathlib, sys\n"
        "from kaos.path import KaosPath\n"
        "from kimi_cli.session_fork import fork_session\n"
        "asyncio.run(fork_session(pathlib.Path(sys.argv[1]), KaosPath(sys.argv[2])))\n"
    )
    source = os.path.dirname(wires[0])
    collector.run([KIMI / "bin/python", "-c", fork, source, collector.work], environment, "a fork of Kimi CLI")
    collector.finish("Kimi CLI", "kimi-code", len(model.calls), model.sums())


def copilot(store, way):
    """Copilot's command line: a session that goes on in another process, and a sub-agent.

    Without telemetry there are the sums of three processes. A span of the sub-agent is the sum of its two calls.
    """
    collector = Collector("copilot-" + way, store)
    model = ModelServer(script("bash", "task", {"agent_type": "general-purpose", "name": "helper"}))
    environment = {
        "COPILOT_PROVIDER_BASE_URL": model.address,
        "COPILOT_MODEL": "gpt-5.4",
        "COPILOT_AUTO_UPDATE": "false",
        "COPILOT_OFFLINE": "true",
    }
    if way == "file":
        (collector.home / ".copilot/otel").mkdir(parents=True)
        environment["COPILOT_OTEL_FILE_EXPORTER_PATH"] = f"{collector.home}/.copilot/otel/spans.jsonl"
    if way == "otlp":
        del environment["COPILOT_OFFLINE"]
        environment["OTEL_EXPORTER_OTLP_ENDPOINT"] = f"http://127.0.0.1:{collector.port}"
    program = next(COPILOT.glob("lib/python*/site-packages/copilot/bin/copilot"))
    for arguments in (["-p", "say hello"], ["--continue", "-p", "use a tool"], ["-p", "delegate it"]):
        collector.run([program, "--allow-all-tools", *arguments], environment, "Copilot")
    calls = {"sums": 3, "file": len(model.calls) - 1, "otlp": len(model.calls) - 1}[way]
    collector.finish(f"Copilot, {way}", "copilot", calls, model.sums())


for store in ("sqlite", "jsonl"):
    kimi(store)
    for way in ("sums", "file", "otlp"):
        copilot(store, way)
