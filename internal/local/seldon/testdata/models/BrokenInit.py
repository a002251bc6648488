class BrokenInit:
    def __init__(self):
        open("no-such-file")
