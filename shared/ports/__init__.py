"""What the core needs of the world, as Protocols. Each port has a fake or memory adapter and real ones.

Imports contracts alone: no numpy, torch, redis, celery, minio or fastapi.
"""

from shared.ports.agents import Finalizer, ModelObserver, Perceiver, Reasoner, Retoucher, unobserved
from shared.ports.dispatches import Dispatches, StageQueue, Standing
from shared.ports.requests import DeliveryStore, Dispatcher, FeedbackStore, KeyStore, UploadStore
from shared.ports.spans import Span, Spans
from shared.ports.stores import KEY_LIFE_S, Clock, ImageStore, JobCatalog, JobStore, StoredJob

__all__ = [
    "KEY_LIFE_S",
    "Clock",
    "DeliveryStore",
    "Dispatcher",
    "Dispatches",
    "FeedbackStore",
    "Finalizer",
    "ImageStore",
    "JobCatalog",
    "JobStore",
    "KeyStore",
    "ModelObserver",
    "Perceiver",
    "Reasoner",
    "Retoucher",
    "Span",
    "Spans",
    "StageQueue",
    "Standing",
    "StoredJob",
    "UploadStore",
    "unobserved",
]
