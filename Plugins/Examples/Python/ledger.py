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
            self.file = os.open(self.config["path"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        except OSError as error:
            raise hub.Fault(str(error), "path")

    def export(self, batch):
        text = io.StringIO()
        lines = csv.writer(text)
        for record in batch:
            lines.writerow([record.time, record.name] + [record.get(key, "") for key in self.config["attributes"]])
        data = text.getvalue().encode()
        try:
            # One write, so that a batch is there whole or not at all; on the disk before it is acknowledged.
            if os.write(self.file, data) != len(data):
                raise hub.Retry("the disk is full", 30)
            os.fsync(self.file)
        except OSError as error:
            raise hub.Retry(str(error), 30)

    def close(self):
        os.close(self.file)


hub.run(LedgerCSV, version="0.1")
