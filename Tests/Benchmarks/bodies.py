"""Request bodies of the benchmarks: what busy agents send, as OTLP in protobuf and in JSON.

Ids contain `########` as text and `#!#!` as bytes, which load.c replaces by the number of the request, so that every request has calls
of its own; its other marks are explained there.
"""

import json
import struct

FIELDS = {
    "resourceSpans": (1, "message"), "resourceLogs": (1, "message"), "resource": (1, "message"),
    "scopeSpans": (2, "message"), "scopeLogs": (2, "message"), "scope": (1, "message"),
    "spans": (2, "message"), "logRecords": (2, "message"), "key": (1, "text"), "stringValue": (1, "text"),
    "intValue": (3, "number"), "doubleValue": (4, "double"), "traceId": (1, "id"), "spanId": (2, "id"), "parentSpanId": (4, "id"),
}
SPAN = {"name": (5, "text"), "kind": (6, "number"), "startTimeUnixNano": (7, "fixed"), "endTimeUnixNano": (8, "fixed"),
        "attributes": (9, "message")}
LOG = {"timeUnixNano": (1, "fixed"), "severityNumber": (2, "number"), "body": (5, "message"), "attributes": (6, "message")}
OTHER = {"name": (1, "text"), "attributes": (1, "message"), "value": (2, "message")}


def varint(number):
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    return bytes(out + bytes([number]))


def field(number, content):
    """A field with a number, or with bytes or text."""
    if isinstance(content, int):
        return varint(number << 3) + varint(content)
    content = content.encode() if isinstance(content, str) else content
    return varint(number << 3 | 2) + varint(len(content)) + content


def protobuf(message, fields=OTHER):
    """An OTLP/JSON message in protobuf."""
    out = b""
    for name, value in message.items():
        number, kind = fields.get(name) or FIELDS[name]
        inner = {"spans": SPAN, "logRecords": LOG}.get(name, OTHER)
        for item in value if isinstance(value, list) else [value]:
            if kind == "message":
                out += field(number, protobuf(item, inner))
            elif kind == "fixed":
                out += varint(number << 3 | 1) + (item if isinstance(item, bytes) else int(item).to_bytes(8, "little"))
            elif kind == "double":
                out += varint(number << 3 | 1) + struct.pack("<d", item)
            elif kind == "id":
                out += field(number, b"#!#!" + bytes.fromhex(item.removeprefix("########")))
            else:
                out += field(number, int(item) if kind == "number" else item)
    return out


def attributes(**values):
    def wrapped(value):
        return {"intValue": str(value)} if isinstance(value, int) else {"doubleValue" if isinstance(value, float) else "stringValue": value}
    return [{"key": key.replace("__", "."), "value": wrapped(value)} for key, value in values.items()]


def spans(count, with_calls=True):
    """Spans of GenAI's conventions, ten to a trace; without calls they are those of a web server."""
    listed = []
    for number in range(count):
        start, tokens = 1_790_000_000_000_000_000 + number * 1_700_000, 1_000 + number * 7_919 % 60_000
        if with_calls:
            more = attributes(
                gen_ai__operation__name="chat", gen_ai__provider__name="anthropic", gen_ai__request__model="claude-opus-4-8",
                gen_ai__response__model="claude-opus-4-8", gen_ai__response__id="msg_########%08x" % number,
                gen_ai__request__max_tokens=4096, gen_ai__usage__input_tokens=tokens, gen_ai__usage__output_tokens=tokens // 20,
                gen_ai__usage__cache_read__input_tokens=tokens // 2, gen_ai__usage__cache_creation__input_tokens=tokens // 10,
                gen_ai__conversation__id="conversation-########", server__address="api.example.invalid")
        else:
            more = attributes(
                http__request__method="POST", url__path="/v1/orders/%d" % number, http__response__status_code=200,
                server__address="shop.example.invalid", server__port=8443, client__address="192.0.2.%d" % (number % 250),
                network__protocol__version="1.1", user_agent__original="Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101",
                http__route="/v1/orders/{order}", thread__name="worker-%d" % (number % 8), thread__id=number % 8,
                enduser__pseudo__id="########%08x" % number)
        listed.append({"traceId": "########%024x" % (number // 10), "spanId": "########%08x" % number,
                       "name": "chat claude-opus-4-8" if with_calls else "POST /v1/orders/{order}", "kind": 3,
                       "startTimeUnixNano": str(start), "endTimeUnixNano": str(start + 900_000_000), "attributes": more})
    return {"resourceSpans": [{"resource": {"attributes": attributes(service__name="assistant", host__name="bench")},
                               "scopeSpans": [{"scope": {"name": "bench"}, "spans": listed}]}]}


def logs(count):
    """Events as Claude Code sends them."""
    listed = []
    for number in range(count):
        tokens = 1_000 + number * 7_919 % 60_000
        listed.append({
            "timeUnixNano": str(1_790_000_000_000_000_000 + number * 900_000), "severityNumber": 9,
            "body": {"stringValue": "claude_code.api_request"},
            "attributes": attributes(
                session__id="########-7d8a-4a6b-9c0d-1e2f3a4b5c6d", user__id="b1946ac92492d2347c6235b4d2611184",
                organization__id="11111111-2222-3333-4444-555555555555", terminal__type="xterm-256color",
                event__sequence=number, request_id="req_########%08x" % number, event__name="api_request",
                model="claude-opus-4-8", input_tokens=tokens // 10, output_tokens=tokens // 20, cache_read_tokens=tokens,
                cache_creation_tokens=tokens // 8, cost_usd=0.0123, duration_ms=tokens // 3, speed="normal")})
    return {"resourceLogs": [{"resource": {"attributes": attributes(service__name="claude-code", host__name="bench")},
                              "scopeLogs": [{"scope": {"name": "com.anthropic.claude_code.events"}, "logRecords": listed}]}]}


def history():
    """Events of Claude Code: five sessions of twenty calls, each of a user and on a machine of their own; for load.c's marks."""
    models = ["claude-opus-4-8", "claude-sonnet-4-5-20250929", "gpt-5-codex", "gemini-2.5-pro", "claude-haiku-4-5"]
    listed = []
    for session in range(5):
        records = []
        for call in range(20):
            number = session * 20 + call
            tokens = 1_000 + number * 7_919 % 60_000
            records.append({
                "timeUnixNano": b"@time%03d" % call, "severityNumber": 9, "body": {"stringValue": "claude_code.api_request"},
                "attributes": attributes(
                    session__id="session-########-%d" % session, user__id="user-%d-~0200~" % session,
                    request_id="req_########%04x" % number, event__name="api_request",
                    # A session in five changes its model.
                    model=models[(session + (session == 4 and call >= 10)) % 5],
                    input_tokens=tokens // 10, output_tokens=tokens // 20, cache_read_tokens=tokens, cache_creation_tokens=tokens // 8,
                    cost_usd=0.0123, duration_ms=tokens // 3, speed="normal")})
        listed.append({"resource": {"attributes": attributes(
            service__name="claude-code", host__name="machine-%d-~0200~" % session, project__name="project-%d-~0040~" % session,
            team__name="team-~0020~")},
            "scopeLogs": [{"scope": {"name": "com.anthropic.claude_code.events"}, "logRecords": records}]})
    return {"resourceLogs": listed}


def text(message):
    return json.dumps(message, separators=(",", ":")).encode()
