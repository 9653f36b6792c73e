"""Draw Altair charts from tables, and put charts and tables on one page that works offline."""
