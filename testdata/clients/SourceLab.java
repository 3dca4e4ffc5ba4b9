import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

import org.sourcelab.kafka.connect.apiclient.Configuration;
import org.sourcelab.kafka.connect.apiclient.KafkaConnectClient;
import org.sourcelab.kafka.connect.apiclient.request.dto.ConnectorDefinition;
import org.sourcelab.kafka.connect.apiclient.request.dto.ConnectorPluginConfigDefinition;
import org.sourcelab.kafka.connect.apiclient.request.dto.ConnectorPluginConfigValidationResults;
import org.sourcelab.kafka.connect.apiclient.request.dto.ConnectorStatus;
import org.sourcelab.kafka.connect.apiclient.request.dto.ConnectorsWithExpandedMetadata;
import org.sourcelab.kafka.connect.apiclient.request.dto.NewConnectorDefinition;
import org.sourcelab.kafka.connect.apiclient.request.post.PostConnectorRestart;
import org.sourcelab.kafka.connect.apiclient.rest.exceptions.ConcurrentConfigModificationException;
import org.sourcelab.kafka.connect.apiclient.rest.exceptions.InvalidRequestException;
import org.sourcelab.kafka.connect.apiclient.rest.exceptions.ResourceNotFoundException;

/**
 * SourceLab DOOR URL OTHER_URL: SourceLab's kafka-connect-client (AKHQ's) drives a connector through one worker, looks
 * at it through another.
 */
final class SourceLab {
    private final Life life;
    private final KafkaConnectClient here;
    private final KafkaConnectClient there;
    private final String name;
    private final Map<String, String> config;

    private SourceLab(String door, String url, String otherUrl) {
        life = new Life("SourceLab", door);
        here = new KafkaConnectClient(new Configuration(url));
        there = new KafkaConnectClient(new Configuration(otherUrl));
        name = "sourcelab-" + door;
        config = Life.config(name);
    }

    public static void main(String[] args) {
        SourceLab client = new SourceLab(args[0], args[1], args[2]);
        client.discover();
        client.create();
        client.read();
        client.change();
        client.restart();
        client.end();
    }

    private void discover() {
        life.step("root", () -> Life.contains(here.getConnectServerVersion().getVersion(), "."));
        life.step("plugins", () -> Life.equal(here.getConnectorPlugins().stream()
            .filter(plugin -> plugin.getClassName().equals("berth.Datagen")).map(plugin -> plugin.getType())
            .collect(Collectors.toList()), List.of("source")));
        life.step("validate", () -> {
            Life.equal(validate("Datagen", config).getErrorCount(), 0);
            ConnectorPluginConfigValidationResults found = validate("Datagen", Life.with(config, "tasks.max", "dog"));
            List<String> errors = new ArrayList<>();
            found.getConfigs().forEach(one -> errors.addAll(one.getValue().getErrors()));
            Life.equal(errors.get(0), "Invalid value dog for configuration tasks.max: Not a number of type INT");
            Life.equal(found.getErrorCount(), errors.size());
        });
        // AKHQ asks so for every plugin when it shows the page for a new connector.
        life.step("validate of every connector plugin", () -> here.getConnectorPlugins().forEach(plugin ->
            validate(plugin.getClassName(), Map.of("connector.class", plugin.getClassName(), "topics", "getPlugins"))));
    }

    private ConnectorPluginConfigValidationResults validate(String plugin, Map<String, String> config) {
        return here.validateConnectorPluginConfig(
            ConnectorPluginConfigDefinition.newBuilder().withName(plugin).withConfig(config).build());
    }

    private void create() {
        NewConnectorDefinition definition =
            NewConnectorDefinition.newBuilder().withName(name).withConfig(config).build();
        life.step("create", () -> {
            ConnectorDefinition created = here.addConnector(definition);
            Life.equal(created.getType(), "source");
            Life.equal(created.getConfig(), config);
        });
        life.step("a second one of that name is refused", () ->
            Life.refused(ConcurrentConfigModificationException.class, "Connector " + name + " already exists",
                () -> here.addConnector(definition)));
        life.step("status", () -> Life.until(this::seen, Life.all("RUNNING", Life.TASKS)));
    }

