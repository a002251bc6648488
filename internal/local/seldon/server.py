"""Serves one model on 127.0.0.1 with the REST protocol of Seldon's Python microservice (seldon-core 1.17.1).

    python server.py MnistModel [--port N]

The class MnistModel of MnistModel.py (pkg.Class: of the module pkg) in the working directory is made with the parameters in
PREDICTIVE_UNIT_PARAMETERS and load()ed once. When requests are answered, one line goes to stdout: {"port": N}. Nothing else does: what
the model prints goes to stderr. The process ends on SIGTERM, and by itself when its stdin ends, so that it never outlives whoever holds
the other end: requests in work are answered, for at most 5 seconds. Exit codes: 0 ended as asked; 1 the class did not import, its
constructor failed, or what was in work had to be cut off; 3 load() failed.

It is one process on the standard library, Python 3.8 or newer, because seldon-core-microservice listens on all interfaces, starts seven
processes and doesn't end on SIGTERM. numpy is used as there; where it isn't installed, the model gets plain lists. Not here: gRPC,
tftensor, the metrics port, /seldon.json, PAYLOAD_PASSTHROUGH, custom_service, model_error_handler, *_rest, send_feedback_raw.
"""

import argparse
import base64
import dataclasses
import datetime
import decimal
import email
import email.utils
import importlib
import importlib.util
import inspect
import json
import logging
import os
import signal
import socket
import socketserver
import struct
import sys
import threading
import traceback
import types
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, unquote_plus

try:
    import numpy as np
except ImportError:
    np = None

GRACE = 5  # seconds that requests in work have after SIGTERM
ENDS = (signal.SIGTERM, signal.SIGINT)
MAX_BODY = 64 << 20  # bytes; a request above gets an error
IN_CLIENT_RESPONSE = os.environ.get("INCLUDE_METRICS_IN_CLIENT_RESPONSE", "true").lower() == "true"
NOT_FOUND = (
    "404 Not Found: The requested URL was not found on the server. "
    "If you entered the URL manually please check your spelling and try again."
)
NOT_ALLOWED = "405 Method Not Allowed: The method is not allowed for the requested URL."
TOO_LARGE = "413 Request Entity Too Large: The data value transmitted exceeds the capacity limit."


# ---- What serving classes import from seldon_core ----


class SeldonMicroserviceException(Exception):
    """An error that says itself with which status and reason it is answered."""

    def __init__(self, message, status_code=400, payload=None, reason="MICROSERVICE_BAD_DATA"):
        super().__init__(message)
        self.message, self.status_code, self.payload, self.reason = message, status_code, payload, reason


class SeldonNotImplementedError(SeldonMicroserviceException):
    """A method that is there but counts as missing."""


class SeldonResponse:
    """An answer with tags and metrics of its own."""

    def __init__(self, data, tags=None, metrics=None):
        self.data, self.tags, self.metrics = data, tags or {}, metrics or []


class SeldonComponent:
    """The base of serving classes. The optional methods that it has besides count as missing."""

    def __init__(self, **kwargs):
        pass

    def load(self):
        pass


def missing(name):
    def method(self, *args, **kwargs):
        raise SeldonNotImplementedError(name + " is not implemented")

    return method


for optional_method in (
    "tags class_names metrics feature_names predict predict_raw send_feedback transform_input transform_input_raw transform_output "
    "transform_output_raw route route_raw aggregate aggregate_raw health_status health_status_raw init_metadata"
).split():
    setattr(SeldonComponent, optional_method, missing(optional_method))


