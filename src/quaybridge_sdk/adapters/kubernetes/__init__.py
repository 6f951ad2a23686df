"""The cluster ports over the official client's transport: raw JSON in and out, watch caches, and careful writes.

``client`` sends, and maps failures (``answers``); ``watch`` keeps one resource's list and watch going; ``stores`` and ``caches``
hold the little that is needed of what comes in (``objects``); ``writer``, ``imports``, ``leases``, ``events`` and ``status``
write.
"""
