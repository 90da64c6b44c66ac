"""One's own weights and images: screened, explained, kept, listed and deleted.

What comes in is read as if a stranger had made it. Images stay in the zip they came in, under the data root, where every part
of PruneScope finds them by their name; weights become the dense network of a study of their own.
"""

from core.own.images import add_images, look_at_images
from core.own.records import Own, listing
from core.own.removal import made_of, remove
from core.own.weights import add_weights, look_at_weights, measure, noted_normalisation

__all__ = [
    "Own",
    "add_images",
    "add_weights",
    "listing",
    "look_at_images",
    "look_at_weights",
    "made_of",
    "measure",
    "noted_normalisation",
    "remove",
]
