class Model:
    def predict(self, X, names=None):
        return X
