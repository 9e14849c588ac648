"""ClickHouse's HTTP interface in front of the engine in process (chdb), as far as the exporter uses it.

    clickhouse.py FOLDER [USER PASSWORD]

Keeps its data in FOLDER/data, listens on a free port of the loopback interface and writes it to FOLDER/port; ends with its standard input.
POST /fail?times=N&how=HOW makes the next N inserts fail: `busy` answers 503 and does nothing, `lost` closes the connection and does nothing,
`unheard` inserts and then closes the connection. POST /heal ends that.
"""

import http.server
import os
import re
import sys
import tempfile
import threading
import urllib.parse

from chdb import session

folder = sys.argv[1]
user = sys.argv[2:4]
engine = session.Session(folder + "/data")
lock = threading.Lock()
failures = []


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self, status, text, code=None):
        body = text.encode()
        self.send_response(status)
        if code:
            self.send_header("X-ClickHouse-Exception-Code", str(code))
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self):
        address = urllib.parse.urlsplit(self.path)
        fields = {key: values[0] for key, values in urllib.parse.parse_qs(address.query).items()}
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if address.path == "/fail":
            failures.extend([fields["how"]] * int(fields["times"]))
            return self.answer(200, "")
        if address.path == "/heal":
            failures.clear()
            return self.answer(200, "")
        given = [self.headers.get("X-ClickHouse-User"), self.headers.get("X-ClickHouse-Key")]
        if user and given != user:
            return self.answer(403, "Code: 516. DB::Exception: Authentication failed. (AUTHENTICATION_FAILED)", 516)
        failure = failures.pop(0) if "query" in fields and failures else None
        if failure == "busy":
            return self.answer(503, "Code: 202. DB::Exception: Too many simultaneous queries. (TOO_MANY)", 202)
        if failure == "lost":
            self.close_connection = True
            return
        try:
            with lock:
                result = self.insert(fields, body) if "query" in fields else engine.query(body.decode(), "TabSeparated")
        except Exception as error:
            found = re.search(r"Code: (\d+)\.", str(error))
            code = int(found.group(1)) if found else 1
            return self.answer(404 if code in (60, 81) else 500, str(error), code)
        if failure == "unheard":
            self.close_connection = True
            return
        self.answer(200, str(result))

    def insert(self, fields, body):
        """The engine has no body beside a statement: it reads the rows from a file."""
        statement, form = fields.pop("query").rsplit(" FORMAT ", 1)
        coding = self.headers.get("Content-Encoding", "none")
        settings = ", ".join(f"{key} = '{value}'" for key, value in fields.items() if key != "wait_end_of_query")
        with tempfile.NamedTemporaryFile(dir=folder) as file:
            file.write(body)
            file.flush()
            source = f"FROM INFILE '{file.name}' COMPRESSION '{coding}'"
            return engine.query(f"{statement} {source} SETTINGS {settings} FORMAT {form}")


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
with open(folder + "/port.new", "w") as file:
    file.write(str(server.server_address[1]))
os.rename(folder + "/port.new", folder + "/port")
threading.Thread(target=server.serve_forever, daemon=True).start()
sys.stdin.read()
os._exit(0)
