"""Run once by docker-compose.yml before anything else: random secrets into volumes, each mounted by those who need it.

What is there already stays, so a second start changes nothing. To use secrets of your own, or to change one, see the
README ("Operating it"). Runs on any Python, with nothing installed.
"""

import base64
import os
import secrets
import sys
from pathlib import Path


def files() -> dict[str, dict[str, str]]:
    """Volume to file name to text; the last file of each is written last, and proves that the others are there."""
    redis, s3, grafana = (secrets.token_urlsafe(32) for _ in range(3))
    webhook = "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()
    return {
        "redis": {
            "password": redis,
            "redis.conf": f"requirepass {redis}\n",
            "redis.env": f"RETOUCHER_BACKEND_REDIS_URL=redis://:{redis}@redis:6379/0\n",
        },
        "s3": {
            "user": "retoucher",
            "password": s3,
            "s3.env": f"RETOUCHER_BACKEND_S3_ACCESS_KEY=retoucher\nRETOUCHER_BACKEND_S3_SECRET_KEY={s3}\n",
        },
        "webhooks": {"webhooks.env": f"RETOUCHER_WEBHOOKS_SECRETS={webhook}\n"},
        "grafana": {"password": grafana},
        # A vendor gives it: whoever allows the tool writes it here (README). Empty counts as not set.
        "gemini": {"gemini.env": "RETOUCHER_ACTION_GEMINI_API_KEY=\n"},
    }


def write(root: Path) -> list[str]:
    """Makes what is missing below `root`; returns the volumes that were filled."""
    made = []
    for volume, contents in files().items():
        folder = root / volume
        if (folder / list(contents)[-1]).exists():
            continue
        for name, text in contents.items():
            part = folder / f"{name}.part"
            part.write_text(text, encoding="ascii")
            # Whoever mounts the volume may read it; the processes run as different users.
            part.chmod(0o444)
            part.replace(folder / name)
        made.append(volume)
    return made


def main() -> None:
    """Fills the volumes below the first argument; the others, `/folder=1000`, are handed over to a user."""
    made = write(Path(sys.argv[1]))
    for given in sys.argv[2:]:
        folder, _, user = given.partition("=")
        os.chown(folder, int(user), int(user))
    sys.stdout.write(f"made secrets for: {', '.join(made) or 'nobody, all are there'}\n")


if __name__ == "__main__":
    main()
