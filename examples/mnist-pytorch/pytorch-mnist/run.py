"""Trains a convolutional network on MNIST and reports accuracy and loss.

In a Polyaxon run the metrics become its outputs and the network its artifact model.dat; anywhere else they are printed and written
to the folder `outputs`. The digits are fetched by torchvision, once for each folder of --data.
"""

import argparse
import http.client
import json
import math
import os
import sys
import tempfile
import time
import urllib.error
import urllib.request

import torch
import torch.nn.functional as F
from torchvision import datasets, transforms

from net import DEVIATION, MEAN, Net


def digits(args, train, size):
    pixels = transforms.Compose([transforms.ToTensor(), transforms.Normalize((MEAN,), (DEVIATION,))])
    data = datasets.MNIST(args.data, train=train, download=True, transform=pixels)
    return torch.utils.data.DataLoader(data, batch_size=size, shuffle=train)


def measure(net, loader, device):
    net.eval()
    loss, right, seen = 0.0, 0, 0
    with torch.no_grad():
        for x, y in loader:
            x, y = x.to(device), y.to(device)
            odds = net(x)
            loss += F.nll_loss(odds, y, reduction="sum").item()
            right += (odds.argmax(dim=1) == y).sum().item()
            seen += len(y)
    return {"accuracy": right / seen, "loss": loss / seen}


def train(args):
    torch.manual_seed(args.seed)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    train_digits, test_digits = digits(args, True, args.batch_size_train), digits(args, False, args.batch_size_test)
    net = Net().to(device)
    optimizer = torch.optim.SGD(net.parameters(), lr=args.lr, momentum=args.momentum)
    metrics = measure(net, test_digits, device)
    for epoch in range(args.epochs):
        net.train()
        for x, y in train_digits:
            optimizer.zero_grad()
            F.nll_loss(net(x.to(device)), y.to(device)).backward()
            optimizer.step()
        metrics = measure(net, test_digits, device)
        if not math.isfinite(metrics["loss"]):
            sys.exit(f"diverged in epoch {epoch + 1}")
        print(json.dumps({"epoch": epoch + 1, **metrics}), flush=True)
    return net.cpu(), metrics


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
    parser.add_argument("--batch-size-train", type=int, default=128)
    parser.add_argument("--batch-size-test", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--data", default=os.path.join(tempfile.gettempdir(), "mnist"), help="folder of the digits")
    args = parser.parse_args()
    net, metrics = train(args)
    outputs = os.environ.get("POLYAXON_RUN_OUTPUTS_PATH", "outputs")
    os.makedirs(outputs, exist_ok=True)
    torch.save(net.state_dict(), os.path.join(outputs, "model.dat"))
    report(metrics)


if __name__ == "__main__":
    main()