def stand_in():
    """Many serving classes import seldon_core for its base class only. Where the package (140 MB) isn't installed, these few names
    stand in for it; where it is, the real ones are used."""
    if importlib.util.find_spec("seldon_core") is not None:
        return
    names = {
        "seldon_core": {},
        "seldon_core.user_model": {c.__name__: c for c in (SeldonComponent, SeldonNotImplementedError, SeldonResponse)},
        "seldon_core.flask_utils": {"SeldonMicroserviceException": SeldonMicroserviceException},
    }
    for name, content in names.items():
        module = types.ModuleType(name)
        module.__dict__.update(content)
        sys.modules[name] = module
        parent, _, child = name.rpartition(".")
        if parent:
            setattr(sys.modules[parent], child, module)
    sys.modules["seldon_core"].__path__ = []


def theirs(ours, module="user_model"):
    """The class of the real seldon_core, once the model has imported that."""
    return getattr(sys.modules.get("seldon_core." + module), ours.__name__, ours)


# ---- The model ----


def parameters(text):
    """The constructor's arguments: a JSON list of {name, value, type}."""
    booleans = dict.fromkeys(("y", "yes", "t", "true", "on", "1"), True)
    booleans.update(dict.fromkeys(("n", "no", "f", "false", "off", "0"), False))
    kinds = {"INT": int, "FLOAT": float, "DOUBLE": float, "STRING": str, "BOOL": lambda v: booleans[v.lower()]}
    result = {}
    for p in json.loads(text):
        try:
            result[p["name"]] = kinds[p["type"]](p["value"])
        except (KeyError, ValueError) as e:
            raise ValueError("parameter {} is no name, value and type INT, FLOAT, DOUBLE, STRING or BOOL that fit".format(p)) from e
    return result


def make(name):
    """The serving class's instance. As in the microservice, the working directory comes last on the path."""
    sys.path[:] = [p for p in sys.path if p != os.path.dirname(os.path.abspath(__file__))]
    sys.path.append(os.getcwd())
    stand_in()
    module, _, attribute = name.rpartition(".")
    cls = getattr(importlib.import_module(module or name), attribute)
    return cls(**parameters(os.environ.get("PREDICTIVE_UNIT_PARAMETERS", "[]")))


def load(user):
    """Calls load(). The microservice takes an AttributeError for a model without that method, even if it came from inside."""
    try:
        user.load()
    except (NotImplementedError, AttributeError):
        if hasattr(user, "load"):
            traceback.print_exc()
            print("load() was ended by this error; Seldon ignores it and serves the model", file=sys.stderr)
    except Exception:
        traceback.print_exc()
        sys.exit(3)


def optional(user, name, default, *args, **kwargs):
    """The answer of a method that the model need not have."""
    if not hasattr(user, name):
        return default
    try:
        return getattr(user, name)(*args, **kwargs)
    except theirs(SeldonNotImplementedError):
        return default


def with_meta(method, features, names, meta):
    """meta= is for models that take it; the microservice finds that out by trying."""
    try:
        return method(features, names, meta=meta)
    except TypeError:
        return method(features, names)


def response(data):
    return data if isinstance(data, theirs(SeldonResponse)) else SeldonResponse(data)


# ---- Requests and answers as JSON ----


def bad(text):
    return SeldonMicroserviceException(text)


def array(values):
    return values if np is None else np.array(values)


def reshaped(values, shape):
    if np is not None:
        return np.array(values).reshape(shape)
    size = 1
    for n in shape:
        size *= n
    if len(values) != size:
        raise ValueError("cannot reshape array of size {} into shape ({})".format(len(values), ",".join(map(str, shape))))
    for n in reversed(shape[1:]):
        values = [values[i : i + n] for i in range(0, len(values), n)]
    return values


def leaves(values):
    return [leaf for v in values for leaf in leaves(v)] if isinstance(values, list) else [values]


def described(data):
    """Shape, flat values and whether these are numbers, of an array or of lists."""
    if np is not None:
        a = np.array(data)
        return a.shape, a.ravel().tolist(), np.issubdtype(a.dtype, np.number)
    shape, inner, flat = [], data, leaves(data)
    while isinstance(inner, list):
        shape.append(len(inner))
        inner = inner[0] if inner else None
    numbers = all(isinstance(v, (int, float)) for v in flat)
    return shape, flat, numbers and not (flat and all(isinstance(v, bool) for v in flat))


