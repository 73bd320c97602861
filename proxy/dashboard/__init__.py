"""The dashboard: one page, live, behind a password. `blueprint` makes it; `view.SetUpView` is what it wants to know."""

from proxy.dashboard.pages import blueprint
from proxy.dashboard.view import SetUpView, account_limits, key_accounts, routes

__all__ = ["SetUpView", "account_limits", "blueprint", "key_accounts", "routes"]
