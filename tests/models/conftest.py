"""Most tests of importing call the reader in this process: a confined one takes seconds to start, and reads alike."""

from __future__ import annotations

import importlib
import json

import pytest

from fundus_core import confined
from fundus_core.confined import Answer, StoppedError
from fundus_core.errors import FundusError


def here(function, arguments, *, folder, readable=(), limits=None):
    """What ``confined.run`` does, without the confinement."""
    module, _, name = function.partition(":")
    try:
        value = getattr(importlib.import_module(module), name)(**json.loads(json.dumps(arguments)))
    except FundusError:
        raise
    except Exception as error:
        why = "fault"
        raise StoppedError(why, f"{type(error).__name__}: {error}") from error
    return Answer(json.loads(json.dumps(value)), confined.ALL)


@pytest.fixture(autouse=True, scope="module")
def _in_this_process(request):
    with pytest.MonkeyPatch.context() as patch:
        if "confined" not in request.path.name:
            patch.setattr(confined, "run", here)
        yield
