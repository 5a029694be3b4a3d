-- Applies one event of a position. Each attribute takes the value that the event carries, so an update may carry only
-- what has changed. Numeric values that are not numbers are ignored: a malformed payload can never be corrected, and
-- must not stop the portfolio.
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
