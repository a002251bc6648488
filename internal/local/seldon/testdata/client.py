"""Asks a deployment by Seldon's own client; argv: host:port. Prints what it got."""
import json
import sys

import numpy as np
from seldon_core.seldon_client import SeldonClient

for gateway in "istio", "ambassador":
    sc = SeldonClient(gateway=gateway, transport="rest", namespace="ml", deployment_name="mnist", gateway_endpoint=sys.argv[1])
    answers = [
        sc.predict(data=np.array([[1.0, 2.5]])),
        sc.predict(data=np.array([[1.0, 2.5]]), payload_type="ndarray", names=["a", "b"]),
        sc.predict(str_data="a<b"),
        sc.predict(json_data={"a": 1}),
        sc.predict(bin_data=b"\0\1"),
        sc.predict(str_data="raise"),
        sc.feedback(prediction_request=None, prediction_response=None, reward=1.0, raw_request={"reward": 1.0}),
    ]
    for answer in answers:
        got = answer.response if isinstance(answer.response, (dict, type(None))) else str(answer.response)
        print(json.dumps([answer.success, got], sort_keys=True))
