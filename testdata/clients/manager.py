"""manager.py DOOR URL OTHER_URL: kafkaconnect (kafka-connect-manager) drives a connector through one worker, looks at
it through another. The client gives texts: JSON, or a sentence for 404 and 409."""

import json
import sys

from kafkaconnect.connect import Connect

from life import all_in, config, equal, states, stored, until
from life import step as step_of

door, url, other_url = sys.argv[1:]
here, there = Connect(url), Connect(other_url)
name = f"manager-{door}"
sent = config(name)


def step(what):
    return step_of("kafkaconnect", door, what)


def seen():
    return states(json.loads(there.status(name)))


with step("plugins"):
    equal([p["type"] for p in json.loads(here.plugins()) if p["class"] == "berth.Datagen"], ["source"])
with step("what does not validate is not created"):
    found = json.loads(here.validate_and_create(name, json.dumps(sent | {"tasks.max": "dog"})))
    equal([one["value"]["name"] for one in found["configs"] if one["value"]["errors"]], ["tasks.max"])
    equal(name in json.loads(here.list()), False)
with step("validate and create"):
    created = json.loads(here.validate_and_create(name, json.dumps(sent)))
    equal((created["name"], created["type"], created["config"]), (name, "source", stored(sent)))
with step("status"):
    until(seen, all_in("RUNNING"))
with step("info, config, tasks, list"):
    equal(len(json.loads(here.info(name))["tasks"]), 3)
    equal(json.loads(there.config(name)), stored(sent))
    equal([task["id"]["task"] for task in json.loads(here.tasks(name))], [0, 1, 2])
    equal(name in json.loads(here.list()), True)
with step("topics"):
    until(lambda: json.loads(here.topics(name)), {name: {"topics": ["clients"]}})
with step("pause"):
    equal(here.pause(name), "")
    until(seen, all_in("PAUSED"))
with step("resume"):
    equal(here.resume(name), "")
    until(seen, all_in("RUNNING"))
with step("restart"):
    equal(here.restart(name), "")
    until(seen, all_in("RUNNING"))
with step("update"):
    updated = json.loads(here.create_or_update(name, json.dumps(sent | {"tasks.max": "1"})))
    equal(updated["config"]["tasks.max"], "1")
    until(seen, all_in("RUNNING", tasks=1))
with step("remove"):
    equal(here.remove(name), "")
    until(lambda: name in json.loads(there.list()), False)
    for worker in (here, there):  # its statuses go after it
        until(lambda: worker.status(name).endswith("not found."), True)
with step("what is gone is not found"):
    for call in (here.info, here.status, here.config, here.tasks, here.pause, here.resume, here.restart, here.remove):
        equal((call.__name__, call(name)[-10:]), (call.__name__, "not found."))
