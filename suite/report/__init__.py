"""From tables to Altair charts, and from charts to one page that works offline."""
