"""The health check of an image, `probe.py PORT PATH`: asks this container itself; exit code 0 if the answer is 200."""

import sys
from http.client import HTTPConnection, HTTPException

try:
    connection = HTTPConnection("127.0.0.1", int(sys.argv[1]), timeout=4)
    connection.request("GET", sys.argv[2])
    answer = connection.getresponse()
except (OSError, HTTPException) as error:
    sys.exit(f"{sys.argv[2]} does not answer: {type(error).__name__}")
if answer.status != 200:
    sys.exit(f"{sys.argv[2]} answers {answer.status}")