def parts(request):
    """Features, meta and names of a request."""
    if not isinstance(request, dict):
        raise bad("Invalid request data type: {}".format(request))
    meta = request.get("meta")
    if "data" in request:
        data = request["data"]
        return features_of(data), meta, data["names"] if data and "names" in data else []
    if "jsonData" in request:
        return request["jsonData"], meta, []
    if "strData" in request:
        return request["strData"], meta, []
    if "binData" in request:
        return base64.b64decode(request["binData"]), meta, []
    raise bad("Invalid request data type: {}".format(request))


def features_of(data):
    if "tensor" in data:
        return reshaped(data["tensor"]["values"], data["tensor"]["shape"])
    if "ndarray" in data:
        return array(data["ndarray"])
    if "tftensor" in data:
        raise NameError("name 'TensorProto' is not defined")  # the microservice's words where tensorflow isn't installed
    return array([])


def class_names(user, shape):
    if len(shape) < 2:
        return []
    default = ["t:{}".format(i) for i in range(shape[1])]
    if hasattr(user, "class_names") and not inspect.ismethod(user.class_names):
        return user.class_names
    return optional(user, "class_names", default)


def payload(user, request, data):
    """The answer without its meta. Numbers keep the encoding of the request."""
    if isinstance(data, dict):
        return {"jsonData": data}
    if isinstance(data, (bytes, bytearray)):
        return {"binData": base64.b64encode(data).decode()}
    if isinstance(data, str):
        return {"strData": data}
    if not isinstance(data, list) and (np is None or not isinstance(data, np.ndarray)):
        raise bad("Unknown data type returned as payload (must be list or np array):" + str(data))
    shape, values, numbers = described(data)
    if numbers and ("data" not in request or "tensor" in request["data"]):
        encoded = {"tensor": {"shape": shape, "values": values}}
    else:
        encoded = {"ndarray": data if isinstance(data, list) else data.tolist()}
    return {"data": dict(encoded, names=class_names(user, shape))}


def metrics_of(user, method, runtime):
    """The model's metrics, then those of this answer; checked."""
    own = optional(user, "metrics", [])
    for metrics in (runtime, own):
        if not valid_metrics(metrics):
            text = "Bad metric created during request: " + json.dumps(metrics)
            raise SeldonMicroserviceException(text, status_code=500, reason="MICROSERVICE_BAD_METRIC")
        for metric in metrics:
            if "tags" in metric:
                metric["tags"]["method"] = method
    return own + runtime if IN_CLIENT_RESPONSE else []


def valid_metrics(metrics):
    if not isinstance(metrics, list):
        return False
    for m in metrics:
        if not ("key" in m and "value" in m and m.get("type") in ("COUNTER", "GAUGE", "TIMER")):
            return False
        try:
            m["value"] + 1
        except TypeError:
            return False
    return True


def meta_of(user, meta, answer, metrics):
    """The meta of an answer: what came with the request, then the model's."""
    meta = meta or {}
    tags, all_metrics = meta.get("tags", {}), meta.get("metrics", [])
    path = meta.get("requestPath", {})
    for more in (optional(user, "tags", {}), answer.tags):
        if more:
            tags.update(more)
    if metrics:
        all_metrics.extend(metrics)
    unit = os.environ.get("PREDICTIVE_UNIT_ID")
    if unit is not None:
        path = {unit: os.environ.get("PREDICTIVE_UNIT_IMAGE", "NOT_IMPLEMENTED:NOT_IMPLEMENTED"), **path}
    result = {"tags": tags, "metrics": all_metrics, "requestPath": path}
    return {k: v for k, v in result.items() if v}


