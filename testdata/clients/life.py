"""A connector's life as a client sees it: each step prints a line, "ok" or "FAIL", and a failed one ends the life."""

import contextlib
import sys
import time

PATIENCE = 60  # seconds until the group of workers must have done what it was asked for
TASKS = 3  # of each connector, so that each of the three workers has one


def config(name, **more):
    """A source that makes up a topic; tasks.max is a number, as many tools send it."""
    return {"name": name, "connector.class": "Datagen", "tasks.max": TASKS, "topic": "clients", "kind": "line",
            "rate": "20", "value.converter": "org.apache.kafka.connect.storage.StringConverter"} | more


def stored(sent):
    """What Connect keeps of a configuration: strings."""
    return {key: str(value) for key, value in sent.items()}


@contextlib.contextmanager
def step(client, door, what):
    try:
        yield
    except Exception as error:
        print(f"FAIL {client} at the {door}: {what}: {type(error).__name__}: {error}", flush=True)
        sys.exit(3)  # clients.sh: said already
    print(f"ok   {client} at the {door}: {what}", flush=True)


def equal(got, want):
    if got != want:
        raise AssertionError(f"got {got!r}, want {want!r}")


def until(ask, want):
    """Asks until the answer is the wanted one. What fails is an answer, too: a status may not be there yet."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            got = ask()
        except Exception as error:
            got = error
        if got == want:
            return
        if time.monotonic() > deadline:
            raise AssertionError(f"after {PATIENCE} s still {got!r}, want {want!r}")
        time.sleep(0.1)


def states(status):
    """The states in a status, the connector's first."""
    return [status["connector"]["state"]] + [task["state"] for task in status["tasks"]]


def all_in(state, tasks=TASKS):
    return [state] * (1 + tasks)


def code_of(call):
    """The code that a call is refused with."""
    try:
        call()
    except Exception as error:
        return error.response.status_code
    return None


def refused(call, *texts):
    """The call must be refused with an error that has all texts; errors of Connect are JSON with these two members."""
    try:
        answer = call()
    except Exception as error:
        response = getattr(error, "response", None)
        said = str(error) + (response.text if response is not None else "")
        for text in texts:
            if text not in said:
                raise AssertionError(f"{text!r} is not in {said!r}") from error
        return
    raise AssertionError(f"was answered with {answer!r}, want an error with {texts!r}")
