import java.util.Collection;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import org.apache.kafka.common.config.ConfigDef;
import org.apache.kafka.connect.connector.Task;
import org.apache.kafka.connect.sink.SinkConnector;
import org.apache.kafka.connect.sink.SinkRecord;
import org.apache.kafka.connect.sink.SinkTask;

/** The JVM worker's null sink: counts the records of each put and does nothing else. */
public class NullSink extends SinkConnector {
    private Map<String, String> config;

    @Override public String version() { return "1"; }
    @Override public ConfigDef config() { return new ConfigDef(); }
    @Override public Class<? extends Task> taskClass() { return NullSinkTask.class; }
    @Override public void start(Map<String, String> props) { config = props; }
    @Override public void stop() { }

    @Override public List<Map<String, String>> taskConfigs(int maxTasks) {
        return Collections.nCopies(maxTasks, config);
    }

    public static class NullSinkTask extends SinkTask {
        private long records;

        @Override public String version() { return "1"; }
        @Override public void start(Map<String, String> props) { }
        @Override public void put(Collection<SinkRecord> batch) { records += batch.size(); }
        @Override public void stop() { }
    }
}