def answered(user, request, answer, meta, metrics):
    """The whole answer. A meta that is no object fails where it fails in the microservice, in Python's words."""
    result = payload(user, request, answer.data)
    result["meta"] = meta_of(user, meta, answer, metrics)
    puid = request.get("meta", {}).get("puid")
    if puid:
        result["meta"]["puid"] = puid
    return result


def raw(user, name, request):
    """What NAME_raw() answers, which sees the request itself; None where the model has none."""
    result = optional(user, name + "_raw", None, request)
    if isinstance(result, dict) and not IN_CLIENT_RESPONSE:
        result.get("meta", {}).pop("metrics", None)
    return result


# ---- The endpoints ----


def asked(name, tag, default):
    """predict, transform_input and transform_output differ in the answer of a model without that method."""

    def endpoint(user, request):
        result = raw(user, name, request)
        if result is not None:
            return result
        features, meta, names = parts(request)
        answer = features if default is None else default
        if hasattr(user, name):
            try:
                answer = with_meta(getattr(user, name), features, names, meta)
            except theirs(SeldonNotImplementedError):
                pass
        answer = response(answer)
        return answered(user, request, answer, meta, metrics_of(user, tag, answer.metrics))

    return endpoint


def route(user, request):
    result = raw(user, "route", request)
    if result is not None:
        return result
    features, meta, names = parts(request)
    if not hasattr(user, "route"):
        raise bad("Route not defined")
    answer = response(with_meta(user.route, features, names, meta))
    if not isinstance(answer.data, int):
        raise bad("Routing response must be int but got " + str(answer.data))
    chosen = SeldonResponse([[answer.data]], answer.tags)
    return answered(user, request, chosen, None, metrics_of(user, "router", answer.metrics))


def aggregate(user, request):
    result = raw(user, "aggregate", request)
    if result is not None:
        return result
    messages = request if isinstance(request, list) else request.get("seldonMessages")
    if not isinstance(messages, list):
        raise bad("Invalid request data type: {}".format(request))
    features, metas, names = [list(column) for column in zip(*map(parts, messages))] or ([], [], [])
    if not hasattr(user, "aggregate"):
        raise bad("Aggregate not defined")
    answer = response(user.aggregate(features, names))
    own = metrics_of(user, "aggregate", answer.metrics)
    merged = {"tags": {}, "requestPath": {}}
    metrics = []
    for meta in filter(None, metas):
        merged["tags"].update(meta.get("tags", {}))
        merged["requestPath"].update(meta.get("requestPath", {}))
        metrics.extend(meta.get("metrics", []))
    return answered(user, messages[0], answer, merged, metrics + own)


def health(user, _):
    result = optional(user, "health_status_raw", None)
    if result is not None:
        return result
    status = "healthy"
    if hasattr(user, "health_status"):
        status = optional(user, "health_status", "not implemented - assuming healthy")
    return answered(user, {}, SeldonResponse(status), None, metrics_of(user, "health", []))


def metadata(user):
    """What /metadata answers, made once; None where the model's own has the wrong form."""
    name, _, version = os.environ.get("PREDICTIVE_UNIT_IMAGE", "").rpartition(":")
    result = {"name": name, "versions": [version], "platform": "", "inputs": [], "outputs": [], "custom": {}}
    kinds = {k: type(v) for k, v in result.items()}
    own = optional(user, "init_metadata", {})
    result.update(own if isinstance(own, dict) else {})
    try:
        result.update(json.loads(os.environ.get("MODEL_METADATA", "{}")))
    except ValueError:
        print("MODEL_METADATA is not JSON and is ignored", file=sys.stderr)
    if all(isinstance(v, kinds.get(k, ())) for k, v in result.items()):
        return result
    print("the model's metadata has a key or a type that is none of Seldon's: {}".format(result), file=sys.stderr)
    return None


# ---- Feedback: the microservice takes it through protobuf, which shows ----

