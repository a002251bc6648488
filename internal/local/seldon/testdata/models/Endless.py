import time


class Endless:
    """A model that never finishes loading."""

    def load(self):
        time.sleep(1000)
