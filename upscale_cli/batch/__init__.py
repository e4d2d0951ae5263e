"""Many pictures: find them, plan their targets, skip what is finished, and work on several at once.

Read ``sources``, then ``plan`` (with ``naming``, ``destination`` and ``journal``), then ``runner``, which
reports in ``events``.
"""