FIELDS = {
    "Feedback": ["request", "response", "reward", "truth"],
    "SeldonMessage": ["status", "meta", "data", "binData", "strData", "jsonData", "customData"],
}


def feedback(user, request):
    request = message("Feedback", request, "Feedback")
    sent, reply, truth = [sub_message(request, k) for k in ("request", "response", "truth")]
    try:
        reward = float32(float(request.get("reward") or 0))
    except ValueError as e:
        text = "Invalid JSON: Failed to parse reward field: Couldn't parse float: {} at Feedback.reward."
        raise bad(text.format(request["reward"])) from e
    routing = ((reply.get("meta") or {}).get("routing") or {}).get(os.environ.get("PREDICTIVE_UNIT_ID", "0"))
    features, names = floats_of(sent), list((sent.get("data") or {}).get("names") or [])
    answer = optional(user, "send_feedback", None, features, names, reward, floats_of(truth), routing=routing)
    answer = response(answer)
    metrics = metrics_of(user, "feedback", answer.metrics)
    data = array([]) if answer.data is None else answer.data
    if not isinstance(data, (str, dict, bytes, bytearray, list)) and (np is None or not isinstance(data, np.ndarray)):
        raise TypeError('can only concatenate str (not "{}") to str'.format(type(data).__name__))
    result = payload(user, {"data": sent["data"]} if isinstance(sent.get("data"), dict) else {}, data)
    meta = meta_of(user, None, answer, metrics)
    puid = (sent.get("meta") or {}).get("puid")
    return as_protobuf(result, dict(meta, puid=puid) if puid else meta)


def message(kind, content, where):
    """A message whose fields protobuf knows. An empty list passes there too."""
    unknown = [key for key in content if key not in FIELDS[kind]]
    if not unknown:
        return content or {}
    text = 'Message type "seldon.protos.{}" has no field named "{}" at "{}".\n Available Fields(except extensions): "{}"'
    text = text.format(kind, unknown[0], where, FIELDS[kind])
    if where != kind:
        text = "Failed to parse {} field: {}.".format(where.split(".")[1], text)
    raise bad("Invalid JSON: " + text)


def sub_message(request, key):
    return message("SeldonMessage", request.get(key) or {}, "Feedback." + key)


def floats_of(content):
    """Features of a message's data; all numbers are floats there."""
    data = content.get("data")
    return features_of(floats(data)) if isinstance(data, dict) and "tensor" not in data else features_of(data or {})


