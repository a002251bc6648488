"""An experiment that learns nothing: its metrics follow from the rate that it is given."""

import argparse
import json
import os
import time
import urllib.error
import urllib.request

parser = argparse.ArgumentParser()
parser.add_argument("--rate", type=float)
args = parser.parse_args()

outputs = os.environ["POLYAXON_RUN_OUTPUTS_PATH"]
os.makedirs(outputs, exist_ok=True)
with open(os.path.join(outputs, "model.dat"), "w") as f:
    f.write(str(args.rate))
owner, project, _, uuid = os.environ["POLYAXON_RUN_INSTANCE"].split(".")
request = urllib.request.Request(
    f"{os.environ['POLYAXON_HOST']}/api/v1/{owner}/{project}/runs/{uuid}",
    json.dumps({"outputs": {"accuracy": args.rate, "loss": args.rate / 10}, "merge": True}).encode(),
    {"Content-Type": "application/json"}, method="PATCH")
for wait in range(10):
    try:
        urllib.request.urlopen(request, timeout=60).close()
        break
    except urllib.error.URLError:
        time.sleep(wait)
