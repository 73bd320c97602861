"""A strict reader of Prometheus' text format 0.0.4: what a lenient one would mend is an error here."""

import re
from dataclasses import dataclass, field

NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"')
SAMPLE = re.compile(rf"({NAME})(\{{.*\}})? (\S+)")
ENDINGS = {"counter": {""}, "gauge": {""}, "histogram": {"_bucket", "_sum", "_count"}}
PLAIN = {r"\\": "\\", r"\"": '"', r"\n": "\n"}

Labels = tuple[tuple[str, str], ...]


@dataclass
class Family:
    """A metric: its kind, and its samples by the ending of their name and their labels in order."""

    kind: str
    samples: dict[tuple[str, Labels], float] = field(default_factory=dict)

    def value(self, ending: str = "", **labels: str) -> float:
        """The one sample with these labels, whatever others it has too. Raises AssertionError for none or several."""
        wanted = set(labels.items())
        found = [value for (end, own), value in self.samples.items() if end == ending and wanted <= set(own)]
        assert len(found) == 1, (ending, labels, self.samples)
        return found[0]


def parsed(text: str) -> dict[str, Family]:
    """The metrics by name. Raises AssertionError for what is not in the format."""
    assert text.endswith("\n")
    families: dict[str, Family] = {}
    lines = text[:-1].split("\n")
    while lines:
        name, family = _head(lines.pop(0), lines.pop(0))
        assert name not in families, f"{name} is in two places"
        families[name] = family
        while lines and not lines[0].startswith("#"):
            _add(lines.pop(0), name, family)
        if family.kind == "histogram":
            _check_histogram(family)
    return families


def _head(help_line: str, type_line: str) -> tuple[str, Family]:
    helped = re.fullmatch(rf"# HELP ({NAME}) (\S.*)", help_line)
    typed = re.fullmatch(rf"# TYPE ({NAME}) (\w+)", type_line)
    assert helped, help_line
    assert typed, type_line
    assert helped[1] == typed[1]
    assert typed[2] in ENDINGS
    assert (typed[2] == "counter") == typed[1].endswith("_total")
    return typed[1], Family(typed[2])


def _add(line: str, name: str, family: Family) -> None:
    found = SAMPLE.fullmatch(line)
    assert found, line
    ending = found[1].removeprefix(name)
    assert found[1].startswith(name), line
    assert ending in ENDINGS[family.kind], line
    key = ending, _labels(found[2] or "")
    assert key not in family.samples, f"twice: {line}"
    value = float(found[3])
    assert value >= 0, line
    family.samples[key] = value


def _labels(text: str) -> Labels:
    if not text:
        return ()
    inside, found = text[1:-1], []
    while inside:
        label = LABEL.match(inside)
        assert label, text
        found.append((label[1], re.sub(r'\\["\\n]', lambda sign: PLAIN[sign[0]], label[2])))
        inside = inside[label.end() :]
        assert inside == "" or inside[0] == ",", text
        assert inside != ",", text
        inside = inside[1:]
    assert len({name for name, _ in found}) == len(found), text
    return tuple(found)


def _check_histogram(family: Family) -> None:
    """Buckets grow up to +Inf, which is the count; every series has a sum."""
    series: dict[Labels, list[tuple[float, float]]] = {}
    for (ending, labels), value in family.samples.items():
        if ending == "_bucket":
            rest = tuple((name, text) for name, text in labels if name != "le")
            series.setdefault(rest, []).append((float(dict(labels)["le"]), value))
    assert len(family.samples) == sum(len(buckets) + 2 for buckets in series.values())
    for labels, buckets in series.items():
        assert buckets == sorted(buckets), buckets
        assert [count for _, count in buckets] == sorted(count for _, count in buckets), buckets
        assert buckets[-1][0] == float("inf")
        assert family.samples["_count", labels] == buckets[-1][1]
        assert ("_sum", labels) in family.samples
