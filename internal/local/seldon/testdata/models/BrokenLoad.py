class BrokenLoad:
    def load(self):
        raise ValueError("model.dat is half a file")
