"""The tries of a folder as the verifier sees them, looked at once for each saliency network and then kept."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from safetensors.numpy import load_file, save_file

from services.datasets.tries import Try, TryRecord, read_picture_records, read_tries, read_try_records
from services.perception.saliency.checkpoint import WEIGHTS_FILE, Network, load_network
from services.perception.saliency.pairs import PARTS, Laid, Pair, pair_of
from services.perception.saliency.predictor import predict_raw
from services.perception.saliency.verifier import Batch
from shared.appearance import check_patch
from shared.fingerprints import fingerprint
from shared.images import Rgb, compose

_BATCH = 8


@dataclass(frozen=True)
class LabelledPairs:
    """All tries of some folders.

    Attributes:
        batch: of N pairs.
        right: `(N,)` bool, it is a repair.
        kinds: `(N,)`, of tries.
        images: `(N,)`, the image that each lies on, unlike for each folder.
        healthy: `(N,)` bool, the image should have been left alone.
        any_logits: `(N,)`, of any distortion on the image as it was.
    """

    batch: Batch
    right: npt.NDArray[np.bool_]
    kinds: npt.NDArray[np.str_]
    images: npt.NDArray[np.str_]
    healthy: npt.NDArray[np.bool_]
    any_logits: npt.NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.right)


def labelled_pairs(
    folders: Sequence[Path], checkpoint: Path, device: str, report: Callable[[str], None]
) -> LabelledPairs:
    """Looks at every try of the folders, or reads what an earlier call saw with this very network.

    Args:
        folders: that `retoucher dataset collect-tries` wrote; what was seen is kept there.
        checkpoint: the saliency network's folder.
        device: where the network runs.
        report: takes lines of progress.

    Raises:
        BadInput: a folder holds no tries, or a damaged one.
        MissingResource: the network is not there.
    """
    digest = fingerprint(checkpoint / WEIGHTS_FILE)
    network: Network | None = None
    parts: list[dict[str, npt.NDArray[np.float16]]] = []
    records: list[TryRecord] = []
    images: list[str] = []
    sound: set[str] = set()
    for folder in folders:
        own = read_try_records(folder)
        kept = folder / f"pairs-{digest[:12]}.safetensors"
        seen = load_file(kept) if kept.exists() else {}
        if len(seen.get("facts", ())) != len(own):
            network = network or load_network(checkpoint, device)
            seen = _looked_at(network, folder, own, report)
            save_file(seen, kept)
        parts.append(seen)
        records += own
        sound |= {f"{folder}:{Path(one.file_name).name}" for one in read_picture_records(folder) if one.healthy}
        images += [f"{folder}:{Path(record.file_name).name}" for record in own]
    joined = (np.concatenate([part[name] for part in parts]).astype(np.float32) for name in PARTS)
    batch = Batch(*map(torch.from_numpy, joined))
    facts = batch.facts.double().numpy()
    return LabelledPairs(
        batch=batch,
        right=np.asarray([record.right for record in records]),
        kinds=np.asarray([record.kind for record in records]),
        images=np.asarray(images),
        healthy=np.asarray([name in sound for name in images]),
        any_logits=facts[:, 4],
    )


def _looked_at(
    network: Network, folder: Path, records: Sequence[TryRecord], report: Callable[[str], None]
) -> dict[str, npt.NDArray[np.float16]]:
    pairs: list[Pair] = []
    told = 0
    for tried in read_tries(folder, records):
        pairs += _pairs_of(network, tried.image, tried.prompt, tried.tries)
        if len(pairs) - told >= 500:
            told = len(pairs)
            report(f"looked at {told} of {len(records)} tries")
    return {name: np.stack([np.asarray(getattr(pair, name), np.float16) for pair in pairs]) for name in PARTS}


def _pairs_of(network: Network, image: Rgb, prompt: str, tries: Sequence[Try]) -> list[Pair]:
    patched = [compose(image, one.pixels, one.alpha, one.box) for one in tries]
    looked = [image, *patched]
    sights = []
    for start in range(0, len(looked), _BATCH):
        some = looked[start : start + _BATCH]
        sights += [raw.sight for raw in predict_raw(network, some, [prompt] * len(some))]
    before, *after = sights
    size_hw = image.shape[0], image.shape[1]
    return [
        pair_of(before, sight, size_hw, Laid(one.box, one.alpha, check_patch(image, now, "try", one.box, one.alpha)))
        for one, now, sight in zip(tries, patched, after, strict=True)
    ]
