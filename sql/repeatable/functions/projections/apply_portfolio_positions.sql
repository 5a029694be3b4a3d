-- One event of a position: of each attribute the value that the event carries, so that an update may name only what has
-- changed. What is no number counts as not carried: a malformed payload, which can never be taken back, must not stop
-- the portfolio.
CREATE OR REPLACE FUNCTION projections.apply_portfolio_positions(event event_store.events) RETURNS void
LANGUAGE plpgsql
AS $$
DECLARE
    data jsonb := event.event_data;
BEGIN
    IF event.aggregate_type <> 'Position' THEN
        RETURN;
    END IF;
    INSERT INTO positions AS p (position_id, symbol, quantity, average_price, current_value, last_updated)
    VALUES (
        event.aggregate_id,
        data ->> 'symbol',
        CASE WHEN jsonb_typeof(data -> 'quantity') = 'number' THEN (data -> 'quantity')::numeric END,
        CASE WHEN jsonb_typeof(data -> 'average_price') = 'number' THEN (data -> 'average_price')::numeric END,
        CASE WHEN jsonb_typeof(data -> 'current_value') = 'number' THEN (data -> 'current_value')::numeric END,
        event.created_at)
    ON CONFLICT (position_id) DO UPDATE SET
        symbol = CASE WHEN data ? 'symbol' THEN excluded.symbol ELSE p.symbol END,
        quantity = coalesce(excluded.quantity, p.quantity),
        average_price = coalesce(excluded.average_price, p.average_price),
        current_value = coalesce(excluded.current_value, p.current_value),
        last_updated = greatest(excluded.last_updated, p.last_updated);
END
$$;
