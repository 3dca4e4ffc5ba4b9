import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.Callable;

/** A connector's life as a client sees it: each step prints a line, "ok" or "FAIL", and a failed one ends the life. */
final class Life {
    /** Seconds until the group of workers must have done what it was asked for. */
    static final int PATIENCE = 60;
    /** Of each connector, so that each of the three workers has one. */
    static final int TASKS = 3;

    interface Step {
        void take() throws Exception;
    }

    private final String client;
    private final String door;

    Life(String client, String door) {
        this.client = client;
        this.door = door;
    }

    void step(String what, Step step) {
        String line = client + " at the " + door + ": " + what;
        try {
            step.take();
        } catch (Exception | AssertionError failure) {
            System.out.println("FAIL " + line + ": " + failure);
            System.exit(3); // clients.sh: said already
        }
        System.out.println("ok   " + line);
    }

    /** A source that makes up a topic. */
    static Map<String, String> config(String name) {
        Map<String, String> config = new HashMap<>();
        config.put("name", name);
        config.put("connector.class", "Datagen");
        config.put("tasks.max", String.valueOf(TASKS));
        config.put("topic", "clients");
        config.put("kind", "line");
        config.put("rate", "20");
        config.put("value.converter", "org.apache.kafka.connect.storage.StringConverter");
        return config;
    }

    static <V> Map<String, V> with(Map<String, ? extends V> config, String key, V value) {
        Map<String, V> changed = new HashMap<>(config);
        changed.put(key, value);
        return changed;
    }

    /** The states of a connector and its tasks, all the same. */
    static List<String> all(String state, int tasks) {
        return new ArrayList<>(Collections.nCopies(1 + tasks, state));
    }

    static void equal(Object got, Object want) {
        if (!Objects.equals(got, want)) {
            throw new AssertionError("got " + got + ", want " + want);
        }
    }

    static void contains(String text, String part) {
        if (text == null || !text.contains(part)) {
            throw new AssertionError("\"" + part + "\" is not in \"" + text + "\"");
        }
    }

    /** Asks until the answer is the wanted one. What fails is an answer, too: a status may not be there yet. */
    static void until(Callable<Object> ask, Object want) throws InterruptedException {
        for (long began = System.nanoTime(); ; Thread.sleep(100)) {
            Object got;
            try {
                got = ask.call();
            } catch (Exception failure) {
                got = failure;
            }
            if (Objects.equals(got, want)) {
                return;
            }
            if (System.nanoTime() - began > PATIENCE * 1_000_000_000L) {
                throw new AssertionError("after " + PATIENCE + " s still " + got + ", want " + want);
            }
        }
    }

    /** The call must be refused with this exception, whose text has the part. */
    static void refused(Class<? extends Exception> want, String part, Callable<?> call) {
        Object got;
        try {
            got = call.call();
        } catch (Exception failure) {
            equal(failure.getClass(), want);
            contains(failure.getMessage(), part);
            return;
        }
        throw new AssertionError("was answered with " + got + ", want " + want.getSimpleName());
    }
}
