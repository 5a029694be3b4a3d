-- One row for each position: of each attribute the latest value that an event carries, so that an update may name only
-- what has changed. What is no number counts as not carried: one malformed payload, which can never be taken back, must
-- not stop the refresh for ever. Dropped and made anew: a materialized view cannot be replaced, and loses nothing by it.
DROP MATERIALIZED VIEW IF EXISTS projections.portfolio_positions;

CREATE MATERIALIZED VIEW projections.portfolio_positions AS
SELECT
    aggregate_id AS position_id,
    ((array_agg(event_data -> 'symbol' ORDER BY event_version DESC) FILTER (WHERE event_data ? 'symbol'))[1]
        #>> '{}')::varchar AS symbol,
    ((array_agg(event_data -> 'quantity' ORDER BY event_version DESC)
        FILTER (WHERE jsonb_typeof(event_data -> 'quantity') = 'number'))[1])::numeric AS quantity,
    ((array_agg(event_data -> 'average_price' ORDER BY event_version DESC)
        FILTER (WHERE jsonb_typeof(event_data -> 'average_price') = 'number'))[1])::numeric AS average_price,
    ((array_agg(event_data -> 'current_value' ORDER BY event_version DESC)
        FILTER (WHERE jsonb_typeof(event_data -> 'current_value') = 'number'))[1])::numeric AS current_value,
    max(created_at) AS last_updated
FROM event_store.events
WHERE aggregate_type::text = 'Position'
  AND event_type::text IN ('PositionOpened', 'PositionUpdated', 'PositionClosed')
GROUP BY aggregate_id;

-- REFRESH ... CONCURRENTLY needs a unique index.
CREATE UNIQUE INDEX idx_portfolio_positions_position_id ON projections.portfolio_positions (position_id);
CREATE INDEX idx_portfolio_positions_symbol ON projections.portfolio_positions (symbol);
