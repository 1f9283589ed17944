"""What peers on this machine need: ports that nobody uses, and certificates for them."""

import socket
import subprocess


def free_port(host="127.0.0.1"):
    """Returns a port at which nothing listens now. Another process may take it meanwhile."""
    with socket.create_server((host, 0)) as server:
        return server.getsockname()[1]


def make_certificate(certificate, key):
    """Writes a certificate of localhost that signs itself, and its key, in PEM to two files."""
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:P-256", "-noenc", "-days", "2", "-subj", "/CN=localhost",
                    "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
                    "-keyout", key, "-out", certificate],
                   check=True, capture_output=True, timeout=60)
