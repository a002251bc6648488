import os

import numpy as np
import torch

from net import DEVIATION, MEAN, Net


class MnistModel:
    """Answers pixels 0..255, 784 for each digit, with ten probabilities. Packaging puts model.dat beside this file."""

    def __init__(self):
        self.net = None

    def load(self):
        net = Net()
        path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "model.dat")
        net.load_state_dict(torch.load(path, map_location="cpu", weights_only=True))
        net.eval()
        self.net = net

    def predict(self, X, names=None, meta=None):
        if self.net is None:
            self.load()
        pixels = np.asarray(X, dtype=np.float32).reshape(-1, 1, 28, 28) / 255
        with torch.no_grad():
            return self.net((torch.from_numpy(pixels) - MEAN) / DEVIATION).exp().numpy()

    def class_names(self):
        return [str(digit) for digit in range(10)]
