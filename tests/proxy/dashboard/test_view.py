"""What the dashboard is told of the set-up: as the gateway has it, with accounts named as the ledger names them."""

from decimal import Decimal

from proxy.dashboard.view import RouteView, SetUpView, TargetView, account_limits, key_accounts, routes
from proxy.gateway import TIERS, Gateway, Limits, Provider, Route, Target
from proxy.ledger.accounts import charges
from proxy.ledger.keys import ClientKey
from proxy.ledger.records import Caller

NEW_YEAR = 1_798_761_600.0  # 2027-01-01, 0:00 UTC
ALL = Limits(day_usd=Decimal(1), month_usd=Decimal("2.5"), person_day_usd=Decimal(3), person_month_usd=Decimal(4))


def test_the_accounts_are_those_that_calls_are_charged_to() -> None:
    for at in (NEW_YEAR, NEW_YEAR - 0.001):
        key = ClientKey("laptop", made=0, total_micro=5, day_micro=6, month_micro=7)
        charged = {charge.account: charge.limit for charge in charges(at, Caller(person="ada"), ALL, key=key)}
        shown = {limit.account.replace("*", "ada"): limit.limit for limit in account_limits(ALL, at)}
        named = {kind: account.replace("*", "laptop") for kind, account in key_accounts(at).items()}
        of_key = {named["total"]: 5, named["day"]: 6, named["month"]: 7}
        assert {**shown, **of_key} == charged


def test_limits_that_are_not_set_are_not_shown() -> None:
    assert account_limits(Limits(), NEW_YEAR) == ()
    (only,) = account_limits(Limits(day_usd=Decimal("0.5")), NEW_YEAR)
    assert (only.said, only.account, only.limit) == ("everyone, today", "day/2027-01-01", 500_000)


def test_routes_are_shown_in_the_order_in_which_targets_are_tried() -> None:
    near = Provider(name="near", wire="anthropic", base_url="http://near", auth="none")
    far = Provider(name="far", wire="openai", base_url="http://far", auth="none")
    both = (Target(near), Target(far, "m", downgrade=True))
    tiers = {name: Route(name, name, both if name == "opus" else both[:1]) for name in TIERS}
    found = routes(Gateway(tiers=tiers, models={"own": Route("own", "", both[1:])}))
    assert [route.name for route in found] == ["opus", "sonnet", "haiku", "own"]
    assert found[0] == RouteView("opus", (TargetView("near"), TargetView("far", "m", downgrade=True)))
    assert SetUpView(routes=found).providers == ("near", "far")
