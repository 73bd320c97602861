"""A played service proves that it is who is called, as a real one does."""

from http.server import BaseHTTPRequestHandler
from urllib.parse import urlsplit

from stack.proof import PATH, Prover, key_for

SERVER_KEY = "not-a-key"
PROOF_KEY = key_for(SERVER_KEY, "pr-reviewer")  # what a reviewer has of it


def proves(request: BaseHTTPRequestHandler, server: str, *known: str) -> bool:
    """Answers, where a proof is asked for, as `server` that knows these secrets. False where it is something else."""
    address = urlsplit(request.path)
    if address.path != PATH:
        return False
    proof = Prover(server, lambda: known).answer(address.query, request.connection.getsockname())
    request.send_response(200 if proof else 404)
    request.send_header("Content-Length", str(len(proof)))
    request.end_headers()
    request.wfile.write(proof.encode())
    return True
