"""The example of the demo: a small web shop, and a change to it with the mistakes that a reviewer should find.

Nothing here is real, and the dates are fixed, so that the commits have the same ids everywhere."""

from typing import Any

OWNER, NAME, NUMBER = "acme", "shop", 12
BASE, HEAD = "main", "voucher-codes"
AUTHOR = "Robin Example <robin@example.com>"

TITLE = "Voucher codes, a stock report and faster checkout"
BODY = """\
Adds what the spring campaign needs:

- **Voucher codes** at checkout, read from `vouchers.yaml`
- a **stock report** for the back office
- payments are asked for their state before an order is confirmed

The happy path is tested by hand."""

FILES = {
    "README.md": """\
# shop

A small web shop. `python -m shop.web` serves it on port 8000.

## Layout

- `shop/catalog.py`: what we sell
- `shop/cart.py`: what a customer wants
- `shop/orders.py`: what a customer bought
- `shop/payments.py`: how it was paid
- `shop/web.py`: pages

## Tests

`pytest` runs them all.
""",
    "shop/catalog.py": '''\
"""What we sell, kept in SQLite."""

import sqlite3
from dataclasses import dataclass


@dataclass(frozen=True)
class Product:
    sku: str
    name: str
    price: int  # cents
    stock: int


class Catalog:
    def __init__(self, db: sqlite3.Connection) -> None:
        self.db = db

    def find(self, sku: str) -> Product | None:
        row = self.db.execute(
            "SELECT sku, name, price, stock FROM products WHERE sku = ?", (sku,)
        ).fetchone()
        return Product(*row) if row else None

    def in_stock(self) -> list[Product]:
        rows = self.db.execute(
            "SELECT sku, name, price, stock FROM products WHERE stock > 0 ORDER BY name"
        )
        return [Product(*row) for row in rows]

    def take(self, sku: str, count: int) -> None:
        changed = self.db.execute(
            "UPDATE products SET stock = stock - ? WHERE sku = ? AND stock >= ?",
            (count, sku, count),
        ).rowcount
        if not changed:
            raise LookupError(f"not enough of {sku}")
''',
    "shop/cart.py": '''\
"""What a customer wants, before it is an order."""

from dataclasses import dataclass, field

from shop.catalog import Catalog, Product


@dataclass
class Line:
    product: Product
    count: int

    @property
    def price(self) -> int:
        return self.product.price * self.count


@dataclass
class Cart:
    lines: list[Line] = field(default_factory=list)

    def add(self, product: Product, count: int = 1) -> None:
        if count < 1:
            raise ValueError("count must be positive")
        for line in self.lines:
            if line.product.sku == product.sku:
                line.count += count
                return
        self.lines.append(Line(product, count))

    def remove(self, sku: str) -> None:
        self.lines = [line for line in self.lines if line.product.sku != sku]

    def total(self) -> int:
        """In cents."""
        return sum(line.price for line in self.lines)

    def available(self, catalog: Catalog) -> bool:
        for line in self.lines:
            product = catalog.find(line.product.sku)
            if product is None or product.stock < line.count:
                return False
        return True
''',
    "shop/orders.py": '''\
"""What a customer bought."""

import logging
import secrets
import sqlite3

from shop.cart import Cart
from shop.catalog import Catalog
from shop.payments import Payments

log = logging.getLogger(__name__)


class Orders:
    def __init__(self, db: sqlite3.Connection, payments: Payments) -> None:
        self.db = db
        self.payments = payments

    def place(self, cart: Cart, email: str) -> str:
        """The number of the new order."""
        number = secrets.token_hex(8)
        catalog = Catalog(self.db)
        if not cart.available(catalog):
            raise LookupError("something in the cart is sold out")
        with self.db:
            for line in cart.lines:
                catalog.take(line.product.sku, line.count)
            self.db.execute(
                "INSERT INTO orders (number, email, total) VALUES (?, ?, ?)",
                (number, email, cart.total()),
            )
        log.info("order %s placed", number)
        return number

    def confirm(self, number: str) -> None:
        with self.db:
            self.db.execute("UPDATE orders SET paid = 1 WHERE number = ?", (number,))

    def find(self, number: str) -> tuple[str, int] | None:
        return self.db.execute(
            "SELECT email, total FROM orders WHERE number = ?", (number,)
        ).fetchone()
''',
    "shop/payments.py": '''\
"""Talks to the payment provider."""

import os

import requests

TIMEOUT = 10  # seconds


class PaymentFailed(Exception):
    """The provider did not take the money."""


class Payments:
    def __init__(self, url: str) -> None:
        self.url = url
        self.key = os.environ["PAYMENT_KEY"]

    def charge(self, number: str, cents: int, card: str) -> str:
        """The provider's id of the payment."""
        answer = requests.post(
            f"{self.url}/charges",
            json={"order": number, "amount": cents, "card": card},
            headers={"Authorization": f"Bearer {self.key}"},
            timeout=TIMEOUT,
        )
        if answer.status_code != 201:
            raise PaymentFailed(answer.text)
        return str(answer.json()["id"])
''',
    "shop/web.py": '''\
"""Pages of the shop."""

import os
import sqlite3

from flask import Flask, abort, g, render_template, request, session

from shop.cart import Cart
from shop.catalog import Catalog
from shop.orders import Orders
from shop.payments import Payments

app = Flask(__name__)
app.secret_key = os.environ["SESSION_KEY"]


def db() -> sqlite3.Connection:
    if "db" not in g:
        g.db = sqlite3.connect("shop.sqlite")
    return g.db


@app.get("/")
def home() -> str:
    return render_template("home.html", products=Catalog(db()).in_stock())


@app.post("/cart/<sku>")
def add_to_cart(sku: str) -> tuple[str, int]:
    product = Catalog(db()).find(sku)
    if product is None:
        abort(404)
    session.setdefault("cart", []).append(sku)
    return "", 204


@app.post("/checkout")
def checkout() -> str:
    cart = Cart()
    catalog = Catalog(db())
    for sku in session.pop("cart", []):
        product = catalog.find(sku)
        if product:
            cart.add(product)
    orders = Orders(db(), Payments(os.environ["PAYMENT_URL"]))
    number = orders.place(cart, request.form["email"])
    return render_template("thanks.html", number=number)


if __name__ == "__main__":
    app.run(port=8000)
''',
}

