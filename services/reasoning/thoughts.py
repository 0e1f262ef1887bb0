"""The answer of a model that thinks first: its thoughts and what it wraps the answer in are taken off.

Servers with a parser for a model's thoughts send the answer alone, and a model that a grammar holds to it writes no
other; those come back as they are. Pure.
"""

_END = "</think>"
_WRAPPERS = (("<answer>", "</answer>"), ("<|begin_of_box|>", "<|end_of_box|>"))
"""GLM-4.1V's."""


def without_thoughts(text: str) -> str:
    """What follows the thoughts, unwrapped; the text itself where there are none."""
    answer = text.rpartition(_END)[2].strip()
    for begin, end in _WRAPPERS:
        if answer.startswith(begin):
            answer = answer.removeprefix(begin).removesuffix(end).strip()
    return answer
