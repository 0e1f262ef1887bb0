"""Runs every picture of the demo and fails if one of them does not come out as it must."""

from pathlib import Path

from rich.console import Console

from services.demo.drawings import drawings
from services.demo.photographs import photographs
from services.demo.play import Play, perform
from services.local import Local
from shared.errors import ErrorCode, StageError
from shared.profiles import Profile


def plays_for(profile: Profile) -> list[Play]:
    """The pictures that the profile's detectors know something of.

    Raises:
        MissingResource: what draws the scenes is not installed.
    """
    return photographs() + (drawings() if "saliency" in profile.detectors else [])


def run(out_dir: Path, profile: str = "tiny") -> None:
    """Makes the pictures, retouches each, writes a folder with a report for each below `out_dir`, and tells of it.

    Raises:
        MissingResource: a model of the profile, or what draws the scenes, is not there.
        StageError: a picture did not come out as it must.
        BadInput: the folder cannot be written.
    """
    console = Console(highlight=False, soft_wrap=True)
    local = Local.in_memory(profile)
    plays = plays_for(local.profile)
    failures = [fault for play in plays if (fault := perform(local, play, out_dir, console)) is not None]
    if failures:
        raise StageError(ErrorCode.STAGE_FAILED, f"the demo went wrong: {'; '.join(failures)}: see {out_dir}")
    console.print(f"\nOpen {out_dir / plays[0].folder / 'report.html'} in a browser.", markup=False)
