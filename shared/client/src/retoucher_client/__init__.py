"""Calls an Agentic Retoucher server: `Retoucher` where you wait, `AsyncRetoucher` in an event loop."""

from retoucher_client.api import ImageSource, Options, Webhook
from retoucher_client.async_client import AsyncRetoucher
from retoucher_client.client import Retoucher
from retoucher_client.errors import (
    ApiError,
    ConnectionFailed,
    FieldProblem,
    JobFailed,
    RequestRejected,
    RetoucherClientError,
    ServerBusy,
    ServerFailed,
    WaitTimeout,
    WebhookInvalid,
)
from retoucher_client.job import AsyncJob, Job
from retoucher_client.models import (
    Category,
    Delivery,
    Diagnosis,
    Event,
    Feedback,
    JobView,
    Patch,
    Region,
    Tool,
    Tools,
    Upload,
    Verdict,
)
from retoucher_client.retrying import Retrying
from retoucher_client.webhooks import WebhookEvent, verify_webhook

__all__ = [
    "ApiError",
    "AsyncJob",
    "AsyncRetoucher",
    "Category",
    "ConnectionFailed",
    "Delivery",
    "Diagnosis",
    "Event",
    "Feedback",
    "FieldProblem",
    "ImageSource",
    "Job",
    "JobFailed",
    "JobView",
    "Options",
    "Patch",
    "Region",
    "RequestRejected",
    "Retoucher",
    "RetoucherClientError",
    "Retrying",
    "ServerBusy",
    "ServerFailed",
    "Tool",
    "Tools",
    "Upload",
    "Verdict",
    "WaitTimeout",
    "Webhook",
    "WebhookEvent",
    "WebhookInvalid",
    "verify_webhook",
]
