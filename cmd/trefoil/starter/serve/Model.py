import json
import os


class Model:
    """Answers rows of one number each with where the line is there. Packaging puts model.json beside this file."""

    def __init__(self):
        self.line = None

    def load(self):
        with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "model.json"), encoding="utf-8") as f:
            self.line = json.load(f)

    def predict(self, X, names=None, meta=None):
        if self.line is None:
            self.load()
        return [[self.line["slope"] * float(x) + self.line["offset"]] for (x,) in X]

    def class_names(self):
        return ["y"]
