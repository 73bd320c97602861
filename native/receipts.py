"""`scripts/receipts`: reads what the last demo claims again from not-github, and the forge's signature under it."""

import argparse
import json
import sys
from pathlib import Path

from forge.marks import Marks
from native.processes import ROOT, Process
from native.rabbitmq import free_port
from native.review import GitHub
from native.stack import GITHUB_TOKEN
from stack.secret import SecretFile

FOLDER = ROOT / ".run/demo"


def main() -> int:
    """Exits 1 where not-github does not show what the demo's last line says."""
    parser = argparse.ArgumentParser(prog="scripts/receipts", description=(__doc__ or "").split(": ", 1)[1])
    parser.add_argument("folder", nargs="?", type=Path, default=FOLDER, help="the demo's folder (%(default)s)")
    folder = parser.parse_args().folder
    try:
        claimed = json.loads((folder / "summary.json").read_text())
    except FileNotFoundError:
        parser.error(f"{folder} has no summary.json: run scripts/demo first")
    port = free_port()
    data = str(folder / "not_github")
    arguments = ["sim.not_github", "--port", str(port), "--data", data, "--token", GITHUB_TOKEN]
    url = f"http://127.0.0.1:{port}"
    process = Process("not-github", arguments, folder / "logs/receipts.log", ready_url=f"{url}/_sim/health")
    process.start()
    try:
        process.wait_until_ready()
        return compare(claimed, GitHub(url), Marks(SecretFile(folder / "secrets/forge/FORGE_MARK_KEY")))
    finally:
        process.stop()


def compare(claimed: dict[str, object], github: GitHub, marks: Marks) -> int:
    """Prints each receipt beside what not-github shows."""
    repository, number = str(claimed["repository"]), int(str(claimed["number"]))
    posted = github.reviews(repository, number)
    ours = [one for one in posted if any(facts.get("run") == claimed["run"] for facts in marks.read(one["body"]))]
    rows = [
        ("reviews of this run", 1, len(ours)),
        ("review id", claimed["review_id"], ours[0]["id"] if ours else None),
        ("comments on lines", claimed["inline_comments"], sum(len(one["comments"]) for one in ours)),
    ]
    for name, said, found in rows:
        print(f"{'ok' if said == found else 'WRONG':6}{name}: claimed {said}, not-github shows {found}")
    return 0 if all(said == found for _, said, found in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
