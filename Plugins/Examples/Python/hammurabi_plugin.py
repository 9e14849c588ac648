# SPDX-License-Identifier: Apache-2.0
"""Plugins for Telemetry Hub in Python, with the standard library alone. Copy this file beside your program.

    import hammurabi_plugin as hub

    class Team(hub.Processor):
        type = "team"
        summary = "adds the team of a user"

        def process(self, batch):
            for record in batch:
                if record.get("user.email") == "ada@example.com":
                    record.set("team", "engines")

    hub.run(Team)

The protocol is explained by `hammurabi plugins guide`.
"""

import inspect
import json
import os
import socket
import struct
import sys
import threading

PROTOCOL = [1, 1]
HELLO, OPEN, OPENED, FAULT, BATCH, RESULT, EMIT, CREDIT, PING, PONG, DRAIN, BYE = range(1, 13)
SIGNALS = {1: "traces", 2: "metrics", 3: "logs"}
MAY_BE_IGNORED = 1


class Fault(Exception):
    """Something in the configuration is wrong: `raise Fault("no such file", "map")` names the key."""

    def __init__(self, message, path=""):
        super().__init__(message)
        self.path = path


class Retry(Exception):
    """The batch cannot be taken now; it comes again after so many seconds."""

    def __init__(self, reason, after=1.0):
        super().__init__(reason)
        self.after = after


class Refused(Exception):
    """The batch will never be taken; with `records` only those are refused, by their numbers."""

    def __init__(self, reason, records=None):
        super().__init__(reason)
        self.records = records


# OTLP


def fields(data):
    """The fields of a message of protobuf: (number, wire type, value); a value of type 2 is bytes."""
    position, end = 0, len(data)
    while position < end:
        tag, position = _varint(data, position)
        kind = tag & 7
        if kind == 0:
            value, position = _varint(data, position)
        elif kind == 1:
            value, position = data[position:position + 8], position + 8
        elif kind == 2:
            size, position = _varint(data, position)
            value, position = data[position:position + size], position + size
        elif kind == 5:
            value, position = data[position:position + 4], position + 4
        else:
            raise ValueError("no protobuf")
        if position > end:
            raise ValueError("a field is cut off")
        yield tag >> 3, kind, value


def _varint(data, position):
    result = shift = 0
    while True:
        byte = data[position]
        position += 1
        result |= (byte & 0x7F) << shift
        if byte < 0x80:
            return result, position
        shift += 7
        if shift > 63:
            raise ValueError("a number is too long")


def _number(value):
    """A varint as a signed number of 64 bits."""
    return value - (1 << 64) if value >> 63 else value


def any_value(data):
    """An AnyValue as Python's own: text, bool, int, float, list, dict or bytes."""
    for number, kind, value in fields(data):
        if number == 1 and kind == 2:
            return bytes(value).decode("utf-8", "replace")
        if number == 2 and kind == 0:
            return value != 0
        if number == 3 and kind == 0:
            return _number(value)
        if number == 4 and kind == 1:
            return struct.unpack("<d", value)[0]
        if number == 5 and kind == 2:
            return [any_value(item) for field, _, item in fields(value) if field == 1]
        if number == 6 and kind == 2:
            return dict(key_value(item) for field, _, item in fields(value) if field == 1)
        if number == 7 and kind == 2:
            return bytes(value)
    return None


def key_value(data):
    key, found = "", None
    for number, _, value in fields(data):
        if number == 1:
            key = bytes(value).decode("utf-8", "replace")
        elif number == 2:
            found = any_value(value)
    return key, found


def _encoded_value(value):
    if isinstance(value, bool):
        return b"\x10" + (b"\x01" if value else b"\x00")
    if isinstance(value, int):
        return b"\x18" + _encoded_varint(value & (1 << 64) - 1)
    if isinstance(value, float):
        return b"\x21" + struct.pack("<d", value)
    text = str(value).encode()
    return b"\x0a" + _encoded_varint(len(text)) + text


