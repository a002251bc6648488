class Plain:
    """A model that needs no numpy: what it got comes back."""

    def predict(self, X, names):
        return X
