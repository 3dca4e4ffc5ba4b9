"""kc.py DOOR URL OTHER_URL: kafka-connect-py drives a connector through one worker, looks at it through another."""

import logging
import subprocess
import sys

from kafka_connect import KafkaConnect

from life import all_in, code_of, config, equal, refused, states, until
from life import step as step_of

logging.disable()  # it logs what it also raises
door, url, other_url = sys.argv[1:]
here, there = KafkaConnect(url), KafkaConnect(other_url)
name = f"kc-{door}"
sent = config(name)


def step(what):
    return step_of("kafka-connect-py", door, what)


def seen():
    return states(there.get_connector_status(name))


with step("root"):
    root = here.get_cluster_info()
    equal(sorted(root), ["commit", "kafka_cluster_id", "version"])
    equal([part.isdigit() for part in root["version"].split(".")], [True] * 3)
with step("plugins"):
    plugins = {plugin["class"]: plugin for plugin in here.list_connector_plugins()}
    equal((plugins["berth.Datagen"]["type"], bool(plugins["berth.Datagen"]["version"])), ("source", True))
with step("validate"):
    equal(here.validate_connector_config("Datagen", sent)["error_count"], 0)
    found = here.validate_connector_config("Datagen", sent | {"tasks.max": "dog"})
    errors = {one["value"]["name"]: one["value"]["errors"] for one in found["configs"] if one["value"]["errors"] != []}
    equal(list(errors), ["tasks.max"])
    equal(errors["tasks.max"][0], "Invalid value dog for configuration tasks.max: Not a number of type INT")
    equal(found["error_count"], len(errors["tasks.max"]))
with step("validate with a body that is no object"):
    command = ["kc", "--url", url, "validate-config", "Datagen", "-d", "{}"]  # it sends the object as a string
    said = subprocess.run(command, capture_output=True, text=True)
    if "500 Server Error" not in said.stdout:
        raise AssertionError(said)
with step("create"):
    created = here.create_connector({"name": name, "config": sent})
    equal((created["name"], created["type"], created["config"]), (name, "source", sent | {"tasks.max": "3"}))
with step("a second one of that name is refused"):
    refused(lambda: here.create_connector({"name": name, "config": sent}), "409", f"Connector {name} already exists")
with step("status: a task at each worker"):
    until(seen, all_in("RUNNING"))
    until(lambda: len({task["worker_id"] for task in there.get_connector_status(name)["tasks"]}), 3)
with step("get, list"):
    equal(here.get_connector(name)["tasks"], [{"connector": name, "task": i} for i in range(3)])
    equal(here.get_connector_config(name), there.get_connector_config(name))
    equal(here.get_connector_config(name), sent | {"tasks.max": "3"})
    equal(name in here.list_connectors(), True)
    equal(here.list_connectors(expand="info", pattern=name)[name]["info"]["type"], "source")
    equal(list(here.list_connectors(expand="status", pattern=name, state="running")), [name])
with step("tasks"):
    equal([task["id"] for task in here.list_connector_tasks(name)], [{"connector": name, "task": i} for i in range(3)])
    for i in range(3):
        status = here.get_connector_task_status(name, i)
        equal((status["id"], status["state"]), (i, "RUNNING"))
with step("topics"):
    until(lambda: here.list_connector_topics(name), {name: {"topics": ["clients"]}})
with step("pause"):
    here.pause_connector(name)
    until(seen, all_in("PAUSED"))
with step("topics reset"):
    here.reset_connector_topics(name)
    until(lambda: there.list_connector_topics(name), {name: {"topics": []}})
with step("resume"):
    here.resume_connector(name)
    until(seen, all_in("RUNNING"))
with step("restart of the connector"):
    equal(here.restart_connector(name), None)
    until(seen, all_in("RUNNING"))
with step("restart with its tasks"):
    equal(states(here.restart_connector(name, include_tasks=True)), all_in("RESTARTING"))
    until(seen, all_in("RUNNING"))
with step("restart of each task"):
    for i in range(3):
        here.restart_connector_task(name, i)
    until(seen, all_in("RUNNING"))
with step("config update"):
    updated = here.update_connector(name, sent | {"tasks.max": 2})
    equal(updated["config"]["tasks.max"], "2")
    until(lambda: there.get_connector_config(name), sent | {"tasks.max": "2"})
    until(seen, all_in("RUNNING", tasks=2))
with step("stop"):
    here.stop_connector(name)
    until(seen, ["STOPPED"])
with step("delete"):
    here.delete_connector(name)
    until(lambda: name in there.list_connectors(), False)
    for worker in (here, there):  # its statuses go after it
        until(lambda: code_of(lambda: worker.get_connector_status(name)), 404)
with step("what is gone is not found"):
    for call in (here.get_connector, here.get_connector_status, here.restart_connector, here.pause_connector,
                 here.stop_connector, here.delete_connector, there.get_connector):
        refused(lambda: call(name), "404")
    refused(lambda: here.get_connector_task_status(name, 0), "404", f"No status found for task {name}-0")
with step("a class that is not there is refused"):
    refused(lambda: here.update_connector(name, sent | {"connector.class": "Nowhere"}), "400",
            "Failed to find any class that implements Connector and which name matches Nowhere")
