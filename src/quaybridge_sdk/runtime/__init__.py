"""What runs: work queue, controller, leader election, metrics, health, and the webhook's server."""
