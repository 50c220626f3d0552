"""Pure arithmetic and tables: no database, no clock, no request."""