def _encoded_varint(number):
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


class Owner:
    """A record, a scope or a resource: something with attributes."""

    _attribute_field = 1
    _kind = 0

    def __init__(self, batch, number, data):
        self._batch, self.number, self.data = batch, number, data
        self._attributes = None

    @property
    def attributes(self):
        """The attributes as they came in."""
        if self._attributes is None:
            mine = self._attribute_field
            self._attributes = dict(key_value(value) for field, kind, value in fields(self.data)
                                    if field == mine and kind == 2)
        return self._attributes

    def set(self, key, value):
        """Sets an attribute to a text, bool, int or float."""
        self._batch._change(2, self._kind, self.number, key, _encoded_value(value))
        self.attributes[key] = value

    def unset(self, key):
        """Removes an attribute."""
        self._batch._change(3, self._kind, self.number, key, b"")
        self.attributes.pop(key, None)


class Resource(Owner):
    _kind = 2


class Scope(Owner):
    _kind = 1
    _attribute_field = 3

    @property
    def name(self):
        return next((bytes(value).decode("utf-8", "replace") for field, _, value in fields(self.data) if field == 1), "")


class Record(Owner):
    """A span, log record or data point."""

    def __init__(self, batch, number, data, resource, scope, attribute_field, metric=None):
        super().__init__(batch, number, data)
        self.resource, self.scope, self.metric = resource, scope, metric
        self._attribute_field = attribute_field

    def get(self, key, default=None):
        """An attribute of the record, else of its scope, else of its resource."""
        for owner in (self, self.scope, self.resource):
            if key in owner.attributes:
                return owner.attributes[key]
        return default

    @property
    def name(self):
        """The name of the span, event or metric."""
        if self._batch.signal == "metrics":
            return next((bytes(v).decode("utf-8", "replace") for f, _, v in fields(self.metric) if f == 1), "")
        wanted = 5 if self._batch.signal == "traces" else 12
        return next((bytes(v).decode("utf-8", "replace") for f, k, v in fields(self.data) if f == wanted and k == 2), "")

    @property
    def body(self):
        """The body of a log record."""
        return next((any_value(v) for f, k, v in fields(self.data) if f == 5 and k == 2), None)

    @property
    def time(self):
        """Nanoseconds since 1970: the end of a span, the time of a log record or point; 0 when it has none."""
        wanted = {"traces": 8, "metrics": 3, "logs": 1}[self._batch.signal]
        return next((struct.unpack("<Q", v)[0] for f, k, v in fields(self.data) if f == wanted and k == 1), 0)

    def label(self, key, text):
        """Gives the calls of the record a `user`, `project` or `machine` where they have none; of use behind `tokens`."""
        self._batch._change(4, 0, self.number, key, _encoded_value(str(text)))

    def drop(self):
        """Leaves the record out."""
        self._batch._change(1, 0, self.number, "", b"")


# Where the data points of a metric are, and their attributes.
_POINTS = {5: 7, 7: 7, 9: 9, 10: 1, 11: 7}


