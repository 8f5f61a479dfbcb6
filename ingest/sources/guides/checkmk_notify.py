#!/usr/bin/env python3
# Tocsin

"""Posts a Checkmk notification to Tocsin, as JSON. Runs on the Python that every Checkmk site has.

Copy it to ``~/local/share/check_mk/notifications/tocsin`` of the site and make it executable. A notification rule
calls it with: the URL of the source, a header to send (like ``Authorization: Bearer ...``; may be empty), and
the address of the site (like ``https://checkmk.example.com/prod``), which makes links complete.

Checkmk tries again after exit code 1, and gives up after 2.
"""

import json
import os
import sys
from collections.abc import Mapping
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

PREFIX = "NOTIFY_"
LEFT_OUT = ("NOTIFY_PARAMETER", "NOTIFY_CONTACTPAGER", "NOTIFY_CONTACTEMAIL", "NOTIFY_MAIL_COMMAND")
"""The parameters hold our credentials."""
DONE, AGAIN, GIVE_UP = 0, 1, 2


def fields(environment: Mapping[str, str], site_url: str) -> dict[str, str]:
    """Take what Checkmk tells, without what is nobody's business."""
    told = {
        name: value
        for name, value in environment.items()
        if name.startswith(PREFIX) and not name.startswith(LEFT_OUT)
    }
    return told | {"url_prefix": site_url}


def request(environment: Mapping[str, str]) -> Request:
    """Put the request together."""
    url, header, site_url = (environment.get(f"NOTIFY_PARAMETER_{n}", "").strip() for n in (1, 2, 3))
    if not url.startswith(("https://", "http://")):
        raise ValueError("The first parameter should be the URL of the source")
    body = json.dumps(fields(environment, site_url)).encode()
    made = Request(url, body, {"Content-Type": "application/json"})  # noqa: S310 - checked above
    name, colon, value = header.partition(":")
    if colon:
        made.add_header(name.strip(), value.strip())
    return made


def main() -> int:
    """Send it, and say how it went."""
    try:
        with urlopen(request(os.environ), timeout=15):  # noqa: S310 - checked above
            return DONE
    except HTTPError as error:
        sys.stderr.write(f"Tocsin answered {error.code}: {error.read(500).decode(errors='replace')}\n")
        return AGAIN if error.code == 429 or error.code >= 500 else GIVE_UP  # noqa: PLR2004 - HTTP's own
    except (URLError, OSError) as error:
        sys.stderr.write(f"Tocsin was not reached: {error}\n")
        return AGAIN
    except ValueError as error:
        sys.stderr.write(f"{error}\n")
        return GIVE_UP


if __name__ == "__main__":
    sys.exit(main())