# (file, what stands there, what the change puts in its place)
EDITS = (
    (
        "shop/cart.py",
        "from shop.catalog import Catalog, Product\n",
        "from shop.catalog import Catalog, Product\nfrom shop.vouchers import Voucher\n",
    ),
    (
        "shop/cart.py",
        """\
        return sum(line.price for line in self.lines)
""",
        '''\
        return sum(line.price for line in self.lines)

    def total_with(self, vouchers: list[Voucher] = []) -> int:
        """In cents, after all vouchers."""
        total = self.total()
        for voucher in vouchers:
            assert voucher.percent <= 100
            total -= total * voucher.percent // 100
        return total
''',
    ),
    (
        "shop/orders.py",
        """\
import logging
import secrets
import sqlite3
""",
        """\
import hashlib
import logging
import sqlite3
import time
""",
    ),
    (
        "shop/orders.py",
        """\
        number = secrets.token_hex(8)
""",
        """\
        number = hashlib.md5(f"{email}{time.time()}".encode()).hexdigest()
        print("placing order", number, email)
""",
    ),
    (
        "shop/orders.py",
        """\
    def confirm(self, number: str) -> None:
        with self.db:
            self.db.execute("UPDATE orders SET paid = 1 WHERE number = ?", (number,))
""",
        """\
    def confirm(self, number: str, payment: str) -> None:
        try:
            if self.payments.state(payment) == None:
                return
            with self.db:
                self.db.execute("UPDATE orders SET paid = 1 WHERE number = ?", (number,))
        except:
            pass

    def of_customer(self, email: str) -> list[tuple[str, int]]:
        return self.db.execute(
            f"SELECT number, total FROM orders WHERE email = '{email}'"
        ).fetchall()
""",
    ),
    (
        "shop/payments.py",
        "TIMEOUT = 10  # seconds\n",
        'TIMEOUT = 10  # seconds\nREPORT_PASSWORD = "not-a-real-password"\n',
    ),
    (
        "shop/payments.py",
        """\
        return str(answer.json()["id"])
""",
        """\
        return str(answer.json()["id"])

    def state(self, payment: str) -> str | None:
        answer = requests.get(f"{self.url}/charges/{payment}", verify=False)
        return answer.json().get("state")
""",
    ),
    (
        "shop/web.py",
        "import sqlite3\n",
        "import sqlite3\nimport subprocess\n",
    ),
    (
        "shop/web.py",
        """\
@app.post("/cart/<sku>")
""",
        """\
@app.get("/admin/report/<month>")
def report(month: str) -> str:
    # TODO: only for the back office
    return subprocess.check_output(f"bin/stock-report {month}", shell=True, text=True)


@app.post("/cart/<sku>")
""",
    ),
    (
        "shop/web.py",
        """\
    return render_template("thanks.html", number=number)
""",
        """\
    return render_template("thanks.html", number=number)


@app.get("/orders")
def my_orders() -> str:
    orders = Orders(db(), Payments(os.environ["PAYMENT_URL"]))
    return render_template("orders.html", orders=orders.of_customer(request.args["email"]))
""",
    ),
)

