"""Reports: one position of the slider as one HTML file that opens anywhere, offline, and says how to make it again."""

from core.report.commands import again, make
from core.report.content import Content, Table, assemble
from core.report.page import Chart, html

__all__ = ["Chart", "Content", "Table", "again", "assemble", "html", "make"]
