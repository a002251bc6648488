"""Learns which points of the plane lie inside a shape: logistic regression over the monomials of x and y, by gradient descent.

Needs the standard library alone; the same parameters give the same metrics and the same bytes. In a Polyaxon run the metrics become
its outputs and the weights its artifact model.json; anywhere else they are printed and written to the folder `outputs`.
"""

import argparse
import http.client
import json
import math
import os
import random
import sys
import time
import urllib.error
import urllib.request

POINTS = 600
TEST = 200
BATCH = 20
SHAPES = {
    "corner": lambda x, y: x + y > 0.2 and y > -0.3,
    "ring": lambda x, y: 0.25 < x * x + y * y < 0.75,
    "waves": lambda x, y: y > 0.6 * math.sin(4 * x),
}


def features(x, y, degree):
    return [x**i * y**j for i in range(degree + 1) for j in range(degree + 1 - i)]


def points(shape, degree):
    """Returns pairs of features and label; all experiments with a shape share its points."""
    draw = random.Random(0)
    places = [(draw.uniform(-1, 1), draw.uniform(-1, 1)) for _ in range(POINTS)]
    return [(features(x, y, degree), int(SHAPES[shape](x, y))) for x, y in places]


def inside(weights, row):
    score = sum(w * v for w, v in zip(weights, row))
    return 1 / (1 + math.exp(-max(-30.0, min(30.0, score))))


def measure(weights, rows):
    answers = [(inside(weights, row), label) for row, label in rows]
    loss = -sum(math.log(max(p if label else 1 - p, 1e-12)) for p, label in answers)
    return {
        "accuracy": sum((p > 0.5) == bool(label) for p, label in answers) / len(rows),
        "loss": loss / len(rows),
    }


def train(args):
    rows = points(args.shape, args.degree)
    test, rows = rows[:TEST], rows[TEST:]
    order = random.Random(1)
    weights = [0.0] * len(rows[0][0])
    for epoch in range(args.epochs):
        order.shuffle(rows)
        for start in range(0, len(rows), BATCH):
            batch = rows[start:start + BATCH]
            step = [0.0] * len(weights)
            for row, label in batch:
                error = inside(weights, row) - label
                step = [s + error * v for s, v in zip(step, row)]
            weights = [w - args.lr * s for w, s in zip(weights, step)]
    metrics = measure(weights, test)
    print(json.dumps(metrics), flush=True)
    return weights, metrics


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
    parser.add_argument("--shape", choices=sorted(SHAPES), default="ring")
    parser.add_argument("--degree", type=int, default=4)
    parser.add_argument("--lr", type=float, default=0.5)
    parser.add_argument("--epochs", type=int, default=40)
    args = parser.parse_args()
    weights, metrics = train(args)
    outputs = os.environ.get("POLYAXON_RUN_OUTPUTS_PATH", "outputs")
    os.makedirs(outputs, exist_ok=True)
    with open(os.path.join(outputs, "model.json"), "w", encoding="utf-8") as f:
        json.dump({"degree": args.degree, "shape": args.shape, "weights": weights}, f)
    report(metrics)


if __name__ == "__main__":
    main()