ADDED = {
    "shop/vouchers.py": '''\
"""Codes for a lower price."""

from dataclasses import dataclass

import yaml


@dataclass(frozen=True)
class Voucher:
    code: str
    percent: int
    condition: str = "True"

    def applies(self, total: int) -> bool:
        return bool(eval(self.condition, {"total": total}))


def load(path: str = "vouchers.yaml") -> dict[str, Voucher]:
    with open(path, encoding="utf-8") as file:
        entries = yaml.load(file, Loader=yaml.Loader)
    return {entry["code"]: Voucher(**entry) for entry in entries}
''',
}


def changed_files() -> dict[str, str]:
    """The files of the change, as it leaves them."""
    changed = dict(ADDED)
    for path, before, after in EDITS:
        text = changed.get(path, FILES.get(path, ""))
        if text.count(before) != 1:
            raise ValueError(f"the edit of {path} does not fit: {before!r}")
        changed[path] = text.replace(before, after)
    return changed


def history() -> bytes:
    """The two branches, as a stream for `git fast-import`."""
    first = _commit(BASE, "A small web shop\n", 1767258000, FILES)  # 1 January 2026, 09:00 UTC
    second = _commit(HEAD, f"{TITLE}\n", 1772442000, changed_files(), parent=BASE)  # 2 March 2026, 09:00 UTC
    return first + second


def _commit(branch: str, message: str, seconds: int, files: dict[str, str], *, parent: str = "") -> bytes:
    who = f"{AUTHOR} {seconds} +0000"
    head = f"commit refs/heads/{branch}\nauthor {who}\ncommitter {who}\n".encode() + _data(message)
    origin = f"from refs/heads/{parent}\n".encode() if parent else b""
    changes = [f"M 100644 inline {path}\n".encode() + _data(text) for path, text in sorted(files.items())]
    return head + origin + b"".join(changes)


def _data(text: str) -> bytes:
    content = text.encode()
    return b"data %d\n%s\n" % (len(content), content)


def pull() -> dict[str, Any]:
    return {"base": BASE, "head": HEAD, "number": NUMBER, "title": TITLE, "body": BODY, "user": "robin"}
