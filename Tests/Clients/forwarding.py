#!/usr/bin/env python3
"""SDK → collector, killed twice → otlp_http → collector → JSON lines: every span that the SDK was told is taken must be there."""
import glob, os, pathlib, socket, subprocess, sys, threading, time

from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExporter, SpanExportResult

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


def send(name, url, compression, noted):
    exporter = Noting(OTLPSpanExporter(endpoint=url, compression=compression, timeout=10))
    noted.append(exporter)
    provider = TracerProvider(resource=Resource.create({"service.name": "sdk"}))
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    tracer = provider.get_tracer("forwarding")
    for number in range(400):
        with tracer.start_as_current_span("span-%s-%d." % (name, number)):
            pass
    provider.shutdown()


first, second = free_port(), free_port()
sink = Collector("sink", second, 'jsonl: { path: store.jsonl }')
way = Collector("way", first, 'otlp_http: { endpoint: "http://127.0.0.1:%d", retry_on_failure: { initial_interval: 100ms } }' % second)
noted = []
senders = [threading.Thread(target=send, args=(name, "http://127.0.0.1:%d/v1/traces" % first, compression, noted))
           for name, compression in (("gzip", Compression.Gzip), ("none", Compression.NoCompression))]
for sender in senders:
    sender.start()
for victim in (way, sink, way):
    time.sleep(1)
    victim.kill()
for sender in senders:
    sender.join()
taken = set().union(*(exporter.taken for exporter in noted))
missing = taken
for _ in range(300):
    text = "".join(pathlib.Path(path).read_text() for path in glob.glob(str(sink.folder / "*.jsonl")))
    missing = {name for name in taken if name not in text}
    if not missing:
        break
    time.sleep(0.1)
way.stop()
sink.stop()
print("%d of 800 spans were acknowledged, %d of them are missing" % (len(taken), len(missing)))
sys.exit(1 if missing or len(taken) < 600 else 0)
