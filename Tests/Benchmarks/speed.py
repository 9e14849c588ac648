#!/usr/bin/env python3
"""What a record costs, beside the least that a durable receiver can do (floor.c), in one alternating run.

    Tests/Benchmarks/speed.py PROGRAM [TURNS] [--rows TEXT]

PROGRAM is a release build. Each turn runs every row once with the floor and once with the program, in a fresh folder, with 8 connections;
the time is that of the whole process until it is idle again, the figure the least of the turns. --rows chooses rows by a part of their
name. Needs cc.
"""
import argparse, gzip, json, os, pathlib, socket, subprocess, sys, tempfile, time

import bodies

HERE = pathlib.Path(__file__).resolve().parent
PROTOBUF, JSON = "application/x-protobuf", "application/json"
CALLS = "tokens: , pricing: "
# Name, body, records of a request, requests, the store's section, processors.
ROWS = [
    ("100 spans to JSON lines, no calls, protobuf", "plain-100.pb", 100, 3000, "jsonl: { path: store.jsonl }", ""),
    ("100 spans to JSON lines, no calls, JSON", "plain-100.json", 100, 3000, "jsonl: { path: store.jsonl }", ""),
    ("100 spans to JSON lines, no calls, gzip", "plain-100.pb.gz", 100, 3000, "jsonl: { path: store.jsonl }", ""),
    ("100 spans with calls to sqlite", "spans-100.pb", 100, 2000, "sqlite: { path: store.db }", CALLS),
    ("100 logs with calls to sqlite", "logs-100.pb", 100, 2000, "sqlite: { path: store.db }", CALLS),
    ("100 spans with calls to jsonl", "spans-100.pb", 100, 2000, "jsonl: { path: store.jsonl }", CALLS),
    ("100 logs with calls to jsonl", "logs-100.pb", 100, 2000, "jsonl: { path: store.jsonl }", CALLS),
    ("1 span a request to JSON lines, no calls", "plain-1.pb", 1, 20000, "jsonl: { path: store.jsonl }", ""),
    ("1 span with a call a request to jsonl", "spans-1.pb", 1, 20000, "jsonl: { path: store.jsonl }", CALLS),
    ("1 span with a call a request to sqlite", "spans-1.pb", 1, 20000, "sqlite: { path: store.db }", CALLS),
    ("100 spans forwarded through the disk queue", "plain-100.pb", 100, 3000, "otlp_http: { endpoint: 'http://127.0.0.1:SINK' }", ""),
]


def build(folder):
    """Compiles the floor and the load generator."""
    for tool in ("floor", "load"):
        subprocess.run(["cc", "-O2", "-pthread", "-o", folder / tool, HERE / (tool + ".c")], check=True)


def write_bodies(folder):
    files = {"spans": bodies.spans, "logs": bodies.logs, "plain": lambda count: bodies.spans(count, with_calls=False)}
    for name, make in files.items():
        for count in (1, 100):
            (folder / f"{name}-{count}.pb").write_bytes(bodies.protobuf(make(count)))
            (folder / f"{name}-{count}.json").write_bytes(bodies.text(make(count)))
    (folder / "plain-100.pb.gz").write_bytes(gzip.compress((folder / "plain-100.pb").read_bytes(), 6))


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def cpu(process):
    """Seconds of the whole process, also of its threads that have ended."""
    return time.clock_gettime((~process.pid << 3) | 2)


def wait_until_open(port, process):
    for _ in range(500):
        try:
            return socket.create_connection(("127.0.0.1", port)).close()
        except OSError:
            if process.poll() is not None:
                sys.exit("the program ended with %s" % process.returncode)
            time.sleep(0.02)
    sys.exit("nothing listens at port %d" % port)


def settled(process):
    """The time once nothing is done any more."""
    before = cpu(process)
    for _ in range(100):
        time.sleep(0.3)
        now = cpu(process)
        if now - before < 0.003:
            break
        before = now
    return now


