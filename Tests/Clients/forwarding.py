#!/usr/bin/env python3
"""SDK → collector → otlp_http → collector → JSON lines, with protobuf and JSON, with gzip and without.

While collectors are killed, every span that the SDK was told is taken must be there; while one is restarted as a service manager does
it, every span of an SDK with its default settings must be."""
import glob, os, pathlib, socket, subprocess, sys, threading, time

from opentelemetry.exporter.otlp.common.http import Compression as JSONCompression
from opentelemetry.exporter.otlp.json.http.trace_exporter import OTLPSpanExporter as JSONExporter
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SimpleSpanProcessor, SpanExporter, SpanExportResult

program, work = sys.argv[1], pathlib.Path(sys.argv[2])


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Collector:
    def __init__(self, name, port, exporters):
        self.folder = work / name
        self.folder.mkdir()
        pipeline = "{ receivers: [otlp], exporters: [%s] }" % exporters.split(":")[0]
        (self.folder / "config.yaml").write_text(
            'receivers: { otlp: { protocols: { http: { endpoint: "127.0.0.1:%d" } } } }\n' % port
            + "exporters: { %s }\nservice: { pipelines: { traces: %s } }\n" % (exporters, pipeline))
        self.start()

    def start(self):
        log = open(self.folder / "log", "a+")
        log.seek(0, os.SEEK_END)
        before = log.tell()
        self.process = subprocess.Popen([program, "run", "--config", "config.yaml"], cwd=self.folder, stderr=log,
                                        env={**os.environ, "HAMMURABI_HOME": str(self.folder / "home")})
        for _ in range(3000):
            log.seek(before)
            if "ready http://" in log.read():
                return
            time.sleep(0.02)
        sys.exit("the collector is never ready: see %s" % log.name)

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.start()

    def stop(self):
        self.process.terminate()
        assert self.process.wait(60) == 0


class Noting(SpanExporter):
    """Passes spans on and notes which of them were taken."""

    def __init__(self, inner):
        self.inner, self.taken = inner, set()

    def export(self, spans):
        result = self.inner.export(spans)
        if result is SpanExportResult.SUCCESS:
            self.taken.update(span.name for span in spans)
        return result

    def shutdown(self):
        self.inner.shutdown()


CLIENTS = {
    "proto-none": (OTLPSpanExporter, Compression.NoCompression),
    "proto-gzip": (OTLPSpanExporter, Compression.Gzip),
    "json-none": (JSONExporter, JSONCompression.NONE),
    "json-gzip": (JSONExporter, JSONCompression.GZIP),
}
SPANS = 400


def send(client, phase, processor, url, noted):
    exporter_type, compression = CLIENTS[client]
    exporter = Noting(exporter_type(endpoint=url, compression=compression))
    noted.append(exporter)
    provider = TracerProvider(resource=Resource.create({"service.name": "sdk"}))
    provider.add_span_processor(processor(exporter))
    tracer = provider.get_tracer("forwarding")
    for number in range(SPANS):
        with tracer.start_as_current_span("span-%s-%s-%d." % (phase, client, number)):
            # A batch goes every five seconds; the restart is to come in the middle.
            time.sleep(0.02 if processor is BatchSpanProcessor else 0)
    provider.shutdown()


def phase(name, processor, disturb):
    noted = []
    senders = [threading.Thread(target=send, args=(client, name, processor, url, noted)) for client in CLIENTS]
    for sender in senders:
        sender.start()
    disturb()
    for sender in senders:
        sender.join()
    return set().union(*(exporter.taken for exporter in noted))


def kill_all():
    for victim in (way, sink, way):
        time.sleep(1)
        victim.kill()


def restart():
    time.sleep(3)
    way.stop()
    way.start()


def missing_from(expected):
    for _ in range(600):
        text = "".join(pathlib.Path(path).read_text() for path in glob.glob(str(sink.folder / "*.jsonl")))
        missing = {name for name in expected if name not in text}
        if not missing:
            break
        time.sleep(0.1)
    return missing


first, second = free_port(), free_port()
url = "http://127.0.0.1:%d/v1/traces" % first
sink = Collector("sink", second, 'jsonl: { path: store.jsonl }')
way = Collector("way", first, 'otlp_http: { endpoint: "http://127.0.0.1:%d", retry_on_failure: { initial_interval: 100ms } }' % second)
taken = phase("killed", SimpleSpanProcessor, kill_all)
everything = {"span-restarted-%s-%d." % (client, number) for client in CLIENTS for number in range(SPANS)}
phase("restarted", BatchSpanProcessor, restart)
lost, gone = missing_from(taken), missing_from(everything)
way.stop()
sink.stop()
print("killed: %d of %d spans were acknowledged, %d of them are missing" % (len(taken), SPANS * len(CLIENTS), len(lost)))
print("restarted: %d spans were made, %d of them are missing" % (len(everything), len(gone)))
sys.exit(1 if lost or gone or len(taken) < SPANS * len(CLIENTS) * 3 // 4 else 0)
