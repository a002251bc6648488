import datetime

import numpy as np
from seldon_core.flask_utils import SeldonMicroserviceException
from seldon_core.user_model import SeldonComponent, SeldonNotImplementedError, SeldonResponse


class Component(SeldonComponent):
    """A model on Seldon's base class that uses what that offers: most of its methods stay those of the base."""

    def __init__(self, **kwargs):
        self.kwargs = kwargs

    def load(self):
        print("loaded")  # may not reach the line that the server prints

    def predict(self, X, names, meta=None):
        if isinstance(X, np.ndarray):
            return X
        if X == "response":
            metric = {"type": "GAUGE", "key": "k", "value": 1 / 3, "tags": {"a": "b"}}
            return SeldonResponse([[1, 2.5]], tags={"t": 1}, metrics=[metric])
        if X == "refuse":
            raise SeldonMicroserviceException("no", status_code=422, reason="NO_REASON")
        if X == "missing":
            raise SeldonNotImplementedError("not today")
        if X == "metric":
            return SeldonResponse([], metrics=[{"type": "GAUGE", "key": "k"}])
        if X == "float32":
            return [[np.float32(0.1)]]
        if X == "array32":
            return np.array([0.1], dtype=np.float32)
        if X == "date":
            return {"date": datetime.date(2020, 2, 29), "time": datetime.datetime(2020, 2, 29, 12, 30)}
        if X == "type":
            raise TypeError("twice")
        if X == "parameters":
            return self.kwargs
        return {"X": repr(X), "names": names, "meta": meta}

    def init_metadata(self):
        return {"name": "component", "versions": ["v1", "v2"], "platform": "seldon", "custom": {"author": "a"}}

    def route(self, features, names):
        return 1

    def aggregate(self, features, names):
        return {"features": features, "names": names}

    def send_feedback(self, features, names, reward, truth, routing=None):
        said = [features.tolist(), list(names), reward, truth.tolist(), routing]
        metric = {"type": "TIMER", "key": "k", "value": 1 / 3, "tags": {"a": "b"}}
        return SeldonResponse({"said": said, "n": 1}, tags={"t": 1, "l": [1, "x"]}, metrics=[metric])