def floats(value):
    if isinstance(value, dict):
        return {k: floats(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [floats(v) for v in value]
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value


def float32(value):
    return struct.unpack("f", struct.pack("f", value))[0]


def single(value):
    """A number as protobuf writes its float: with the fewest digits that give the same 32 bits."""
    rounded = float32(value)
    for digits in range(6, 10):
        short = float("{:.{}g}".format(rounded, digits))
        if float32(short) == rounded:
            return short
    return rounded


def as_protobuf(result, meta):
    """An answer as protobuf writes it: values that are a type's zero are left out."""
    data = result.get("data")
    if data is not None:
        if "tensor" in data:
            tensor = {"shape": list(data["tensor"]["shape"]), "values": floats(data["tensor"]["values"])}
            data["tensor"] = {k: v for k, v in tensor.items() if v}
        else:
            data["ndarray"] = floats(data["ndarray"])
        result["data"] = {k: v for k, v in data.items() if k != "names" or len(v)}
    elif "jsonData" in result:
        result = floats(result)
    metrics = []
    for m in meta.get("metrics", []):
        fields = {"key": m["key"], "type": m["type"], "value": single(m["value"]), "tags": m.get("tags")}
        metrics.append({k: v for k, v in fields.items() if v and v != "COUNTER"})
    if metrics:
        meta["metrics"] = metrics
    if "tags" in meta:
        meta["tags"] = floats(meta["tags"])
    return dict(result, meta=meta)


# ---- HTTP ----

PREDICT = asked("predict", "predict", [])
POST, GET, BOTH = ("POST",), ("GET",), ("GET", "POST")
ROUTES = {
    "/predict": (BOTH, PREDICT),
    "/api/v1.0/predictions": (POST, PREDICT),
    "/api/v0.1/predictions": (POST, PREDICT),
    "/send-feedback": (BOTH, feedback),
    "/api/v1.0/feedback": (POST, feedback),
    "/api/v0.1/feedback": (POST, feedback),
    "/transform-input": (BOTH, asked("transform_input", "inputtransform", None)),
    "/transform-output": (BOTH, asked("transform_output", "outputtransform", None)),
    "/route": (BOTH, route),
    "/aggregate": (BOTH, aggregate),
    "/health/status": (GET, health),
    "/api/v1.0/health/status": (GET, health),
    "/health/ping": (GET, None),
    "/metadata": (GET, None),
    "/api/v1.0/metadata": (GET, None),
}


def written(value):
    """JSON as Flask writes it: keys sorted, ASCII only, a newline at the end."""
    return (json.dumps(value, sort_keys=True, separators=(",", ":"), default=written_type) + "\n").encode()


def written_type(value):
    """What Flask can write beside the types of JSON."""
    if isinstance(value, datetime.date):
        if not isinstance(value, datetime.datetime):
            value = datetime.datetime(value.year, value.month, value.day)
        utc = datetime.timezone.utc
        return email.utils.format_datetime(value.astimezone(utc) if value.tzinfo else value.replace(tzinfo=utc), usegmt=True)
    if isinstance(value, (decimal.Decimal, uuid.UUID)):
        return str(value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return dataclasses.asdict(value)
    if hasattr(value, "__html__"):
        return str(value.__html__())
    raise TypeError("Object of type {} is not JSON serializable".format(type(value).__name__))


def http_error(text):
    """What Flask refuses is an error of the microservice: never its own status, always 500."""
    return SeldonMicroserviceException(text, status_code=500, reason="MICROSERVICE_INTERNAL_ERROR")


def failed(error):
    """Status and body for an exception."""
    known = isinstance(error, (SeldonMicroserviceException, theirs(SeldonMicroserviceException, "flask_utils")))
    if known:
        info, status, reason = error.message, error.status_code, error.reason
    else:
        info, status, reason = str(error), 500, "MICROSERVICE_INTERNAL_ERROR"
    return status, written({"status": {"code": -1, "info": info, "reason": reason, "status": 1}})


def form_value(text, wanted):
    """The first value of a name in a query or in a form."""
    for pair in text.split("&"):
        name, _, value = pair.partition("=")
        if unquote_plus(name) == wanted:
            return unquote_plus(value)
    return ""


def multipart(content_type, body):
    """A request whose keys are the fields of a form."""
    boundary = email.message_from_string("Content-Type: " + content_type).get_param("boundary", "")
    result = {}
    for part in (b"\r\n" + body).split(b"\r\n--" + boundary.encode())[1:] if boundary else []:
        head, _, content = part.partition(b"\r\n\r\n")
        headers = email.message_from_bytes(head.lstrip(b"\r\n"))
        name = headers.get_param("name", header="Content-Disposition")
        if part.startswith(b"--") or not name:
            continue
        if headers.get_filename() is not None:
            result[name] = base64.b64encode(content) if name == "binData" else content.decode()
        else:
            text = content.decode("utf-8", "replace")
            result[name] = text if name == "strData" else json.loads(text)
    return result


def read_request(content_type, query, body):
    """The request that a body, a form or a query holds."""
    kind = content_type.partition(";")[0].strip().lower()
    if "multipart/form-data" in content_type:
        return multipart(content_type, body)
    form = body.decode("utf-8", "replace") if kind == "application/x-www-form-urlencoded" else ""
    text = form_value(form, "json") or form_value(query, "json")
    if text:
        return json.loads(text)
    request = None
    if kind == "application/json" or kind.startswith("application/") and kind.endswith("+json"):
        try:
            request = json.loads(body)
        except ValueError:
            pass
    if request is None:
        raise bad("Can't find JSON in data")
    return request


class Handler(BaseHTTPRequestHandler):
    """One connection. Its reads may wait a minute, so that a body that doesn't come holds no thread for ever; the clients that keep
    connections have to give up idle ones before that."""

    protocol_version = "HTTP/1.1"
    timeout = 60
    wbufsize = -1  # an answer is one write
    disable_nagle_algorithm = True

    def log_message(self, *args):
        pass

    def version_string(self):
        return "trefoil"

    def handle_expect_100(self):
        more = super().handle_expect_100()
        self.wfile.flush()
        return more

    def parse_request(self):
        self.server.busy.add(self.connection)
        return super().parse_request()

    def handle_one_request(self):
        super().handle_one_request()
        self.server.busy.discard(self.connection)
        if self.server.stopping:
            self.close_connection = True

    def do_POST(self):
        body = self.body()
        allow = None
        try:
            status, kind, content, allow = self.answer(body)
        except Exception as e:
            status, content = failed(e)
            kind = "application/json"
            print("{} {}: {}".format(self.command, self.path, content.decode().strip()), file=sys.stderr)
            if not isinstance(e, SeldonMicroserviceException):
                traceback.print_exc()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Access-Control-Allow-Origin", "*")
        if allow:
            self.send_header("Allow", allow)
        if self.server.stopping or self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    do_GET = do_HEAD = do_PUT = do_DELETE = do_PATCH = do_OPTIONS = do_POST

    def answer(self, body):
        """Status, type, content and Allow header."""
        path, _, query = self.path.partition("?")
        path = unquote(path)
        # The microservice has a folder of static files at /, which makes every other path one that can be read.
        methods, endpoint = ROUTES.get(path, (GET, None))
        if path == "/" or path not in ROUTES and self.command in ("GET", "HEAD"):
            raise http_error(NOT_FOUND)
        if self.command == "OPTIONS":
            allow = ("HEAD",) * ("GET" in methods) + methods + ("OPTIONS",)
            return 200, "text/html; charset=utf-8", b"", ", ".join(allow)
        if self.command not in methods and not (self.command == "HEAD" and "GET" in methods):
            # Where only POST is routed, the folder of static files is asked for the rest.
            raise http_error(NOT_FOUND if self.command in ("GET", "HEAD") else NOT_ALLOWED)
        if body is None:
            raise http_error(TOO_LARGE)
        if path == "/health/ping":
            return 200, "text/html; charset=utf-8", b"pong", None
        if path.endswith("/metadata"):
            return 200, "application/json", written(self.server.metadata()), None
        return self.ask(endpoint, query, body)

    def ask(self, endpoint, query, body):
        request = None if endpoint is health else read_request(self.headers.get("Content-Type", ""), query, body)
        with self.server.turn:
            result = endpoint(self.server.user, request)
        status = 200
        if endpoint is PREDICT and isinstance(result, dict) and "code" in result.get("status", ()):
            status = result["status"]["code"]
        return status, "application/json", written(result), None

    def body(self):
        """The body, or None if it is too large. One that ends early is like none; the connection ends after either."""
        if "chunked" in self.headers.get("Transfer-Encoding", "").lower():
            return self.chunks()
        size = self.headers.get("Content-Length", "0")
        size = int(size) if size.isdigit() else -1
        if size > MAX_BODY:
            return self.discarded()
        body = self.rfile.read(max(size, 0))
        if len(body) != size:
            self.close_connection = True
            return b""
        return body

    def chunks(self):
        body = bytearray()
        while True:
            try:
                size = int(self.rfile.readline(64).partition(b";")[0], 16)
            except ValueError:
                self.close_connection = True
                return b""
            if len(body) + size > MAX_BODY:
                return self.discarded()
            if size <= 0:
                break
            body += self.rfile.read(size)
            self.rfile.readline(64)
        while self.rfile.readline(1024).strip():
            pass
        return bytes(body)

    def discarded(self):
        """Reads on for a while, as a client that is still writing may not see the answer."""
        self.close_connection = True
        for _ in range(16):
            if not self.rfile.read(MAX_BODY // 16):
                break


class Server(ThreadingHTTPServer):
    """A thread for each connection. The model is asked by one at a time, as serving classes are used to (GUNICORN_THREADS: by more)."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, address, user):
        self.user = user
        self.turn = threading.BoundedSemaphore(max(1, int(os.environ.get("GUNICORN_THREADS", "1"))))
        self.known = metadata(user)
        self.stopping = False
        self.busy = set()  # connections with a request in work
        self.open = set()  # all connections
        self.changed = threading.Condition()
        super().__init__(address, Handler)

    def server_bind(self):
        """Not HTTPServer's, which looks up its own name in DNS."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = self.server_address[:2]

    def metadata(self):
        if self.known is None:
            raise SeldonMicroserviceException("Model metadata unavailable", status_code=500, reason="MICROSERVICE_BAD_METADATA")
        return self.known

    def process_request(self, request, client_address):
        with self.changed:
            self.open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request):
        super().shutdown_request(request)
        with self.changed:
            self.open.discard(request)
            self.busy.discard(request)
            self.changed.notify_all()

    def handle_error(self, request, client_address):
        if not isinstance(sys.exc_info()[1], ConnectionError):
            traceback.print_exc()

    def stop(self):
        """Returns when the last request in work is answered. Connections that wait for a request end at once."""
        self.shutdown()
        self.server_close()
        self.stopping = True
        with self.changed:
            for connection in self.open - self.busy:
                try:
                    connection.shutdown(socket.SHUT_RD)
                except OSError:
                    pass  # it has just ended
            self.changed.wait_for(lambda: not self.open)


# ---- The process ----


def end_with_stdin():
    """When stdin ends, whoever started this process is gone: the same as SIGTERM. The model's own stdin is empty."""
    stdin = os.dup(0)
    empty = os.open(os.devnull, os.O_RDONLY)
    os.dup2(empty, 0)
    os.close(empty)

    def watch():
        while os.read(stdin, 4096):
            pass
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, daemon=True).start()


def own_stdout():
    """Stdout for the one line; prints of the model and of what it starts go to stderr from now on."""
    stdout = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    sys.stdout.reconfigure(line_buffering=True)
    return stdout


def on_signal():
    """A file that gets the number of each signal that came. The write is C's own: a handler in Python may have to wait for a thread that
    is about to block in that read."""
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    signal.set_wakeup_fd(writer)
    for number in ENDS:
        signal.signal(number, lambda *_: None)
    return reader


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("name", help="the serving class: MnistModel, or pkg.Class")
    parser.add_argument("--port", type=int, default=0, help="on 127.0.0.1; 0 takes a free one")
    args = parser.parse_args()
    stdout = own_stdout()
    end_with_stdin()
    logging.basicConfig(level=os.environ.get("SELDON_LOG_LEVEL", "INFO"))
    user = make(args.name)
    load(user)
    stopped = on_signal()
    server = Server(("127.0.0.1", args.port), user)
    threading.Thread(target=server.serve_forever, args=(0.1,), daemon=True).start()
    with stdout:
        print(json.dumps({"port": server.server_port}), file=stdout)
    while os.read(stopped, 1)[0] not in ENDS:
        pass
    late = threading.Timer(GRACE, os._exit, [1])  # for requests, or threads of the model, that don't end
    late.daemon = True
    late.start()
    server.stop()


if __name__ == "__main__":
    main()
