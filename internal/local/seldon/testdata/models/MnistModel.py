import numpy as np


class MnistModel:
    """The recorded model without its weights: same shapes, same errors."""

    def class_names(self):
        return ["class:%d" % i for i in range(10)]

    def predict(self, X, names):
        return np.full((len(np.reshape(X, (-1, 784))), 10), 0.1)
