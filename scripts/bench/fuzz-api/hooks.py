"""Hooks of schemathesis: part of the requests name things that are there, and none ends the session that asks."""

import json
import os
import random

import schemathesis

OBJECTS = json.loads(os.environ["FUZZ_OBJECTS"])
# The share of parameters that name existing objects.
REAL = 0.7


@schemathesis.hook
def before_call(context, case, kwargs):
    values = OBJECTS["kept" if case.method.upper() == "GET" else "spare"]
    parameters = case.path_parameters or {}
    for name in list(parameters):
        asked = str(parameters[name])
        # Requests must not change the caller's own session, and most should get past "not found".
        if random.random() < REAL or (name == "user" and asked in ("me", "owner", "member")):
            parameters[name] = values.get(name, asked)
