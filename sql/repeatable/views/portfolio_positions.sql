-- One row for each position: its latest state, under the documented name. It is a copy of projections.positions, which
-- the worker refreshes when that table has changed. Whoever needs rows that are fresh within a second, at any size,
-- reads the table.
-- It is dropped and created again, because a materialized view cannot be replaced. Nothing is lost by that.
DROP MATERIALIZED VIEW IF EXISTS projections.portfolio_positions;

CREATE MATERIALIZED VIEW projections.portfolio_positions AS
SELECT position_id, symbol, quantity, average_price, current_value, last_updated
  FROM projections.positions;

-- REFRESH ... CONCURRENTLY needs a unique index.
CREATE UNIQUE INDEX idx_portfolio_positions_position_id ON projections.portfolio_positions (position_id);
CREATE INDEX idx_portfolio_positions_symbol ON projections.portfolio_positions (symbol);
