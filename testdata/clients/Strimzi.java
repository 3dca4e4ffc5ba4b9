import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;

/**
 * Strimzi DOOR URL OTHER_URL: the requests of Strimzi's cluster operator through one worker, by the HTTP client that it
 * uses (with its offer of HTTP/2), with the codes and members that it insists on. The name is one of MirrorMaker 2, of
 * which the operator escapes the arrow alone.
 */
final class Strimzi {
    private static final ObjectMapper JSON = new ObjectMapper();
    /** How often the operator asks again after 409; it waits 200 ms, then twice that, and so on. */
    private static final int CONFLICTS = 6;

    private final HttpClient client = HttpClient.newBuilder().followRedirects(HttpClient.Redirect.NORMAL).build();
    private final Life life;
    private final String url;
    private final String otherUrl;
    private final String name;
    private final String path;
    private final Map<String, String> config;

    private Strimzi(String door, String url, String otherUrl) {
        life = new Life("Strimzi's requests", door);
        this.url = url;
        this.otherUrl = otherUrl;
        name = "strimzi->" + door + ".Datagen";
        path = "/connectors/" + name.replace("->", "%2D%3E");
        config = Life.config(name);
    }

    public static void main(String[] args) {
        Strimzi operator = new Strimzi(args[0], args[1], args[2]);
        operator.discover();
        operator.create();
        operator.reconcile();
        operator.restart();
        operator.offsets();
        operator.refuse();
        operator.end();
    }

    /** An answer: its code and body. */
    private record Answer(int code, JsonNode body) { }

    private Answer call(String at, String method, String path, Object body) throws IOException, InterruptedException {
        HttpRequest.Builder request = HttpRequest.newBuilder(URI.create(at + path));
        request.header("Accept", "application/json");
        if (body != null) {
            request.header("Content-Type", "application/json");
        }
        request.method(method, body == null ? HttpRequest.BodyPublishers.noBody()
            : HttpRequest.BodyPublishers.ofString(JSON.writeValueAsString(body)));
        for (int conflict = 0; ; conflict++) {
            HttpResponse<String> response = client.send(request.build(), HttpResponse.BodyHandlers.ofString());
            if (response.statusCode() == 409 && conflict < CONFLICTS) {
                Thread.sleep(200L << conflict);
                continue;
            }
            return new Answer(response.statusCode(), response.body().isEmpty() ? null : JSON.readTree(response.body()));
        }
    }

    /** A call that must have this code. */
    private JsonNode expect(int code, String method, String path, Object body)
            throws IOException, InterruptedException {
        Answer answer = call(url, method, path, body);
        if (answer.code != code) {
            throw new AssertionError(method + " " + path + ": " + answer + ", want " + code);
        }
        return answer.body;
    }

    /** A call that must be refused with this code, which the body repeats, and text. */
    private void refused(int code, String text, String method, String path, Object body) throws Exception {
        JsonNode error = expect(code, method, path, body);
        Life.equal(error.get("error_code").asInt(), code);
        Life.contains(error.get("message").asText(), text);
    }

    private void discover() {
        life.step("health", () -> Life.equal(expect(200, "GET", "/health", null).get("status").asText(), "healthy"));
        life.step("plugins", () -> {
            for (JsonNode plugin : expect(200, "GET", "/connector-plugins", null)) {
                Life.equal(Set.of("source", "sink").contains(plugin.get("type").asText()), true);
                Life.equal(plugin.get("class").isTextual() && plugin.get("version").isTextual(), true);
            }
        });
        life.step("list", () ->
            expect(200, "GET", "/connectors", null).forEach(one -> Life.equal(one.isTextual(), true)));
        life.step("loggers", () -> {
            Life.equal(expect(200, "GET", "/admin/loggers/", null).get("root").get("level").isTextual(), true);
            expect(204, "PUT", "/admin/loggers/root?scope=cluster", Map.of("level", "INFO"));
        });
    }

    private void create() {
        life.step("no config yet", () ->
            refused(404, "Connector " + name + " not found", "GET", path + "/config", null));
        life.step("create, paused from the first moment", () -> {
            Map<String, Object> body = new HashMap<>(Map.of("name", name, "initial_state", "PAUSED"));
            body.put("config", Life.with(config, "tasks.max", (Object) Life.TASKS));
            Life.equal(stringsOf(expect(201, "POST", "/connectors", body).get("config")), config);
            Life.until(this::seen, List.of("PAUSED")); // it gets tasks when it runs
        });
        life.step("resume", () -> {
            expect(202, "PUT", path + "/resume", null);
            Life.until(this::seen, Life.all("RUNNING", Life.TASKS));
        });
    }

    /** The states that the other worker shows, the connector's first. */
    private List<String> seen() throws IOException, InterruptedException {
        Answer answer = call(otherUrl, "GET", path + "/status", null);
        List<String> states = new ArrayList<>(List.of(answer.body.at("/connector/state").asText()));
        answer.body.path("tasks").forEach(task -> states.add(task.get("state").asText()));
        return states;
    }