def peak(process):
    for line in open("/proc/%d/status" % process.pid):
        if line.startswith("VmHWM"):
            return int(line.split()[1]) / 1024


def run(command, environment, folder, port, row, tools):
    name, body, records, requests, _, _ = row
    process = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=open(folder / "log", "w"),
                               env={**os.environ, **environment})
    try:
        wait_until_open(port, process)
        time.sleep(0.5)
        path = "/v1/logs" if body.startswith("logs") else "/v1/traces"
        before = cpu(process)
        load = [tools / "load", str(port), path, JSON if ".json" in body else PROTOBUF, tools / body, str(requests), "8", "0"]
        answer = subprocess.run(load + (["gzip"] if body.endswith(".gz") else []), capture_output=True, text=True)
        figures = json.loads(answer.stdout)
        if figures["refused"] or figures["broken"]:
            sys.exit("%s: %s" % (name, answer.stdout))
        return {"cpu": (settled(process) - before) / requests / records * 1e6, "p99": figures["p99_ms"], "peak": peak(process),
                "rate": requests * records / figures["seconds"]}
    finally:
        process.kill() if command[0].name == "floor" else process.terminate()
        process.wait(60)


def measure(program, row, tools):
    """The floor's figures and the program's."""
    found = []
    for own in (False, True):
        with tempfile.TemporaryDirectory() as text:
            folder, port, sink = pathlib.Path(text), free_port(), None
            command = [tools / "floor", str(port), "lines"]
            if own:
                section, processors = row[4], row[5]
                if "SINK" in section:
                    away = free_port()
                    sink = subprocess.Popen([tools / "floor", str(away), "/dev/null"], stderr=subprocess.DEVNULL)
                    section = section.replace("SINK", str(away))
                names = [part.split(":")[0].strip() for part in processors.split(",") if part.strip()]
                pipeline = "{ receivers: [otlp], processors: [%s], exporters: [%s] }" % (", ".join(names), section.split(":")[0])
                (folder / "config.yaml").write_text(
                    'receivers: { otlp: { protocols: { http: { endpoint: "127.0.0.1:%d" } } } }\n' % port
                    + "processors: { %s }\nexporters: { %s }\n" % (processors, section)
                    + "service: { pipelines: { traces: %s, logs: %s } }\n" % (pipeline, pipeline))
                command = [program, "run", "--config", "config.yaml"]
            try:
                found.append(run(command, {"HAMMURABI_HOME": str(folder / "home")}, folder, port, row, tools))
            finally:
                if sink:
                    sink.kill()
                    sink.wait()
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program", type=lambda text: pathlib.Path(text).resolve())
    parser.add_argument("turns", type=int, nargs="?", default=3)
    parser.add_argument("--rows", default="")
    arguments = parser.parse_args()
    rows = [row for row in ROWS if arguments.rows in row[0]]
    with tempfile.TemporaryDirectory() as text:
        tools = pathlib.Path(text)
        build(tools)
        write_bodies(tools)
        found = {row[0]: [] for row in rows}
        for _ in range(arguments.turns):
            for row in rows:
                found[row[0]].append(measure(arguments.program, row, tools))
    print("| work | floor, CPU µs a record | CPU µs a record | ÷ floor | records a second | p99 ms | peak MB |\n|---|---|---|---|---|---|---|")
    for name, turns in found.items():
        floor = min(turn[0]["cpu"] for turn in turns)
        best = min((turn[1] for turn in turns), key=lambda figures: figures["cpu"])
        print("| %s | %.2f | %.2f | %.2f | %d | %.1f | %.0f |" % (
            name, floor, best["cpu"], best["cpu"] / floor, max(turn[1]["rate"] for turn in turns),
            min(turn[1]["p99"] for turn in turns), best["peak"]), flush=True)


if __name__ == "__main__":
    main()
