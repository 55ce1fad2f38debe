"""The report on usage for people: a page that is one file, and a workbook. Both show the tables of ``tables.py``."""
