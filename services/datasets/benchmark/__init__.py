"""The procedural blemish benchmark: drawn scenes, mutations of their scene graph, and what each made wrong.

`make_sample` draws one sample, `write_benchmark` a folder of them.
"""

from services.datasets.benchmark.sample import Region, Sample, make_sample
from services.datasets.benchmark.writer import write_benchmark

__all__ = ["Region", "Sample", "make_sample", "write_benchmark"]
