"""Asks `hammurabi mcp` with the genuine Python SDK of the Model Context Protocol.

    mcp_tools.py PROGRAM FOLDER
"""
import asyncio
import json
import os
import sys

from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client


def member(value: object, name: str) -> object:
    """A member by its name on the wire; newer versions of the SDK call it in snake case."""
    snake = "".join("_" + letter.lower() if letter.isupper() else letter for letter in name)
    return getattr(value, name if hasattr(value, name) else snake)


async def main(program: str, folder: str) -> None:
    home = os.path.join(folder, "mcp-home")
    os.makedirs(home, exist_ok=True)
    environment = {"HOME": home, "HAMMURABI_HOME": os.path.join(home, "hub"), "TZ": "UTC", "PATH": os.environ["PATH"]}
    flags = [
        "--set", "receivers.otlp.protocols.http.endpoint=127.0.0.1:0",
        "--set", "extensions.hub.endpoint=127.0.0.1:0",
        "--set", "receivers.events.endpoint=127.0.0.1:0",
    ]
    server = StdioServerParameters(command=program, args=["mcp", *flags], env=environment, cwd=folder)
    async with stdio_client(server) as (reader, writer), ClientSession(reader, writer) as session:
        welcome = await session.initialize()
        assert member(welcome, "serverInfo").name == "hammurabi", welcome
        tools = (await session.list_tools()).tools
        assert {tool.name for tool in tools} >= {
            "summary", "blocks", "sessions", "session", "limits", "budget", "compare", "prices",
        }, tools
        assert all(tool.annotations and member(tool.annotations, "readOnlyHint") for tool in tools), tools

        async def ask(name: str, **arguments: str) -> dict:
            answer = await session.call_tool(name, arguments)
            assert not member(answer, "isError"), answer
            assert member(answer, "structuredContent") == json.loads(answer.content[0].text), answer
            return member(answer, "structuredContent")

        assert (await ask("summary", period="7d"))["callCount"] == 0
        assert (await ask("blocks", active="true"))["blocks"] == []
        assert (await ask("sessions", limit="5"))["sessions"] == []
        assert (await ask("limits", current="true"))["limits"] == []
        assert (await ask("budget"))["budgets"] == []
        prices = (await ask("prices", model="claude-haiku-4-5"))["models"]
        assert any(price["inputPerMillion"] == 1 for price in prices), prices
        for name, arguments in [("summary", {"period": "soon"}), ("session", {"id": "nobody"}), ("budget", {"name": "nobody"}), ("session", {}), ("summary", {"x": "1"})]:
            answer = await session.call_tool(name, arguments)
            assert member(answer, "isError") and answer.content[0].text, answer
        await session.send_ping()
    print("mcp: the genuine SDK can ask every tool")


asyncio.run(main(os.path.realpath(sys.argv[1]), sys.argv[2]))
