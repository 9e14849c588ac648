#!/usr/bin/env python3
"""Calls → phoenix.otel over gRPC → collector → genuine Arize Phoenix and MLflow.

Each call is counted once, and both backends, which price by themselves, show the tokens and the cost of our summary."""
import json, os, pathlib, socket, sqlite3, subprocess, sys, time, urllib.request

program, work = sys.argv[1], pathlib.Path(sys.argv[2]) / "backends"
work.mkdir()
CALLS = [("gpt-4o", 1000, 500), ("gpt-4o-mini", 20000, 300), ("claude-sonnet-4-5", 700, 900)]
failures, processes = [], []


def expect(what, is_so, found=""):
    print(("ok      " if is_so else "FAILED  ") + what + ("" if is_so else ": %s" % (found,)))
    if not is_so:
        failures.append(what)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def get(url, body=None, method=None):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"}, method=method)
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.loads(answer.read() or b"null")


def eventually(check, seconds):
    for _ in range(seconds * 2):
        try:
            if (found := check()) is not None:
                return found
        except OSError:
            pass
        time.sleep(0.5)


def start(name, command, **environment):
    log = open(work / (name + ".log"), "w")
    process = subprocess.Popen(command, cwd=work, stdout=log, stderr=log, env={**os.environ, **environment})
    processes.append(process)
    return process


def main():
    phoenix_port, phoenix_grpc, mlflow_port = free_port(), free_port(), free_port()
    http, grpc, bin = free_port(), free_port(), os.path.dirname(sys.executable)
    start("phoenix", [bin + "/phoenix", "serve"], PHOENIX_PORT=str(phoenix_port), PHOENIX_GRPC_PORT=str(phoenix_grpc),
          PHOENIX_HOST="127.0.0.1", PHOENIX_WORKING_DIR=str(work / "phoenix"), PHOENIX_TELEMETRY_ENABLED="false")
    start("mlflow", [bin + "/mlflow", "server", "--port", str(mlflow_port), "--host", "127.0.0.1", "--workers", "1",
                     "--backend-store-uri", "sqlite:///%s" % (work / "mlflow.db")], MLFLOW_DISABLE_TELEMETRY="true")
    phoenix, mlflow = "http://127.0.0.1:%d" % phoenix_port, "http://127.0.0.1:%d" % mlflow_port
    expect("Phoenix and MLflow run", eventually(lambda: get(phoenix + "/v1/projects"), 120) is not None
           and eventually(lambda: post_experiment(mlflow), 120) is not None)
    (work / "config.yaml").write_text("""
receivers: { otlp: { protocols: { grpc: { endpoint: "127.0.0.1:%d" }, http: { endpoint: "127.0.0.1:%d" } } } }
processors: { tokens: , pricing: }
exporters:
  sqlite: { path: store.db }
  otlp_http/phoenix: { endpoint: "%s", usage_attributes: true }
  otlp_http/mlflow: { endpoint: "%s", usage_attributes: true, headers: { x-mlflow-experiment-id: "0" } }
extensions: { hub: { endpoint: "127.0.0.1:%d", timezone: UTC } }
service:
  extensions: [hub]
  pipelines:
    traces: { receivers: [otlp], processors: [tokens, pricing], exporters: [sqlite, otlp_http/phoenix, otlp_http/mlflow] }
""" % (grpc, http, phoenix, mlflow, http))
    collector = start("collector", [program, "run", "--config", "config.yaml"], HAMMURABI_HOME=str(work / "home"))
    summary_url = "http://127.0.0.1:%d/api/telemetry/summary?period=30d" % http
    eventually(lambda: get(summary_url), 60)
    send(grpc)
    summary = get(summary_url)
    tokens = sum(inward + outward for _, inward, outward in CALLS)
    expect("each call of phoenix.otel is counted once", summary["callCount"] == len(CALLS), summary["callCount"])
    expect("with its tokens", summary["totalTokens"] == tokens, summary["totalTokens"])
    expect("and a price", summary["unpricedCalls"] == 0 and summary["totalCost"] > 0, summary["unpricedModels"])
    question = {"query": "{projects{edges{node{name tokenCountTotal costSummary{total{cost}}}}}}"}

    def shown():
        nodes = [edge["node"] for edge in get(phoenix + "/graphql", question)["data"]["projects"]["edges"]]
        node = next((node for node in nodes if node["tokenCountTotal"] == tokens), None)
        return node if node and node["costSummary"]["total"]["cost"] else None

    node = eventually(shown, 60) or get(phoenix + "/graphql", question)
    cost = node["costSummary"]["total"]["cost"] if "costSummary" in node else None
    expect("Phoenix shows the tokens of the summary", cost is not None, node)
    expect("and its cost", cost is not None and abs(cost - summary["totalCost"]) < 1e-9, (cost, summary["totalCost"]))

    def traces():
        with sqlite3.connect("file:%s?mode=ro" % (work / "mlflow.db"), uri=True) as database:
            rows = database.execute("select total_tokens, total_cost from trace_info").fetchall()
        return rows if len(rows) == len(CALLS) and all(None not in row for row in rows) else None

    usage = eventually(traces, 60) or []
    expect("MLflow shows the tokens of the summary", sum(row[0] for row in usage) == tokens, usage)
    expect("and its cost", abs(sum(row[1] for row in usage) - summary["totalCost"]) < 1e-9, (usage, summary["totalCost"]))
    collector.terminate()
    expect("the collector ends in order", collector.wait(60) == 0)


def post_experiment(mlflow):
    return get(mlflow + "/api/2.0/mlflow/experiments/get?experiment_id=0")


def send(grpc):
    """As a program does that only says where its collector is; the protocol is phoenix.otel's own choice for this port."""
    from phoenix.otel import register
    provider = register(endpoint="http://localhost:%d" % grpc, protocol="grpc", project_name="calls", verbose=False,
                        set_global_tracer_provider=False)
    tracer = provider.get_tracer("calls")
    for model, inward, outward in CALLS:
        with tracer.start_as_current_span("chat " + model) as span:
            for key, value in {"gen_ai.operation.name": "chat", "gen_ai.request.model": model,
                               "gen_ai.response.model": model, "gen_ai.usage.input_tokens": inward,
                               "gen_ai.provider.name": "anthropic" if "claude" in model else "openai",
                               "gen_ai.usage.output_tokens": outward}.items():
                span.set_attribute(key, value)
    provider.shutdown()


try:
    main()
finally:
    for process in processes:
        process.terminate()
    for process in processes:
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
sys.exit(1 if failures else 0)
