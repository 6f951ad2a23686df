"""What the documentation's figures come from. Each module runs by itself: ``python -m benchmarks.webhook``."""
