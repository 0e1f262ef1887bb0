"""The mean of several networks' weights, which knows scenes unlike those of training better than either of them.

Of networks that one run led to from another (Wortsman et al. 2022, "Model soups: averaging weights of multiple
fine-tuned models improves accuracy without increasing inference time").
"""

from collections.abc import Sequence
from pathlib import Path

import torch

from services.perception.saliency.checkpoint import CONFIG_FILE, load_network
from shared.errors import BadInput, ErrorCode


def average(folders: Sequence[Path], out: Path) -> None:
    """Writes the network whose weights are the mean of the folders', in half precision, without thresholds.

    Args:
        folders: of checkpoints, two at the least; tokenizers are the first one's.
        out: a folder without a checkpoint.

    Raises:
        BadInput: BAD_OPTION, fewer than two folders, other shapes or words, or `out` holds a network.
        MissingResource: a checkpoint is not there.
    """
    if len(folders) < 2:
        raise BadInput(ErrorCode.BAD_OPTION, "a mean is of two networks at the least: give --of twice")
    if (out / CONFIG_FILE).exists():
        raise BadInput(ErrorCode.BAD_OPTION, f"{out} holds a network already: choose another folder")
    networks = [load_network(folder) for folder in folders]
    first, *others = networks
    for folder, other in zip(folders[1:], others, strict=True):
        if other.model.config.to_diff_dict() != first.model.config.to_diff_dict():
            raise BadInput(ErrorCode.BAD_OPTION, f"the networks in {folders[0]} and {folder} differ in shape")
        if other.tokenizer.get_vocab() != first.tokenizer.get_vocab():
            raise BadInput(ErrorCode.BAD_OPTION, f"the networks in {folders[0]} and {folder} know other words")
    weights = [network.model.state_dict() for network in networks]
    mean = {
        name: torch.stack([one[name].float() for one in weights]).mean(dim=0).to(value.dtype)
        for name, value in weights[0].items()
    }
    first.model.load_state_dict(mean)
    torch.nn.Module.half(first.model)
    first.model.save_pretrained(out)
    first.tokenizer.save_pretrained(out)
