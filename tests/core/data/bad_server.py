"""A web server on this machine that can misbehave."""

import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Server:
    """Attributes: files (path -> bytes), address, asked (the Range of each request), and how it misbehaves:
    cut (bytes after which it hangs up, once), ranges (whether it knows them), says (length it claims), status.
    """

    def __init__(self):
        self.files: dict[str, bytes] = {}
        self.asked: list[str | None] = []
        self.cut = self.says = self.status = None
        self.ranges = True
        self.length = True


@contextmanager
def serving():
    state = Server()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            asked = self.headers.get("Range")
            state.asked.append(asked)
            body = state.files.get(self.path)
            if state.status or body is None:
                return self.send_error(state.status or 404)
            start, total = 0, len(body)
            if asked and state.ranges:
                start = int(asked.removeprefix("bytes=").rstrip("-"))
                if start >= total:
                    self.send_response(416)
                    self.send_header("Content-Range", f"bytes */{total}")
                    self.send_header("Content-Length", "0")
                    return self.end_headers()
                self.send_response(206)
                self.send_header("Content-Range", f"bytes {start}-{total - 1}/{total}")
            else:
                self.send_response(200)
            body = body[start:]
            if state.length:
                self.send_header("Content-Length", str(len(body) if state.says is None else state.says))
            self.end_headers()
            cut, state.cut = state.cut, None
            self.wfile.write(body if cut is None else body[:cut])
            return None

        def log_message(self, *_):
            pass

    class Quiet(ThreadingHTTPServer):
        def handle_error(self, *_):
            pass  # a client that hangs up is what some tests are about

    server = Quiet(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    state.address = f"http://127.0.0.1:{server.server_port}"
    try:
        yield state
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
