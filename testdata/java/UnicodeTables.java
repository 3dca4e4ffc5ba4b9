import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.lang.Character.UnicodeBlock;
import java.lang.Character.UnicodeScript;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.IntPredicate;
import java.util.function.IntUnaryOperator;

/**
 * Writes what a JDK says of the characters of Unicode, for modules/stock/src/java_regex/unicode.rs, which documents the
 * format. Run it with the newest JDK that Berth follows:
 * <pre>
 * java --add-opens java.base/java.lang=ALL-UNNAMED testdata/java/UnicodeTables.java \
 *     modules/stock/src/java_regex/unicode.bin
 * </pre>
 */
public class UnicodeTables {
    private static final int LAST = Character.MAX_CODE_POINT;

    private final ByteArrayOutputStream out = new ByteArrayOutputStream();

    public static void main(String[] args) throws Exception {
        UnicodeTables tables = new UnicodeTables();
        tables.categories();
        tables.scripts();
        tables.blocks();
        List<IntPredicate> sets = List.of(Character::isIdeographic, Character::isMirrored, Character::isEmoji,
                Character::isEmojiPresentation, Character::isEmojiModifier, Character::isEmojiModifierBase,
                Character::isEmojiComponent, Character::isExtendedPictographic, Character::isAlphabetic,
                Character::isLowerCase, Character::isUpperCase, Character::isUnicodeIdentifierStart,
                Character::isUnicodeIdentifierPart);
        for (IntPredicate set : sets) {
            tables.runs(c -> set.test(c) ? 1 : 0);
        }
        Files.write(Path.of(args[0]), tables.out.toByteArray());
    }

    private void categories() throws IOException {
        runs(Character::getType);
    }

    /** The scripts in the order of the enumeration; a line holds the names of one. */
    private void scripts() throws IOException {
        Map<String, UnicodeScript> aliases = privateMap(UnicodeScript.class, "aliases");
        StringBuilder names = new StringBuilder();
        for (UnicodeScript script : UnicodeScript.values()) {
            names.append(script.name());
            aliases.forEach((alias, of) -> names.append(of == script ? " " + alias : ""));
            names.append('\n');
        }
        runs(c -> UnicodeScript.of(c).ordinal());
        section(names.toString().getBytes(StandardCharsets.US_ASCII));
    }

    /**
     * The blocks in the order of their first character, from 1. A line holds the name with blanks (the forms without
     * blanks and with underscores are derived from it) and other names after a comma.
     */
    private void blocks() throws IOException {
        Map<String, UnicodeBlock> byName = privateMap(UnicodeBlock.class, "map");
        List<UnicodeBlock> blocks = new ArrayList<>();
        for (int c = 0; c <= LAST; c++) {
            UnicodeBlock block = UnicodeBlock.of(c);
            if (block != null && !blocks.contains(block)) {
                blocks.add(block);
            }
        }
        StringBuilder names = new StringBuilder();
        for (UnicodeBlock block : blocks) {
            Set<String> left = new TreeSet<>();
            byName.forEach((name, of) -> {
                if (of == block) {
                    left.add(name);
                }
            });
            String spaced = left.stream().max((a, b) -> rank(a) - rank(b)).orElseThrow();
            left.removeAll(List.of(spaced, spaced.replace(" ", ""), spaced.replaceAll("[ -]", "_")));
            names.append(spaced);
            left.forEach(name -> names.append(',').append(name));
            names.append('\n');
        }
        runs(c -> blocks.indexOf(UnicodeBlock.of(c)) + 1);
        section(names.toString().getBytes(StandardCharsets.US_ASCII));
    }

    /** Prefers the form with blanks and hyphens, then the longest. */
    private static int rank(String name) {
        int marks = (int) name.chars().filter(c -> c == ' ').count();
        return marks * 1000 + (int) name.chars().filter(c -> c == '-').count() * 100 + name.length()
                - (name.indexOf('_') >= 0 ? 50 : 0);
    }

    /** Runs of characters with one value: the length, then the value. */
    private void runs(IntUnaryOperator valueOf) throws IOException {
        ByteArrayOutputStream runs = new ByteArrayOutputStream();
        int start = 0;
        for (int c = 1; c <= LAST + 1; c++) {
            if (c > LAST || valueOf.applyAsInt(c) != valueOf.applyAsInt(start)) {
                number(runs, c - start);
                number(runs, valueOf.applyAsInt(start));
                start = c;
            }
        }
        section(runs.toByteArray());
    }

    private void section(byte[] bytes) throws IOException {
        number(out, bytes.length);
        out.write(bytes);
    }

    /** Seven bits a byte, the low ones first; the high bit says that more follow. */
    private static void number(ByteArrayOutputStream out, int n) {
        while (n >= 128) {
            out.write(n & 127 | 128);
            n >>= 7;
        }
        out.write(n);
    }

    @SuppressWarnings("unchecked")
    private static <T> Map<String, T> privateMap(Class<?> of, String name) {
        try {
            var field = of.getDeclaredField(name);
            field.setAccessible(true);
            return (Map<String, T>) field.get(null);
        } catch (ReflectiveOperationException e) {
            throw new IllegalStateException("this JDK keeps the names of " + of + " elsewhere", e);
        }
    }
}
