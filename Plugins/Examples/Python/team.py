#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A processor that adds the team of a user, by a CSV file with the columns user and team."""

import csv

import hammurabi_plugin as hub


class Team(hub.Processor):
    type = "team"
    summary = "adds the team of a user"
    max_in_flight = 4
    schema = {
        "type": "object",
        "required": ["map"],
        "additionalProperties": False,
        "properties": {
            "map": {"type": "string", "description": "a CSV file with the columns user and team"},
            "attribute": {"type": "string", "default": "team", "description": "the attribute that gets the team"},
            "user": {
                "type": "array", "items": {"type": "string"}, "default": ["user.email", "user.id"],
                "description": "the attributes that name the user, the first that is there counts",
            },
        },
    }

    def open(self):
        try:
            with open(self.config["map"], newline="", encoding="utf-8") as file:
                self.teams = {row["user"]: row["team"] for row in csv.DictReader(file)}
        except (OSError, KeyError) as error:
            raise hub.Fault("cannot be read: %s" % error, "map")

    def process(self, batch):
        for record in batch:
            user = next((value for value in map(record.get, self.config["user"]) if value is not None), None)
            team = self.teams.get(user)
            if team is not None:
                record.set(self.config["attribute"], team)


hub.run(Team, version="0.1")