    private static Map<String, String> stringsOf(JsonNode object) {
        Map<String, String> strings = new HashMap<>();
        object.fields().forEachRemaining(member -> {
            Life.equal(member.getValue().isTextual(), true);
            strings.put(member.getKey(), member.getValue().asText());
        });
        return strings;
    }

    private void reconcile() {
        // The operator writes again, with a restart, what is not letter by letter what it has sent.
        life.step("the config is what was sent", () ->
            Life.equal(stringsOf(expect(200, "GET", path + "/config", null)), config));
        life.step("config update", () -> {
            Map<String, String> changed = Life.with(config, "rate", "30");
            Map<String, Object> sent = Life.with(changed, "tasks.max", Life.TASKS);
            JsonNode answer = expect(200, "PUT", path + "/config", sent);
            Life.equal(stringsOf(answer.get("config")), changed);
            Life.until(() -> stringsOf(call(otherUrl, "GET", path + "/config", null).body), changed);
            Life.until(this::seen, Life.all("RUNNING", Life.TASKS));
        });
        life.step("pause", () -> {
            expect(202, "PUT", path + "/pause", null);
            Life.until(this::seen, Life.all("PAUSED", Life.TASKS));
            expect(202, "PUT", path + "/resume", null);
            Life.until(this::seen, Life.all("RUNNING", Life.TASKS));
        });
        life.step("topics", () -> Life.until(() -> expect(200, "GET", path + "/topics", null),
            JSON.valueToTree(Map.of(name, Map.of("topics", List.of("clients"))))));
    }

    private void restart() {
        life.step("restart with its tasks", () -> {
            JsonNode status = expect(202, "POST", path + "/restart?includeTasks=true&onlyFailed=false", null);
            Life.equal(status.at("/connector/state").asText(), "RESTARTING");
            Life.until(this::seen, Life.all("RUNNING", Life.TASKS));
        });
        life.step("restart of what has failed: nothing", () -> {
            JsonNode status = expect(202, "POST", path + "/restart?includeTasks=true&onlyFailed=true", null);
            Life.equal(status.at("/connector/state").asText(), "RUNNING");
        });
        life.step("restart of the connector", () -> {
            Life.equal(expect(204, "POST", path + "/restart?includeTasks=false&onlyFailed=false", null), null);
            Life.until(this::seen, Life.all("RUNNING", Life.TASKS));
        });
        life.step("restart of each task", () -> {
            for (int task = 0; task < Life.TASKS; task++) {
                expect(204, "POST", path + "/tasks/" + task + "/restart", null);
            }
            Life.until(this::seen, Life.all("RUNNING", Life.TASKS));
        });
    }

    private void offsets() {
        life.step("offsets of a running connector are refused", () ->
            refused(400, "Connectors must be in the STOPPED state before their offsets can be modified.", "DELETE",
                path + "/offsets", null));
        life.step("stop", () -> {
            expect(204, "PUT", path + "/stop", null);
            Life.until(this::seen, List.of("STOPPED"));
        });
        life.step("offsets", () ->
            Life.equal(expect(200, "GET", path + "/offsets", null).get("offsets").size(), Life.TASKS));
        life.step("alter offsets", () -> {
            JsonNode one = expect(200, "GET", path + "/offsets", null).get("offsets").get(0);
            Map<String, ?> wanted = Map.of("partition", one.get("partition"), "offset", Map.of("index", 7));
            JsonNode answer = expect(200, "PATCH", path + "/offsets", Map.of("offsets", List.of(wanted)));
            Life.contains(answer.get("message").asText(),
                "offsets for this connector have been altered successfully");
            List<JsonNode> found = new ArrayList<>();
            expect(200, "GET", path + "/offsets", null).get("offsets").forEach(found::add);
            Life.equal(found.contains(JSON.valueToTree(wanted)), true);
        });
        life.step("reset offsets", () -> {
            Life.contains(expect(200, "DELETE", path + "/offsets", null).get("message").asText(),
                "offsets for this connector have been reset successfully");
            Life.equal(expect(200, "GET", path + "/offsets", null).get("offsets").size(), 0);
        });
    }

    private void refuse() {
        life.step("errors", () -> {
            refused(400, "Failed to find any class that implements Connector and which name matches Nowhere", "PUT",
                "/connectors/other/config", Map.of("connector.class", "Nowhere", "tasks.max", 1));
            refused(400, "Invalid value dog for configuration tasks.max: Not a number of type INT", "PUT",
                "/connectors/other/config", Map.of("connector.class", "FileStreamSource", "tasks.max", "dog",
                    "topic", "clients", "file", "unread"));
            refused(404, "Connector never-existed not found", "DELETE", "/connectors/never-existed", null);
            refused(404, "HTTP 404 Not Found", "GET", "/nothing", null);
        });
    }

    private void end() {
        life.step("delete", () -> {
            expect(204, "DELETE", path, null);
            Life.until(() -> call(url, "GET", path + "/status", null).code, 404);
            Life.until(() -> call(otherUrl, "GET", path + "/status", null).code, 404);
        });
    }
}
