// The story of test_drivers.py with lib/pq.
package main

import (
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/lib/pq"
)

const events = `[{"event_type": "DriverTried", "event_data": {"value": "10.5", "list": [1, null]}},
                 {"event_type": "DriverTried", "event_data": {"value": "é\u2028\n", "list": [1, null]}}]`
const appendEvents = `SELECT event_version FROM event_store.append_events('Driver', $1, $2, $3)`
const page = `SELECT transaction_id::text, global_position::text
                FROM event_store.read_feed($1::text::xid8, $2::text::bigint, 1) WHERE event_id IS NOT NULL`
const goOn = `SELECT event_store.cursor_of(e) FROM event_store.read_feed_after($1, 1) e`
const goBack = `SELECT event_store.cursor_of(e)
                  FROM event_store.get_events_in_time_range_backward('-infinity', 'infinity', 1, before => $1) e`

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func main() {
	dsn, aggregate := os.Getenv("STORY_DSN"), os.Getenv("STORY_AGGREGATE")
	told := map[string]any{}
	pool, err := sql.Open("postgres", dsn)
	check(err)
	pool.SetMaxOpenConns(1)
	other, err := sql.Open("postgres", dsn)
	check(err)

	var tls bool
	check(pool.QueryRow("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()").Scan(&tls))
	told["tls"] = tls

	var version int
	check(pool.QueryRow(appendEvents, aggregate, 0, events).Scan(&version))
	told["appended"] = version
	rows, err := pool.Query("SELECT event_data FROM event_store.get_events('Driver', $1)", aggregate)
	check(err)
	read := []json.RawMessage{}
	for rows.Next() {
		var data []byte
		check(rows.Scan(&data))
		read = append(read, data)
	}
	check(rows.Err())
	told["read"] = read

	var refused *pq.Error
	if errors.As(pool.QueryRow(appendEvents, aggregate, 0, events).Scan(&version), &refused) {
		told["error"] = []any{refused.Code, refused.Detail, refused.Hint != ""}
	}
	check(pool.QueryRow(appendEvents, aggregate, nil, events).Scan(&version))
	told["without_version"] = version

	transaction, position := "0", "0"
	cursors := [][]string{}
	for i := 0; i < 2; i++ {
		check(pool.QueryRow(page, transaction, position).Scan(&transaction, &position))
		cursors = append(cursors, []string{transaction, position})
	}
	told["cursors"] = cursors

	pages := func(query string, count int) []*string {
		texts := []*string{nil}
		for i := 0; i < count; i++ {
			var cursor string
			check(pool.QueryRow(query, texts[i]).Scan(&cursor))
			texts = append(texts, &cursor)
		}
		return texts[1:]
	}
	told["feed"] = pages(goOn, 2)
	told["back"] = pages(goBack, 4)

	hear := func(channel, payload string) string {
		listener := pq.NewListener(dsn, time.Second, time.Second, nil)
		check(listener.Listen(channel))
		_, err := pool.Exec("SELECT pg_notify($1, $2)", channel, payload)
		check(err)
		select {
		case heard := <-listener.Notify:
			return heard.Extra
		case <-time.After(10 * time.Second):
			return ""
		}
	}
	told["heard"] = hear("event_store", "12,34")
	told["heard_cursor"] = hear("event_store_cursor", "a12.34."+strings.Repeat("0", 32)+".")

	var pid int
	check(pool.QueryRow("SELECT pg_backend_pid()").Scan(&pid))
	_, err = other.Exec("SELECT pg_terminate_backend($1)", pid)
	check(err)
	time.Sleep(200 * time.Millisecond)
	outcomes := []string{}
	for i := 0; i < 2; i++ {
		_, err := pool.Exec("SELECT 1")
		var lost *pq.Error
		switch {
		case err == nil:
			outcomes = append(outcomes, "fine")
		case errors.As(err, &lost):
			outcomes = append(outcomes, string(lost.Code))
		default:
			outcomes = append(outcomes, err.Error())
		}
	}
	told["after_loss"] = outcomes
	check(json.NewEncoder(os.Stdout).Encode(told))
}
