"""Take it home: a checkpoint as files that work without PruneScope, each with a model card and a few lines that run it.

``FORMATS`` lists them, ``sizes`` tells what they weigh, ``write`` makes one, ``example`` gives the code that loads and runs
it, and ``model_card`` describes the network and its file.
"""

from core.exports.examples import example
from core.exports.formats import FORMATS, Format, sizes, write
from core.exports.harm import stored_harm
from core.exports.modelcard import model_card

__all__ = ["FORMATS", "Format", "example", "model_card", "sizes", "stored_harm", "write"]
