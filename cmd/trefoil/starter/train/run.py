"""Draws a line through noisy points by gradient descent, and reports the loss. Put your own training here.

In a Polyaxon run the metrics become its outputs and the line its artifact model.json; anywhere else they are printed and written to
the folder `outputs`.
"""

import argparse
import http.client
import json
import os
import random
import sys
import time
import urllib.error
import urllib.request


def points():
    draw = random.Random(0)  # the same for all experiments
    return [(x, 2 * x + 1 + draw.gauss(0, 0.2)) for x in (draw.uniform(-1, 1) for _ in range(200))]


def measure(line, rows):
    slope, offset = line
    return {"loss": sum((slope * x + offset - y) ** 2 for x, y in rows) / len(rows)}


def train(args):
    rows = points()
    test, rows = rows[:50], rows[50:]
    slope, offset = 0.0, 0.0
    for _ in range(args.epochs):
        errors = [(x, slope * x + offset - y) for x, y in rows]
        slope -= args.lr * 2 * sum(x * e for x, e in errors) / len(rows)
        offset -= args.lr * 2 * sum(e for _, e in errors) / len(rows)
    metrics = measure((slope, offset), test)
    print(json.dumps(metrics), flush=True)
    return {"slope": slope, "offset": offset}, metrics


def report(metrics):
    """Makes the metrics outputs of the Polyaxon run. A busy server refuses writes with an empty 405 or a 5xx and may close the
    connection: all of these leave nothing behind, so they are tried again."""
    run = os.environ.get("POLYAXON_RUN_INSTANCE")
    if not run:
        return
    owner, project, _, uuid = run.split(".")
    url = f"{os.environ['POLYAXON_HOST'].rstrip('/')}/api/v1/{owner}/{project}/runs/{uuid}"
    body = json.dumps({"outputs": metrics, "merge": True}).encode()
    deadline, pause = time.monotonic() + 300, 0.2
    while True:
        try:
            request = urllib.request.Request(url, body, {"Content-Type": "application/json"}, method="PATCH")
            with urllib.request.urlopen(request, timeout=60):
                return
        except urllib.error.HTTPError as e:
            again = e.code >= 500 or e.code == 429 or e.code == 405 and not e.read()
            failure = f"{e.code} {e.reason}"
        except (OSError, http.client.HTTPException) as e:
            again, failure = True, str(e)
        if not again or time.monotonic() > deadline:
            sys.exit(f"Polyaxon did not take the metrics: {failure}")
        time.sleep(pause)
        pause = min(2 * pause, 10)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lr", type=float, default=0.3)
    parser.add_argument("--epochs", type=int, default=50)
    line, metrics = train(parser.parse_args())
    outputs = os.environ.get("POLYAXON_RUN_OUTPUTS_PATH", "outputs")
    os.makedirs(outputs, exist_ok=True)
    with open(os.path.join(outputs, "model.json"), "w", encoding="utf-8") as f:
        json.dump(line, f)
    report(metrics)


if __name__ == "__main__":
    main()
