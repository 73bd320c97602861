"""What the dashboard shows of the set-up in force."""

import time

from proxy.dashboard.view import SetUpView, account_limits, key_accounts, routes
from proxy.source import Source


def set_up_view(source: Source) -> SetUpView:
    """The set-up, with the accounts that its limits stand for now."""
    now = time.time()
    return SetUpView(
        routes=routes(source.gateway),
        source=source.said,
        loaded=source.loaded_at,
        refused=source.error,
        limits=account_limits(source.gateway.limits, now),
        key_accounts=key_accounts(now),
    )
