import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.apache.kafka.connect.json.JsonConverter;
import org.apache.kafka.connect.runtime.standalone.StandaloneConfig;
import org.apache.kafka.connect.storage.FileOffsetBackingStore;

/**
 * Kafka Connect's own store of a standalone worker's offset file, for cluster/javamap. With "write FILE" it puts the lines
 * that it reads, a key, a tab and a value ("null" is null), into the file; with "read FILE" it prints those of the
 * keys it reads. It needs the jars of connect-runtime and connect-json 4.1.1:
 * <pre>
 * printf '["c",{"filename":"f"}]\t{"position":1}\n' | java -cp 'JARS/*' testdata/java/OffsetFile.java write one.bin
 * </pre>
 */
public class OffsetFile {
    public static void main(String[] args) throws Exception {
        JsonConverter converter = new JsonConverter();
        converter.configure(Map.of("schemas.enable", "false"), true);
        FileOffsetBackingStore store = new FileOffsetBackingStore(converter);
        String json = JsonConverter.class.getName();
        store.configure(new StandaloneConfig(Map.of("key.converter", json, "value.converter", json,
            StandaloneConfig.OFFSET_STORAGE_FILE_FILENAME_CONFIG, args[1])));
        store.start();
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        Map<ByteBuffer, ByteBuffer> entries = new HashMap<>();
        for (String line; (line = in.readLine()) != null;) {
            String[] columns = line.split("\t");
            entries.put(bytes(columns[0]), columns.length < 2 ? null : bytes(columns[1]));
        }
        if (args[0].equals("write")) {
            store.set(entries, null).get();
        } else {
            Map<String, String> found = new TreeMap<>();
            store.get(Set.copyOf(entries.keySet())).get().forEach((key, value) -> found.put(text(key), text(value)));
            found.forEach((key, value) -> System.out.println(key + "\t" + value));
        }
        store.stop();
    }

    private static ByteBuffer bytes(String text) {
        return text.equals("null") ? null : ByteBuffer.wrap(text.getBytes(StandardCharsets.UTF_8));
    }

    private static String text(ByteBuffer bytes) {
        return bytes == null ? "null" : new String(bytes.array(), StandardCharsets.UTF_8);
    }
}
