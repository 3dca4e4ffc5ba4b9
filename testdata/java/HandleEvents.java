import java.io.File;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.connect.integration.ConnectorHandle;
import org.apache.kafka.connect.integration.RuntimeHandles;
import org.apache.kafka.connect.integration.TaskHandle;
import org.apache.kafka.connect.sink.SinkRecord;

/**
 * An agent in the JVM of Kafka Connect's integration tests. It reads from the logs of worker processes what their
 * connectors tell (testdata/guests/integration/handle.go) and says it to the tests' handles of connectors and tasks,
 * which plugins in Java would call themselves. The property worker.dir names the folder of the logs; without it the
 * agent does nothing, because other JVMs are started with the same options.
 */
public class HandleEvents {
    public static void premain(String arguments) {
        String dir = System.getProperty("worker.dir");
        if (dir == null)
            return;
        Thread reader = new Thread(() -> new LogReader().follow(new File(dir)), "handle-events");
        reader.setDaemon(true);
        reader.start();
    }
}

/** Only the tests' JVM has the classes that this one needs. */
class LogReader {
    private static final Pattern EVENT =
        Pattern.compile("\"msg\":\"handle\\|([^|\"]*)\\|([^|\"]*)\\|([^|\"]*)\\|([^|\"]*)\"");
    private static final long LOOK_MS = 10;

    private final File[] none = {};
    private final Map<File, Long> read = new HashMap<>();
    /** A task keeps the handle that it starts with, also when the test has forgotten it since. */
    private final Map<String, TaskHandle> started = new HashMap<>();

    void follow(File dir) {
        try {
            for (; ; Thread.sleep(LOOK_MS)) {
                File[] logs = dir.listFiles((d, name) -> name.endsWith(".log"));
                for (File log : logs == null ? none : logs)
                    readOn(log);
            }
        } catch (IOException | InterruptedException e) {
            throw new IllegalStateException("the tests hear no events any more", e);
        }
    }

    /** Takes the whole lines that have come since the last look. */
    private void readOn(File log) throws IOException {
        long from = read.getOrDefault(log, 0L);
        if (log.length() <= from)
            return;
        try (RandomAccessFile file = new RandomAccessFile(log, "r")) {
            byte[] more = new byte[(int) (file.length() - from)];
            file.seek(from);
            file.readFully(more);
            String text = new String(more, StandardCharsets.ISO_8859_1); // a character is a byte; names are ASCII
            int end = text.lastIndexOf('\n') + 1;
            read.put(log, from + end);
            Matcher event = EVENT.matcher(text.substring(0, end));
            while (event.find())
                tell(log, event.group(1), RuntimeHandles.get().connectorHandle(event.group(2)), event.group(3),
                    event.group(4));
        }
    }

    private void tell(File log, String event, ConnectorHandle connector, String taskId, String what) {
        if (event.equals("connector-start")) {
            connector.recordConnectorStart();
            return;
        }
        if (event.equals("connector-stop")) {
            connector.recordConnectorStop();
            return;
        }
        String run = log + "|" + taskId;
        if (event.equals("start"))
            started.put(run, connector.taskHandle(taskId));
        TaskHandle task = started.computeIfAbsent(run, r -> connector.taskHandle(taskId));
        switch (event) {
            case "start" -> task.recordTaskStart();
            case "stop" -> task.recordTaskStop();
            case "record" -> task.record(Integer.parseInt(what));
            case "commit" -> task.commit(Integer.parseInt(what));
            case "assigned" -> task.partitionsAssigned(partitions(what));
            case "revoked" -> task.partitionsRevoked(partitions(what));
            case "committed" -> task.partitionsCommitted(partitions(what));
            case "put" -> task.record(record(what.split(":", -1)));
            default -> throw new IllegalArgumentException("a connector tells " + event);
        }
    }

    private static List<TopicPartition> partitions(String names) {
        List<TopicPartition> partitions = new ArrayList<>();
        for (String name : names.isEmpty() ? new String[0] : names.split(",")) {
            String[] parts = name.split(":");
            partitions.add(new TopicPartition(parts[0], Integer.parseInt(parts[1])));
        }
        return partitions;
    }

    private static SinkRecord record(String[] parts) {
        String value = parts[3].equals("null") ? null
            : new String(Base64.getDecoder().decode(parts[3]), StandardCharsets.UTF_8);
        return new SinkRecord(parts[0], Integer.parseInt(parts[1]), null, null, null, value, Long.parseLong(parts[2]));
    }
}
