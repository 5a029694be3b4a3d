-- One row for each position: its latest state, under the documented name. A copy of projections.positions, refreshed by the
-- worker when that has changed: what has to be fresh within the second at any size is read from the table.
-- Dropped and made anew: a materialized view cannot be replaced, and loses nothing by it.
DROP MATERIALIZED VIEW IF EXISTS projections.portfolio_positions;

CREATE MATERIALIZED VIEW projections.portfolio_positions AS
SELECT position_id, symbol, quantity, average_price, current_value, last_updated
  FROM projections.positions;

-- REFRESH ... CONCURRENTLY needs a unique index.
CREATE UNIQUE INDEX idx_portfolio_positions_position_id ON projections.portfolio_positions (position_id);
CREATE INDEX idx_portfolio_positions_symbol ON projections.portfolio_positions (symbol);
