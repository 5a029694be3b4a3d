import java.sql.DriverManager;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/** Asks through a pooler: three connections of pgjdbc at once, the same statement again and again on each. */
class Pooled {
    static List<Integer> ask(int client) {
        // By itself pgjdbc prepares a statement when it is run for the fifth time.
        var url = System.getenv("STORY_DSN") + ("yes".equals(System.getenv("STORY_PREPARES")) ? "" : "&prepareThreshold=0");
        try (var connection = DriverManager.getConnection(url);
             var statement = connection.prepareStatement("SELECT " + client + " * 1000 + ?::int")) {
            var found = new java.util.ArrayList<Integer>();
            for (int number = 0; number < 12; number++) {
                statement.setInt(1, number);
                try (var rows = statement.executeQuery()) {
                    rows.next();
                    found.add(rows.getInt(1));
                }
            }
            return found;
        } catch (java.sql.SQLException error) {
            throw new RuntimeException(error);
        }
    }

    public static void main(String[] arguments) {
        var found = IntStream.range(0, 3).parallel().mapToObj(Pooled::ask).map(List::toString);
        System.out.println("[" + found.collect(Collectors.joining(",")) + "]");
    }
}
