"""Term sheets as data, and everything that is generated from them: pure functions that know no HTTP and no database."""
