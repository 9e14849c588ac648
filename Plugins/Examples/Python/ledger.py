#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""An exporter that appends a line for each record to a CSV file: its time, its name, and the attributes that are configured."""

import csv
import io
import os

import hammurabi_plugin as hub


class LedgerCSV(hub.Exporter):
    type = "ledger_csv"
    summary = "appends a line for each record to a CSV file"
    schema = {
        "type": "object",
        "required": ["path"],
        "additionalProperties": False,
        "properties": {
            "path": {"type": "string", "description": "the file"},
            "attributes": {
                "type": "array", "items": {"type": "string"}, "default": [], "description": "a column for each",
            },
        },
    }

    def open(self):
        try:
            self.file = os.open(self.config["path"], os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
            self.remove_torn_line()
        except OSError as error:
            raise hub.Fault(str(error), "path")

    def remove_torn_line(self):
        """A program that is killed within a write leaves half a line; its batch was not acknowledged, so it comes again."""
        size = place = os.fstat(self.file).st_size
        while place > 0:
            start = max(0, place - 65536)
            end = os.pread(self.file, place - start, start).rfind(b"\n") + 1
            place = start + end
            if end:
                break
        if place < size:
            os.ftruncate(self.file, place)

    def export(self, batch):
        text = io.StringIO()
        lines = csv.writer(text, lineterminator="\n")
        for record in batch:
            values = [record.time, record.name] + [record.get(key, "") for key in self.config["attributes"]]
            # A line is a record, so that half of one can be told from a whole one.
            lines.writerow([" ".join(str(value).splitlines()) for value in values])
        data = text.getvalue().encode()
        try:
            # On the disk before it is acknowledged.
            if os.write(self.file, data) != len(data):
                self.remove_torn_line()
                raise hub.Retry("the disk is full", 30)
            os.fsync(self.file)
        except OSError as error:
            raise hub.Retry(str(error), 30)

    def close(self):
        os.close(self.file)


hub.run(LedgerCSV, version="0.1")
