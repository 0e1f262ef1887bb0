"""Dashboard, alerts and scalers ask for metrics that some process exports, by labels that these have."""

import json
import re
from pathlib import Path

import promql_parser
import pytest
import yaml
from fakes.exported_metrics import exported

from shared.contracts.dispatch import SendingReason, Work
from shared.contracts.jobs import Status

ROOT = Path(__file__).resolve().parents[3]
OF_PROMETHEUS = {"job", "instance"}
"""Labels that Prometheus adds to every sample."""
SAMPLES = {name: labels for one in exported() for name, labels in one.samples.items()} | {"up": set()}
VALUES = {"work": set(Work), "reason": set(SendingReason), "status": set(Status), "accepted": {"True", "False"}}
"""Values of labels that queries may compare with; of `status` those of jobs, HTTP's are numbers."""


def dashboard() -> dict:
    return json.loads((ROOT / "deploy/grafana/dashboards/retoucher.json").read_text(encoding="utf-8"))


def rules() -> list[dict]:
    groups = yaml.safe_load((ROOT / "deploy/prometheus/rules.yml").read_text(encoding="utf-8"))["groups"]
    return [rule for group in groups for rule in group["rules"]]


def queries() -> dict[str, str]:
    found = {}
    for panel in dashboard()["panels"]:
        for target in panel.get("targets", []):
            found[f"panel {panel['title']} {target['refId']}"] = target["expr"].replace("$__rate_interval", "5m")
    for rule in rules():
        found[f"alert {rule['alert']}"] = rule["expr"]
    for one in yaml.safe_load_all((ROOT / "k8s/base/scaling.yaml").read_text(encoding="utf-8")):
        found[f"scaler {one['metadata']['name']}"] = one["spec"]["triggers"][0]["metadata"]["query"]
    return found


def selectors(expression: object) -> list[promql_parser.VectorSelector]:
    """Every selector of a metric in a parsed query."""
    found = []

    def visit(node: object, *_: object) -> bool:
        if isinstance(node, promql_parser.VectorSelector):
            found.append(node)
        return True

    promql_parser.walk(expression, visit)
    return found


def grouped_by(query: str) -> set[str]:
    groups = re.findall(r"\b(?:by|on) \(([^)]*)\)", query)
    return {label.strip() for group in groups for label in group.split(",")}


def problems_of(query: str) -> list[str]:
    """What a query asks for that nobody exports."""
    found = []
    asked = selectors(promql_parser.parse(query))
    if not asked:
        found.append("it asks for no metric")
    known = set(OF_PROMETHEUS)
    for selector in asked:
        if selector.name not in SAMPLES:
            found.append(f"no process exports {selector.name}")
            continue
        labels = SAMPLES[selector.name] | OF_PROMETHEUS
        known |= labels
        for matcher in selector.matchers.matchers:
            if matcher.name not in labels:
                found.append(f"{selector.name} has no label {matcher.name}")
            elif matcher.name in VALUES and not selector.name.startswith("retoucher_http"):
                never = sorted(set(matcher.value.split("|")) - VALUES[matcher.name])
                found += [f"{matcher.name} is never {value}" for value in never]
    return found + [f"nothing has the label {label}" for label in sorted(grouped_by(query) - known)]


@pytest.mark.parametrize("name", queries())
def test_a_query_is_answered_by_metrics_that_exist(name):
    assert problems_of(queries()[name]) == []


@pytest.mark.parametrize(
    ("query", "problem"),
    [
        ("sum(rate(retoucher_claims[5m]))", "no process exports retoucher_claims"),
        ("sum by (model) (retoucher_queue_waiting)", "nothing has the label model"),
        ('retoucher_queue_waiting{queue="x"}', "retoucher_queue_waiting has no label queue"),
        ('sum(rate(retoucher_sweeper_sent_total{reason="lost"}[5m]))', "reason is never lost"),
        ("1 + 1", "it asks for no metric"),
        ("sum(up) / max_over_time(retoucher_nothing[1h:5m])", "no process exports retoucher_nothing"),
    ],
)
def test_the_check_would_notice(query, problem):
    assert problems_of(query) == [problem]


def test_names_end_in_their_unit_and_labels_have_few_values():
    for one in exported():
        assert one.name.startswith("retoucher_")
        if one.kind == "histogram":
            assert one.name.endswith(("_seconds", "_items")), one.name
        assert not {"job_id", "url", "owner", "prompt"} & set(one.labels)


def test_the_document_names_every_metric_with_its_labels_and_no_other():
    text = (ROOT / "docs/metrics.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(retoucher_\w+)` \| (\w+) \| ([^|]*) \|", text, re.MULTILINE)
    written = {name: (kind, tuple(re.findall(r"`(\w+)`", labels))) for name, kind, labels in rows}
    assert len(written) == len(rows), "a metric stands there twice"
    assert written == {one.name: (one.kind, one.labels) for one in exported()}


def test_every_metric_is_shown_on_the_dashboard():
    shown = {selector.name for query in queries().values() for selector in selectors(promql_parser.parse(query))}
    for one in exported():
        assert shown & set(one.samples), f"{one.name} is on no panel"


def test_alerts_say_how_bad_they_are_and_where_to_look():
    names = [rule["alert"] for rule in rules()]
    assert len(names) == len(set(names))
    for rule in rules():
        assert set(rule) <= {"alert", "expr", "for", "labels", "annotations"}
        assert rule["labels"]["severity"] in ("page", "warn")
        assert ":" in rule["annotations"]["summary"] or ", " in rule["annotations"]["summary"]


def test_panels_do_not_overlap_and_ask_the_provisioned_source():
    source = yaml.safe_load((ROOT / "deploy/grafana/provisioning/datasources/prometheus.yml").read_text())
    uid = source["datasources"][0]["uid"]
    places = set()
    for panel in dashboard()["panels"]:
        spot = panel["gridPos"]
        cells = {
            (x, y) for x in range(spot["x"], spot["x"] + spot["w"]) for y in range(spot["y"], spot["y"] + spot["h"])
        }
        assert not cells & places and max(x for x, _ in cells) < 24
        places |= cells
        for target in panel.get("targets", []):
            assert target["datasource"]["uid"] == uid


def test_prometheus_scrapes_every_process_of_compose_at_its_port():
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))["services"]
    config = yaml.safe_load((ROOT / "deploy/prometheus/prometheus.yml").read_text(encoding="utf-8"))
    scraped = {
        name: source["port"]
        for job in config["scrape_configs"]
        for source in job["dns_sd_configs"]
        for name in source["names"]
    }
    probed = {
        name: int(service["healthcheck"]["test"][3])
        for name, service in compose.items()
        if "/opt/retoucher/bin/probe.py" in service["healthcheck"].get("test", ())
    }
    assert scraped == {**probed, "vllm": 8000}