class Batch:
    """A request of OTLP; iterating gives its records in the order of their numbers."""

    def __init__(self, payload):
        self.signal = SIGNALS[payload[0]]
        start, self.calls = 4, []
        if payload[1] & 1:
            size = struct.unpack_from("<I", payload, 4)[0]
            self.calls = [json.loads(line) for line in payload[8:8 + size].splitlines()]
            start = 8 + size
        #: The Export…ServiceRequest in protobuf, as it came in.
        self.otlp = payload[start:]
        self._delta = bytearray()
        self._whole = None
        self._records = None

    def __iter__(self):
        return iter(self.records)

    @property
    def records(self):
        if self._records is None:
            self._records = list(self._walk())
        return self._records

    def _walk(self):
        number = 0
        for field, _, group in fields(self.otlp):
            if field != 1:
                continue
            resource, scopes = Resource(self, number, b""), []
            for inner, _, value in fields(group):
                if inner == 1:
                    resource.data = value
                elif inner == 2:
                    scopes.append(value)
            for data in scopes:
                scope, items = Scope(self, number, b""), []
                for inner, _, value in fields(data):
                    if inner == 1:
                        scope.data = value
                    elif inner == 2:
                        items.append(value)
                for item in items:
                    for record in self._of(item, number, resource, scope):
                        yield record
                        number += 1

    def _of(self, item, number, resource, scope):
        if self.signal != "metrics":
            yield Record(self, number, item, resource, scope, 9 if self.signal == "traces" else 6)
            return
        for field, kind, data in fields(item):
            if field in _POINTS and kind == 2:
                for inner, _, point in fields(data):
                    if inner == 1:
                        yield Record(self, number, point, resource, scope, _POINTS[field], item)
                        number += 1

    def replace(self, otlp):
        """Answers with a whole request in place of the changes."""
        self._whole = bytes(otlp)

    def _change(self, operation, owner, record, key, value):
        key = key.encode()
        self._delta += struct.pack("<BBHII", operation, owner, len(key), record, len(value)) + key + value


# Components


class Component:
    kind = ""
    type = ""
    summary = ""
    signals = ["traces", "logs", "metrics"]
    #: A JSON Schema of the configuration.
    schema = {"type": "object", "properties": {}}
    wants = ["records"]
    #: "batch" for a processor that answers with a whole request (`batch.replace`).
    answers = "delta"
    max_in_flight = 1

    #: The configuration, checked against the schema, and a folder for files of your own; set before `open`.
    config = {}
    id = ""
    state_dir = ""

    def open(self):
        """Is called once with `config` set; raise Fault when it cannot be used."""

    def close(self):
        """Is called when the collector stops."""


class Processor(Component):
    kind = "processor"

    def process(self, batch):
        """Changes the batch by its records; raise Retry or Refused when it must not go on."""
        raise NotImplementedError


class Exporter(Component):
    kind = "exporter"

    def export(self, batch):
        """Returns when the batch is kept; raise Retry or Refused otherwise."""
        raise NotImplementedError


class Receiver(Component):
    kind = "receiver"

    def run(self, emit):
        """Brings batches: `emit(signal, otlp)` returns when the collector has the batch, and raises Retry or Refused otherwise.

        Runs in a thread of its own; when it returns nothing more comes.
        """
        raise NotImplementedError


class _Connection:
    def __init__(self):
        self.socket = socket.socket(fileno=3)
        self.lock = threading.Lock()
        self.buffer = bytearray()

    def send(self, kind, ident=0, payload=b""):
        with self.lock:
            self.socket.sendall(struct.pack("<IBBHQ", len(payload), kind, 0, 0, ident) + payload)

    def _read(self, size):
        while len(self.buffer) < size:
            block = self.socket.recv(max(size - len(self.buffer), 1 << 16))
            if not block:
                # The collector has gone.
                os._exit(0)
            self.buffer += block
        data = bytes(self.buffer[:size])
        del self.buffer[:size]
        return data

    def frame(self):
        while True:
            size, kind, flags, _, ident = struct.unpack("<IBBHQ", self._read(16))
            payload = self._read(size)
            if kind == PING:
                self.send(PONG, ident)
            elif HELLO <= kind <= BYE:
                return kind, ident, payload
            elif not flags & MAY_BE_IGNORED:
                sys.exit("the collector sent a frame of the unknown type %d" % kind)


def _outcome(code, argument=0, rest=b"", body=0):
    return struct.pack("<BBHI", code, body, 0, argument) + rest


def _failure(error):
    reason = str(error).encode()[:1024]
    if isinstance(error, Retry):
        return _outcome(1, int(error.after * 1000), reason)
    if error.records is None:
        return _outcome(2, 0, reason)
    return _outcome(3, len(error.records), struct.pack("<%dI" % len(error.records), *error.records) + reason)


