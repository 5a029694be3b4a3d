# The story of test_drivers.py with ruby pg.
require "json"
require "pg"

dsn, aggregate = ENV.values_at("STORY_DSN", "STORY_AGGREGATE")
events = JSON.generate(["10.5", "é\u2028\n"].map { |value|
  {event_type: "DriverTried", event_data: {value: value, list: [1, nil]}}
})
append = "SELECT event_version FROM event_store.append_events('Driver', $1, $2, $3)"
page = "SELECT transaction_id::text, global_position::text
          FROM event_store.read_feed($1::text::xid8, $2::text::bigint, 1) WHERE event_id IS NOT NULL"
back = "SELECT event_store.cursor_of(e)
          FROM event_store.get_events_in_time_range_backward('-infinity', 'infinity', 1, before => $1) e"
connection = PG.connect(dsn)
other = PG.connect(dsn)
told = {}

told[:tls] = connection.exec("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()").getvalue(0, 0) == "t"
told[:appended] = connection.exec_params(append, [aggregate, 0, events]).getvalue(0, 0).to_i
read = connection.exec_params("SELECT event_data FROM event_store.get_events('Driver', $1)", [aggregate])
told[:read] = read.column_values(0).map { |text| JSON.parse(text) }
begin
  connection.exec_params(append, [aggregate, 0, events])
rescue PG::Error => e
  state, detail, hint = [PG::PG_DIAG_SQLSTATE, PG::PG_DIAG_MESSAGE_DETAIL, PG::PG_DIAG_MESSAGE_HINT].map { |field|
    e.result.error_field(field)
  }
  told[:error] = [state, detail, !hint.nil?]
end
told[:without_version] = connection.exec_params(append, [aggregate, nil, events]).getvalue(0, 0).to_i

cursors = [["0", "0"]]
2.times { cursors << connection.exec_params(page, cursors.last).values.first }
told[:cursors] = cursors.drop(1)

told[:back] = []
4.times { told[:back] << connection.exec_params(back, [told[:back].last]).getvalue(0, 0) }

connection.exec("LISTEN event_store")
other.exec("SELECT pg_notify('event_store', '12,34')")
connection.wait_for_notify(10) { |_channel, _pid, payload| told[:heard] = payload }

other.exec_params("SELECT pg_terminate_backend($1)", [connection.backend_pid])
sleep 0.2
told[:after_loss] = 2.times.map {
  begin
    connection.exec("SELECT 1")
    "fine"
  rescue PG::Error
    connection.reset
    "lost"
  end
}
puts JSON.generate(told)
