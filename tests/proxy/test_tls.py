"""A provider behind https: connections are used again, and a certificate that nobody vouches for is refused."""

import ssl
import subprocess
from pathlib import Path

import pytest

from tests.proxy.running import PROVIDER_KEY, a_task, request, running_proxy, token
from tests.proxy.upstream import ScriptedUpstream, answering, message_events, streaming


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A certificate for 127.0.0.1 and its key, in one file."""
    key, made = tmp_path / "key.pem", tmp_path / "certificate.pem"
    subject = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
    command = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-days",
        "2",
        "-keyout",
        str(key),
        "-out",
        str(made),
    ]
    subprocess.run([*command, *subject], check=True, capture_output=True)
    both = tmp_path / "both.pem"
    both.write_text(key.read_text() + made.read_text())
    return both


@pytest.fixture
def provider(certificate: Path) -> ScriptedUpstream:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return ScriptedUpstream(context)


def test_a_connection_to_an_https_provider_is_used_again(
    provider: ScriptedUpstream, certificate: Path, tmp_path: Path
) -> None:
    provider.start()
    settings = {
        "SONNET_PROVIDER_BASE_URL": provider.url, "SONNET_PROVIDER_API_KEY": PROVIDER_KEY,
        "SSL_CERT_FILE": str(certificate), "PROXY_WORKERS": "1",
    }  # fmt: skip
    try:
        with running_proxy(tmp_path, **settings) as proxy:
            for events in (None, message_events("Hello")):
                provider.script = streaming(*events) if events else answering({"type": "message"})
                body = request(stream=bool(events))
                assert [proxy.message(token(a_task()), body).status for _ in range(4)] == [200] * 4
        assert len(provider.callers) == 8
        assert len(set(provider.callers)) == 1
    finally:
        provider.stop()


def test_a_certificate_that_nobody_vouches_for_is_refused(provider: ScriptedUpstream, tmp_path: Path) -> None:
    provider.start()
    settings = {"SONNET_PROVIDER_BASE_URL": provider.url, "SONNET_PROVIDER_API_KEY": PROVIDER_KEY}
    try:
        with running_proxy(tmp_path, **settings) as proxy:
            assert proxy.message(token(a_task())).error == (502, "api_error")
        assert provider.received == []
    finally:
        provider.stop()
