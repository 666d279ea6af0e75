"""The confined process: shuts itself in, says what holds, and only then does what it was asked."""

import importlib
import json
import os
import sys
from pathlib import Path
from typing import Any

from fundus_core.confined import sandbox
from fundus_core.errors import FundusError, as_json, say
from fundus_core.targets import learn

ANSWER = "answer.json"


def main() -> int:
    """Do the job that stands on the standard input."""
    sandbox.die_with_parent()
    job = json.loads(sys.stdin.buffer.read())
    limits = job["limits"]
    held = sandbox.resources(limits["seconds"], limits["memory"], limits["disk"])
    alone = sandbox.namespaces(limits["processes"])
    if alone and (worker := os.fork()):
        return _waited(worker)
    sandbox.die_with_parent()
    held += alone + sandbox.files(Path.cwd(), [Path(path) for path in job["readable"]])
    _say_and_fall_silent(held)
    Path(ANSWER).write_text(json.dumps(as_json(_answer(job))), encoding="utf-8")
    return 0


def _waited(worker: int) -> int:
    status = os.waitpid(worker, 0)[1]
    return 128 + os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)


def _say_and_fall_silent(held: list[str]) -> None:
    """The first line is ours; nothing that follows is heard."""
    sys.stdout.write(json.dumps(held) + "\n")
    sys.stdout.flush()
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nowhere, stream)


def _answer(job: dict[str, Any]) -> dict[str, object]:
    module, _, name = str(job["function"]).partition(":")
    try:
        learn(job["targets"], str(job["function"]))
        return {"value": getattr(importlib.import_module(module), name)(**job["arguments"])}
    except FundusError as error:
        return {"error": type(error).__name__, "message": str(error), "code": getattr(error, "code", None)}
    except MemoryError:
        return {"error": "MemoryError", "message": ""}
    except Exception as error:
        # Nothing of a stranger's file may end in a traceback: whoever called says it in a sentence.
        return {"error": "Exception", "message": say("{kind}: {error}", kind=type(error).__name__, error=error)}


if __name__ == "__main__":
    sys.exit(main())
