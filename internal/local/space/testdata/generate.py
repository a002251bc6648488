"""Writes points.json: matrices and the points that Polyaxon makes of them. Only needed after a change of the table.

python3 -m venv venv && venv/bin/pip install polyaxon==2.18.0 hypertune==1.4.0 numpy==2.4.6
venv/bin/python generate.py > points.json
"""

import importlib.metadata
import json
import platform

import numpy as np
from hypertune.search_managers.grid_search.manager import GridSearchManager
from hypertune.search_managers.mapping.manager import MappingManager
from hypertune.search_managers.random_search.manager import RandomSearchManager
from polyaxon.schemas import V1GridSearch, V1Mapping, V1RandomSearch

MANAGERS = {
    "grid": (V1GridSearch, GridSearchManager),
    "mapping": (V1Mapping, MappingManager),
    "random": (V1RandomSearch, RandomSearchManager),
}

SEEDS = [1, 7, 42, 2018, 123456789, 2**31, 2**32 - 1]

# By name; each is drawn from alone and they are drawn from together.
SPACES = {
    "words": ("choice", ["sgd", "adam", "rmsprop", "lion", "adagrad"]),
    "wholes": ("choice", [16, 32, 64, 128, 256, 512, 1024]),
    "bools": ("choice", [True, False]),
    "one": ("choice", [3]),
    "bool_int": ("choice", [True, 2, 3]),
    "bool_float": ("choice", [False, 2.5]),
    "int_float": ("choice", [1, 2.5, 2**62]),
    "mixed": ("choice", [1, "a", 2.5, True, 1e-5, 1e16, 123456789.125, -0.0001, 1e22]),
    "thousand": ("choice", list(range(1000))),
    "shares": ("pchoice", [["relu", 0.8], ["tanh", 0.15], ["gelu", 0.05]]),
    "many_shares": ("pchoice", [[i, 0.1] for i in range(10)]),
    "mixed_shares": ("pchoice", [["a", 0.25], [2, 0.25], [2.5, 0.25], [True, 0.25]]),
    "range_text": ("range", "1:10:3"),
    "range_list": ("range", [0.1, 1, 0.1]),
    "range_struct": ("range", {"start": -3, "stop": 5, "step": 0.7}),
    "linspace_text": ("linspace", "0.001:0.1:5"),
    "linspace_list": ("linspace", [0, 1, 11]),
    "linspace_struct": ("linspace", {"start": 3, "stop": 7, "num": 1}),
    "logspace_text": ("logspace", "-3:-1:9"),
    "logspace_base": ("logspace", [0, 8, 9, 2]),
    "logspace_struct": ("logspace", {"start": 0, "stop": 3, "num": 7, "base": 3}),
    "geomspace_text": ("geomspace", "1:1000:4"),
    "geomspace_list": ("geomspace", [0.0003, 0.7, 17]),
    "geomspace_negative": ("geomspace", [-1000, -1, 7]),
    "range_short": ("range", [0, 0.001, 1]),
    "uniform_text": ("uniform", "0.01:0.1"),
    "uniform_list": ("uniform", [-1, 1]),
    "uniform_struct": ("uniform", {"low": 1e-9, "high": 1e9}),
    "quniform": ("quniform", "0:100:0.3"),
    "quniform_whole": ("quniform", [-500, 500, 5]),
    "loguniform": ("loguniform", "-7:0"),
    "loguniform_wide": ("loguniform", [-300, 300]),
    "qloguniform": ("qloguniform", [0, 9, 0.25]),
    "normal": ("normal", "0:1"),
    "normal_struct": ("normal", {"loc": 3.3, "scale": 0.7}),
    "qnormal": ("qnormal", [0, 50, 0.3]),
    "lognormal": ("lognormal", "0:1"),
    "lognormal_wide": ("lognormal", [-2, 3.5]),
    "qlognormal": ("qlognormal", {"loc": 3, "scale": 1, "q": 0.5}),
}

TOGETHER = [
    ["words", "uniform_text"],
    ["normal", "normal_struct", "words"],
    ["bools", "one", "shares", "wholes"],
    ["lognormal", "quniform", "range_text", "wholes", "words"],
    sorted(SPACES),
]

GRIDS = [
    ["words"], ["one", "words"], ["bools", "linspace_text", "range_text"], ["mixed", "bool_int"], ["range_list", "range_struct"],
    ["logspace_text", "logspace_base"], ["geomspace_text", "geomspace_list", "geomspace_negative"], ["logspace_struct", "linspace_struct", "linspace_list"],
]

MAPPINGS = [
    [{"lr": 0.1, "layers": 3}, {"lr": 0.01, "layers": 5}, {"lr": 1, "layers": 3}],
    [{"a": "x", "b": True}, {"a": "y", "b": False}, {"a": "x", "b": True}],
]


def params(names):
    """As a map that is encoded with sorted keys reaches Polyaxon."""
    return {n: {"kind": SPACES[n][0], "value": SPACES[n][1]} for n in sorted(names)}


def matrices():
    for names in [[n] for n in SPACES] + TOGETHER:
        for seed in SEEDS:
            yield {"kind": "random", "params": params(names), "numRuns": 12, "seed": seed}
    yield {"kind": "random", "params": params(["thousand"]), "numRuns": 1000, "seed": 5}
    for name in ["normal", "lognormal", "loguniform"]:
        yield {"kind": "random", "params": params([name]), "numRuns": 1500, "seed": 11}
    for names in GRIDS:
        yield {"kind": "grid", "params": params(names)}
        yield {"kind": "grid", "params": params(names), "numRuns": 3}
    for values in MAPPINGS:
        yield {"kind": "mapping", "values": values}


def plain(value):
    return value.item() if isinstance(value, np.generic) else value


def points(matrix):
    config, manager = MANAGERS[matrix["kind"]]
    found = manager(config.from_dict(json.loads(json.dumps(matrix)))).get_suggestions()
    return [{k: plain(v) for k, v in p.items()} for p in found]


versions = {n: importlib.metadata.version(n) for n in ["polyaxon", "hypertune", "numpy"]}
versions["python"] = platform.python_version()
cases = [json.dumps({"matrix": m, "points": points(m)}) for m in matrices()]
print('{"versions": %s, "cases": [\n%s\n]}' % (json.dumps(versions), ",\n".join(cases)))
