"""What a long run has done, in a line a test: for the report of `./dev torture queue`."""

import os


def report(text: str):
    """Adds a line to the file $PENSTOCK_REPORT, where that is set."""
    print(text)
    if path := os.environ.get("PENSTOCK_REPORT"):
        with open(path, "a") as file:
            file.write(text + "\n")
