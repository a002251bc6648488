"""Reads operations with Polyaxon's own code, and prints for each what the server would make of it.

Usage: operation.py FILE... (YAML streams that hold one operation each)
"""
import json
import sys
from datetime import datetime

import yaml
from hypertune.search_managers.grid_search.manager import GridSearchManager
from hypertune.search_managers.mapping.manager import MappingManager
from hypertune.search_managers.random_search.manager import RandomSearchManager
from polyaxon import settings
from polyaxon._auxiliaries import V1PolyaxonInitContainer
from polyaxon._compiler.contexts import resolve_globals_contexts
from polyaxon._connections import V1Connection, V1GitConnection
from polyaxon._flow.params.params import V1Param
from polyaxon._k8s.converter.converters.job import JobConverter
from polyaxon._polyaxonfile.specs import CompiledOperationSpecification, OperationSpecification
from polyaxon._polyaxonfile.specs.libs.parser import PolyaxonfileParser
from polyaxon._schemas.agent import AgentConfig
from polyaxon.schemas import V1Operation

MANAGERS = {"grid": GridSearchManager, "mapping": MappingManager, "random": RandomSearchManager}
UUID = "0" * 32


def experiments(operation):
    return MANAGERS[operation.matrix.kind](operation.matrix).get_suggestions()


def container(operation, point):
    operation.matrix = None
    operation.params = {name: V1Param(value=PolyaxonfileParser.parse_expression(value, {})) for name, value in point.items()}
    compiled = OperationSpecification.compile_operation(operation)
    compiled.apply_params(operation.params)
    now = datetime(2026, 11, 23)
    contexts = resolve_globals_contexts("ns", "default", "project", "uuid", UUID, "name", UUID, 0, now, now)
    compiled = CompiledOperationSpecification.apply_operation_contexts(compiled, contexts=contexts)
    compiled = CompiledOperationSpecification.apply_runtime_contexts(compiled, contexts=contexts)
    run = json.loads(compiled.to_json())["run"]["container"]
    run.pop("resources", None)
    for clone in clones(compiled.run.init or []):
        assert f"{run['workingDir']}/".startswith(f"{clone}/"), f"{run['workingDir']} is not in {clone}"
    return run


def clones(init):
    """The folders that Polyaxon's init containers clone into, with every connection that they name."""
    connections = {
        i.connection: V1Connection(name=i.connection, kind="git", schema_=V1GitConnection(url="https://git.example.com/default"))
        for i in init if i.connection
    }
    converter = JobConverter(owner_name="owner", project_name="project", run_name="run", run_uuid=UUID, run_path=UUID)
    containers = converter._handle_init_connections(
        polyaxon_init=V1PolyaxonInitContainer(), artifacts_store=None, init_connections=init,
        connection_by_names=connections, plugins=None,
    )
    for c in containers:
        args = dict(arg.split("=", 1) for arg in c.args)
        assert args["--url"] != "https://git.example.com/default" and args["--revision"], args
        yield args["--repo-path"]


settings.set_agent_config(AgentConfig(namespace="polyaxon"))
for file in sys.argv[1:]:
    with open(file) as stream:
        body = next(d for d in yaml.safe_load_all(stream) if d["kind"] == "operation")
    points = experiments(V1Operation.read(body))
    first = container(V1Operation.read(body), points[0])
    print(json.dumps({"Experiments": len(points), "First": first}))
