"""A job's record in plain words: the verdict, each region's fate, stages, events. Knows contracts alone, no pixels."""

from enum import StrEnum

from shared.contracts.categories import Category
from shared.contracts.jobs import JobRecord, Outcome, StopReason
from shared.contracts.loop import PublicEvent
from shared.contracts.values import Region, TextFault

STAGES = {
    "perceive": "looking for flaws",
    "diagnose": "saying what is wrong",
    "retouch": "repairing",
    "finalize": "composing the result",
}
"""What a command does, by its kind."""

EVENTS = {"job.started": "starting", "job.succeeded": "done", "job.failed": "failed", "job.canceled": "cancelled"}

CATEGORIES = {
    Category.OBJECT_DEFORMATION: "deformed object",
    Category.OBJECT_REDUNDANCY: "redundant object",
    Category.TEXT: "written words",
}
"""Those whose own name would not do."""

FAULTS = {
    TextFault.MISSPELT: "misspelt",
    TextFault.GARBLED: "garbled",
    TextFault.MIRRORED: "mirrored",
    TextFault.DOUBLED: "written twice",
    TextFault.MISSING: "missing",
    TextFault.WRONG: "the wrong words",
    TextFault.ILLEGIBLE: "illegible",
}

STOP_REASONS = {
    StopReason.NOTHING_SALIENT: "nothing looked distorted",
    StopReason.ANALYZE_ONLY: "only an analysis was asked for",
    StopReason.NOTHING_REPAIRABLE: "nothing that is left can be repaired",
    StopReason.TRIES_SPENT: "each region has had its tries",
    StopReason.MAX_ITERATIONS: "the rounds that were allowed are used up",
    StopReason.DEADLINE: "the time was up",
    StopReason.CANCELED: "it was cancelled",
    StopReason.STAGE_FAILED: "a stage failed",
}


class Fate(StrEnum):
    """What became of a region."""

    REPAIRED = "repaired"
    NOT_REPAIRED = "not repaired"
    DECLINED = "left alone"
    FOUND = "found"


def fate_of(record: JobRecord, region_id: str) -> Fate:
    """What became of the region: repaired where an accepted patch is in the result."""
    accepted = set(record.accepted_patch_ids)
    if any(region_id in patch.region_ids and patch.id in accepted for patch in record.patches):
        return Fate.REPAIRED
    if any(region_id in patch.region_ids for patch in record.patches):
        return Fate.NOT_REPAIRED
    if any(declined.region_id == region_id for declined in record.declined):
        return Fate.DECLINED
    return Fate.FOUND


def category_words(category: Category | None) -> str:
    """The category as a reader would say it."""
    if category is None:
        return "not classified"
    return CATEGORIES.get(category, category.value.replace("_", " "))


def region_title(region: Region) -> str:
    """What the region is, in a few words: the reading against what it should be, or who saw it."""
    reading = region.reading
    if region.colour is not None:
        return f"{region.colour.seen} where “{region.colour.phrase}” is asked for"
    if reading is None:
        return "your region" if region.detector == "user" else f"seen by {region.detector}"
    if reading.fault is TextFault.MISSING:
        return f"“{reading.expected}” is missing"
    if reading.expected is None:
        return f"“{reading.text}” is {FAULTS[reading.fault]}"
    if reading.expected == "":
        return f"“{reading.text}” stands there {'twice' if reading.fault is TextFault.DOUBLED else 'in error'}"
    return f"“{reading.text}” should be “{reading.expected}”"


def change_words(region: Region) -> str | None:
    """`'COFFE' -> 'COFFEE'` for a text region; None for others."""
    reading = region.reading
    if reading is None or reading.expected is None:
        return None
    return f"{reading.text!r} -> {reading.expected!r}"