def _describe(classes, name, version):
    keys = ["kind", "type", "summary", "signals", "schema", "wants", "max_in_flight"]
    return {"protocol": PROTOCOL, "name": name, "version": version,
            "components": [{key: getattr(each, key) for key in keys + ["answers"] * (each.kind == "processor")}
                           for each in classes]}


class _Emitting:
    """The batches of a receiver: as many are open as it has credit for."""

    def __init__(self, connection):
        self.connection, self.condition = connection, threading.Condition()
        self.credit, self.last, self.answers = 0, 0, {}

    def emit(self, signal, otlp):
        code = next(number for number, name in SIGNALS.items() if name == signal)
        with self.condition:
            self.condition.wait_for(lambda: self.credit > 0)
            self.credit -= 1
            self.last += 1
            ident = self.last
        self.connection.send(EMIT, ident, bytes([code, 0, 0, 0]) + bytes(otlp))
        with self.condition:
            self.condition.wait_for(lambda: ident in self.answers)
            answer = self.answers.pop(ident)
            self.credit += 1
            self.condition.notify_all()
        outcome, argument = answer[0], struct.unpack_from("<I", answer, 4)[0]
        if outcome == 1:
            raise Retry(answer[8:].decode("utf-8", "replace"), argument / 1000)
        if outcome == 2:
            raise Refused(answer[8:].decode("utf-8", "replace"))

    def take(self, kind, ident, payload):
        with self.condition:
            if kind == CREDIT:
                self.credit += struct.unpack("<I", payload)[0]
            else:
                self.answers[ident] = payload
            self.condition.notify_all()


def _answer(component, payload):
    batch = Batch(payload)
    try:
        if component.kind == "exporter":
            component.export(batch)
            return _outcome(0)
        component.process(batch)
    except (Retry, Refused) as error:
        return _failure(error)
    if batch._whole is not None:
        return _outcome(0, 0, batch._whole, 2)
    return _outcome(0, 0, bytes(batch._delta), 1) if batch._delta else _outcome(0)


def run(*classes, name=None, version=""):
    """Runs the program as a plugin that offers these components."""
    name = name or os.path.splitext(os.path.basename(sys.argv[0]))[0]
    description = _describe(classes, name, version)
    if "--describe" in sys.argv[1:]:
        print(json.dumps(description))
        return
    if os.environ.get("HAMMURABI_PLUGIN") != "1":
        print(inspect.cleandoc("""
            %s is a plugin of Telemetry Hub: name it under plugins in the configuration,
            or try it with: hammurabi plugins check %s""" % (name, os.path.abspath(sys.argv[0]))))
        sys.exit(64)
    # Standard output is no terminal, but the collector logs each line when it comes.
    sys.stdout.reconfigure(line_buffering=True)
    connection = _Connection()
    hello = json.loads(connection.frame()[2])
    if hello["protocol"][0] > PROTOCOL[1] or hello["protocol"][1] < PROTOCOL[0]:
        sys.exit("the collector speaks another version of the protocol")
    connection.send(HELLO, 0, json.dumps(description).encode())
    opening = json.loads(connection.frame()[2])
    component = next(each for each in classes if (each.kind, each.type) == (opening["kind"], opening["type"]))()
    component.config, component.id, component.state_dir = opening["config"], opening["id"], opening["state_dir"]
    try:
        component.open()
    except Fault as error:
        connection.send(FAULT, 0, json.dumps({"path": error.path, "message": str(error)}).encode())
        sys.exit(78)
    connection.send(OPENED)
    emitting = _Emitting(connection)
    if component.kind == "receiver":
        threading.Thread(target=component.run, args=(emitting.emit,), daemon=True).start()
    while True:
        kind, ident, payload = connection.frame()
        if kind == BATCH:
            connection.send(RESULT, ident, _answer(component, payload))
        elif kind in (CREDIT, RESULT):
            emitting.take(kind, ident, payload)
        elif kind == DRAIN:
            component.close()
            connection.send(BYE)
            sys.stdout.flush()
            os._exit(0)
