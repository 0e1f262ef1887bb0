"""What a submission may say, and its fingerprint. One model for JSON and for the text part of a multipart request."""

import hashlib
import json
from typing import Annotated, Any

from pydantic import Field, JsonValue, model_validator

from services.gateway.settings import GatewaySettings
from shared.contracts.base import BoxXYXY, Contract, UnitFloat
from shared.contracts.jobs import JobOptions, Mode, Preference, Webhook

CLIENT_ID = r"^[A-Za-z0-9_-]{1,64}$"


class ImageSource(Contract):
    """Where an image comes from: exactly one of the three."""

    url: str | None = Field(default=None, min_length=1, max_length=2048, description="http or https, fetched at once.")
    base64: str | None = Field(default=None, min_length=1, description="The file's bytes, without a `data:` prefix.")
    upload_id: str | None = Field(default=None, min_length=1, max_length=64, description="From `POST /v1/uploads`.")

    @model_validator(mode="after")
    def _exactly_one(self) -> "ImageSource":
        if sum(value is not None for value in (self.url, self.base64, self.upload_id)) != 1:
            raise ValueError("give exactly one of url, base64 and upload_id")
        return self


class SubmitFields(Contract):
    """All of a submission but the image itself; what is left out has the profile's value."""

    prompt: str = Field(description="The prompt that the image was made from; words in quotes are what it should show.")
    mode: Mode = Field(default=Mode.RETOUCH, description="`analyze` only says what is wrong.")
    max_iterations: int | None = Field(default=None, ge=1, le=10, description="Rounds of repair at the most.")
    threshold: UnitFloat | None = Field(default=None, description="Regions with less evidence are left alone.")
    tools: tuple[str, ...] | None = Field(default=None, description="Use these alone; see `GET /v1/tools`.")
    preference: Preference = Field(default=Preference.AUTO, description="Which kind of tool you would rather have.")
    protected: ImageSource | None = Field(default=None, description="A mask, bright where nothing may change.")
    regions: tuple[BoxXYXY, ...] = Field(default=(), description="Boxes `[x0, y0, x1, y1]` in pixels, half-open.")
    regions_mask: ImageSource | None = Field(default=None, description="A mask, bright where you see a flaw.")
    expected_text: tuple[str, ...] = Field(default=(), description="Words that must be there, line by line.")
    force: bool = Field(default=False, description="Also edit images that a detector does not know.")
    seed: int = Field(default=0, ge=0, lt=2**63, description="The same seed gives the same result.")
    deadline_s: Annotated[float, Field(gt=0)] | None = Field(
        default=None, description="Seconds after which the job ends with the best so far."
    )
    max_cost: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = Field(
        default=None, description="US dollars that tools with a price may cost; without it they are not used."
    )
    expires_in_s: Annotated[float, Field(ge=60)] | None = Field(
        default=None, description="Seconds after which an ended job is deleted."
    )
    metadata: dict[str, JsonValue] = Field(default_factory=dict, description="Kept and given back.")
    webhook: Webhook | None = Field(default=None, description="Whom to tell of the job's events.")

    def options(self) -> JobOptions:
        """As the loop takes them."""
        return JobOptions(
            mode=self.mode,
            max_iterations=self.max_iterations,
            threshold=self.threshold,
            tools=self.tools,
            preference=self.preference,
            region_boxes_px=self.regions,
            expected_text=self.expected_text,
            force=self.force,
            seed=self.seed,
            deadline_s=self.deadline_s,
            max_cost=self.max_cost,
            metadata=self.metadata,
        )


class SubmitRequest(SubmitFields):
    """A submission as JSON."""

    image: ImageSource


class MultipartRequest(SubmitFields):
    """The text part `request` of a multipart submission; the file part `image` may take the place of `image`."""

    image: ImageSource | None = None


def too_much(fields: SubmitFields, settings: GatewaySettings) -> str | None:
    """Why the submission passes the gateway's own limits; None where it does not."""
    if fields.expires_in_s is not None and fields.expires_in_s > settings.max_expires_in_s:
        return f"expires_in_s: at most {settings.max_expires_in_s:.0f} s are possible: ask for less"
    try:
        metadata = json.dumps(fields.metadata, allow_nan=False)
    except ValueError:
        return "metadata: NaN and infinite numbers are no JSON: send null or a string"
    if len(metadata.encode()) > settings.max_metadata_bytes:
        return f"metadata: more than {settings.max_metadata_bytes} bytes as JSON: send less"
    return None


def fingerprint(fields: SubmitFields, images: dict[str, bytes | ImageSource]) -> str:
    """SHA-256 over all that a submission asks for; the same whichever way the same bytes were sent."""
    said: dict[str, Any] = fields.model_dump(mode="json", exclude={"image", "protected", "regions_mask"})
    for name, image in images.items():
        said[name] = (
            {"sha256": hashlib.sha256(image).hexdigest()}
            if isinstance(image, bytes)
            else image.model_dump(mode="json", exclude_none=True)
        )
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()
