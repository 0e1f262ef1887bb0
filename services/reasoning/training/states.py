"""Where a run stands: a new folder, or the last state of the one that lies there."""

from transformers.trainer_utils import get_last_checkpoint

from services.reasoning.training.options import AlignmentOptions


def last_state(options: AlignmentOptions, resume: bool) -> str | None:
    """The state to resume from, if any; a new run's options are written.

    Raises:
        BadInput: BAD_OPTION, as `check_new` and `check_resumes`.
    """
    if resume:
        options.check_resumes()
        if not options.state_folder.is_dir():
            return None
        last: str | None = get_last_checkpoint(str(options.state_folder))  # type: ignore[no-untyped-call]
        return last
    options.check_new()
    options.save()
    return None
