-- A sale that is asked for twice under one key is one sale.
-- depends: 0010.sales

-- What an operator calls a sale, so that a command that is given twice sells once.
ALTER TABLE sales ADD COLUMN key text UNIQUE;
