"""A stand-in for the Claude Code CLI, where a test needs one that misbehaves."""

from pathlib import Path

SCRIPT = Path(__file__).with_suffix(".sh")


def put_fake_claude(place: Path, mode: str) -> Path:
    """Writes the stand-in to `place`; what it does (`mode`) is one of those in the script."""
    place.write_text(SCRIPT.read_text().replace("mode=MODE", f"mode={mode}"))
    place.chmod(0o755)
    return place
