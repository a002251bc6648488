"""Reads files for Polyaxon 0.x with its validator of 2018, and prints the command of one experiment of each.

Usage: group.py FILE...
"""
import collections
import collections.abc
import sys

for name in collections.abc.__all__:  # where they were until Python 3.9
    if not hasattr(collections, name):
        setattr(collections, name, getattr(collections.abc, name))

from polyaxon_schemas.specs import GroupSpecification  # noqa: E402

for file in sys.argv[1:]:
    group = GroupSpecification.read(file)
    point = {name: dimension.sample() for name, dimension in group.matrix.items()}
    experiment = group.get_experiment_spec(point)
    experiment.apply_context()
    assert "{{" not in experiment.run.cmd, experiment.run.cmd
    print(experiment.run.cmd)
