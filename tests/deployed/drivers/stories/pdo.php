<?php
// The story of test_drivers.py with PDO.
$given = json_decode(getenv("STORY_DSN"), true);
$aggregate = getenv("STORY_AGGREGATE");
$dsn = "pgsql:host={$given['host']};port={$given['port']};dbname={$given['dbname']};sslmode={$given['sslmode']}";
$connected = fn() => new PDO($dsn, $given["user"], $given["password"]);
$connection = $connected();
$other = $connected();

function rows(PDO $connection, string $sql, array $values = []): array
{
    $statement = $connection->prepare($sql);
    $statement->execute($values);
    return $statement->fetchAll(PDO::FETCH_NUM);
}

$events = json_encode(array_map(
    fn($value) => ["event_type" => "DriverTried", "event_data" => ["value" => $value, "list" => [1, null]]],
    ["10.5", "é\u{2028}\n"],
));
$append = "SELECT event_version FROM event_store.append_events('Driver', ?, ?, ?)";
$page = "SELECT transaction_id::text, global_position::text
           FROM event_store.read_feed(?::text::xid8, ?::text::bigint, 1) WHERE event_id IS NOT NULL";
$back = "SELECT event_store.cursor_of(e)
           FROM event_store.get_events_in_time_range_backward('-infinity', 'infinity', 1, before => ?) e";
$told = [];

$told["tls"] = rows($connection, "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()")[0][0];
$told["appended"] = rows($connection, $append, [$aggregate, 0, $events])[0][0];
$read = rows($connection, "SELECT event_data FROM event_store.get_events('Driver', ?)", [$aggregate]);
$told["read"] = array_map(fn($row) => json_decode($row[0]), $read);
try {
    rows($connection, $append, [$aggregate, 0, $events]);
} catch (PDOException $e) {
    // Both are in the text only.
    preg_match("/^DETAIL:  (.*)$/m", $e->errorInfo[2], $detail);
    $told["error"] = [$e->errorInfo[0], $detail[1], str_contains($e->errorInfo[2], "\nHINT:  ")];
}
$told["without_version"] = rows($connection, $append, [$aggregate, null, $events])[0][0];

$cursor = ["0", "0"];
for ($i = 0; $i < 2; $i++) {
    $told["cursors"][] = $cursor = rows($connection, $page, $cursor)[0];
}

$last = null;
for ($i = 0; $i < 4; $i++) {
    $told["back"][] = $last = rows($connection, $back, [$last])[0][0];
}

$connection->exec("LISTEN event_store");
$other->exec("SELECT pg_notify('event_store', '12,34')");
$told["heard"] = $connection->pgsqlGetNotify(PDO::FETCH_ASSOC, 10000)["payload"];

rows($other, "SELECT pg_terminate_backend(?)", [$connection->pgsqlGetPid()]);
usleep(200000);
for ($i = 0; $i < 2; $i++) {
    try {
        rows($connection, "SELECT 1");
        $told["after_loss"][] = "fine";
    } catch (PDOException) {
        $told["after_loss"][] = "lost";
        $connection = $connected();
    }
}
echo json_encode($told), "\n";
