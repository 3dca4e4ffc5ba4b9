import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;

/**
 * Records what java.util.regex makes of patterns, for modules/stock/src/java_regex/recorded.tsv. Reads lines of a
 * pattern, a text and a replacement, with tabs between, and writes them with what the JDK answers: the message if the pattern is
 * none, else groups of the match of the whole text and of the first match, and the text with the first and with all
 * matches replaced. A group is its start and length in code points, or - if it matched nothing; no match is an empty
 * column. What is not printable ASCII is written as \\u{hex}. Columns beyond the third are ignored when read:
 * <pre>
 * java testdata/java/RegexRecorder.java &lt;recorded.tsv
 * </pre>
 */
public class RegexRecorder {
    public static void main(String[] args) throws IOException {
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        PrintStream out = new PrintStream(System.out, false, StandardCharsets.UTF_8);
        for (String line; (line = in.readLine()) != null;) {
            String[] columns = line.split("\t", -1);
            out.print(columns[0] + "\t" + columns[1] + "\t" + columns[2]);
            for (String answer : answers(unescaped(columns[0]), unescaped(columns[1]), unescaped(columns[2]))) {
                out.print("\t" + escaped(answer));
            }
            out.print("\n");
        }
        out.flush();
    }

    private static String[] answers(String pattern, String text, String replacement) {
        Pattern compiled;
        try {
            compiled = Pattern.compile(pattern);
        } catch (PatternSyntaxException e) {
            return new String[] {e.getMessage()};
        }
        Matcher whole = compiled.matcher(text);
        Matcher first = compiled.matcher(text);
        return new String[] {
            whole.matches() ? groups(whole, text) : "",
            first.find() ? groups(first, text) : "",
            replaced(compiled.matcher(text), replacement, true),
            replaced(compiled.matcher(text), replacement, false),
        };
    }

    private static String groups(Matcher matcher, String text) {
        StringBuilder out = new StringBuilder();
        for (int group = 0; group <= matcher.groupCount(); group++) {
            int start = matcher.start(group);
            out.append(group == 0 ? "" : " ");
            out.append(start < 0 ? "-" : text.codePointCount(0, start) + "+"
                    + text.codePointCount(start, matcher.end(group)));
        }
        return out.toString();
    }

    private static String replaced(Matcher matcher, String replacement, boolean first) {
        try {
            return first ? matcher.replaceFirst(replacement) : matcher.replaceAll(replacement);
        } catch (IllegalArgumentException | IndexOutOfBoundsException e) {
            return e.getClass().getName() + ": " + e.getMessage();
        }
    }

    private static final Pattern ESCAPE = Pattern.compile("\\\\u\\{([0-9a-f]+)}");

    private static String unescaped(String column) {
        return ESCAPE.matcher(column).replaceAll(found -> {
            int c = Integer.parseInt(found.group(1), 16);
            return Matcher.quoteReplacement(Character.toString(c));
        });
    }

    private static String escaped(String answer) {
        StringBuilder out = new StringBuilder();
        answer.codePoints().forEach(c -> {
            if (c < ' ' || c > '~') {
                out.append("\\u{").append(Integer.toHexString(c)).append('}');
            } else {
                out.append((char) c);
            }
        });
        return out.toString();
    }
}
