"""What the proxy tells of itself: health to anyone, usage and metrics to who holds the read token."""

from typing import Any

from flask import Blueprint, Response, request

from proxy import auth
from proxy.ledger import TOKENS, Ledger
from proxy.prices import MICRO

METRIC_TYPES = "\n".join(f"# TYPE proxy_{name}_total counter" for name in ("calls", "cost_dollars", "tokens"))


def blueprint(*, ledger: Ledger, read_token: str) -> Blueprint:
    """Health, a run's usage, metrics."""
    reports = Blueprint("reports", __name__)

    @reports.get("/healthz")
    def healthz() -> dict[str, str]:
        return {"status": "ok"}

    @reports.route("/", methods=["HEAD"])
    def probe() -> str:
        return ""

    @reports.get("/usage/<run>")
    def usage(run: str) -> dict[str, Any]:
        auth.require_reader(request.headers, read_token)
        sums = ledger.sums(run)
        return {"run": run, "cost_usd": sums.pop("micro_dollars") / MICRO, "models": ledger.models(run), **sums}

    @reports.get("/metrics")
    def metrics() -> Response:
        auth.require_reader(request.headers, read_token)
        return Response(exposition(ledger.totals()), content_type="text/plain; version=0.0.4; charset=utf-8")

    return reports


def exposition(totals: list[dict[str, Any]]) -> str:
    """The totals in Prometheus' text format."""
    return "\n".join([METRIC_TYPES, *(line for row in totals for line in _lines(row))]) + "\n"


def _lines(row: dict[str, Any]) -> list[str]:
    labels = f'tier="{row["tier"]}",outcome="{row["outcome"]}"'
    return [
        f"proxy_calls_total{{{labels}}} {row['calls']}",
        f"proxy_cost_dollars_total{{{labels}}} {row['micro_dollars'] / MICRO}",
        *(f'proxy_tokens_total{{{labels},kind="{name.removesuffix("_tokens")}"}} {row[name]}' for name in TOKENS),
    ]
