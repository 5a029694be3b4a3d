// The story of test_drivers.py with pgjdbc. JSON is text in it, and text out of it.
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.sql.PreparedStatement;
import java.sql.Types;
import java.util.ArrayList;
import java.util.List;
import org.postgresql.PGConnection;
import org.postgresql.PGNotification;
import org.postgresql.util.PSQLException;

public class Pgjdbc {
    // A text parameter becomes jsonb, uuid or xid8 by a cast.
    static final String APPEND = "SELECT event_version FROM event_store.append_events('Driver', ?::uuid, ?, ?::jsonb)";
    static final String PAGE = "SELECT transaction_id::text, global_position::text FROM event_store.read_feed("
        + "?::xid8, ?::bigint, 1) WHERE event_id IS NOT NULL";
    static final String FEED = "SELECT event_store.cursor_of(e) FROM event_store.read_feed_after(?, 1) e";
    static final String BACK = "SELECT event_store.cursor_of(e) FROM event_store.get_events_in_time_range_backward("
        + "'-infinity', 'infinity', 1, before => ?) e";
    static final String EVENTS = "[{\"event_type\": \"DriverTried\", \"event_data\": {\"value\": \"10.5\", \"list\": [1, null]}},"
        + "{\"event_type\": \"DriverTried\", \"event_data\": {\"value\": \"é\\u2028\\n\", \"list\": [1, null]}}]";

    static String text(String value) {
        return "\"" + value.replace("\\", "\\\\").replace("\"", "\\\"") + "\"";
    }

    static String one(Connection connection, String sql, Object... parameters) throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(sql)) {
            for (int i = 0; i < parameters.length; i++) {
                if (parameters[i] == null) {
                    statement.setNull(i + 1, Types.NULL);
                } else {
                    statement.setObject(i + 1, parameters[i]);
                }
            }
            try (ResultSet rows = statement.executeQuery()) {
                rows.next();
                return rows.getString(1);
            }
        }
    }

    static String pages(Connection connection, String sql, int count) throws SQLException {
        List<String> cursors = new ArrayList<>();
        String last = null;
        for (int i = 0; i < count; i++) {
            last = one(connection, sql, last);
            cursors.add(text(last));
        }
        return "[" + String.join(", ", cursors) + "]";
    }

    static String hear(Connection listener, Connection connection, String channel, String payload) throws SQLException {
        try (Statement listen = listener.createStatement()) {
            listen.execute("LISTEN " + channel);
        }
        one(connection, "SELECT pg_notify(?, ?)", channel, payload);
        while (true) {
            for (PGNotification heard : listener.unwrap(PGConnection.class).getNotifications(10_000)) {
                if (heard.getName().equals(channel)) {
                    return text(heard.getParameter());
                }
            }
        }
    }

    public static void main(String[] arguments) throws Exception {
        String url = System.getenv("STORY_DSN"), aggregate = System.getenv("STORY_AGGREGATE");
        List<String> told = new ArrayList<>();
        try (Connection other = DriverManager.getConnection(url)) {
            Connection connection = DriverManager.getConnection(url);
            boolean tls = one(connection, "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()").equals("t");
            told.add("\"tls\": " + tls);
            told.add("\"appended\": " + one(connection, APPEND, aggregate, 0, EVENTS));
            told.add("\"read\": " + one(connection,
                "SELECT json_agg(event_data) FROM event_store.get_events('Driver', ?::uuid)", aggregate));
            try {
                one(connection, APPEND, aggregate, 0, EVENTS);
            } catch (PSQLException error) {
                var server = error.getServerErrorMessage();
                told.add("\"error\": [" + text(error.getSQLState()) + ", " + text(server.getDetail()) + ", "
                    + (server.getHint() != null) + "]");
            }
            told.add("\"without_version\": " + one(connection, APPEND, aggregate, null, EVENTS));

            List<String> cursors = new ArrayList<>();
            String transaction = "0", position = "0";
            try (PreparedStatement page = connection.prepareStatement(PAGE)) {
                for (int i = 0; i < 2; i++) {
                    page.setString(1, transaction);
                    page.setString(2, position);
                    ResultSet rows = page.executeQuery();
                    rows.next();
                    transaction = rows.getString(1);
                    position = rows.getString(2);
                    cursors.add("[" + text(transaction) + ", " + text(position) + "]");
                }
            }
            told.add("\"cursors\": [" + String.join(", ", cursors) + "]");

            told.add("\"feed\": " + pages(connection, FEED, 2));
            told.add("\"back\": " + pages(connection, BACK, 4));

            told.add("\"heard\": " + hear(other, connection, "event_store", "12,34"));
            told.add("\"heard_cursor\": "
                + hear(other, connection, "event_store_cursor", "a12.34." + "0".repeat(32) + "."));

            one(other, "SELECT pg_terminate_backend(?)", Integer.parseInt(one(connection, "SELECT pg_backend_pid()")));
            List<String> outcomes = new ArrayList<>();
            for (int i = 0; i < 2; i++) {
                try {
                    one(connection, "SELECT 1");
                    outcomes.add(text("fine"));
                } catch (SQLException error) {
                    outcomes.add(text(error.getSQLState()));
                    connection = DriverManager.getConnection(url); // What a pool does.
                }
            }
            told.add("\"after_loss\": [" + String.join(", ", outcomes) + "]");
            connection.close();
        }
        System.out.println("{" + String.join(", ", told) + "}");
    }
}