def headline(record: JobRecord) -> str:
    """The verdict in a sentence, for the head of the report."""
    regions = record.regions
    total = len(regions)
    repaired = sum(fate_of(record, region.id) is Fate.REPAIRED for region in regions)
    noun = "flaw" if total == 1 else "flaws"
    if record.outcome is Outcome.NOTHING_TO_FIX:
        return "Nothing to fix: the image is as it was."
    if record.outcome is Outcome.ANALYZED:
        return f"{total} {noun} found; the image is as it was." if total else "No flaw found."
    if record.outcome is Outcome.REPAIRED:
        return "The one flaw found is repaired." if total == 1 else f"All {total} flaws found are repaired."
    if record.outcome is Outcome.IMPROVED:
        return f"{repaired} of {total} {noun} repaired."
    if record.outcome is Outcome.NO_GAIN:
        return (
            f"{total} {noun} found, none repaired: no repair was better than the original, so the image is as it was."
        )
    return f"The job {record.status.value}."


def summary_line(record: JobRecord, edited_share: float) -> str:
    """The last line of the command: what was done, to which words, and what was left untouched.

    Args:
        record: of a job that succeeded.
        edited_share: share of pixels inside the edited masks, in [0, 1].
    """
    regions = record.regions
    noun = "region" if len(regions) == 1 else "regions"
    if record.outcome is Outcome.NOTHING_TO_FIX:
        done = "nothing to fix"
    elif record.outcome is Outcome.ANALYZED:
        done = f"found {len(regions)} {noun}" + _listed(regions)
    else:
        repaired = [region for region in regions if fate_of(record, region.id) is Fate.REPAIRED]
        done = f"repaired {len(repaired)} of {len(regions)} {noun}" + _listed(tuple(repaired))
    why = _why_not_more(record)
    return "; ".join(part for part in (done, why, untouched_words(record, edited_share)) if part)


def _why_not_more(record: JobRecord) -> str:
    """Why the first region that stayed as it is did so, or a warning that concerns the whole picture; else nothing."""
    declined = {item.region_id: item.reason for item in record.declined}
    for region in record.regions:
        if region.id in declined and fate_of(record, region.id) is not Fate.REPAIRED:
            return f"{region.id} left as it is: {_fragment(declined[region.id].split('; ')[0])}"
    names = {f"{region.id}:" for region in record.regions}
    return _fragment(next((text for text in record.warnings if text.split(maxsplit=1)[0] not in names), ""))


def _fragment(sentence: str) -> str:
    """A sentence as part of a line: no full stop, no line break, nothing that a terminal would obey."""
    return "".join(c if c.isprintable() else " " for c in sentence).rstrip(" .")


def untouched_words(record: JobRecord, edited_share: float) -> str:
    """What is proved of the rest of the image."""
    difference = record.largest_outside_difference
    if edited_share == 0.0 and difference == 0:
        return "not a pixel changed"
    if difference == 0:
        return f"0 pixels changed outside the masks ({percent(edited_share)} of the image)"
    return f"largest difference outside the masks: {difference}"


def as_sentence(fragment: str) -> str:
    """The fragment with a capital and a full stop, as the agents leave them out; what begins `r1:` keeps its case."""
    text = fragment.strip()
    if not text:
        return text
    names_a_region = text.split(maxsplit=1)[0].endswith(":")
    return (text[0] if names_a_region else text[0].upper()) + text[1:] + ("" if text[-1] in ".!?" else ".")


def percent(share: float) -> str:
    """A share in [0, 1] with as many digits as it deserves."""
    value = 100.0 * share
    if value == 0.0 or value >= 10.0:
        return f"{value:.0f}%"
    return f"{value:.1f}%" if value >= 0.1 else f"{value:.2g}%"


def _listed(regions: tuple[Region, ...]) -> str:
    changes = [words for region in regions if (words := change_words(region)) is not None]
    if not changes:
        return ""
    more = f" and {len(changes) - 3} more" if len(changes) > 3 else ""
    return ": " + ", ".join(changes[:3]) + more


def event_sentence(event: PublicEvent) -> str:
    """What a public event means to the one who waits."""
    stage, regions = event.data.get("stage"), event.data.get("regions")
    if isinstance(stage, str) and stage in STAGES:
        return STAGES[stage]
    if event.type == "job.perceived" and isinstance(regions, int):
        return f"{regions} {'region' if regions == 1 else 'regions'} found" if regions else "nothing looks distorted"
    if event.type == "job.iteration":
        return "round {number}: {accepted} kept, {refused} refused".format(**event.data)
    return EVENTS.get(event.type, event.type.replace("_", " ").replace(".", " "))
