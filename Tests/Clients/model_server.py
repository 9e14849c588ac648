"""A model server for agents: speaks OpenAI's chat completions and writes down the usage of every answer."""

import http.server
import json
import threading
import time


class ModelServer:
    """Answers on a free port until the process ends.

    script(request) returns the text of the answer and its tool calls as (name, arguments).
    """

    def __init__(self, script):
        self.calls = []
        self.lock = threading.Lock()
        self.script = script
        server = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def do_GET(self):
                self.reply({"object": "list", "data": [{"id": "model-1", "object": "model"}]})

            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("content-length") or 0))
                if not self.path.endswith("/chat/completions"):
                    return self.reply({})
                server.answer(self, json.loads(body))

            def reply(self, value):
                data = json.dumps(value).encode()
                self.send_response(200)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

        self.http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.http.daemon_threads = True
        threading.Thread(target=self.http.serve_forever, daemon=True).start()
        self.address = f"http://127.0.0.1:{self.http.server_port}/v1"

    def answer(self, handler, request):
        text, tools = self.script(request)
        with self.lock:
            number = len(self.calls) + 1
            call = {"input": 1000 + 37 * number, "cached": 101 * number, "output": 20 + 3 * number, "reasoning": 2}
            self.calls.append(call)
        usage = {
            "prompt_tokens": call["input"],
            "completion_tokens": call["output"],
            "total_tokens": call["input"] + call["output"],
            "prompt_tokens_details": {"cached_tokens": call["cached"]},
            "completion_tokens_details": {"reasoning_tokens": call["reasoning"]},
        }
        head = {"id": f"chatcmpl-{number:024x}", "created": int(time.time()), "model": request.get("model")}
        calls = [
            {
                "index": place,
                "id": f"call_{number}_{place}",
                "type": "function",
                "function": {"name": name, "arguments": json.dumps(arguments)},
            }
            for place, (name, arguments) in enumerate(tools)
        ]
        reason = "tool_calls" if calls else "stop"
        message = {"role": "assistant", "content": text, **({"tool_calls": calls} if calls else {})}
        if not request.get("stream"):
            choices = [{"index": 0, "message": message, "finish_reason": reason}]
            return handler.reply({**head, "object": "chat.completion", "choices": choices, "usage": usage})
        head["object"] = "chat.completion.chunk"
        chunks = [
            {**head, "choices": [{"index": 0, "delta": message, "finish_reason": None}]},
            {**head, "choices": [{"index": 0, "delta": {}, "finish_reason": reason}]},
            {**head, "choices": [], "usage": usage},
        ]
        handler.send_response(200)
        handler.send_header("content-type", "text/event-stream")
        handler.send_header("connection", "close")
        handler.end_headers()
        for chunk in chunks:
            handler.wfile.write(b"data: " + json.dumps(chunk).encode() + b"\n\n")
        handler.wfile.write(b"data: [DONE]\n\n")
        handler.close_connection = True

    def sums(self):
        """Uncached input, cache reads and output of all answers."""
        return (
            sum(call["input"] - call["cached"] for call in self.calls),
            sum(call["cached"] for call in self.calls),
            sum(call["output"] for call in self.calls),
        )
