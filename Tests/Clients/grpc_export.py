#!/usr/bin/env python3
"""The gRPC exporters of the SDK → collector → JSON lines: plain and gzip, in the clear and with TLS and a key; each span once."""
import os, pathlib, socket, subprocess, sys, time

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExporter, SpanExportResult

program, work = sys.argv[1], pathlib.Path(sys.argv[2])
KEY = "a-key-of-the-test-with-32-letters"
SPANS = 100


class Counting(SpanExporter):
    """Passes spans on and counts those that were taken."""

    def __init__(self, inner):
        self.inner, self.taken, self.results = inner, 0, []

    def export(self, spans):
        result = self.inner.export(spans)
        self.results.append(result)
        self.taken += len(spans) if result is SpanExportResult.SUCCESS else 0
        return result

    def shutdown(self):
        self.inner.shutdown()


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def send(name, port, count, **options):
    exporter = Counting(OTLPSpanExporter(endpoint="localhost:%d" % port, timeout=5, **options))
    provider = TracerProvider(resource=Resource.create({"service.name": "sdk"}))
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    tracer = provider.get_tracer("grpc")
    for number in range(count):
        with tracer.start_as_current_span("span-%s-%d." % (name, number)):
            pass
    provider.shutdown()
    return exporter.taken


class Collector:
    def __init__(self, name, http, service):
        self.folder, self.port = work / name, free_port()
        self.folder.mkdir()
        (self.folder / "config.yaml").write_text(
            'receivers: { otlp: { protocols: { http: { endpoint: "127.0.0.1:%d"%s } } } }\n' % (self.port, http)
            + "exporters: { jsonl: { path: store.jsonl } }\n%s\n" % service[0]
            + "service: { %s pipelines: { traces: { receivers: [otlp], exporters: [jsonl] } } }\n" % service[1])
        log = open(self.folder / "log", "a+")
        self.process = subprocess.Popen([program, "run", "--config", "config.yaml"], cwd=self.folder, stderr=log,
                                        env={**os.environ, "HAMMURABI_HOME": str(self.folder / "home")})
        for _ in range(3000):
            log.seek(0)
            if "ready http" in log.read():
                return
            time.sleep(0.02)
        sys.exit("the collector is never ready: see %s" % log.name)

    def stop(self):
        self.process.terminate()
        assert self.process.wait(60) == 0

    def count(self, name):
        text = "".join(path.read_text() for path in self.folder.glob("*.jsonl"))
        return [text.count('"span-%s-%d."' % (name, number)) for number in range(SPANS)]


failures = []


def expect(what, is_so):
    print(("ok      " if is_so else "FAILED  ") + what)
    if not is_so:
        failures.append(what)


plain = Collector("grpc-plain", "", ("", ""))
expect("every call in the clear is taken", send("plain", plain.port, SPANS, insecure=True) == SPANS)
gzip = send("gzip", plain.port, SPANS, insecure=True, compression=grpc.Compression.Gzip)
expect("every call with gzip is taken", gzip == SPANS)
with grpc.insecure_channel("localhost:%d" % plain.port) as channel:
    answer = health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest())
    expect("the health service answers SERVING", answer.status == health_pb2.HealthCheckResponse.SERVING)
    unknown = channel.unary_unary("/opentelemetry.proto.collector.trace.v1.TraceService/Import")
    try:
        unknown(b"")
        expect("a method that is not there is UNIMPLEMENTED", False)
    except grpc.RpcError as error:
        expect("a method that is not there is UNIMPLEMENTED", error.code() is grpc.StatusCode.UNIMPLEMENTED)
    export = channel.unary_unary("/opentelemetry.proto.collector.trace.v1.TraceService/Export")
    try:
        export(b"\xff\xff")
        expect("what is no OTLP is INVALID_ARGUMENT", False)
    except grpc.RpcError as error:
        expect("what is no OTLP is INVALID_ARGUMENT", error.code() is grpc.StatusCode.INVALID_ARGUMENT)
    try:
        export(bytes(65 << 20))
        expect("too large a call is RESOURCE_EXHAUSTED", False)
    except grpc.RpcError as error:
        expect("too large a call is RESOURCE_EXHAUSTED", error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED)
plain.stop()
for name in ("plain", "gzip"):
    expect("each span of %s is stored once" % name, plain.count(name) == [1] * SPANS)

subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "key.pem", "-out", "cert.pem",
                "-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"],
               cwd=work, check=True, capture_output=True)
tls = ', tls: { cert_file: "%s", key_file: "%s" }' % (work / "cert.pem", work / "key.pem")
keys = 'extensions: { api_keys: { keys: [ { name: test, key: "%s" } ] } }' % KEY
closed = Collector("grpc-tls", tls, (keys, "extensions: [api_keys],"))
trust = grpc.ssl_channel_credentials((work / "cert.pem").read_bytes())
taken = send("tls", closed.port, SPANS, credentials=trust, headers={"x-hammurabi-api-key": KEY})
expect("every call over TLS with a key is taken", taken == SPANS)
with grpc.secure_channel("localhost:%d" % closed.port, trust) as channel:
    export = channel.unary_unary("/opentelemetry.proto.collector.trace.v1.TraceService/Export")
    for key in (None, "another-key-that-nobody-has-made"):
        try:
            export(b"", metadata=[("x-hammurabi-api-key", key)] if key else None)
            expect("a call without a known key is UNAUTHENTICATED", False)
        except grpc.RpcError as error:
            expect("a call without a known key is UNAUTHENTICATED", error.code() is grpc.StatusCode.UNAUTHENTICATED)
closed.stop()
expect("each span over TLS is stored once", closed.count("tls") == [1] * SPANS)
sys.exit(1 if failures else 0)
