"""Compaction: a pruned network made smaller by leaving out every channel that its masks have killed, with the same outputs.

``operations`` says what is known of each channel (does it depend on the image, is it read), ``wiring`` how the
networks are connected, and ``compacting`` builds the smaller network.
"""

from core.pruning.compaction.compacting import channel_states, compact

__all__ = ["channel_states", "compact"]
