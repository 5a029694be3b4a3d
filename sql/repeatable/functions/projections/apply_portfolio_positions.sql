-- Applies one event of a position. Each attribute takes the value that the event carries, so an update may carry only
-- what has changed. Numeric values that are not numbers are ignored, and so is a symbol of more than 255 characters,
-- which no index could hold: a malformed payload can never be corrected, and must not stop the portfolio. Numbers are
-- JSON numbers, or texts if all digits must be kept, as in the journal.
CREATE OR REPLACE FUNCTION projections.apply_portfolio_positions(event event_store.events) RETURNS void
LANGUAGE plpgsql
AS $$
DECLARE
    data       constant jsonb   := event.event_data;
    new_symbol constant text    := CASE WHEN length(data ->> 'symbol') <= 255 THEN data ->> 'symbol' END;
    is_named   constant boolean := data ? 'symbol' AND (new_symbol IS NOT NULL OR data -> 'symbol' = 'null');
BEGIN
    IF event.aggregate_type <> 'Position' THEN
        RETURN;
    END IF;
    INSERT INTO positions AS p (position_id, symbol, quantity, average_price, current_value, last_updated)
    VALUES (
        event.aggregate_id,
        new_symbol,
        projections.number(data -> 'quantity'),
        projections.number(data -> 'average_price'),
        projections.number(data -> 'current_value'),
        event.created_at)
    ON CONFLICT (position_id) DO UPDATE SET
        symbol = CASE WHEN is_named THEN excluded.symbol ELSE p.symbol END,
        quantity = coalesce(excluded.quantity, p.quantity),
        average_price = coalesce(excluded.average_price, p.average_price),
        current_value = coalesce(excluded.current_value, p.current_value),
        last_updated = greatest(excluded.last_updated, p.last_updated);
END
$$;
