import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Date;
import java.util.List;
import java.util.Map;
import org.apache.kafka.common.config.ConfigDef;
import org.apache.kafka.connect.connector.Task;
import org.apache.kafka.connect.data.Decimal;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.data.SchemaBuilder;
import org.apache.kafka.connect.data.Struct;
import org.apache.kafka.connect.data.Timestamp;
import org.apache.kafka.connect.source.SourceConnector;
import org.apache.kafka.connect.source.SourceRecord;
import org.apache.kafka.connect.source.SourceTask;

/** The JVM worker's source of P4: rows that depend on their number alone; what repeats every 1,000 rows is made once. */
public class RowSource extends SourceConnector {
    private Map<String, String> config;

    @Override public String version() { return "1"; }
    @Override public ConfigDef config() { return new ConfigDef(); }
    @Override public Class<? extends Task> taskClass() { return RowSourceTask.class; }
    @Override public void start(Map<String, String> props) { config = props; }
    @Override public void stop() { }

    @Override public List<Map<String, String>> taskConfigs(int maxTasks) { return List.of(config); }

    public static class RowSourceTask extends SourceTask {
        private static final int PERIOD = 1000;
        private static final int BATCH = 2000;
        private static final String[] WORDS =
            {"amber", "anchor", "april", "arrow", "autumn", "basin", "beacon", "birch"};
        private static final Schema ADDRESS = SchemaBuilder.struct().name("bench.Address")
            .field("street", Schema.STRING_SCHEMA).field("city", Schema.STRING_SCHEMA)
            .field("zip", Schema.INT32_SCHEMA).build();
        private static final Schema ROW = SchemaBuilder.struct().name("bench.Row").version(1)
            .field("id", Schema.INT64_SCHEMA).field("name", Schema.STRING_SCHEMA)
            .field("active", Schema.BOOLEAN_SCHEMA).field("qty", Schema.INT32_SCHEMA)
            .field("ratio", Schema.FLOAT64_SCHEMA).field("price", Decimal.schema(2))
            .field("created", Timestamp.SCHEMA).field("note", Schema.OPTIONAL_STRING_SCHEMA)
            .field("tags", SchemaBuilder.array(Schema.STRING_SCHEMA).build()).field("address", ADDRESS).build();
        private static final Map<String, String> PARTITION = Collections.singletonMap("source", "struct");

        private final String[] names = new String[PERIOD];
        private final String[] notes = new String[PERIOD];
        private final BigDecimal[] prices = new BigDecimal[PERIOD];
        private final List<List<String>> tags = new ArrayList<>();
        private final Struct[] addresses = new Struct[PERIOD];
        private String topic;
        private long records;
        private long next;

        @Override public String version() { return "1"; }
        @Override public void stop() { }

        @Override public void start(Map<String, String> props) {
            topic = props.get("topic");
            records = Long.parseLong(props.get("records"));
            Map<String, Object> stored = context.offsetStorageReader().offset(PARTITION);
            next = stored == null ? 0 : (Long) stored.get("next");
            for (int p = 0; p < PERIOD; p++) {
                names[p] = WORDS[p & 7] + " " + WORDS[(p >> 3) & 7];
                notes[p] = "note " + names[p];
                prices[p] = new BigDecimal(BigInteger.valueOf(100 + 7919L * p), 2);
                tags.add(List.of(WORDS[(p >> 1) & 7], WORDS[(p >> 4) & 7]));
                addresses[p] = new Struct(ADDRESS).put("street", WORDS[(p >> 2) & 7] + " street " + p)
                    .put("city", WORDS[(p >> 5) & 7]).put("zip", 10_000 + p);
            }
        }

        @Override public List<SourceRecord> poll() throws InterruptedException {
            if (next >= records) {
                Thread.sleep(100);
                return null;
            }
            List<SourceRecord> batch = new ArrayList<>(BATCH);
            for (; batch.size() < BATCH && next < records; next++) {
                batch.add(new SourceRecord(PARTITION, Collections.singletonMap("next", next + 1), topic, null, null,
                    null, ROW, row(next), 1_700_000_000_000L + next));
            }
            return batch;
        }

        private Struct row(long i) {
            int p = (int) (i % PERIOD);
            return new Struct(ROW).put("id", i).put("name", names[p]).put("active", i % 2 == 0)
                .put("qty", (int) (i % 97)).put("ratio", (i % 1000) / 8.0).put("price", prices[p])
                .put("created", new Date(1_700_000_000_000L + 7 * i)).put("note", i % 3 == 0 ? null : notes[p])
                .put("tags", tags.get(p)).put("address", addresses[p]);
        }
    }
}