    /** The states that the other worker shows, the connector's first. */
    private List<String> seen() {
        ConnectorStatus status = there.getConnectorStatus(name);
        List<String> states = new ArrayList<>(List.of(status.getConnector().get("state")));
        status.getTasks().forEach(task -> states.add(task.getState()));
        return states;
    }

    private void read() {
        life.step("get, config, list", () -> {
            Life.equal(here.getConnector(name).getTasks().size(), Life.TASKS);
            Life.equal(here.getConnectorConfig(name), config);
            Life.equal(there.getConnectorConfig(name), config);
            Life.equal(here.getConnectors().contains(name), true);
        });
        life.step("list with info and status", () -> {
            ConnectorsWithExpandedMetadata all = here.getConnectorsWithAllExpandedMetadata();
            Life.equal(all.getDefinitionForConnector(name).getConfig(), config);
            Life.equal(all.getStatusForConnector(name).getTasks().size(), Life.TASKS);
        });
        life.step("tasks", () -> {
            Life.equal(here.getConnectorTasks(name).size(), Life.TASKS);
            for (int task = 0; task < Life.TASKS; task++) {
                Life.equal(here.getConnectorTaskStatus(name, task).getState(), "RUNNING");
            }
        });
        life.step("topics", () -> Life.until(() -> here.getConnectorTopics(name).getTopics(), List.of("clients")));
    }

    private void change() {
        life.step("pause", () -> {
            Life.equal(here.pauseConnector(name), true);
            Life.until(this::seen, Life.all("PAUSED", Life.TASKS));
        });
        life.step("topics reset", () -> {
            Life.equal(here.resetConnectorTopics(name), true);
            Life.until(() -> there.getConnectorTopics(name).getTopics(), List.of());
        });
        life.step("resume", () -> {
            Life.equal(here.resumeConnector(name), true);
            Life.until(this::seen, Life.all("RUNNING", Life.TASKS));
        });
        life.step("config update", () -> {
            Map<String, String> changed = Life.with(config, "tasks.max", "2");
            Life.equal(here.updateConnectorConfig(name, changed).getConfig(), changed);
            Life.until(() -> there.getConnectorConfig(name), changed);
            Life.until(this::seen, Life.all("RUNNING", 2));
        });
    }

    private void restart() {
        life.step("restart of the connector", () -> {
            Life.equal(here.restartConnector(name), true);
            Life.until(this::seen, Life.all("RUNNING", 2));
        });
        life.step("restart with its tasks", () -> {
            Life.equal(here.restartConnector(new PostConnectorRestart(name).withIncludeTasks(true)), true);
            Life.until(this::seen, Life.all("RUNNING", 2));
        });
        life.step("restart of each task", () -> {
            for (int task = 0; task < 2; task++) {
                Life.equal(here.restartConnectorTask(name, task), true);
            }
            Life.until(this::seen, Life.all("RUNNING", 2));
        });
    }

    private void end() {
        life.step("stop", () -> {
            Life.equal(here.stopConnector(name), true);
            Life.until(this::seen, List.of("STOPPED"));
        });
        life.step("delete", () -> {
            Life.equal(here.deleteConnector(name), true);
            Life.until(() -> there.getConnectors().contains(name), false);
            Life.until(() -> isGone(here), true); // its statuses go after it
            Life.until(() -> isGone(there), true);
        });
        life.step("what is gone is not found", () -> {
            Life.refused(ResourceNotFoundException.class, name, () -> here.getConnector(name));
            Life.refused(ResourceNotFoundException.class, name, () -> here.pauseConnector(name));
            Life.refused(ResourceNotFoundException.class, name, () -> here.deleteConnector(name));
        });
        life.step("a bad configuration is refused", () -> Life.refused(InvalidRequestException.class,
            "Invalid value dog for configuration tasks.max: Not a number of type INT",
            () -> here.updateConnectorConfig(name, Life.with(config, "tasks.max", "dog"))));
    }

    private boolean isGone(KafkaConnectClient client) {
        try {
            client.getConnectorStatus(name);
            return false;
        } catch (ResourceNotFoundException gone) {
            return true;
        }
    }
}
