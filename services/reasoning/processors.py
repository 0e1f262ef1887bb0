"""A model's processor without its part for videos, which transformers cannot load without torchvision.

The rest is the library's own class of that model, so chat formats, picture sizes and token counts are its own. Training
and serving load processors here and nowhere else. Needs transformers: import it late.
"""

import json
from pathlib import Path
from typing import Any

from transformers import AutoConfig, AutoProcessor, ProcessorMixin
from transformers.models.auto.processing_auto import PROCESSOR_MAPPING

VIDEO = "video_processor"
VIDEO_FILE = "video_preprocessor_config.json"
VIDEO_PROCESSORS = {
    "Qwen2_5_VLProcessor": "Qwen2VLVideoProcessor",
    "Glm4vProcessor": "Glm4vVideoProcessor",
}
"""The class for videos that belongs to a processor's."""


def load_processor(model: str | Path, revision: str | None = None) -> ProcessorMixin:
    """The processor of a folder or hub id, for pictures and text.

    Args:
        model: what `from_pretrained` takes.
        revision: of a hub id.

    Raises:
        OSError: there is none. Other errors as transformers raises them.
    """
    config = AutoConfig.from_pretrained(model, revision=revision)
    cls: Any = PROCESSOR_MAPPING.get(type(config), None)
    if cls is None:
        loaded: ProcessorMixin = AutoProcessor.from_pretrained(model, revision=revision)  # type: ignore[no-untyped-call]
        return loaded
    processor: ProcessorMixin = for_pictures(cls).from_pretrained(model, revision=revision or "main")
    return processor


def save_processor(processor: ProcessorMixin, folder: Path) -> None:
    """Writes all that a server reads, vLLM included: it wants to know of videos even where it takes none.

    Raises:
        OSError: the folder cannot be written.
    """
    processor.save_pretrained(folder)
    kind = VIDEO_PROCESSORS.get(type(processor).__name__)
    if kind is None:
        return
    said: dict[str, Any] = processor.image_processor.to_dict()
    said.pop("image_processor_type", None)
    text = json.dumps({**said, "video_processor_type": kind}, indent=2, sort_keys=True)
    (folder / VIDEO_FILE).write_text(text + "\n", encoding="utf-8")


def for_pictures(cls: type[ProcessorMixin]) -> type[ProcessorMixin]:
    """The class without its part for videos, under the same name, since that is what a saved folder tells."""
    parts: list[str] = cls.get_attributes()  # type: ignore[no-untyped-call]
    if VIDEO not in parts:
        return cls

    def get_attributes(own: type[ProcessorMixin]) -> list[str]:
        return [name for name in parts if name != VIDEO]

    return type(cls.__name__, (cls,), {"get_attributes": classmethod(get_attributes), "__module__": cls.__module__})
